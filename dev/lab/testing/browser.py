"""Debian's Chromium, driven by Playwright, to look at an Odoo server."""

import os
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from lab.errors import LabError
from lab.host.paths import LAB

_CHROMIUM = Path("/usr/bin/chromium")
_SCREENSHOTS = LAB / "screenshots"
_ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--no-first-run",
    # Chromium looks up no names except the loopback's: pages can load nothing from outside.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
# By default, Playwright waits five seconds for what it expects: too little on a busy machine. It waits only when needed.
_PATIENCE = 180_000
expect.set_options(timeout=_PATIENCE)


class Browser:
    """One window; ``page`` is Playwright's page, ``errors`` are those of the page's JavaScript.

    :param width: of the window, in pixels
    :param height: of the window, in pixels
    """

    def __init__(self, width=1366, height=900):
        self.errors = []
        self.page = None
        self._size = {"width": width, "height": height}
        self._playwright = self._chromium = self._server = None

    def start(self):
        """Open the window.

        :raises LabError: when Chromium is not installed
        """
        if not _CHROMIUM.exists():
            raise LabError(f"{_CHROMIUM} is missing: run `make setup`, or `apt-get install chromium`.")
        arguments = [*_ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(executable_path=str(_CHROMIUM), args=arguments)
        self.page = self._chromium.new_page(viewport=self._size, locale="en-US")
        self.page.set_default_timeout(_PATIENCE)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        return self

    def stop(self):
        """Close the window."""
        if self._chromium:
            self._chromium.close()
        if self._playwright:
            self._playwright.stop()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_exception):
        self.stop()

    def login(self, server, user="admin", password=None):
        """Log in to an :class:`lab.odoo.server.OdooServer` and wait for the web client.

        :param password: by default the same as the user
        """
        self._server = server
        self.page.goto(f"{server.url}/web/login")
        self.page.fill("input[name=login]", user)
        self.page.fill("input[name=password]", password or user)
        self.page.click("button[type=submit]")
        self._wait_for_client()

    def open(self, xmlid):
        """Open an action or a menu by its external identifier, "module.name", and wait until its view is there."""
        self.page.goto(f"{self._server.url}/odoo/action-{self._action(xmlid)}")
        self._wait_for_client()
        self.page.wait_for_selector(".o_action_manager > *")

    def open_record(self, model, record_id):
        """Open the form of one record and wait until it is there."""
        self.page.goto(f"{self._server.url}/odoo/{model}/{record_id}")
        self._wait_for_client()
        self.page.wait_for_selector(".o_form_view")

    def screenshot(self, name, full_page=False):
        """Save a picture as .lab/screenshots/*name*.png and return its path."""
        _SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = _SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=str(path), full_page=full_page)
        return path

    def _wait_for_client(self):
        self.page.wait_for_selector(".o_main_navbar", timeout=_PATIENCE)

    def _action(self, xmlid):
        module, name = xmlid.split(".", 1)
        found = self._server.call(
            "ir.model.data", "search_read", [["module", "=", module], ["name", "=", name]], ["model", "res_id"]
        )
        if not found:
            raise LabError(f"There is no {xmlid} in {self._server.database}.")
        if found[0]["model"] != "ir.ui.menu":
            return found[0]["res_id"]
        action = self._server.call("ir.ui.menu", "read", [found[0]["res_id"]], ["action"])[0]["action"]
        return action.split(",")[1]
