"""What a person sees of the charts of the dashboard, one by one."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from klimatpuls.local.superset import USER
from support.chromium import PATIENCE

if TYPE_CHECKING:
    from klimatpuls.local.superset import Superset
    from support.chromium import Page

WINDOW = (1400, 900)
NOTHING = ("No data", "No results", "Unexpected error", "Data error", "error")
"""Words of Superset's that stand where a chart has no rows or could not be drawn."""
COLOURS = 3
"""Colours a drawn chart has at least: its ground, its axes, its first series."""

_HOLDER = "document.querySelector('[data-test-chart-name=\"{name}\"]')"
_LOOK = """(() => {{
  const holder = {holder};
  if (!holder) return null;
  holder.scrollIntoView({{block: 'center'}});
  const canvas = holder.querySelector('canvas');
  const colours = new Set();
  if (canvas && canvas.width && canvas.height) {{
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    for (let at = 0; at < pixels.length; at += 4) {{
      if (pixels[at + 3] > 200) colours.add((pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2]);
    }}
  }}
  return {{
    is_loading: !!holder.querySelector('[data-test="loading-indicator"], .loading'),
    rows: holder.querySelectorAll('tbody tr').length,
    colours: colours.size,
    alerts: holder.querySelectorAll('[role="alert"], .ant-alert-error').length,
    text: holder.innerText,
  }};
}})()"""


@dataclass(frozen=True)
class Seen:
    """A chart as it stands on the page.

    Attributes:
        rows: Rows of its table, 0 where it is drawn.
        colours: Colours of its drawing, 0 where it is a table.
        trouble: What stands in the place of rows, empty where the chart is there.
    """

    rows: int
    colours: int
    trouble: str


def log_in(page: Page, superset: Superset) -> None:
    """Open the dashboard as a person does who was sent its address: the login comes first."""
    page.resize(*WINDOW)
    page.open(superset.dashboard_url)
    page.write("#username", USER)
    page.write("#password", superset.home.secrets.superset_admin)
    page.press_enter()
    page.wait_for_path("/dashboard/")
    # The redirects of the login can still be on their way and cut off what the page has begun to fetch.
    page.open(superset.dashboard_url)
    page.wait_for(
        "document.querySelectorAll('[data-test=\"chart-grid-component\"]').length", what="charts on the page"
    )


def read_chart(page: Page, name: str) -> Seen:
    """Scroll to a chart and wait until it shows something, were it trouble."""
    script = _LOOK.format(holder=_HOLDER.format(name=name))
    deadline = time.monotonic() + PATIENCE
    while True:
        found = page.evaluate(script)
        if found and not found["is_loading"]:
            trouble = _trouble(found)
            if trouble or found["rows"] or found["colours"] >= COLOURS:
                return Seen(found["rows"], found["colours"], trouble)
        if time.monotonic() > deadline:
            return Seen(0, 0, f"nothing after {PATIENCE:.0f} s: {found}")
        page.pause(0.3)


def _trouble(found: dict[str, Any]) -> str:
    words = [word for word in NOTHING if word.lower() in found["text"].lower()]
    return f"{found['text']!r}" if found["alerts"] or words else ""


def queries_asked(page: Page) -> dict[str, list[dict[str, Any]]]:
    """The queries that the page sent, by the name of the chart."""
    names = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('[data-test-chart-id]')]"
        ".map(one => [one.dataset.testChartId, one.dataset.testChartName]))"
    )
    asked = {}
    for request in page.requests.values():
        if "/api/v1/chart/data" in request["url"] and request["body"]:
            body = json.loads(request["body"])
            asked[names[str(body["form_data"]["slice_id"])]] = body["queries"]
    return asked


def strangers(page: Page, superset: Superset) -> list[str]:
    """Addresses outside this machine that the page reached; what the browser did not send is none."""
    own = superset.dashboard_url.split("/superset/")[0] + "/"
    return [
        request["url"]
        for request in page.requests.values()
        if not request["url"].startswith((own, "data:", "blob:", "about:")) and request["blocked"] != "csp"
    ]
