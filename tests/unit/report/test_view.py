from __future__ import annotations

import re

import pytest

from klimatpuls.membership import members
from klimatpuls.paths import SQL_ROOT
from klimatpuls.report.view import (
    MEMBERS_AT_THE_TIME,
    MEMBERS_SHOW,
    MEMBERS_TODAY,
    NATION,
    QUERIES,
    SHOWS,
    build_digest,
)
from klimatpuls.statistics import results


def test_members_are_told_apart_from_member_regions_and_keep_their_order(digest):
    assert [member.region_name for member in digest.municipalities][:3] == [
        "Borlänge",
        "Göteborg",
        "Helsingborg",
    ]
    assert [member.region_name for member in digest.municipalities][-1] == "Örebro"
    assert [member.region_name for member in digest.regions] == ["Skåne län"]


def test_change_since_the_year_before_is_reckoned_from_the_sums(digest):
    assert digest.change_since_previous_pct(MEMBERS_TODAY) == pytest.approx(100 * (7.93 - 7.25) / 7.25)
    assert digest.change_since_previous_pct(MEMBERS_AT_THE_TIME) is None


def test_a_change_of_composition_is_no_change_of_emissions(rows):
    for row in rows["network_summary"]:
        if row["panel"] == "members_today" and row["year"] == 2023:
            row["region_count"] = 17
    digest = build_digest(rows)
    assert digest.change_since_previous_pct(MEMBERS_TODAY) is None
    assert digest.change_since_previous_pct(NATION) is not None


def test_air_pollutants_are_no_matter_of_the_digest(rows, digest):
    nox = {"dataset": "smhi_air_pollutants", "substance": "nox", "release_id": "nox-2026"}
    for name in ("releases", "findings", "data_status"):
        rows[name].append({**rows[name][-1], **nox})
    (publication,) = rows["publication"]
    release = publication["causes"][0]
    override = {"kind": "override", "dataset": nox["dataset"], "release_id": "nox-2026", "reason": None}
    publication["causes"] += [{**release, **nox}, override]
    assert build_digest(rows) == digest


def test_years_without_population_are_known(digest):
    assert digest.years_without_population == (1990, 2000, 2005, 2010, 2015, 2020, 2021, 2022)


@pytest.mark.parametrize(
    ("years", "possible"),
    [
        ([1990, 2015, 2016, 2017, 2018, 2019], False),  # the 2021 release: five years that span four
        ([2015, 2016, 2017, 2018, 2020], True),
        ([2015, 2020, 2021], False),  # three points
        ([1990, 2000], False),
    ],
)
def test_a_trend_needs_four_years_that_span_five(rows, years, possible):
    rows["releases"][1]["years"] = years
    assert build_digest(rows).trend_is_possible is possible


def test_nothing_published_is_no_digest(rows):
    rows["publication"] = []
    assert build_digest(rows) is None


def test_a_publication_without_greenhouse_gases_is_no_digest(rows):
    rows["releases"] = [row for row in rows["releases"] if row["substance"] != "ghg"]
    assert build_digest(rows) is None


def test_rows_of_two_publications_are_refused(rows):
    rows["members"][0]["publication_id"] = 6
    with pytest.raises(ValueError, match=r"report/members\.sql: rows of publication \[6\], expected 7"):
        build_digest(rows)


def test_an_unknown_cause_is_refused(rows):
    rows["publication"][0]["causes"] = [{"kind": "weather"}]
    with pytest.raises(ValueError, match="unknown kind: 'weather'"):
        build_digest(rows)


def test_a_finding_names_each_area_once(rows):
    rows["findings"][0]["sample"] *= 2
    assert build_digest(rows).findings[0].areas == ("Kumla", "Östersund")


@pytest.mark.parametrize("name", QUERIES)
def test_every_result_table_that_a_query_reads_is_known_to_be_shown_by_it(name):
    """What could not be calculated is mailed by no query."""
    text = (SQL_ROOT / "report" / f"{name}.sql").read_text(encoding="utf-8")
    marts = set(re.findall(r"\bmart\.(\w+)", text))
    marts |= {"criterion"} if "criteria_summary" in marts else set()
    tables = marts & {*results.STEPS.tables, *members.STEPS.tables}
    assert tables == SHOWS.get(name, frozenset({MEMBERS_SHOW}) if name == "members" else frozenset())


def test_how_far_totals_usually_move_is_left_out_where_it_was_not_calculated(rows):
    head = {"publication_id": rows["publication"][0]["publication_id"]}
    usual = {"years_since_first": 1, "pairs_n": 3, "median_moved_pct": 1.2, "p90_moved_pct": 6.0}
    rows["revision_record"] = [{**head, **usual}]
    assert len(build_digest(rows).record) == 1
    rows["result_status"] = [{**head, "table_name": "revision_record"}]
    assert build_digest(rows).record == ()
