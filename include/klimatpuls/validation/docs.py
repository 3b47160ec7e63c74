"""The pages of a validation: one self-contained HTML file per source run, beside the raw result.

Great Expectations' own Data Docs load styles and scripts from six hosts and a tracking image, weigh 3.4 MB a
run, and know neither releases nor margins. So the page is rendered here from Great Expectations' result: it
opens offline, prints, fits a phone, and makes no request. The result itself lies beside it as
``result.json``.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from klimatpuls.validation.gates import ReleaseVerdict, fine_number, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jinja2 import Template

    from klimatpuls.contract.catalog import Source

TEMPLATE: Final = Path(__file__).with_name("templates") / "validation.html.j2"
VERDICT_WORDS = {
    "publish": ("publiceras", "published"),
    "publish_with_warnings": ("publiceras med varningar", "published with warnings"),
    "hold": ("väntar på svar", "on hold"),
    "quarantine": ("stoppad", "quarantined"),
}
SEVERITY_WORDS = {
    "hard": ("krav", "hard"),
    "hold": ("fråga", "hold"),
    "advisory": ("upplysning", "advisory"),
}

ORIGIN_WORDS = {
    "live": None,
    "archive": (
        "SIFFROR UR ETT ARKIV. De är inte hämtade direkt från myndigheten utan ur en mapp.",
        "FIGURES FROM AN ARCHIVE. They were not fetched from the agency but from a folder.",
    ),
    "synthetic": (
        "PÅHITTADE SIFFROR. Allt här är slumpat för att pröva systemet; inget av det är statistik.",
        "SYNTHETIC FIGURES. Everything here was generated to test the system; none of it is statistics.",
    ),
}


def write_pages(
    folder: Path,
    *,
    run_id: int,
    source: Source,
    origin: str,
    verdicts: Sequence[ReleaseVerdict],
    result: Mapping[str, Any],
) -> Path:
    """Write ``index.html`` and ``result.json`` of a validation.

    Args:
        folder: Folder of the source run; made if it is missing, its two files replaced.
        run_id: The source run.
        source: Catalogue entry of its source.
        origin: ``live``, ``archive`` or ``synthetic``; the page says so when the figures are not live.
        verdicts: What came out, by release.
        result: Great Expectations' result as plain data.

    Returns:
        The page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    raw = json.dumps(result, ensure_ascii=False, indent=1, default=str)
    (folder / "result.json").write_text(raw, encoding="utf-8")
    page = folder / "index.html"
    text = render_page(run_id=run_id, source=source, origin=origin, verdicts=verdicts, result=result)
    page.write_text(text, encoding="utf-8")
    return page


def render_page(
    *,
    run_id: int,
    source: Source,
    origin: str,
    verdicts: Sequence[ReleaseVerdict],
    result: Mapping[str, Any],
) -> str:
    """The page as text; see :func:`write_pages`."""
    return _page_template().render(
        run_id=run_id,
        source=source,
        origin=ORIGIN_WORDS[origin],
        verdicts=verdicts,
        version=(result.get("meta") or {}).get("great_expectations_version"),
        words=VERDICT_WORDS,
        severities=SEVERITY_WORDS,
        badge={"publish": "ok", "publish_with_warnings": "advisory", "hold": "hold", "quarantine": "hard"},
        expectations=[_expectation(entry) for entry in result.get("results", ())],
        value=_value,
        cell=_cell,
        headings=_headings,
    )


@cache
def _page_template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))


def _expectation(entry: Mapping[str, Any]) -> dict[str, object]:
    config = entry["expectation_config"]
    kwargs = {name: value for name, value in config["kwargs"].items() if name != "batch_id"}
    title = config.get("description") or f"{config['type']} {kwargs.get('column', '')}"
    query = str(kwargs.get("unexpected_rows_query", "")).strip()
    detail = query or json.dumps(kwargs, ensure_ascii=False, indent=1, default=str)
    return {"success": entry["success"], "title": title, "detail": detail}


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return number(value) if unit == "count" else f"{number(value)}\u00a0{unit}"


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return fine_number(value) if isinstance(value, float) else str(value)


def _headings(sample: Sequence[Mapping[str, object]]) -> list[str]:
    names = dict.fromkeys(name for finding in sample for name in finding)
    return [name for name in names if any(finding.get(name) is not None for finding in sample)]
