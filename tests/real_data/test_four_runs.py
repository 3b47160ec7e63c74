"""Four yearly refreshes on the real figures, under Airflow's own scheduler, in one home."""

from __future__ import annotations

import csv
import datetime as dt
import email
import email.policy
import hashlib
import io
import itertools
import json
import math
import re
import zipfile
from typing import TYPE_CHECKING

import openpyxl
import pytest
from support.commands import Commands

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.real_data, pytest.mark.real_run, pytest.mark.timeout(900)]

DAYS = ("2021-10-20", "2024-05-20", "2025-07-01", "2026-05-08")
ROW_DIGESTS = """
    SELECT release_id, count(*) AS n, md5(string_agg(
        concat_ws(';', region_code, sector_code, year, emissions_tco2e), '|'
        ORDER BY region_code, sector_code, year)) AS digest
    FROM mart.emission_by_release GROUP BY release_id
"""
# Published totals, t. Source: Nationella emissionsdatabasen (SMHI/Naturvårdsverket), the editions named.
TOTALS = {
    ("ghg", "2021-10-14"): {
        ("0360", 1990): 209_502,
        ("0360", 2019): 154_228,
        ("00", 1990): 71_273_705,
        ("00", 2019): 51_020_351,
    },
    ("co2", "2024-04-18"): {
        ("0360", 1990): 155_373,
        ("0360", 2022): 84_910,
        ("00", 1990): 57_880_524,
        ("00", 2022): 36_028_463,
    },
    ("ghg", "2025-06-18"): {
        ("0360", 1990): 210_185,
        ("0360", 2023): 131_260,
        ("00", 1990): 71_377_636,
        ("00", 2023): 44_110_326,
    },
    ("ghg", "2026-05-07"): {
        ("0360", 1990): 217_923,
        ("0360", 2024): 146_060,
        ("00", 1990): 71_000_515,
        ("00", 2024): 47_649_264,
    },
}


