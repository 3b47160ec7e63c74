"""Records, verdicts and wording of gates: no database."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klimatpuls.validation.gates import (
    Gate,
    Measure,
    ReleaseVerdict,
    Rule,
    evaluate,
    explain,
    finding_text,
    fine_number,
    number,
    place_of,
    steady,
    verdict_of,
)
from klimatpuls.validation.suites import rule_named

SECTOR_SUM = Rule(
    name="sector_sum",
    severity="hard",
    worst="max",
    limit="sector_sum_t",
    unit="t",
    title_sv="Största avvikelse",
    title_en="Largest gap",
)
MISSING = replace(SECTOR_SUM, name="complete_areas", worst="count", unit="count", limit=0.0)
COLLAPSE = replace(SECTOR_SUM, name="sector_collapse", severity="advisory", worst="min", unit="%", limit=5.0)
MOVED = replace(
    SECTOR_SUM,
    name="hold_moved",
    severity="hold",
    unit="%",
    limit=30.0,
    nothing_sv="ingen tidigare utgåva",
    nothing_en="no earlier release",
)
KUMLA = {
    "sheet_row": 16522,
    "region_code": "1881",
    "region_name": "Kumla",
    "sector_code": "waste",
    "sector_name_sv": "Avfall",
    "sector_name_en": "Waste",
    "year": 2005,
    "found": 16.98,
    "expected": 44_439.0,
}
GRAVITY = ("publish", "publish_with_warnings", "hold", "quarantine")


def gate_of(severity: str, *, passed: bool) -> Gate:
    rule = replace(SECTOR_SUM, severity=severity)  # type: ignore[arg-type]
    return evaluate(rule, Measure(largest=1.0, smallest=0.0, finding_count=0 if passed else 1), 0.5)


def verdict_with(*gates: Gate) -> ReleaseVerdict:
    return ReleaseVerdict(
        run_id=7,
        release_id="smhi_emissions-co2-2024-04-18-0123abcd",
        dataset="smhi_emissions",
        substance="co2",
        published_date=date(2024, 4, 18),
        snapshot_sha256="f" * 64,
        compared_with=None,
        gates=gates,
        docs_path="var/run-7",
    )


def test_what_was_measured_is_held_against_its_limit() -> None:
    gate = evaluate(SECTOR_SUM, Measure(largest=0.030, smallest=0.0), 0.5)

    assert (gate.passed, gate.measured, gate.limit) == (True, 0.030, 0.5)
    assert gate.margin == pytest.approx(0.470)
    assert gate.message_sv == "Största avvikelse: 0,03 ton (gräns 0,5 ton)."
    assert gate.message_en == "Largest gap: 0.03 tonnes (limit 0.5 tonnes)."


def test_a_limit_measured_on_one_substance_holds_no_release_of_another() -> None:
    rule = rule_named("new_year_nation")
    assert rule.severity == "hold"
    odd = Measure(largest=72.5, finding_count=2)
    for substance, verdict in (("ghg", "hold"), ("co2", "hold"), ("hfc", "publish_with_warnings")):
        gate = evaluate(rule.for_substance(substance), odd, 20.0)
        assert verdict_of([gate]) == verdict
        assert ("approve" in gate.message_en) == (verdict == "hold")


def test_the_smallest_value_stands_for_a_rule_with_a_floor() -> None:
    gate = evaluate(COLLAPSE, Measure(largest=900.0, smallest=0.95, finding_count=1, findings=[KUMLA]), 5.0)

    assert gate.measured == 0.95
    assert gate.margin == pytest.approx(-4.05)
    assert not gate.passed
    assert gate.message_sv == (
        "Största avvikelse: 0,95 procent (gräns 5 procent); 1 fynd: Kumla (Avfall: 2005)."
    )


def test_a_counted_rule_measures_its_findings() -> None:
    gate = evaluate(MISSING, Measure(finding_count=2, findings=[{"region_name": "Tierp"}]), 0.0)

    assert gate.measured == 2.0
    assert gate.message_en == "Largest gap: 2: Tierp …."


def test_nothing_to_compare_passes_and_says_so() -> None:
    gate = evaluate(MOVED, Measure(), 30.0)

    assert (gate.passed, gate.measured, gate.margin) == (True, None, None)
    assert gate.message_sv == "Största avvikelse: ingen tidigare utgåva."


def test_a_comparison_names_the_release_it_was_made_with() -> None:
    gate = evaluate(MOVED, Measure(largest=10.5, smallest=10.5), 30.0, compared_with="r-2025")

    assert gate.message_en == "Largest gap: 10.5 percent (limit 30 percent), compared with release r-2025."


def test_years_of_one_place_are_gathered() -> None:
    findings = [{**KUMLA, "year": year} for year in (2018, 2005)]

    gate = evaluate(SECTOR_SUM, Measure(largest=9.0, finding_count=2, findings=findings), 0.5)

    assert gate.message_sv.endswith("2 fynd: Kumla (Avfall: 2005, 2018).")
    assert gate.message_en.endswith("2 findings: Kumla (Waste: 2005, 2018).")


def test_ten_findings_are_kept_and_all_are_counted() -> None:
    findings = [{**KUMLA, "sheet_row": row} for row in range(12)]

    gate = evaluate(SECTOR_SUM, Measure(largest=9.0, finding_count=40, findings=findings), 0.5)

    assert (gate.finding_count, len(gate.sample)) == (40, 10)


@pytest.mark.parametrize(
    ("severity", "passed", "verdict"),
    [
        ("hard", False, "quarantine"),
        ("hold", False, "hold"),
        ("advisory", False, "publish_with_warnings"),
        ("hard", True, "publish"),
    ],
)
def test_the_verdict_follows_from_the_gravest_failure(severity: str, passed: bool, verdict: str) -> None:
    assert verdict_of([gate_of("advisory", passed=True), gate_of(severity, passed=passed)]) == verdict


def test_a_release_nobody_looked_at_has_no_verdict() -> None:
    with pytest.raises(ValueError, match="without a single gate"):
        verdict_of([])


severities = st.sampled_from(["hard", "hold", "advisory"])
some_gates = st.lists(st.builds(lambda s, p: gate_of(s, passed=p), severities, st.booleans()), min_size=1)


@given(gates=some_gates, severity=severities)
def test_one_more_failure_never_makes_a_verdict_milder(gates: list[Gate], severity: str) -> None:
    worse = verdict_of([*gates, gate_of(severity, passed=False)])

    assert GRAVITY.index(worse) >= GRAVITY.index(verdict_of(gates))
    assert worse != "publish"


@pytest.mark.parametrize(
    ("value", "swedish", "english"),
    [
        (0.0299999, "0,03", "0.03"),
        (1234.5, "1\u00a0234,5", "1\u00a0234.5"),
        (-50.0, "−50", "−50"),
        (-0.0001, "0", "0"),
        (100.0, "100", "100"),
        (float("inf"), "inte ett tal", "not a number"),
    ],
)
def test_numbers_for_readers(value: float, swedish: str, english: str) -> None:
    assert (number(value, ","), number(value)) == (swedish, english)


@pytest.mark.parametrize(
    ("finding", "place"),
    [
        (KUMLA, "Kumla (Waste, 2005)"),
        ({"region_code": "9999"}, "9999"),
        ({"sector_name_en": "Waste"}, "Waste"),
        ({"column_name": "2024", "raw_value": "saknas"}, "2024 saknas"),
        ({"column_name": "sheet_row", "raw_value": ""}, "sheet_row"),
        ({"reason": "row 1"}, ""),
    ],
)
def test_a_finding_says_where_it_is(finding: dict[str, object], place: str) -> None:
    assert place_of(finding, "en") == place


def test_a_finding_in_one_line() -> None:
    place = "Kumla (Avfall, 2005) / Kumla (Waste, 2005)"
    assert finding_text(KUMLA) == (f"rad/row 16522: {place}, funnet/found 16.98, väntat/expected 44\u00a0439")
    assert finding_text({"sheet_row": None, "reason": "row 1: <html>"}) == "row 1: <html>"
    refused = {"sheet_row": 9, "column_name": "2024", "raw_value": "x", "reason": "no number"}
    assert finding_text(refused) == "rad/row 9: 2024 x, no number"


@pytest.mark.parametrize(
    ("severity", "words"),
    [
        ("hard", ["quarantine", "FAIL", "Tell the publisher", "klimatpuls ingest FILE"]),
        ("hold", ["hold", "HOLD", "klimatpuls release approve smhi_emissions-co2-2024-04-18-0123abcd"]),
        ("advisory", ["publish_with_warnings", "warn", "published by itself"]),
    ],
)
def test_the_explanation_names_finding_margin_and_next_step(severity: str, words: list[str]) -> None:
    rule = replace(SECTOR_SUM, severity=severity)  # type: ignore[arg-type]
    failed = evaluate(rule, Measure(largest=0.75, finding_count=11, findings=[KUMLA]), 0.5)

    text = explain(verdict_with(evaluate(MOVED, Measure(), 30.0), failed))

    for word in [
        *words,
        "measured 0.75 t, limit 0.5 t, margin −0.25 t",
        "11 findings, the first 1",
        "row 16522",
    ]:
        assert word in text
    assert "no earlier release" in text
    assert text.endswith("Validation pages: var/run-7")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234.5, "1\u00a0234.5"),
        (0.0005, "0.001"),
        (0.000372296, "0.000372"),
        (-0.0000123, "−0.0000123"),
        (1e-12, "0"),
        (float("nan"), "not a number"),
    ],
)
def test_a_figure_of_a_finding_keeps_three_digits_however_small(value: float, text: str) -> None:
    assert fine_number(value) == text


def test_a_measured_value_is_free_of_the_noise_of_summing() -> None:
    assert steady(1.45 + 1e-9) == steady(1.45 - 1e-9) == 1.45
    assert steady(3e-9) == 0.0
    assert math.isnan(steady(math.nan))
    assert steady(math.inf) == math.inf
