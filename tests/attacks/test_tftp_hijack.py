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


def turn_away(device, answer):
    """RFC 1350 4: what comes from another port than the transfer's is answered so, and disturbs nobody."""
    device.send(tftp_wire.error(5, "Unknown transfer ID"), to=answer.source)


def pause(device, peer, block, meanwhile=lambda: None, copies=4):
    """The device writes its flash, and acknowledges its block only when so many copies have come. Returns its data."""
    while copies:
        packet = device.receive()
        assert packet.source != peer or packet.opcode != tftp_wire.ERROR, packet.text
        if (packet.source, packet.opcode, packet.number) == (peer, tftp_wire.DATA, block):
            copies -= 1
            content = packet.data
            meanwhile()
        elif packet.source != peer and packet.opcode != tftp_wire.ERROR:
            turn_away(device, packet)
    return content


def rest_of_image(device, peer, block):
    """What follows the block, which it acknowledges first; turns away what others have asked for in its name."""
    rest = b""
    while True:
        device.send(tftp_wire.ack(block), peer)
        while (packet := device.receive()).source != peer or packet.number != block + 1:
            assert packet.source != peer or packet.opcode != tftp_wire.ERROR, packet.text
            if packet.source != peer and packet.opcode != tftp_wire.ERROR:
                turn_away(device, packet)
        assert packet.opcode == tftp_wire.DATA, packet.text
        block, rest = block + 1, rest + packet.data
        if len(packet.data) < 512:
            device.send(tftp_wire.ack(block), peer)
            device.peer = peer
            return rest


@pytest.mark.parametrize("opcode", [RRQ, WRQ], ids=["read", "write"])
def test_a_device_that_turns_away_what_was_asked_in_its_name_keeps_its_download(start, images, opcode):
    server = start(tftp={"uploads": True})
    with Client(server.tftp) as device:
        content, peer = device.ask(IMAGE).data, device.peer
        device.send(tftp_wire.ack(1), peer)
        content += device.expect_next_data(2)
        device.send(tftp_wire.ack(2), peer)
        device.send(request("/uploads/forged" if opcode == WRQ else "/big", opcode=opcode), server.tftp)
        content += pause(device, peer, 3)
        assert content + rest_of_image(device, peer, 3) == images["ap1g8"]


FORGED = {"the same": request(IMAGE), "another": request("/big"), "a write": request("/uploads/forged", opcode=WRQ)}


@pytest.mark.parametrize("forged", FORGED)
@pytest.mark.parametrize("mode", MODES)
def test_a_request_from_the_port_of_a_download_that_pauses_does_not_end_it(start, images, mode, forged):
    server = start(tftp={**MODES[mode], **({} if mode == "single_port" else {"uploads": True})})
    with Client(server.tftp) as device:
        content, peer = device.ask(IMAGE).data, device.peer
        device.send(tftp_wire.ack(1), peer)
        content += device.expect_next_data(2)
        device.send(tftp_wire.ack(2), peer)
        content += pause(device, peer, 3, lambda: device.send(FORGED[forged], server.tftp))
        assert content + rest_of_image(device, peer, 3) == images["ap1g8"]


@pytest.mark.parametrize("name", [IMAGE, "/big"], ids=["the same", "another"])
def test_a_request_in_the_name_of_a_device_does_not_end_what_it_has_just_asked_for(start, images, name):
    """Before its first ACK."""
    server = start()
    with Client(server.tftp) as device:
        content, peer = device.ask(IMAGE).data, device.peer
        for _ in range(5):
            device.send(request(name), server.tftp)
        assert content + rest_of_image(device, peer, 1) == images["ap1g8"]


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