@pytest.fixture(scope="module")
def history(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """The four runs, and what the warehouse said after each."""
    klimatpuls = Commands(tmp_path_factory.mktemp("four") / "home")
    results = {}
    for day in DAYS:
        done = klimatpuls("run", ARCHIVE=str(real_data), AS_OF=day)
        assert done.code == 0, done.out + done.err
        results[day] = {
            "out": done.out,
            "digests": {row["release_id"]: (row["n"], row["digest"]) for row in klimatpuls.rows(ROW_DIGESTS)},
            "status": klimatpuls.rows("SELECT DISTINCT status, status_reason FROM mart.target_progress"),
            "per_capita": klimatpuls.rows(
                "SELECT DISTINCT year, emissions_t_per_capita IS NULL AS missing, status_reason "
                "FROM mart.network_summary WHERE panel = 'nation'"
            ),
            "mails": len(klimatpuls.mails()),
        }
    results["klimatpuls"] = klimatpuls  # type: ignore[assignment]
    return results


@pytest.fixture(scope="module")
def klimatpuls(history: dict) -> Commands:
    """The home after the fourth run."""
    return history["klimatpuls"]


def test_four_releases_of_smhi_are_published_and_none_was_held(klimatpuls: Commands) -> None:
    found = klimatpuls.rows(
        "SELECT substance, published_date, state, row_count FROM mart.release "
        "WHERE dataset = 'smhi_emissions' ORDER BY published_date"
    )
    assert [(r["substance"], r["published_date"], r["row_count"]) for r in found] == [
        ("ghg", "2021-10-14", "255528"),
        ("co2", "2024-04-18", "232128"),
        ("ghg", "2025-06-18", "40560"),
        ("ghg", "2026-05-07", "31200"),
    ]
    assert {r["state"] for r in found} == {"published"}
    assert "held" not in klimatpuls.good("releases")


def test_no_release_is_altered_by_a_later_one(history: dict) -> None:
    for before, after in itertools.pairwise(DAYS):
        earlier = history[before]["digests"]
        assert earlier
        assert {key: history[after]["digests"][key] for key in earlier} == earlier


@pytest.mark.parametrize("edition", TOTALS)
def test_totals_equal_the_published_ones_to_the_tonne(klimatpuls: Commands, edition: tuple[str, str]) -> None:
    substance, published = edition
    found = klimatpuls.rows(
        "SELECT e.region_code, e.year, e.emissions_tco2e FROM mart.emission_by_release AS e "
        "INNER JOIN mart.release AS r ON e.release_id = r.release_id "
        f"WHERE r.substance = '{substance}' AND r.published_date = '{published}' "
        "AND e.sector_code = 'all' AND e.region_code IN ('00', '0360')"
    )
    values = {(r["region_code"], int(r["year"])): round(float(r["emissions_tco2e"])) for r in found}
    assert {key: values[key] for key in TOTALS[edition]} == TOTALS[edition]


def test_until_the_third_run_every_target_has_insufficient_data_and_says_why(history: dict) -> None:
    for day in DAYS[:2]:
        assert {row["status"] for row in history[day]["status"]} == {"insufficient_data"}
        assert all(row["status_reason"] for row in history[day]["status"])
    assert len({row["status"] for row in history[DAYS[2]]["status"]}) > 1


def test_per_capita_before_2023_is_null_with_its_reason(history: dict) -> None:
    rows = [row for day in DAYS for row in history[day]["per_capita"] if int(row["year"]) < 2023]
    assert rows
    assert {(row["missing"], row["status_reason"]) for row in rows} == {("t", "no_population")}
    newest = {int(r["year"]): r["missing"] for r in history[DAYS[3]]["per_capita"]}
    assert (newest[2023], newest[2024]) == ("f", "f")


def test_three_digests_are_mailed_and_none_for_the_co2_release(history: dict, klimatpuls: Commands) -> None:
    assert [history[day]["mails"] for day in DAYS] == [1, 1, 2, 3]
    texts = [_text(path) for path in klimatpuls.mails()]
    assert "Läget mot mål: för lite data. Utgåvan har 5 år från 2015 (2015–2019)" in texts[0]
    assert "insufficient data. The release has 5 years from 2015 (2015–2019), which span 4" in texts[0]
    assert "Utsläpp per invånare saknas: folkmängden är inte känd för något av åren." in texts[0]
    assert "Utsläpp per invånare före 2023 saknas: folkmängden är inte känd" in texts[1]
    assert "utgivaren visar inte längre 2016–2019" in texts[2]


def _text(path: Path) -> str:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = message.get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


def test_the_same_sheet_with_other_document_properties_is_no_new_release(
    klimatpuls: Commands, real_data: Path, tmp_path: Path
) -> None:
    original = real_data / "smhi" / "GGT_edition_2026a.xlsx"
    other = tmp_path / "opened and saved.xlsx"
    with zipfile.ZipFile(original) as source, zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as target:
        for item in source.infolist():
            content = source.read(item)
            if item.filename.startswith("docProps/"):
                content = re.sub(rb"</(\w+:?\w*)>\s*$", rb"<!-- opened by hand --></\1>", content)
            target.writestr(item.filename, content)
    assert other.read_bytes() != original.read_bytes()
    before = klimatpuls.value("SELECT count(*) FROM mart.release")
    out = klimatpuls.good("ingest", str(other))
    assert "same content" in out
    assert "none, nothing new" in out
    assert klimatpuls.value("SELECT count(*) FROM mart.release") == before


def test_every_gate_shows_its_value_and_the_wrong_waste_of_co2_2024_is_reported(klimatpuls: Commands) -> None:
    gates = klimatpuls.rows(
        "SELECT r.substance, r.published_date, g.rule, g.passed, g.measured, g.limit_value, g.message_en "
        "FROM mart.release_gate AS g INNER JOIN mart.release AS r ON g.release_id = r.release_id "
        "WHERE r.dataset = 'smhi_emissions'"
    )
    for gate in gates:
        print(*gate.values())  # noqa: T201 - the issue of the gates is that they are shown
    by_rule = {(g["substance"], g["published_date"], g["rule"]): g for g in gates}
    assert max(float(g["measured"]) for g in gates if g["rule"] == "sector_sum") <= 0.031
    assert max(float(g["measured"]) for g in gates if g["rule"] == "county_sum") <= 1.46
    unallocated = [float(g["measured"]) for g in gates if g["rule"] == "unallocated_high"]
    assert max(unallocated) == pytest.approx(0.77, abs=0.01)
    moved = [float(g["measured"]) for g in gates if g["rule"] == "hold_moved" and g["measured"]]
    assert sorted(moved) == pytest.approx([10.5, 18.8], abs=0.06)
    waste = by_rule["co2", "2024-04-18", "unallocated_sector"]
    assert (waste["passed"], float(waste["measured"])) == ("f", pytest.approx(54.25, abs=0.01))
    assert "Waste" in waste["message_en"]


def test_carbon_law_equals_what_klimatkollen_published(klimatpuls: Commands, real_data: Path) -> None:
    rows = klimatpuls.rows(
        "SELECT r.region_name, c.* FROM mart.carbon_law AS c "
        "INNER JOIN mart.region AS r ON c.region_code = r.region_code WHERE r.level = 'municipality'"
    )
    ours = {row["region_name"]: row for row in rows}
    columns = {
        "emissionsSlope": "emissions_slope_t_per_year",
        "historicalEmissionChangePercent": "annual_change_v1_pct",
        "totalTrend": "trend_total_tco2e",
        "totalCarbonLaw": "carbon_law_total_tco2e",
        "approximated_2026": "estimated_reference_year_tco2e",
        "trend_2027": "projected_next_year_tco2e",
        "trend_2030": "projected_2030_tco2e",
        "trend_2045": "projected_2045_tco2e",
        "trend_2050": "projected_2050_tco2e",
    }
    with (real_data / "klimatkollen" / "results_edition_2026a.csv").open(encoding="utf-8") as file:
        published = list(csv.DictReader(file))
    assert len(published) == 157
    for row in published:
        own = ours[row["name"]]
        assert own["net_zero_date"] == row["hitNetZero"], row["name"]
        for theirs, mine in columns.items():
            assert (own[mine] == "") == (row[theirs] == ""), (row["name"], mine)
            if row[theirs]:
                value = float(row[theirs])
                close = max(0.0006, 1e-5 * abs(value))
                assert math.isclose(float(own[mine]), value, rel_tol=0, abs_tol=close), (row["name"], mine)
    assert len(ours) == 290
    assert sum(row["meets_carbon_law"] == "t" for row in rows) == 20


def test_diff_shows_the_vanished_years_and_the_revision_of_tierp(klimatpuls: Commands) -> None:
    out = klimatpuls.good("diff", "2025-06-18", "2026-05-07", "--region", "0360")
    assert "vanished: 2016, 2017, 2018, 2019" in out
    assert "appeared: 2024" in out
    assert re.search(r"Tierp.*1990.*210 185.*217 923", out)


def test_trace_leads_from_a_number_to_the_cell_of_a_stopped_stack(
    klimatpuls: Commands, real_data: Path
) -> None:
    out = klimatpuls.good("trace", "Tierp", "--sector", "all", "--year", "2024")
    body = (real_data / "smhi" / "GGT_edition_2026a.xlsx").read_bytes()
    assert hashlib.sha256(body).hexdigest() in out
    (place,) = re.findall(r"cell ([A-Z]+\d+), sheet", out)
    book = openpyxl.load_workbook(io.BytesIO(body), read_only=True)
    value = book.worksheets[0][place].value
    assert f"{value:,.4f}".rstrip("0").rstrip(".").replace(",", " ") in out
    traced = json.loads(
        klimatpuls.good("trace", "0360", "--boundary", "territorial", "--year", "2016", "--json")
    )
    assert len(traced["files"]) == 2, "a linked year has two releases"
    done = klimatpuls("trace", "0360", "--sector", "all", "--year", "2003")
    assert done.code == 1
    assert "there are 1990" in done.err
    assert "target_progress" in klimatpuls.good("trace", "0360")


def test_a_run_with_nothing_new_mails_nothing(klimatpuls: Commands, real_data: Path) -> None:
    before = klimatpuls.mails()
    out = klimatpuls.good("run", ARCHIVE=str(real_data), AS_OF=DAYS[3])
    assert "none, nothing new" in out
    assert klimatpuls.mails() == before


def test_no_fact_is_dated_after_the_day_of_the_run(klimatpuls: Commands) -> None:
    newest = klimatpuls.value("SELECT max(published_date) FROM mart.release")
    assert dt.date.fromisoformat(newest) <= dt.date.fromisoformat(DAYS[3])
