"""The gates of a release as records, the verdict that follows from them, and how they are worded.

A *rule* is a condition on every release; a *gate* is its result for one release, with the measured value
whether it passed or not, because the margin matters too. Pure: no database, no clock, and
nothing but the standard library.

Source of rules, limits and severities: docs/methods.md, gates per release.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

Severity = Literal["hard", "hold", "advisory"]
Verdict = Literal["publish", "publish_with_warnings", "hold", "quarantine"]
Worst = Literal["max", "min", "count"]
Compares = Literal["nothing", "release", "years"]
Finding = Mapping[str, object]

SAMPLE_SIZE = 10
"""How many findings are kept and shown per gate; ``finding_count`` says how many there are."""

_NAMED_IN_MESSAGE = 5
_UNITS_SV = {
    "persons": "personer",
    "vehicles": "fordon",
    "rows": "rader",
    "%": "procent",
    "ppm": "miljondelar",
    "t": "ton",
}
_UNITS_EN = {
    "persons": "persons",
    "vehicles": "vehicles",
    "rows": "rows",
    "%": "percent",
    "ppm": "parts per million",
    "t": "tonnes",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A condition on every release, and how its result is worded.

    Attributes:
        name: Stable name.
        query: Name of its query in ``include/sql/checks``; empty where that is the rule's own name.
        parts: Placeholder of the query → SQL that stands there for this rule, where rules share a query.
        severity: What a failure leads to: ``hard`` quarantine, ``hold`` a person's answer, ``advisory`` a
            warning.
        worst: Which measured value of a release stands for it: the largest, the smallest, or the number of
            findings (then the limit is zero).
        limit: The limit: a number, or the name of the tolerance of the catalogue that holds it.
        unit: Unit of measured value and limit; ``count`` for a number of findings.
        title_sv: What is measured, Swedish.
        title_en: The same, English.
        nothing_sv: Why there may be nothing to measure, Swedish.
        nothing_en: The same, English.
        compares: What the figures are compared with that depends on which release stands before this one:
            ``release`` the release before itself, ``years`` the years of this one that it does not have. Such
            gates are measured again when another release takes that place.
        advice_sv: What a person does about a finding, Swedish; empty where the verdict's own text says it.
        advice_en: The same, English.
        measured_on: Substances on whose real releases the limit was measured; empty where it holds for all.
    """

    name: str
    title_sv: str
    title_en: str
    severity: Severity = "hard"
    worst: Worst = "count"
    limit: float | str = 0.0
    unit: str = "count"
    query: str = ""
    parts: Mapping[str, str] = field(default_factory=dict, hash=False)
    nothing_sv: str = "inget att jämföra"
    nothing_en: str = "nothing to compare"
    compares: Compares = "nothing"
    advice_sv: str = ""
    advice_en: str = ""
    measured_on: frozenset[str] = frozenset()

    def for_substance(self, substance: str | None) -> Rule:
        """The rule as it applies to a substance.

        A limit that was measured on other substances is no reason to hold a release: a finding warns then.
        """
        if not self.measured_on or substance in self.measured_on:
            return self
        return replace(self, severity="advisory", advice_sv="", advice_en="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What the database measured for one rule and one release.

    Attributes:
        largest: Largest measured value in the rule's unit, or None where nothing was compared.
        smallest: Smallest of the same.
        finding_count: Rows that break the rule.
        findings: The first of them, in the order of the sheet, at most ``SAMPLE_SIZE``.
    """

    largest: float | None = None
    smallest: float | None = None
    finding_count: int = 0
    findings: Sequence[Finding] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The result of a rule for one release.

    Attributes:
        rule: Name of the rule.
        severity: Severity of the rule.
        passed: Whether nothing was found.
        measured: The value that stands for the release, or None where nothing was compared.
        limit: The limit, in ``unit``.
        unit: ``t``, ``%``, ``ppm``, ``persons``, ``vehicles``, ``rows`` or ``count``.
        margin: How far the measured value is inside the limit, in ``unit``; negative is outside.
        finding_count: Rows that break the rule.
        message_sv: One sentence for a reader, Swedish.
        message_en: The same, English.
        sample: The first findings, each a flat mapping with ``sheet_row``.
    """

    rule: str
    severity: Severity
    passed: bool
    measured: float | None
    limit: float
    unit: str
    margin: float | None
    finding_count: int
    message_sv: str
    message_en: str
    sample: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseVerdict:
    """All gates of one release, and what follows from them.

    Attributes:
        run_id: The source run that loaded it.
        release_id: The release.
        dataset: Catalogue id of its dataset.
        substance: Substance, ``all`` where the dataset has none.
        published_date: The publisher's own date.
        snapshot_sha256: Hash of the raw bytes it was read from.
        compared_with: The nearest earlier release the hold gates compared with, or None.
        gates: One per rule, in the order of the rules.
        docs_path: Folder of the validation pages of its run, or None.
    """

    run_id: int
    release_id: str
    dataset: str
    substance: str
    published_date: date
    snapshot_sha256: str
    compared_with: str | None
    gates: tuple[Gate, ...] = field(default_factory=tuple)
    docs_path: str | None = None

    @property
    def verdict(self) -> Verdict:
        """See :func:`verdict_of`."""
        return verdict_of(self.gates)

    @property
    def failed(self) -> tuple[Gate, ...]:
        """The gates that found something, in the order of the rules."""
        return tuple(gate for gate in self.gates if not gate.passed)


def verdict_of(gates: Sequence[Gate]) -> Verdict:
    """What becomes of a release: the gravest failed gate decides.

    Args:
        gates: All gates of the release.

    Returns:
        ``quarantine`` on any hard failure, else ``hold`` on any hold failure, else
        ``publish_with_warnings`` on any advisory failure, else ``publish``.

    Raises:
        ValueError: if there is no gate at all: a release that was not checked must not be published.
    """
    if not gates:
        msg = "a release without a single gate has no verdict"
        raise ValueError(msg)
    failed = {gate.severity for gate in gates if not gate.passed}
    if "hard" in failed:
        return "quarantine"
    if "hold" in failed:
        return "hold"
    return "publish_with_warnings" if "advisory" in failed else "publish"


def evaluate(rule: Rule, measure: Measure, limit: float, *, compared_with: str | None = None) -> Gate:
    """The gate that follows from a measure.

    Args:
        rule: The rule.
        measure: What the database measured.
        limit: The rule's limit as a number, in the rule's unit.
        compared_with: Release the figures were compared with, for rules that compare releases.

    Returns:
        The gate; it passed when, and only when, nothing was found.

    Example: sector sums off by at most 0.030 t under a limit of 0.5 t → passed, margin 0.470 t.
    """
    measured = _measured(rule, measure)
    margin = None
    if measured is not None:
        margin = measured - limit if rule.worst == "min" else limit - measured
    findings = tuple(measure.findings[:SAMPLE_SIZE])
    return Gate(
        rule=rule.name,
        severity=rule.severity,
        passed=measure.finding_count == 0,
        measured=measured,
        limit=limit,
        unit=rule.unit,
        margin=margin,
        finding_count=measure.finding_count,
        message_sv=_message(rule, findings, measure.finding_count, measured, limit, compared_with, "sv"),
        message_en=_message(rule, findings, measure.finding_count, measured, limit, compared_with, "en"),
        sample=findings,
    )


def _measured(rule: Rule, measure: Measure) -> float | None:
    if rule.worst == "count":
        return float(measure.finding_count)
    found = measure.largest if rule.worst == "max" else measure.smallest
    return None if found is None else steady(found)


def steady(value: float) -> float:
    """A measured value without the noise of summing: its last digits depend on the order of the terms.

    Example: 1.4500000012 → 1.45; 0.0299999999981 → 0.03; not a number stays that.
    """
    if not math.isfinite(value):
        return value
    return round(value, 6)


def _message(
    rule: Rule,
    findings: Sequence[Finding],
    count: int,
    measured: float | None,
    limit: float,
    versus: str | None,
    language: Literal["sv", "en"],
) -> str:
    """One sentence about a gate, in one language."""
    is_sv = language == "sv"
    title, nothing = (rule.title_sv, rule.nothing_sv) if is_sv else (rule.title_en, rule.nothing_en)
    if measured is None:
        return f"{title}: {nothing}."
    advice = rule.advice_sv if is_sv else rule.advice_en
    end = f". {advice}" if count and advice else "."
    named = _named(findings, language, count)
    if rule.unit == "count":
        return f"{title}: {count or ('inga' if is_sv else 'none')}{named}{end}"
    unit = (_UNITS_SV if is_sv else _UNITS_EN)[rule.unit]
    word = "fynd" if is_sv else "findings" if count > 1 else "finding"
    compared = ", jämfört med utgåva " if is_sv else ", compared with release "
    mark, bound = (",", "gräns") if is_sv else (".", "limit")
    return (
        f"{title}: {number(measured, mark)} {unit} ({bound} {number(limit, mark)} {unit})"
        f"{compared + versus if versus else ''}{f'; {count} {word}{named}' if count else ''}{end}"
    )


def number(value: float, decimal_mark: str = ".") -> str:
    """A measured value for a reader: up to three decimals, thousands apart, a real minus sign.

    Example: 1234.5 → ``1 234.5``; 0.0299999 → ``0.03``; −50 → ``−50``.
    """
    if not math.isfinite(value):
        return "inte ett tal" if decimal_mark == "," else "not a number"
    text = f"{value:,.3f}".rstrip("0").rstrip(".").replace(",", "\u00a0").replace(".", decimal_mark)
    return text.replace("-", "−") if text not in {"-0", "0"} else "0"


def fine_number(value: float) -> str:
    """A figure of a finding: as :func:`number`, but three digits of one too small for three decimals.

    Example: 1234.5 → ``1 234.5``; 0.0000123 (tonnes of mercury) → ``0.0000123``.
    """
    if not math.isfinite(value) or not 1e-9 < abs(value) < 5e-4:
        return number(value)
    decimals = 2 - math.floor(math.log10(abs(value)))
    return f"{value:.{decimals}f}".rstrip("0").replace("-", "−")


def _named(findings: Sequence[Finding], language: Literal["sv", "en"], count: int) -> str:
    """The places found, in words: ``: Kumla (Avfall: 2005, 2018) …``; empty where findings have no place."""
    years: dict[str, list[str]] = {}
    for finding in findings:
        place = place_of({**finding, "year": None}, language)
        if place:
            years.setdefault(place, [])
            if finding.get("year") is not None:
                years[place].append(str(finding["year"]))
    if not years:
        return ""
    names = [_with_years(place, found) for place, found in years.items()][:_NAMED_IN_MESSAGE]
    more = " …" if len(years) > len(names) or count > len(findings) else ""
    return f": {', '.join(names)}{more}"


def _with_years(place: str, years: Sequence[str]) -> str:
    if not years:
        return place
    listed = ", ".join(sorted(set(years)))
    return f"{place[:-1]}: {listed})" if place.endswith(")") else f"{place} ({listed})"


def place_of(finding: Finding, language: Literal["sv", "en"]) -> str:
    """Which area, sector and year a finding is about, or what was refused; empty where it names neither."""
    area = finding.get("region_name") or finding.get("region_code")
    sector = finding.get(f"sector_name_{language}") or finding.get("sector_code")
    details = [str(part) for part in (sector, finding.get("year")) if part is not None]
    if area is not None:
        return f"{area} ({', '.join(details)})" if details else str(area)
    if details:
        return ", ".join(details)
    cell = [
        str(part) for part in (finding.get("column_name"), finding.get("raw_value")) if part not in (None, "")
    ]
    return " ".join(cell)


def explain(verdict: ReleaseVerdict, *, docs: bool = True) -> str:
    """What was found in a release, for a terminal: every gate with its margin, the findings, what to do.

    Args:
        verdict: The release and its gates.
        docs: Whether to end with the folder of the validation pages.

    Returns:
        Plain English lines without a newline at the end.
    """
    lines = [f"{verdict.release_id}: {verdict.verdict}"]
    lines += [_gate_line(gate) for gate in verdict.gates]
    for gate in verdict.failed:
        lines += ["", *_finding_lines(gate)]
    lines += ["", what_to_do(verdict)]
    if docs and verdict.docs_path:
        lines.append(f"Validation pages: {verdict.docs_path}")
    return "\n".join(lines)


def what_to_do(verdict: ReleaseVerdict) -> str:
    """What a person must do after a verdict, in one or two sentences."""
    release_id = verdict.release_id
    return {
        "publish": "Nothing to do: it is published by itself.",
        "publish_with_warnings": "Nothing to do: it is published by itself, with these warnings beside it.",
        "hold": (
            "Den väntar på svar; det som är publicerat står orört. Se fynden ovan.\n"
            "It waits for a person; what is published stays as it was. Look at the findings above, then\n"
            f"  klimatpuls release approve {release_id}   om siffrorna stämmer / if the figures are right\n"
            f"  klimatpuls release reject {release_id}    om de inte gör det / if they are not"
        ),
        "quarantine": (
            "Den är avvisad; det som är publicerat står orört och filen är bevarad. Säg till utgivaren vad\n"
            "som fanns. En rättad fil tas vid nästa hämtning, eller genast med kommandot nedan.\n"
            "It is refused; what is published stays as it was, and the raw file is kept. Tell the publisher\n"
            "what was found. A corrected file is taken at the next fetch, or at once:\n"
            "  klimatpuls ingest FILE"
        ),
    }[verdict.verdict]


def _gate_line(gate: Gate) -> str:
    mark = "ok  " if gate.passed else {"hard": "FAIL", "hold": "HOLD", "advisory": "warn"}[gate.severity]
    if gate.measured is None or gate.margin is None:
        return f"  {mark} {gate.rule:<24} {gate.message_en}"
    if gate.unit == "count":
        return f"  {mark} {gate.rule:<24} {gate.finding_count} found"
    unit = f" {gate.unit}"
    return (
        f"  {mark} {gate.rule:<24} measured {number(gate.measured)}{unit}, limit {number(gate.limit)}{unit}, "
        f"margin {number(gate.margin)}{unit}"
    )


def _finding_lines(gate: Gate) -> list[str]:
    shown = f", the first {len(gate.sample)}" if gate.finding_count > len(gate.sample) else ""
    found = f"{gate.finding_count} finding{'s' if gate.finding_count > 1 else ''}"
    words = dict.fromkeys((gate.message_sv, gate.message_en))
    lines = [f"{gate.rule} ({gate.severity}): {found}{shown}", *(f"  {text}" for text in words)]
    return lines + [f"  {finding_text(finding)}" for finding in gate.sample]


def finding_text(finding: Finding) -> str:
    """One finding in one line, in both languages: sheet row, place, found and expected value, reason."""
    parts = []
    if finding.get("sheet_row") is not None:
        parts.append(f"rad/row {finding['sheet_row']}")
    parts.append(" / ".join(dict.fromkeys(place_of(finding, language) for language in ("sv", "en"))))
    for key, name in (("found", "funnet/found"), ("expected", "väntat/expected")):
        value = finding.get(key)
        if isinstance(value, int | float):
            parts.append(f"{name} {fine_number(value)}")
        elif value is not None:
            parts.append(f"{name} {value}")
    if finding.get("reason"):
        parts.append(str(finding["reason"]))
    return ": ".join(part for part in (parts[0], ", ".join(filter(None, parts[1:]))) if part)
