"""Who knows a device's address and port, and sends in its name, neither ends its transfer nor writes for it."""
import pytest

import apdepot
import tftp_wire
from judges import IMAGE
from tftp_wire import RRQ, WRQ, Client, data, request

MODES = {"own port": {}, "single_port": {"single_port": True}}


@pytest.mark.parametrize("opcode", [RRQ, WRQ], ids=["read", "write"])
@pytest.mark.parametrize("mode", MODES)
def test_a_request_from_the_port_of_a_running_download_does_not_end_it(start, images, mode, opcode):
    """The device goes on block by block, and passes over what it did not ask for."""
    server = start(tftp={**MODES[mode], **({} if mode == "single_port" else {"uploads": True})})
    with Client(server.tftp) as device:
        content, block = device.ask(IMAGE).data, 1
        peer = device.peer
        while True:
            if block % 20 == 3:
                device.send(request("/uploads/forged" if opcode == WRQ else "/big", opcode=opcode), server.tftp)
            device.send(tftp_wire.ack(block), peer)
            packet = device.receive()
            while packet.source != peer or (packet.opcode, packet.number) != (tftp_wire.DATA, block + 1):
                assert packet.source != peer or packet.opcode != tftp_wire.ERROR, packet.text
                packet = device.receive()
            content, block = content + packet.data, block + 1
            if len(packet.data) < 512:
                break
        device.send(tftp_wire.ack(block), peer)
        device.peer = peer

    assert content == images["ap1g8"]
    assert not [line for line in server.whole_log("in.tftpd") if "aborted" in line and IMAGE in line]


def test_a_forged_address_does_not_upload_through_the_single_port(start, depot):
    """The forger sees no answer: he sends the request and the only block one after the other."""
    settings = {"single_port": True, "uploads": True, "allow": ["127.0.0.9"]}
    file = apdepot.write_config(depot.parent / "check.yaml", {"tftp": settings})
    checked = apdepot.run("config", "check", "--config", file)
    if checked.returncode:
        assert "single_port" in checked.stderr + checked.stdout
        return
    server = start(tftp=settings)
    with Client(server.tftp, "127.0.0.9") as forger:
        for name in ("/uploads/forged", "/uploads/forged too"):
            for packet in (request(name, opcode=WRQ), data(1, b"forged"), data(1, b"forged")):
                forger.send(packet, server.tftp)
    server.stop()
    assert not list((depot / "images").rglob("*forged*"))
