"""A browser that a test drives: Debian's chromium, and axe where npm has put it."""
import contextlib
import json
import os
import pathlib
import re
import urllib.request

from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from apdepot import ROOT, wait_until

AXE = pathlib.Path(os.environ.get("AXE", ROOT / "build/page/node_modules/axe-core/axe.min.js"))
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PHONE, DESK = (390, 844), (1440, 1000)
SWITCHES = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
            "--no-first-run", "--disable-component-update", "--lang=en")
GONE = (NoSuchElementException, StaleElementReferenceException)


class Browser:
    """One browser, logged in as one user or as nobody. Ends with the `with`."""

    def __init__(self, url, downloads):
        self.url = url
        options = webdriver.ChromeOptions()
        for switch in (*SWITCHES, f"--window-size={DESK[0]},{DESK[1]}"):
            options.add_argument(switch)
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.driver.get(url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()

    # ---- looking

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector):
        """Of the elements that are shown now."""
        with contextlib.suppress(StaleElementReferenceException):
            return [each.text for each in self.all(selector) if each.is_displayed()]
        return []

    def see(self, selector, text=""):
        """The first element of these that is shown and has the text, now or as soon as it is there."""
        def found():
            with contextlib.suppress(*GONE):
                return next((each for each in self.all(selector) if each.is_displayed() and text in each.text), None)
        return wait_until(found)

    def miss(self, selector, text=""):
        """Waits until no such element is shown."""
        wait_until(lambda: not any(text in each for each in self.texts(selector)))

    def row(self, text, *more):
        """The first row of a table that has all of the texts."""
        def found():
            with contextlib.suppress(*GONE):
                return next((each for each in self.all("main tbody tr")
                             if all(part in each.text for part in (text, *more))), None)
        return wait_until(found)

    def script(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)

    def is_wide(self):
        """Whether the page scrolls sideways."""
        return self.script("return document.documentElement.scrollWidth > document.documentElement.clientWidth")

    def faults(self):
        """What axe finds on the screen as it is."""
        found = self.driver.execute_cdp_cmd("Runtime.evaluate", {
            "awaitPromise": True, "returnByValue": True,
            "expression": AXE.read_text() + f";axe.run(document, {{runOnly: {json.dumps(RULES)}}}).then((found) => "
            "found.violations.map((each) => [each.id, each.nodes[0].html, each.nodes[0].failureSummary]))"})
        return found["result"]["value"]

    def complaints(self):
        """What the browser's console has of errors, but for answers with a status that the page shows."""
        return [each["message"] for each in self.driver.get_log("browser")
                if each["level"] == "SEVERE" and not re.search(r"status of (4\d\d|503)|net::ERR_", each["message"])]

    # ---- doing

    def click(self, text, selector="button"):
        """Presses the button of that name. A row may be drawn again in between."""
        def pressed():
            with contextlib.suppress(*GONE):
                for each in self.all(selector):
                    if each.is_displayed() and each.is_enabled() and each.text == text:
                        self.script("arguments[0].click()", each)
                        return True
            return False
        wait_until(pressed)

    def write(self, selector, text):
        field = self.see(selector)
        field.clear()
        field.send_keys(text)

    def press(self, *keys):
        self.driver.switch_to.active_element.send_keys(*keys)

    def accept(self):
        """The question whether it is meant."""
        def accepted():
            with contextlib.suppress(Exception):
                self.driver.switch_to.alert.accept()
                return True
            return False
        wait_until(accepted)

    def go(self, screen):
        self.script("location.hash = '#' + arguments[0]", screen)
        name = screen.split("/")[0].split("?")[0]
        wait_until(lambda: self.script("return document.querySelector('nav [aria-current]')?.hash") == f"#{name}")

    def log_in(self, name, password):
        self.write("input[name=name]", name)
        self.write("input[name=password]", password + Keys.ENTER)
        self.see("#who", name)

    def show_as(self, size=DESK, dark=False):
        width, height = size
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})

    def choose_file(self, *paths):
        self.driver.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys("\n".join(map(str, paths)))


def page_of(server):
    """The page's address, from the line that says that the server is ready."""
    return re.search(r"\bpage (https?://[^,\s]+)", server.ready_line).group(1) + "/"


def header_of(url, name):
    with urllib.request.urlopen(url) as reply:
        return reply.headers[name]
