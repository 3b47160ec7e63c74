"""The pages of a validation: one self-contained HTML file per source run, beside the raw result.

Great Expectations' own Data Docs load styles and scripts from six hosts and a tracking image, weigh 3.4 MB a
run, and know neither releases nor margins. So the page is rendered here from Great Expectations' result: it
opens offline, prints, fits a phone, and calls nobody. The result itself lies beside it as ``result.json``.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from klimatpuls.validation.gates import ReleaseVerdict, fine_number, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from jinja2 import Template

    from klimatpuls.contract.catalog import Source

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

_TEMPLATE = """<!doctype html>
<html lang="sv">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Validering / Validation – {{ source.title_sv }}, run {{ run_id }}</title>
<style>
:root { color-scheme: light dark; --line: #8884; --ok: #2e7d32; --warn: #b26a00; --bad: #c62828; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.badge { display: inline-block; color: #fff; border-radius: .3rem; padding: .05rem .5rem; }
.ok { background: var(--ok); } .advisory { background: var(--warn); }
.hold, .hard { background: var(--bad); }
.origin { border: 3px solid var(--bad); padding: .5rem 1rem; font-weight: bold; }
.en, small { opacity: .75; } pre { overflow-x: auto; font-size: .8rem; }
</style>
</head>
<body>
{% if origin %}
<p class="origin">{{ origin[0] }}<br><span class="en">{{ origin[1] }}</span></p>
{% endif %}
<h1>Validering <span class="en">/ Validation</span></h1>
<p>{{ source.title_sv }} <span class="en">/ {{ source.title_en }}</span> · {{ source.publisher }} ·
run {{ run_id }}{% if version %} · Great Expectations {{ version }}{% endif %}</p>
{% macro mark(passed, severity) -%}
<span class="badge {{ "ok" if passed else severity }}">{{ "ok" if passed else "fynd / found" }}</span>
{%- endmacro %}
{% for item in verdicts %}
<section>
<h2>{{ item.release_id }}
<span class="badge {{ badge[item.verdict] }}">{{ words[item.verdict] | join(" / ") }}</span></h2>
<p>{% if item.compared_with %}Jämförd med <span class="en">/ compared with</span> {{ item.compared_with }}
{%- else %}Ingen tidigare utgåva att jämföra med <span class="en">/ no earlier release to compare with</span>
{%- endif %}.</p>
<div class="wide"><table>
<thead><tr><th>Regel / Rule</th><th>Resultat / Result</th>
<th class="n">Mätt / Measured</th><th class="n">Gräns / Limit</th><th class="n">Marginal / Margin</th>
<th class="n">Fynd / Findings</th></tr></thead>
<tbody>
{% for gate in item.gates | sort(attribute="passed") %}
<tr><td><b>{{ gate.rule }}</b><br>{{ gate.message_sv }}<br><span class="en">{{ gate.message_en }}</span></td>
<td>{{ mark(gate.passed, gate.severity) }}<br>
<small>{{ severities[gate.severity] | join(" / ") }}</small></td>
<td class="n">{{ value(gate.measured, gate.unit) }}</td><td class="n">{{ value(gate.limit, gate.unit) }}</td>
<td class="n">{{ value(gate.margin, gate.unit) }}</td><td class="n">{{ gate.finding_count }}</td></tr>
{% endfor %}
</tbody></table></div>
{% for gate in item.failed if gate.sample %}
<h3>{{ gate.rule }}: {{ gate.sample | length }} av {{ gate.finding_count }} fynd
<span class="en">/ {{ gate.sample | length }} of {{ gate.finding_count }} findings</span></h3>
<div class="wide"><table>
<thead><tr>{% for name in headings(gate.sample) %}<th>{{ name }}</th>{% endfor %}</tr></thead>
<tbody>{% for finding in gate.sample %}
<tr>{% for name in headings(gate.sample) %}<td>{{ cell(finding.get(name)) }}</td>{% endfor %}</tr>{% endfor %}
</tbody></table></div>
{% endfor %}
</section>
{% endfor %}
<section>
<h2>Vad som kontrollerades <span class="en">/ What was checked</span></h2>
{% for entry in expectations %}
<details><summary>{{ mark(entry.success, "hard") }} {{ entry.title }}</summary>
<pre>{{ entry.detail }}</pre></details>
{% endfor %}
</section>
<p><small>{{ source.publisher }} · licens / licence: {{ source.licence }}</small></p>
</body>
</html>
"""


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
    return environment.from_string(_TEMPLATE)


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
