#!/usr/bin/python3
"""Makes Cisco's bundle of 17.9.4a with the names, kinds and sizes of the real one; the same bytes every time.

    make_bundle.py [--scale small|full] OUT_DIR

`full` has the sizes that a controller saw (744,506,834 bytes unpacked), `small` what a quick test wants.
"""
import argparse
import pathlib
import random
import tarfile
import zipfile

BUNDLE = "C9800-AP-universalk9.17.09.04a.zip"
CHUNK = 64 << 10
TAR_END = 1024  # a tar ends with two zero blocks

AP_IMAGES = {  # name: (small, full); tar archives, so multiples of 10240 and therefore of TFTP's 512
    "ap1g4": (20_480, 42_024_960),
    "ap1g5": (30_720, 39_895_040),
    "ap1g6": (40_960, 70_307_840),
    "ap1g6a": (51_200, 84_623_360),
    "ap1g7": (61_440, 76_728_320),
    "ap1g8": (102_400, 70_512_640),
    "ap3g3": (81_920, 59_156_480),
}
CONTROLLER = "C9800-AP-iosxe-wlc.bin"
CONTROLLER_SIZE = (300_123, 301_257_756)
MODELS = {
    "ap1g4": "1810 1830 1850",
    "ap1g5": "1540 1800 1815",
    "ap1g6": "9117",
    "ap1g6a": "9124 9130",
    "ap1g7": "9115 9120",
    "ap1g8": "9105",
    "ap3g3": "1560 2800 3800 4800 IW6300",
}


def noise(seed, size):
    """`size` bytes in chunks: random and repetitive by turns, so that they pack to about a half, as images do."""
    rng = random.Random(f"apdepot {seed}")
    filler = b"".join(b"%06d %s\n" % (n, seed.encode()) for n in range(CHUNK // 16))
    while size > 0:
        chunk = (rng.randbytes(CHUNK // 2) + filler)[: min(CHUNK, size)]
        size -= len(chunk)
        yield chunk


def ap_image(name, size):
    """A tar of exactly `size` bytes, in chunks, with an access point image's parts."""
    info = f"version_suffix: k9w8-.17.9.4.27\nimage_family: {name}\ninfo_end:\n".encode()
    headers = 5 * tarfile.BLOCKSIZE
    texts = 2 * tarfile.BLOCKSIZE
    payload = size - TAR_END - headers - texts
    flash = payload // 4 // tarfile.BLOCKSIZE * tarfile.BLOCKSIZE
    ramfs = payload // 2 // tarfile.BLOCKSIZE * tarfile.BLOCKSIZE
    parts = [
        ("info", len(info), [info]),
        ("part.bin", flash - 100, noise(f"{name} part.bin", flash - 100)),
        ("ramfs_data_cisco.squashfs", ramfs, noise(f"{name} ramfs", ramfs)),
        ("iox.tar.gz", payload - flash - ramfs, noise(f"{name} iox", payload - flash - ramfs)),
        ("info.ver", len(info), [info]),
    ]
    for part, length, content in parts:
        header = tarfile.TarInfo(part)
        header.size, header.mtime = length, 1_697_799_840
        yield header.tobuf(tarfile.USTAR_FORMAT)
        yield from content
        yield bytes(-length % tarfile.BLOCKSIZE)
    yield bytes(TAR_END)


def controller_image(size):
    magic = b".IOSXE2.0"
    yield magic
    yield from noise(CONTROLLER, size - len(magic))


def readme():
    lines = ["Cisco Catalyst access point images, release 17.9.4a", "", "Image   Access points"]
    lines += [f"{image:<7} {models}" for image, models in MODELS.items()]
    text = "\n".join(lines + ["", "Unpack all files into one directory of the TFTP or SFTP server."])
    return (text.ljust(414) + "\n").encode()


def members(scale):
    """Name and chunks of each of the 11 members, in the order of the archive."""
    at = ("small", "full").index(scale)
    for name, sizes in AP_IMAGES.items():
        yield name, ap_image(name, sizes[at])
    yield CONTROLLER, controller_image(CONTROLLER_SIZE[at])
    yield "controller_version.info", [b"17.09.04a.0.6"]
    yield "readme.txt", [readme()]
    yield "version.info", [b"17.9.4.27\n"]


def make_bundle(directory, scale="small"):
    """Writes the bundle into `directory` and returns its path."""
    path = pathlib.Path(directory, BUNDLE)
    with zipfile.ZipFile(path, "w") as archive:
        for name, chunks in members(scale):
            info = zipfile.ZipInfo(name, date_time=(2023, 10, 20, 11, 4, 0))
            info.compress_type, info._compresslevel = zipfile.ZIP_DEFLATED, 1
            info.create_system, info.external_attr = 3, 0o100644 << 16
            with archive.open(info, "w") as member:
                for chunk in chunks:
                    member.write(chunk)
    return path


def main():
    parser = argparse.ArgumentParser(description="Makes a bundle of access point images for tests.")
    parser.add_argument("--scale", choices=["small", "full"], default="small")
    parser.add_argument("directory", type=pathlib.Path, metavar="OUT_DIR")
    arguments = parser.parse_args()
    arguments.directory.mkdir(parents=True, exist_ok=True)
    print(make_bundle(arguments.directory, arguments.scale))


if __name__ == "__main__":
    main()
