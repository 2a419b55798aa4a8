"""Every screen of the page, in a browser, while real devices ask for files."""
import re
import socket

import pytest

import apdepot
import sftp_wire
import tftp_wire
from apdepot import PASSWORD as SFTP_PASSWORD
from apdepot import RELEASE, USER, wait_until
from browser import DESK, PHONE, page_of
from conftest import MARIA, NOC, PASSWORD
from control import Control

IMAGE = f"{RELEASE}/ap1g8"
SCREENS = ("now", "rollout", "devices", "devices/127.0.0.1", "releases", "misses", "history", "history?show=logins",
           "history?show=acts", "log", "health")
HOSTILE = "/<img src=x onerror=\"document.title='broken in'\">"
TABLES = """
Number of APs: 2

AP Name            Slots  AP Model     Ethernet MAC    Radio MAC       Location   Country  IP Address    State
------------------------------------------------------------------------------------------------------------------
AP-FLOOR-1         2      C9105AXI-B   00aa.bb00.0001  00aa.bb00.0101  default    US       127.0.0.2     Registered
AP-FLOOR-2         2      C9120AXI-B   00aa.bb00.0002  00aa.bb00.0102  default    US       127.0.0.3     Registered
"""


def go_on(client, first, last):
    for block in range(first, last):
        client.acknowledge(block)
        client.expect_next_data(block + 1)


def wait_for_history(depot, kind, word):
    """It is written once a second, and the page reads it once."""
    control = Control(depot)
    wait_until(lambda: word in control.ask(f"/api/v1/history/{kind}")[1])


def ask_in_vain(server, name):
    with tftp_wire.Client(server.tftp) as client:
        client.request(name)
        client.receive()


def percent(page):
    return [int(found.group(1)) for found in map(re.compile(r"(\d+) %").search, page.texts("td.bar")) if found]


# ---- coming in

def test_the_first_visitor_with_the_code_becomes_the_administrator(start_server, new_depot, open_browser):
    server = start_server(new_depot)
    page = open_browser(server)
    code = apdepot.succeed("web", "code", depot=new_depot).split()[0]

    page.driver.get("about:blank")
    page.driver.get(f"{page_of(server)}#code={code}")
    page.write("input[name=name]", MARIA)
    page.write("input[name=password]", PASSWORD)
    page.write("input[name=again]", PASSWORD)
    page.click("Make me administrator")

    page.see("#who", f"{MARIA} (admin)")
    assert code not in page.driver.current_url


def test_two_different_passwords_set_nobody_up(start_server, new_depot, open_browser):
    page = open_browser(start_server(new_depot))

    for name, text in (("code", "AAAA-BBBB"), ("name", MARIA), ("password", PASSWORD), ("again", PASSWORD + "!")):
        page.write(f"input[name={name}]", text)
    page.click("Make me administrator")

    page.see("[role=alert]", "The two passwords differ.")


def test_a_wrong_password_is_refused_and_the_right_one_lets_in(server, open_browser):
    page = open_browser(server)

    page.write("input[name=name]", MARIA)
    page.write("input[name=password]", "not this one at all")
    page.click("Log in")
    page.see("[role=alert]", "password is wrong")
    page.log_in(MARIA, PASSWORD)
    page.click("Log out")

    page.see("input[name=password]")


def test_an_account_for_sftp_alone_cannot_log_in(server, open_browser):
    page = open_browser(server)

    page.write("input[name=name]", USER)
    page.write("input[name=password]", SFTP_PASSWORD)
    page.click("Log in")

    page.see("[role=alert]", "wrong")


# ---- what runs

def test_a_transfer_is_seen_to_move_and_to_end(server, page):
    with tftp_wire.begun(server.tftp, IMAGE) as client:
        page.row("ap1g8", "127.0.0.1")
        before = percent(page)
        go_on(client, 2, 120)
        wait_until(lambda: percent(page) > before)
        client.send(tftp_wire.error(0, "enough"))
        page.see("[aria-label='Ended in the last 15 minutes'] tr.bad", "broke off")

    page.see(".empty", "No transfer runs.")


def test_an_administrator_stops_a_transfer(server, page):
    with tftp_wire.begun(server.tftp, IMAGE) as client:
        page.row("ap1g8")
        page.click("Stop")
        page.accept()
        packets = iter(client.receive, None)
        assert next(packet for packet in packets if packet.opcode == tftp_wire.ERROR)

    page.see("#notices", "was stopped")


