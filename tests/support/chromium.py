"""A headless Chromium driven by Playwright: what a person would see and do on a page."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Page as Tab
    from playwright.sync_api import Request, Response

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 120.0
"""Seconds to wait for anything on a page; two busy cores are that slow."""
OPTIONS = (
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
)


def find() -> str | None:
    """Return the browser named by CHROMIUM, else one on the path, else None."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One tab.

    Attributes:
        requests: Every request of the page so far: ``url``, ``body``, and ``blocked`` (the reason why the
            browser did not send it).
    """

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self.requests: dict[Request, dict[str, Any]] = {}
        tab.set_default_timeout(PATIENCE * 1000)
        tab.on("request", self._note)
        tab.on("requestfailed", lambda request: self.requests[request].update(blocked=request.failure))

    def _note(self, request: Request) -> None:
        self.requests[request] = {"url": request.url, "body": request.post_data, "blocked": None}

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression on the page."""
        return self._tab.evaluate(expression)

    def wait_for(self, expression: str, is_right: Callable[[Any], bool] = bool, what: str = "") -> Any:
        """Wait until an expression has the right value, and return it."""
        deadline = time.monotonic() + PATIENCE
        while not is_right(value := self.evaluate(expression)):
            assert time.monotonic() < deadline, (
                f"{what or expression}: {value!r} after {PATIENCE:.0f} s; {self._tab.url} shows "
                f"{self._tab.inner_text('body')[:500]!r}; failed requests: {self._failed_requests()}"
            )
            self._tab.wait_for_timeout(200)
        return value

    def _failed_requests(self) -> list[str]:
        return [f"{one['blocked']}: {one['url']}" for one in self.requests.values() if one["blocked"]]

    def open(self, url: str) -> Response | None:
        """Go to an address and wait until the page has loaded."""
        return self._tab.goto(url)

    def write(self, selector: str, text: str) -> None:
        """Type into a field."""
        self._tab.fill(selector, text)

    def press_enter(self) -> None:
        """Press the key Enter."""
        self._tab.keyboard.press("Enter")

    def wait_for_path(self, part: str) -> None:
        """Wait until the path of the page's address has this part and the page has loaded."""
        self._tab.wait_for_url(lambda url: part in urlsplit(url).path)

    def pause(self, seconds: float) -> None:
        """Let the page work on; its events are noted meanwhile."""
        self._tab.wait_for_timeout(seconds * 1000)

    def resize(self, width: int, height: int) -> None:
        """Give the window a size in pixels."""
        self._tab.set_viewport_size({"width": width, "height": height})

    def photograph(self, file: Path) -> None:
        """Save what the window shows as PNG."""
        self._tab.screenshot(path=file)


@contextmanager
def open_page(program: str) -> Iterator[Page]:
    """Yield a page in a browser of its own, which ends with the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*OPTIONS], chromium_sandbox=False)
        try:
            yield Page(browser.new_page())
        finally:
            browser.close()
