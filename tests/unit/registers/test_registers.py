"""The registers as they are in the project, and as a hurried editor might leave them."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from klimatpuls import registers, targets
from klimatpuls.registers import members as members_register
from klimatpuls.registers import targets as targets_register
from klimatpuls.registers.reading import REGISTERS_FOLDER, RegisterError

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


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("1281,Lund,,", "9999,Lund,,", r"line \d+, column region_code: .*9999"),
        ("0360,Tierp", "360,Tierp", r"column region_code: .*did you mean '0360'"),
        ("1281,Lund,,", "00,Riket,,", r"expected the code of a municipality or county, found '00'"),
        ("1281,Lund,,", "1281,Malmö,,", r"column region_name: expected Lund, .*found 'Malmö'"),
        ("1281,Lund,,", "1281,Lund,feb 2024,", r"column joined_on: expected a date .*found 'feb 2024'"),
        (
            "1281,Lund,,,",
            "1281,Lund,2020-01-01,2019-01-01,",
            r"column left_on: expected a day not before 2020",
        ),
        ("1281,Lund,,,true", "1281,Lund,,,yes", r"column confirmed: expected true or false, found 'yes'"),
        ("1281,Lund,,,true,false", "1281,Lund,,,true,true", r"column is_applicant: expected false"),
        ("1280,Malmö", "1281,Lund", r"expected every code once, found \['1281'\]"),
        ("region_code,region_name", "kod,namn", r"line 1: expected the header region_code,region_name,"),
        ("1281,Lund,,,", "1281,Lund,,", r"line \d+: expected 8 cells, found 7"),
        (
            ",Example of an applicant; not yet a member",
            ",",
            r"column note_en: expected what the row rests on",
        ),
    ],
)
def test_a_wrong_row_is_named(folder: Path, old: str, new: str, words: str) -> None:
    _replace(folder / "members.csv", old, new)
    with pytest.raises(RegisterError, match=words) as raised:
        members_register.read_members(folder)
    assert str(raised.value).startswith("register members.csv, ")
    assert "README.md" in str(raised.value)


def test_no_target_is_invented() -> None:
    assert targets_register.read_own_targets() == ()


def test_the_national_lines_are_those_the_riksdag_decided() -> None:
    lines = {line.target_id: line for line in targets_register.read_national_lines()}
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
    lines = {line.target_id: line for line in targets_register.read_national_lines()}
    assert not lines["proposed_2030_60"].in_force(dt.date(2026, 11, 23))
    assert lines["national_2030_55"].in_force(dt.date(2017, 6, 15))
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
    (target,) = targets_register.read_own_targets(folder)
    assert target.is_own
    assert target.decided_on == dt.date(2020, 1, 2)
    assert target.percent_below_base == 50


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"region_code": None}, "region_code: expected the owner's code"),
        ({"region_code": 360}, "region_code: expected a code as quoted text.*found 360"),
        ({"region_code": "0361"}, "region_code: expected the code of a municipality or county, found '0361'"),
        ({"document_url": None}, "document_url: expected the decision behind the target"),
        ({"decided_on": "spring 2020"}, "decided_on: expected a date"),
        ({"target_year": True}, "target_year: expected a year, found True"),
        ({"target_year": 1980}, "target year 1980 is not after its start 1990"),
        ({"percent_below_base": "50"}, "percent_below_base: expected a number, found '50'"),
        ({"percent_below_base": None}, "needs percent_below_base"),
        ({"percent_below_base": 150}, "percent_below_base is 150"),
        ({"boundary": "all"}, "boundary: expected published_total or "),
        ({"target_type": "hope"}, "hope"),
        ({"title_en": None}, "title_en: expected a title"),
        ({"basyear": 1990}, r"found \['basyear'\]"),
        ({"superseded_by": "y_2030"}, "superseded_by: expected the id of a target of this file"),
        ({"interim": [{"year": 2025}]}, "interim target 2025"),
    ],
)
def test_a_wrong_target_is_named(folder: Path, settings: dict[str, object], words: str) -> None:
    (folder / "targets.yaml").write_text(_own(**settings), encoding="utf-8")
    with pytest.raises(RegisterError, match=words) as raised:
        targets_register.read_own_targets(folder)
    assert str(raised.value).startswith("register targets.yaml, target x_2030")


@pytest.mark.parametrize("content", ["", "targets: {}", "- a", "targets: [3]", "targets: [a: : b"])
def test_a_file_that_is_no_list_of_targets_is_refused(folder: Path, content: str) -> None:
    (folder / "targets.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(RegisterError, match=r"register targets\.yaml"):
        targets_register.read_own_targets(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "rules.yaml").unlink()
    with pytest.raises(RegisterError, match=r"register rules\.yaml, file: expected a file at .*registers"):
        registers.read_registers(folder)


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("rules.yaml", "25000000", "24000000", "national_effort_sharing: expected base year and deduction"),
        ("rules.yaml", "25000000", "25 Mt", "deduction_tco2e: expected int or float, found '25 Mt'"),
        ("rules.yaml", "target_id: proposed_2030_60", "target_id: gone", "found 'gone'"),
        ("national_lines.yaml", "    decided_by: Riksdagen\n", "", "of a decided line"),
        ("national_lines.yaml", "state: proposed", "state: proposed\n    region_code: '0360'", "no owner"),
    ],
)
def test_registers_must_agree(folder: Path, file: str, old: str, new: str, words: str) -> None:
    _replace(folder / file, old, new)
    with pytest.raises(RegisterError, match=words):
        registers.read_registers(folder)


def test_an_own_target_may_not_take_the_id_of_a_national_line(folder: Path) -> None:
    (folder / "targets.yaml").write_text(_own(target_id="national_2030_63"), encoding="utf-8")
    with pytest.raises(RegisterError, match=r"ids that national_lines\.yaml does not use"):
        registers.read_registers(folder)


def test_rows_of_the_warehouse_lead_back_to_the_same_targets(folder: Path) -> None:
    interim = [{"year": 2025, "percent_below_base": 30}, {"year": 2020, "level_tco2e": 9.0}]
    (folder / "targets.yaml").write_text(
        _own(interim=interim, valid_to=dt.date(2029, 1, 1)), encoding="utf-8"
    )
    read = registers.read_registers(folder)
    frame = targets_register.to_frame(read.targets)
    assert tuple(frame.columns) == targets_register.REGISTER_COLUMNS
    stored = [json.loads(json.dumps(settings)) for settings in frame["definition"]]
    assert [targets_register.from_definition(settings) for settings in stored] == list(read.targets)
    owners = frame.set_index("target_id")
    assert owners.loc["x_2030", "owner_region_code"] == "0360"
    assert not owners.loc["x_2030", "is_national_line"]
    assert owners.loc["national_2030_63", "owner_region_code"] is None
    assert owners.loc["national_2030_63", "is_national_line"]


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
    assert registers.members_sha256(changed) != registers.members_sha256(same)
    assert registers.targets_sha256(changed) == registers.targets_sha256(same)
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
    for wrong, words in (
        (row.replace("waste", "rubbish"), "column sector_code: expected a known sector_code"),
        (row.replace("2005|", "05|"), "column years"),
        (row.replace(",ghg,", ",smoke,"), "column substance"),
        (row.replace("smhi_emissions", "smhi"), "column dataset"),
        (row.replace(",reason,", ",,"), "column reason_en"),
        (row.replace("2027-12-31", ""), "column review_by"),
        (row.replace(",1000,", ",,"), "at_most or at_least"),
        (row.replace(",1000,", ",many,"), "column at_most: expected a number"),
        (row + row, "every defect_id once"),
    ):
        path.write_text(header + wrong, encoding="utf-8")
        with pytest.raises(RegisterError, match=words):
            targets_register.read_known_defects(folder)
