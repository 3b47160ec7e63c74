"""A headless Chromium driven over its own protocol (CDP): what a person would see and do on a page."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from websockets.sync.client import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from websockets.sync.client import ClientConnection

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 120.0
"""Seconds to wait for anything on a page; two cores that others use too are that slow."""


def find() -> str | None:
    """The browser named by CHROMIUM, else one on the path, else none."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One tab.

    Attributes:
        asked: Every request of the page so far: ``url``, ``method``, ``body``, ``status`` and ``blocked``
            (the reason why the browser did not send it), by its id.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self.asked: dict[str, dict[str, Any]] = {}
        for domain in ("Page", "Network", "Runtime"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Give an order and return its answer; what happens meanwhile is noted."""
        self._number += 1
        number = self._number
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=PATIENCE))
            if message.get("id") == number:
                assert "error" not in message, (method, message["error"])
                return message["result"]
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        method, what = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            request = what["request"]
            self.asked[what["requestId"]] = {
                "url": request["url"],
                "method": request["method"],
                "body": request.get("postData"),
                "status": None,
                "blocked": None,
            }
        elif method == "Network.responseReceived" and what["requestId"] in self.asked:
            self.asked[what["requestId"]]["status"] = what["response"]["status"]
        elif method == "Network.loadingFailed" and what["requestId"] in self.asked:
            self.asked[what["requestId"]]["blocked"] = what.get("blockedReason") or what.get("errorText")

    def body_of(self, request_id: str) -> Any:
        """The answer to a request, read as JSON."""
        return json.loads(self.send("Network.getResponseBody", requestId=request_id)["body"])

    def evaluate(self, expression: str) -> Any:
        """The value of an expression on the page."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, expression: str, is_right: Callable[[Any], bool] = bool, what: str = "") -> Any:
        """Wait until an expression has the right value, and return it."""
        deadline = time.monotonic() + PATIENCE
        while not is_right(value := self.evaluate(expression)):
            assert time.monotonic() < deadline, f"{what or expression}: {value!r} after {PATIENCE:.0f} s"
            time.sleep(0.2)
        return value

    def open(self, url: str) -> None:
        """Go to an address and wait until the page has loaded."""
        self.send("Page.navigate", url=url)
        self.wait_for("document.readyState", lambda state: state == "complete", url)

    def write(self, selector: str, text: str) -> None:
        """Put the cursor into a field and type."""
        self.wait_for(f"!!document.querySelector({selector!r})", what=selector)
        self.evaluate(f"document.querySelector({selector!r}).focus()")
        self.send("Input.insertText", text=text)
        self.wait_for(f"document.querySelector({selector!r}).value", lambda value: value == text, selector)

    def press_enter(self) -> None:
        """Press the key Enter."""
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key="Enter", windowsVirtualKeyCode=13, text="\r")

    def resize(self, width: int, height: int) -> None:
        """Give the window a size in pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def photograph(self, file: Path) -> None:
        """Keep what the window shows as PNG."""
        file.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def open_page(program: str, folder: Path) -> Iterator[Page]:
    """A page in a browser of its own, which is ended with everything it started.

    Args:
        program: The browser.
        folder: Where it keeps its state.
    """
    words = [
        program,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--hide-scrollbars",
        "--remote-debugging-port=0",
        f"--user-data-dir={folder}",
        "about:blank",
    ]
    with (folder.parent / "chromium.log").open("wb") as log:
        browser = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0)
    try:
        with connect(_address(folder, browser), max_size=None, open_timeout=PATIENCE) as socket:
            yield Page(socket)
    finally:
        os.killpg(browser.pid, signal.SIGTERM)
        try:
            browser.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(browser.pid, signal.SIGKILL)
            browser.wait()


def _address(folder: Path, browser: subprocess.Popen[bytes]) -> str:
    """Where the first tab listens, once the browser has written its port down."""
    written = folder / "DevToolsActivePort"
    deadline = time.monotonic() + PATIENCE
    while not (written.exists() and written.read_text().strip()):
        assert browser.poll() is None, (folder.parent / "chromium.log").read_text(errors="replace")
        assert time.monotonic() < deadline, "the browser did not start"
        time.sleep(0.1)
    port = int(written.read_text().split()[0])
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/json/list", timeout=PATIENCE) as answer:
        tabs = json.load(answer)
    return next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
