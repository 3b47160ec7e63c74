"""The registers as they are in the project, and as a hurried editor might leave them."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from klimatpuls import registers
from klimatpuls.paths import REGISTERS_FOLDER, SQL_ROOT
from klimatpuls.registers import members as members_register
from klimatpuls.registers import targets as targets_register
from klimatpuls.registers.checking import check_folder
from klimatpuls.statistics import targets

CERTAIN = {
    "12", "0126", "0180", "0187", "0380", "0486", "1267", "1280", "1281", "1282", "1283", "1480", "1488",
    "1780", "1880", "2062", "2081", "2482", "2580",
}  # fmt: skip
PROBABLE = {"0123", "0780", "1293", "1490", "2380"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the project's registers that a test may spoil."""
    return Path(shutil.copytree(REGISTERS_FOLDER, tmp_path / "registers"))


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_only_members_with_evidence_are_confirmed() -> None:
    frame = members_register.read_members()
    assert set(frame.loc[frame["confirmed"], "region_code"]) == CERTAIN
    assert set(frame.loc[~frame["confirmed"] & ~frame["is_applicant"], "region_code"]) == PROBABLE
    assert frame.loc[frame["is_applicant"], "region_code"].tolist() == ["0360"]
    assert tuple(frame.columns) == members_register.COLUMNS


def test_an_unknown_date_is_none_and_never_a_guess() -> None:
    frame = members_register.read_members()
    assert all(value is None for value in frame["joined_on"])
    hoor = frame.set_index("region_code").loc["1267"]
    assert "februari 2024" in hoor["note_sv"]
    assert "February 2024" in hoor["note_en"]


def test_dates_that_are_known_are_read(folder: Path) -> None:
    _replace(folder / "members.csv", "1281,Lund,,,", "1281,Lund,2003-01-01,2025-12-31,")
    frame = members_register.read_members(folder).set_index("region_code")
    assert frame.loc["1281", "joined_on"] == dt.date(2003, 1, 1)
    assert frame.loc["1281", "left_on"] == dt.date(2025, 12, 31)


def test_no_target_is_invented() -> None:
    assert registers.read_registers().own_targets == ()
    assert check_folder(REGISTERS_FOLDER).of("official_figures") == (), "nor an official figure"


def test_the_national_lines_are_those_the_riksdag_decided() -> None:
    lines = {line.target_id: line for line in registers.read_registers().national_lines}
    cuts = {name: line.percent_below_base for name, line in lines.items() if line.percent_below_base}
    assert cuts == {
        "national_2030_55": 55,
        "national_2030_63": 63,
        "national_2040_73": 73,
        "national_2040_75": 75,
        "national_transport_2030_70": 70,
        "proposed_2030_60": 60,
    }
    assert lines["national_2045_net_zero"].residual_percent == 15
    assert lines["national_2045_net_zero"].boundary == "territorial"
    assert lines["national_transport_2030_70"].base_year == 2010
    decided = [line for line in lines.values() if line.state is targets.TargetState.DECIDED]
    assert len(decided) == 6
    assert {line.decided_on for line in decided} == {dt.date(2017, 6, 15)}
    assert {line.path_start_year for line in decided} == {2015, 2010}
    assert not any(line.path_start_confirmed for line in lines.values())


def test_a_proposed_line_is_kept_and_not_in_force() -> None:
    lines = {line.target_id: line for line in registers.read_registers().national_lines}
    assert not lines["proposed_2030_60"].in_force(dt.date(2026, 11, 23))
    local = "national_2030_55"  # what a count of variants is worth is shown of this line
    for query in ("report/variant_worth", "read/member_targets"):
        assert f"target_id = '{local}'" in (SQL_ROOT / f"{query}.sql").read_text(encoding="utf-8")
    assert lines[local].in_force(dt.date(2017, 6, 15))
    assert not lines["national_2030_55"].in_force(dt.date(2017, 6, 14))


def _own(**settings: object) -> str:
    entry = {
        "target_id": "x_2030", "region_code": "0360", "title_sv": "s", "title_en": "e",
        "boundary": "territorial", "target_type": "percent_below_base", "base_year": 1990,
        "target_year": 2030, "percent_below_base": 50, "decided_on": dt.date(2020, 1, 2),
        "decided_by": "x", "document_url": "https://example.org/x", **settings,
    }  # fmt: skip
    kept = {name: value for name, value in entry.items() if value is not None}
    dates = {name: str(value) for name, value in kept.items() if isinstance(value, dt.date)}
    text = json.dumps({"targets": [{**kept, **dates}]})
    for value in dates.values():
        text = text.replace(f'"{value}"', value)
    return text


def test_an_own_target_is_read(folder: Path) -> None:
    (folder / "targets.yaml").write_text(_own(), encoding="utf-8")
    (target,) = targets_register.to_targets(check_folder(folder).of("targets"))
    assert target.is_own
    assert target.decided_on == dt.date(2020, 1, 2)
    assert target.percent_below_base == 50


def test_a_definition_leads_back_to_the_same_target(folder: Path) -> None:
    interim = [{"year": 2025, "percent_below_base": 30}, {"year": 2020, "level_tco2e": 9.0}]
    (folder / "targets.yaml").write_text(
        _own(interim=interim, valid_to=dt.date(2029, 1, 1)), encoding="utf-8"
    )
    read = registers.read_registers(folder)
    stored = [json.loads(json.dumps(targets_register.definition(target))) for target in read.targets]
    assert [targets_register.from_definition(settings) for settings in stored] == list(read.targets)
    (own,) = read.own_targets
    assert [step.year for step in own.interim] == [2020, 2025]


def test_the_hash_follows_content_and_not_layout(folder: Path) -> None:
    before = registers.register_sha256(registers.read_registers(folder))
    path = folder / "members.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\r\n".join([header, *reversed(rows)]) + "\r\n", encoding="utf-8")
    with (folder / "national_lines.yaml").open("a", encoding="utf-8") as file:
        file.write("# a remark\n")
    same = registers.read_registers(folder)
    assert registers.register_sha256(same) == before
    _replace(path, "1490,Borås,,,false", "1490,Borås,,,true")
    changed = registers.read_registers(folder)
    before_it, after_it = registers.register_hashes(same), registers.register_hashes(changed)
    assert {name for name in after_it if after_it[name] != before_it[name]} == {"members"}
    assert registers.register_sha256(changed) != before


def test_known_defects_are_bound_to_a_release_and_end_by_themselves(folder: Path) -> None:
    path = folder / "known_defects.csv"
    header = path.read_text(encoding="utf-8").splitlines()[0] + "\n"
    row = (
        "d1,smhi_emissions,ghg,2024-04-18,0360,waste,2005|2018,1000,,"
        "skäl,reason,source,2026-11-27,2027-12-31\n"
    )
    path.write_text(header + row, encoding="utf-8")
    (entry,) = targets_register.read_known_defects(folder)
    assert (entry.region_code, entry.sector_code, entry.years) == ("0360", "waste", (2005, 2018))
    assert (entry.at_most, entry.at_least) == (1000.0, None)
    assert entry.is_about("smhi_emissions", "ghg", date(2024, 4, 18))
    assert not entry.is_about("smhi_emissions", "ghg", date(2025, 4, 18)), "another release has another date"
