"""What of the integration tests is not run on apdepot.exe under wine, and why. A key is a file, or a test in it."""
FILES = {
    "test_disks.py": "mounts and file systems of Linux",
    "test_jail.py": "symbolic links, FIFOs and sockets in the depot; docs/windows.md has its twins for NTFS",
    "test_make_bundle.py": "does not run the program",
    "test_manual.py": "the manual and the shells' completion are Linux' own",
    "test_ntfs_rules.py": "stands for NTFS on Linux, by FUSE",
    "test_out_of_memory.py": "a library in LD_PRELOAD lets allocations fail",
    "test_probe_networks.py": "network namespaces, and routes in them",
    "test_rights.py": "users, groups and modes of Linux",
    "test_service_manager.py": "systemd; tests/windows/test_service.py is about the SCM",
    "test_tasks.py": "the files of a Debian host",
    "test_tftp_slow_disk.py": "a slow disk by FUSE, which wine's own calls wait for",
}
TESTS = {}


def why_not(file, name):
    return FILES.get(file) or TESTS.get(f"{file}::{name}")
