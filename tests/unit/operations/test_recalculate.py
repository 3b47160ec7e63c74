"""Numbers calculated again: from the inputs that the lineage declares, and from nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from klimatpuls.contract import schema
from klimatpuls.contract.lineage import CALCULATED, lineages, parse_input
from klimatpuls.operations.recalculate import RULES, Inputs, NotDeclaredError

if TYPE_CHECKING:
    from collections.abc import Mapping

NUMBERS = {"smallint", "integer", "bigint", "double precision"}
EXPLAINED_OTHERWISE = {"boundary_series", "release_gate"}
"""Added up cell by cell by the trace itself; measured when the release was validated."""


def inputs(row: Mapping[str, Any], frames: Mapping[str, pd.DataFrame]) -> Inputs:
    def read(name: str) -> pd.DataFrame:
        if name not in frames:
            raise NotDeclaredError(name)
        return frames[name]

    return Inputs(row=row, read=read, releases=["old", "new"], donors=["old", "new"])


def own(mart: str, **values: float | None) -> dict[str, pd.DataFrame]:
    return {f"{mart}.{name}": pd.DataFrame([{name: value}]) for name, value in values.items()}


def test_every_calculated_number_has_a_rule_and_every_rule_a_number() -> None:
    wanted = {
        (entry.mart, entry.column)
        for entry in lineages()
        if entry.kind == CALCULATED
        and entry.mart not in EXPLAINED_OTHERWISE
        and schema.mart(entry.mart).column(entry.column).type in NUMBERS
    }
    missing = sorted(wanted - RULES.keys())
    assert not missing, f"add a rule to operations/recalculate.py, or the trace cannot check: {missing}"
    assert RULES.keys() - {(entry.mart, entry.column) for entry in lineages()} == set()


def test_every_input_of_a_calculated_number_is_one_that_can_be_read() -> None:
    for entry in lineages():
        if (entry.mart, entry.column) in RULES:
            assert entry.inputs, entry
            assert all(parse_input(text).mart for text in entry.inputs)


def test_a_rule_that_reads_more_than_is_declared_fails() -> None:
    rule = RULES["revision", "difference_pct"]
    with pytest.raises(NotDeclaredError):
        rule(inputs({}, own("revision", new_emissions_tco2e=110.0)), "difference_pct")


def test_a_revision_of_a_territorial_total_leaves_international_transport_out() -> None:
    cells = pd.DataFrame(
        {"sector_code": ["all", "international_transport"], "emissions_tco2e": [440.0, 104.25]}
    )
    rule = RULES["revision", "new_emissions_tco2e"]
    assert rule(inputs({}, {"emission_by_release.emissions_tco2e": cells}), "new_emissions_tco2e") == 335.75


def test_the_revision_of_one_year_compares_with_the_release_before() -> None:
    frames = {
        "boundary_series.emissions_tco2e": pd.DataFrame({"emissions_tco2e": [99.0]}),
        "emission_by_release.emissions_tco2e": pd.DataFrame(
            {"sector_code": ["all", "international_transport"], "emissions_tco2e": [120.0, 20.0]}
        ),
    }
    column = "revision_of_previous_year_pct"
    assert RULES["region_overview", column](inputs({}, frames), column) == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("panel", "emissions", "count"),
    [
        ("nation", 1000.0, 3),
        ("members_today", 140.0, 2),
        ("members_without_largest", 40.0, 1),
        ("rest_of_sweden", 860.0, 1),
    ],
)
def test_a_panel_of_the_network_is_made_of_its_municipalities(
    panel: str, emissions: float, count: int
) -> None:
    """Rest of Sweden is the nation less the members, with the unallocated part in it."""
    years = pd.DataFrame(
        {"region_code": ["00", "0360", "0380", "0580"], "emissions_tco2e": [1000.0, 100.0, 40.0, 850.0]}
    )
    frames = {
        "boundary_series.emissions_tco2e": years,
        "member": pd.DataFrame(
            {
                "region_code": ["0360", "0380", "0580", "03"],
                "confirmed": [True, True, False, True],
                "joined_on": None,
                "left_on": None,
            }
        ),
        "region_overview.territorial_tco2e": pd.DataFrame(
            {"region_code": ["0360", "0380"], "territorial_tco2e": [100.0, 40.0]}
        ),
        "publication": pd.DataFrame({"as_of_date": [pd.Timestamp(2026, 5, 8)]}),
    }
    found = inputs({"panel": panel, "year": 2024}, frames)
    for column, wanted in (("emissions_tco2e", emissions), ("region_count", count)):
        assert RULES["network_summary", column](found, column) == wanted


def test_the_first_step_of_a_standing_has_no_part_and_the_others_the_rest_of_the_one_before() -> None:
    steps = pd.DataFrame({"step_order": [0, 1, 2], "gap_tco2e": [10.0, 7.0, 9.5]})
    rule = RULES["standing_change", "gap_part_tco2e"]
    frames = {"standing_change.gap_tco2e": steps}
    parts = [rule(inputs({"step_order": at}, frames), "gap_part_tco2e") for at in range(3)]
    assert parts == [0.0, -3.0, 2.5]
    assert sum(parts) == pytest.approx(9.5 - 10.0)
