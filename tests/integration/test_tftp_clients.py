"""The TFTP clients that people have, one feature each; test_whole_job.py runs them over everything."""
import pytest

from apdepot import RELEASE
from clients import TFTP_CLIENTS


@pytest.mark.parametrize("fetch", TFTP_CLIENTS, ids=lambda fetch: fetch.__name__)
def test_a_client_gets_an_image(fetch, client, images, tmp_path):
    fetch(client, RELEASE, ["ap1g8"], tmp_path)

    assert (tmp_path / "ap1g8").read_bytes() == images["ap1g8"]


@pytest.mark.parametrize("block_size", [8, 512, 1024, 1428, 1468, 8192, 10240, 65464])
def test_curl_gets_an_image_at_any_block_size(block_size, client, images, tmp_path):
    host, port = client.server.tftp
    client.run("curl", "-sS", "--tftp-blksize", block_size, "-o", tmp_path / "image",
               f"tftp://{host}:{port}/{RELEASE}/ap1g4")

    assert (tmp_path / "image").read_bytes() == images["ap1g4"]


@pytest.mark.parametrize("window", [1, 2, 4, 16, 63])
def test_atftp_gets_an_image_in_windows(window, client, images, tmp_path):
    host, port = client.server.tftp
    client.run("atftp", "--option", "blksize 1428", "--option", f"windowsize {window}", "--option", "tsize 0", "--get",
               "-r", f"{RELEASE}/ap1g8", "-l", tmp_path / "image", host, port)

    assert (tmp_path / "image").read_bytes() == images["ap1g8"]


def test_curl_without_options_gets_an_image(client, images, tmp_path):
    host, port = client.server.tftp
    client.run("curl", "-sS", "--tftp-no-options", "-o", tmp_path / "image", f"tftp://{host}:{port}/{RELEASE}/ap1g8")

    assert (tmp_path / "image").read_bytes() == images["ap1g8"]


def test_tftp_hpa_gets_a_text(client, tmp_path):
    text = b"".join(b"line %d\rof %s\n" % (n, b"x" * (n % 70)) for n in range(400))
    (client.server.depot / "images/text").write_bytes(text)
    host, port = client.server.tftp
    client.run("tftp", "-m", "ascii", host, port, "-c", "get", "/text", tmp_path / "text")

    assert (tmp_path / "text").read_bytes() == text


def test_a_name_without_its_leading_slash_means_the_same(client, images, tmp_path):
    host, port = client.server.tftp
    client.run("curl", "-sS", "-o", tmp_path / "image", f"tftp://{host}:{port}{RELEASE}/ap1g8")

    assert (tmp_path / "image").read_bytes() == images["ap1g8"]


def test_curl_shows_why_an_image_is_not_there(client):
    host, port = client.server.tftp
    done = client.run("curl", "-sS", f"tftp://{host}:{port}//Wrong-Path/ap1g6", check=False)

    assert done.returncode == 68  # "TFTP file not found"


def test_an_upload_is_refused(client):
    host, port = client.server.tftp
    upload = client.file("upload", "new")
    done = client.run("curl", "-sS", "-T", upload, f"tftp://{host}:{port}/{RELEASE}/new", check=False)

    assert done.returncode == 69  # "TFTP permission"
    assert not (client.server.depot / "images" / RELEASE[1:] / "new").exists()