def test_a_paused_page_stands_still(server, page):
    page.press("p")
    page.see("#contact", "paused")
    with tftp_wire.begun(server.tftp, IMAGE):
        server.wait_for_log(r"RRQ from .* filename")
        assert "ap1g8" not in page.see("main").text
        page.press("p")
        page.row("ap1g8")


def test_a_server_that_went_away_is_told(start_server, depot, open_browser):
    server = start_server(depot)
    page = open_browser(server, MARIA)
    page.see("#contact", "live")
    server.stop()

    page.see("#notices", "No contact since")


def test_twelve_tabs_of_one_browser_all_load(server, page):
    for _ in range(11):
        page.driver.switch_to.new_window("tab")
        page.driver.get(page_of(server))
        page.see("#who", MARIA)

    page.see("#contact", "live")


# ---- misses

def test_the_fix_of_a_miss_can_be_copied(server, page):
    ask_in_vain(server, "/Wrong-Path/ap1g8")
    page.go("misses")
    row = page.row("WRONG_DIRECTORY", "/Wrong-Path")

    assert row.text.count("tftp-image-path") == 1
    page.script("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.press("c")
    assert wait_until(lambda: page.script("return window.copied")) == f"tftp-image-path {RELEASE}"


def test_what_a_controller_logs_is_shown_with_its_fix_and_never_as_markup(start_server, depot, open_browser):
    server = start_server(depot, {"syslog": {"listen": ["127.0.0.1:0"], "allow": ["127.0.0.0/8"]}})
    page = open_browser(server, MARIA)
    page.go("misses")
    page.see("main", "No device has logged a failed download")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as controller:
        for name in (RELEASE + "/ap1g8", HOSTILE):
            url = f"tftp://172.16.5.199{name}".replace(" ", "%20")
            controller.sendto(f"<187>9: 9120-EWC: *Feb  1 20:52:13.977: %INSTALL-3-OPERATION_ERROR_MESSAGE: Failed to download "
                              f"file {url}: Timed out".encode(), server.syslog)
    row = page.row("ap1g8, Timed out: 9120-EWC asks 172.16.5.199", "tftp-image-server 127.0.0.1")

    assert "9120-EWC" in row.text
    page.row("<img%20src=x")
    assert not page.all("main img")
    page.go("now")
    page.see("main .verdict", "9120-EWC says in its log")


def test_a_path_is_explained(server, page):
    page.go("misses")
    page.write("form input.long", "/EWC/17.9.4a/AP1G8")
    page.click("Explain")

    page.see("main [role=status]", IMAGE)


# ---- releases

def test_a_dropped_bundle_is_uploaded_and_published(start_server, empty_depot, open_browser, bundle):
    page = open_browser(start_server(empty_depot), MARIA)
    page.go("releases")
    page.see(".empty", "Nothing to serve yet")
    page.choose_file(bundle)

    page.row(bundle.name, "4 of 4: done")
    page.row(RELEASE, "verified")


def test_an_upload_that_was_cut_twice_ends_whole(start_server, empty_depot, open_browser, bundle):
    page = open_browser(start_server(empty_depot), MARIA)
    page.go("releases")
    # Small pieces, of which the network breaks the second and the third.
    page.script("""
      const whole = Blob.prototype.slice, send = XMLHttpRequest.prototype.send;
      let pieces = 0;
      Blob.prototype.slice = function (begin, end) { return whole.call(this, begin, Math.min(end, begin + 65536)); };
      XMLHttpRequest.prototype.send = function (body) {
        ++pieces;
        if (pieces === 2 || pieces === 3) setTimeout(() => this.abort(), 0);
        return send.call(this, body);
      };""")
    page.choose_file(bundle)

    page.row(bundle.name, "4 of 4: done")
    page.row(RELEASE, "verified")


def test_a_release_is_promoted_and_the_act_is_recorded(server, depot, page):
    page.go("releases")
    page.row(RELEASE)
    page.click("Promote")
    page.row(RELEASE, "current")
    wait_for_history(depot, "acts", "promote")
    page.go("history?show=acts")

    page.row(MARIA, "promote", RELEASE)


def test_the_lines_for_the_controller_are_shown(server, page):
    page.go("releases")
    page.row(RELEASE)
    page.click("Lines")

    page.see(".fix pre", f"tftp-image-path {RELEASE}")


# ---- devices

def test_a_pasted_table_changes_nothing_until_apply(server, page):
    page.go("rollout")
    page.click("Paste the controller’s table")
    page.write("dialog textarea", TABLES + "AP-FLOOR-3 is not a row\n")
    page.click("Check")
    page.see("dialog [role=status]", "2 access points understood")
    page.click("Cancel")
    page.see(".empty", "Nobody told which access points there are")

    page.click("Paste the controller’s table")
    page.write("dialog textarea", TABLES)
    page.click("Check")
    page.click("Apply")

    page.row("AP-FLOOR-1", "127.0.0.2", "never seen")
    page.row("AP-FLOOR-2")


def test_a_name_is_given_to_a_device(server, page):
    tftp_wire.fetch(server.tftp, IMAGE)
    page.go("devices")
    page.row("127.0.0.1", IMAGE)
    page.go("devices/127.0.0.1")
    page.row("ap1g8", "whole")
    page.click("Edit name, model, site")
    page.write("dialog input[name=name]", "AP-LAB-01")
    page.click("Save")

    page.see("main h2", "127.0.0.1, AP-LAB-01")


def test_logins_over_ssh_are_in_the_history(server, depot, page):
    sftp_wire.login(server, USER, SFTP_PASSWORD).close()
    wait_for_history(depot, "logins", USER)
    page.go("history?show=logins")

    page.row(USER, "accepted")


# ---- the log and health

def test_the_log_is_followed_and_filtered_by_a_click_on_a_number(server, page):
    page.go("log")
    page.see("pre.log")
    ask_in_vain(server, "/nowhere/ap1g8")
    page.see("pre.log span.m", "miss ")
    page.script("document.querySelector('pre.log span.m button').click()")

    wait_until(lambda: re.fullmatch(r"\S+\[\d+\]", page.script("return document.querySelector('main input.filter').value")))


def test_health_has_the_words_of_doctor(server, page):
    page.go("health")

    page.row("ok")
    page.see("main h2", "")


# ---- hostile texts, roles, forms

def test_hostile_names_are_shown_as_text(server, page):
    ask_in_vain(server, HOSTILE)
    ask_in_vain(server, "/dock/\u202egnp.exe")  # misses of one folder share a row
    page.go("misses")
    page.row("<img src=x onerror=")
    page.row("\\u202egnp.exe")
    page.go("log")
    page.see("pre.log", "<img src=x onerror=")

    assert page.script("return document.title") == "Log - apdepot"
    assert not page.all("main img")


def test_a_viewer_sees_no_button_that_changes_anything(server, open_browser):
    with tftp_wire.begun(server.tftp, IMAGE):
        page = open_browser(server, NOC)
        page.row("ap1g8")
        found = []
        for screen in SCREENS:
            page.go(screen)
            page.see("main .card")
            found += page.texts("main button")
        page.go("releases")
        page.row(RELEASE)
        found += page.texts("main button")

    changing = {"Stop", "Promote", "Retire", "Verify", "Choose a file", "Paste the controller’s table", "Import a list",
                "Edit name, model, site", "Check now"}
    assert not changing & set(found)


@pytest.mark.parametrize("size, dark", [(DESK, False), (DESK, True), (PHONE, False), (PHONE, True)])
def test_axe_finds_nothing_and_no_screen_scrolls_sideways(server, page, size, dark):
    page.show_as(size, dark)
    ask_in_vain(server, "/Wrong-Path/ap1g8")
    tftp_wire.fetch(server.tftp, f"{RELEASE}/ap1g4")
    with tftp_wire.begun(server.tftp, IMAGE):
        for screen in SCREENS:
            page.go(screen)
            page.see("main .card")
            assert not page.faults(), screen
            assert not page.is_wide(), screen


def test_axe_finds_nothing_where_people_log_in(server, open_browser):
    page = open_browser(server)
    for size in (DESK, PHONE):
        page.show_as(size)
        page.see("input[name=password]")

        assert not page.faults() and not page.is_wide()


def test_the_keys_lead_to_screens_and_can_be_switched_off(server, page):
    page.press("g", "m")
    page.see("nav [aria-current]", "Misses")
    page.press("?")
    page.see("dialog h2", "Keys and help")
    page.script("document.querySelector('dialog input[type=checkbox]').click()")
    page.click("Close")
    page.press("g", "n")

    assert page.see("nav [aria-current]").text.startswith("Misses")
