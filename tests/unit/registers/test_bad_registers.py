"""Registers as a hurried editor might leave them: each mistake told with its place, nothing else harmed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from klimatpuls.registers import read_registers
from klimatpuls.registers.checking import CONTACTS, REGISTERS, check_contacts, check_folder
from klimatpuls.registers.reading import MAX_BYTES, RegisterError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TODAY = dt.date(2026, 11, 28)


@dataclass(frozen=True, kw_only=True)
class Bad:
    """A mistake: what is done to which file, and what must be said of it."""

    kind: str
    file: str
    old: str = ""
    new: str = ""
    place: str = ""
    column: str | None = None
    words: str = ""
    spoil: Callable[[bytes], bytes] | None = None
    count: int = 1

    def make(self, folder: Path) -> None:
        path = folder / self.file
        body = path.read_bytes()
        if self.spoil is not None:
            path.write_bytes(self.spoil(body))
            return
        assert body.count(self.old.encode()) == 1, self.old
        path.write_bytes(body.replace(self.old.encode(), self.new.encode()))


def column(name: str, title: str) -> str:
    return f"{name} ({title})"


BAD = [
    Bad(
        kind="target year before base year",
        file="targets.yaml",
        old="percent_below_base\n    base_year: 1990\n    target_year: 2030\n    percent_below_base: 63",
        new="percent_below_base\n    base_year: 1990\n    target_year: 1985\n    percent_below_base: 63",
        place="entry 2 (tierp_2030)",
        column=column("target_year", "Målår"),
        words="target year 1985 is not after base_year 1990",
    ),
    Bad(
        kind="unknown code",
        file="members.csv",
        old="1281,Lund",
        new="9999,Lund",
        place="row 13",
        column=column("region_code", "Kommunkod"),
        words='expected the code of a municipality (four digits) or region (two), found "9999"',
    ),
    Bad(
        kind="code that lost its zero",
        file="measures.csv",
        old="tierp-varme,0360",
        new="tierp-varme,360",
        place="row 3",
        column=column("owner_region_code", "Kommunkod"),
        words="Did you mean 0360?",
    ),
    Bad(
        kind="code of the nation",
        file="evidence.csv",
        old="e1,0360",
        new="e1,00",
        place="row 2",
        column=column("region_code", "Kommunkod"),
        words='found "00"',
    ),
    Bad(
        kind="name of another code",
        file="members.csv",
        old="1281,Lund",
        new="1281,Malmö",
        place="row 13",
        column=column("region_name", "Namn"),
        words='1281 is Lund, found "Malmö"',
    ),
    Bad(
        kind="overlapping validity",
        file="municipality_groups.csv",
        old="2022-12-31,SKR 2017",
        new="2023-06-30,SKR 2017",
        place="row 3",
        column=column("valid_from", "Gäller från"),
        words="the municipality is in another group at the same time as row 2",
    ),
    Bad(
        kind="plant assigned twice",
        file="ets_plants.csv",
        old="101,Bruket,0360,industry,,2019-12-31",
        new="101,Bruket,0360,industry,,2020-06-30",
        place="row 3",
        column=column("valid_from", "Gäller från"),
        words="the plant is assigned already at the same time as row 2",
    ),
    Bad(
        kind="plant in a part of a sector",
        file="ets_plants.csv",
        old="0382,industry,2020",
        new="0382,waste.landfills,2020",
        place="row 3",
        column=column("sector_code", "Sektor"),
        words="waste.landfills is no main sector",
    ),
    Bad(
        kind="reference in an unknown unit",
        file="trading_references.csv",
        old="tCO2e_per_inhabitant",
        new="kg",
        place="row 2",
        column=column("unit", "Enhet"),
        words='found "kg"',
    ),
    Bad(
        kind="overlapping validity of targets",
        file="targets.yaml",
        old="    superseded_by: tierp_2030\n",
        new="",
        spoil=lambda body: body.replace(b"    valid_to: 2024-06-16\n    superseded_by: tierp_2030\n", b""),
        place="entry 2 (tierp_2030)",
        column=column("valid_to", "Gäller till"),
        words="a target of the same sort and year is in force at the same time as entry 1",
    ),
    Bad(
        kind="overlapping national lines",
        file="national_lines.yaml",
        spoil=lambda body: body.replace(b"percent_below_base: 63", b"percent_below_base: 55"),
        place="entry 2 (national_2030_63)",
        column=column("valid_to", "Gäller till"),
        words="at the same time as entry 1",
    ),
    Bad(
        kind="measure with end before start",
        file="measures.csv",
        old="2025-01-01,2029-12-31",
        new="2025-01-01,2024-12-31",
        place="row 2",
        column=column("end_date", "Slutdatum"),
        words="end_date 2024-12-31 is before start_date 2025-01-01",
    ),
    Bad(
        kind="two current plans",
        file="climate_plans.csv",
        old="2020-01-01,2024-12-31",
        new="2020-01-01,",
        place="row 3",
        column=column("valid_to", "Gäller till"),
        words="another plan of the same owner applies at the same time as row 2",
    ),
    Bad(
        kind="percent over 100",
        file="targets.yaml",
        old="percent_below_base: 63",
        new="percent_below_base: 163",
        place="entry 2 (tierp_2030)",
        column=column("percent_below_base", "Procent under basåret"),
        words="expected at most 100, found 163. Write the reduction in percent",
    ),
    Bad(
        kind="budget without start",
        file="targets.yaml",
        old="    budget_start_year: 2021\n",
        new="",
        place="entry 3 (tierp_budget)",
        column=column("budget_start_year", "Budgetens första år"),
        words="it is empty, and target_type carbon_budget needs it",
    ),
    Bad(
        kind="formula text in a cell",
        file="pledges.csv",
        old="Fossilfri flotta",
        new='"=HYPERLINK(""https://example.org"")"',
        place="row 2",
        column=column("wording", "Lydelse"),
        words="the cell holds a formula",
    ),
    Bad(
        kind="text that runs as a formula",
        file="enquiries.csv",
        old="Mål antas i höst",
        new="@SUM(A1)",
        place="row 2",
        column=column("reply", "Svar"),
        words="the cell holds a formula",
    ),
    Bad(
        kind="10 MB file",
        file="pledges.csv",
        spoil=lambda body: body + b"x" * MAX_BYTES,
        words="bytes, more than 10,485,760",
    ),
    Bad(
        kind="duplicate id",
        file="measures.csv",
        old="lund-avfall,",
        new="tierp-buss,",
        place="row 4",
        column=column("measure_id", "Åtgärds-id"),
        words="tierp-buss stands in row 2 already",
    ),
    Bad(
        kind="duplicate member",
        file="members.csv",
        old="1280,Malmö",
        new="1281,Lund",
        place="row 13",
        column=column("region_code", "Kommunkod"),
        words="1281 stands in row 12 already",
    ),
    Bad(
        kind="duplicate year of a series",
        file="own_series.csv",
        old=",2024,1100,",
        new=",2023,1100,",
        place="row 3",
        words="tierp-egna, 2023 stands in row 2 already",
    ),
    Bad(
        kind="unknown column",
        file="reporting_rounds.csv",
        spoil=lambda body: body.replace(b"closes_on", b"closes_on,colour").replace(b"-31\n", b"-31,red\n"),
        place="row 1",
        column="colour",
        words="the register has no such column",
    ),
    Bad(
        kind="missing column",
        file="reporting_rounds.csv",
        spoil=lambda body: b"\n".join(line.rpartition(b",")[0] for line in body.splitlines()) + b"\n",
        place="row 1",
        column=column("closes_on", "Stänger"),
        words="the column is missing",
    ),
    Bad(
        kind="column twice",
        file="reporting_rounds.csv",
        spoil=lambda body: body.replace(b"closes_on", b"closes_on,opens_on").replace(b"-31\n", b"-31,\n"),
        place="row 1",
        column=column("opens_on", "Öppnar"),
        words="the column stands there twice",
    ),
    Bad(
        kind="cell too many",
        file="pledges.csv",
        old="Fossilfri flotta",
        new="Fossilfri,flotta",
        place="row 2",
        words="stands in a column without a header",
    ),
    Bad(
        kind="no day",
        file="members.csv",
        old="1281,Lund,,",
        new="1281,Lund,feb 2024,",
        place="row 13",
        column=column("joined_on", "Inträdesdag"),
        words='expected a day, found "feb 2024"',
    ),
    Bad(
        kind="a day that no calendar has",
        file="pledges.csv",
        old="2030-12-31",
        new="2030-02-30",
        place="row 2",
        column=column("due_on", "Ska vara hållet"),
        words='expected a day, found "2030-02-30"',
    ),
    Bad(
        kind="day in the future",
        file="measures.csv",
        old="https://example.org/b,2026-02-03",
        new="https://example.org/b,2027-02-03",
        place="row 2",
        column=column("last_updated", "Senast ändrad"),
        words="2027-02-03 has not come yet (today is 2026-11-28)",
    ),
    Bad(
        kind="decision in the future",
        file="targets.yaml",
        old="decided_on: 2018-06-17",
        new="decided_on: 2028-06-17",
        place="entry 1 (tierp_2025)",
        column=column("decided_on", "Beslutsdag"),
        words="2028-06-17 has not come yet",
    ),
    Bad(
        kind="pledge naming an unknown measure",
        file="pledges.csv",
        old="tierp-buss|",
        new="tierp-boss|",
        place="row 2",
        column=column("measure_ids", "Åtgärder"),
        words='measures.csv has no measure "tierp-boss"',
    ),
    Bad(
        kind="pledge naming the measure of another",
        file="pledges.csv",
        old="tierp-buss|",
        new="lund-avfall|",
        place="row 2",
        column=column("measure_ids", "Åtgärder"),
        words="the measure lund-avfall belongs to another owner",
    ),
    Bad(
        kind="supersedes itself",
        file="targets.yaml",
        old="superseded_by: tierp_2030",
        new="superseded_by: tierp_2025",
        place="entry 1 (tierp_2025)",
        column=column("superseded_by", "Ersatt av"),
        words="it supersedes itself (tierp_2025 → tierp_2025)",
    ),
    Bad(
        kind="superseded by nothing",
        file="targets.yaml",
        old="superseded_by: tierp_2030",
        new="superseded_by: tierp_2031",
        place="entry 1 (tierp_2025)",
        column=column("superseded_by", "Ersatt av"),
        words='no target of this file is called "tierp_2031"',
    ),
    Bad(
        kind="superseded without an end",
        file="targets.yaml",
        old="    valid_to: 2024-06-16\n",
        new="",
        place="entry 1 (tierp_2025)",
        column=column("valid_to", "Gäller till"),
        words="it is empty, although superseded_by is given",
    ),
    Bad(
        kind="a cycle of decisions",
        file="targets.yaml",
        old="    valid_from: 2024-06-17\n",
        new="    valid_from: 2024-06-17\n    valid_to: 2030-01-01\n    superseded_by: tierp_2025\n",
        place="entry 1 (tierp_2025)",
        column=column("superseded_by", "Ersatt av"),
        words="it supersedes itself (tierp_2025 → tierp_2030 → tierp_2025)",
        count=2,
    ),
    Bad(
        kind="unknown boundary",
        file="measures.csv",
        old="0360,territorial",
        new="0360,territory",
        place="row 2",
        column=column("boundary", "Avgränsning"),
        words='no boundary is called "territory"',
    ),
    Bad(
        kind="boundary of another owner",
        file="measures.csv",
        old="1281,sector_list:avfall",
        new="1281,own_series:tierp-egna",
        place="row 4",
        column=column("boundary", "Avgränsning"),
        words="the series tierp-egna belongs to 0360",
    ),
    Bad(
        kind="boundary that is no emissions",
        file="targets.yaml",
        spoil=lambda body: body.replace(b"boundary: territorial", b"boundary: own_series:tierp-energi", 1),
        place="entry 1 (tierp_2025)",
        column=column("boundary", "Avgränsning"),
        words='the series tierp-energi is in "MWh", not in tCO2e',
    ),
    Bad(
        kind="negative effect",
        file="measures.csv",
        old="2026:120,5",
        new="2026:-120,5",
        place="row 2",
        column=column("effects", "Effekt per år i ton"),
        words="expected at least 0, found -120.5",
    ),
    Bad(
        kind="effect beyond every number",
        file="measures.csv",
        old="2026:120,5",
        new="2026:1e300",
        place="row 2",
        column=column("effects", "Effekt per år i ton"),
        words="the number is too large (1e+300)",
    ),
    Bad(
        kind="number that is none",
        file="targets.yaml",
        spoil=lambda body: body.replace(
            b"percent_below_base: ", b"base_tco2e: .inf\n    percent_below_base: ", 1
        ),
        place="entry 1 (tierp_2025)",
        column=column("base_tco2e", "Basvärde i ton"),
        words="the number is too large (inf)",
    ),
    Bad(
        kind="day after all calendars",
        file="measures.csv",
        old="2025-01-01,2029-12-31",
        new="2025-01-01,9999-12-31",
        place="row 2",
        column=column("end_date", "Slutdatum"),
        words="Write a day from the year 1900 to 2200",
    ),
    Bad(
        kind="rule that leaves the calendar",
        file="criteria_rules.csv",
        old="measure_months,action_plan,24,",
        new="measure_months,action_plan,24000,",
        place="row 3",
        column=column("value", "Värde"),
        words="expected a whole number of at most 1200, found 24000",
    ),
    Bad(
        kind="half a month",
        file="criteria_rules.csv",
        old="measure_months,action_plan,24,",
        new='measure_months,action_plan,"24,5",',
        place="row 3",
        column=column("value", "Värde"),
        words="expected a whole number of at most 1200, found 24.5",
    ),
    Bad(
        kind="effect without a year",
        file="measures.csv",
        old="2026:120,5|2030:400",
        new="400",
        place="row 2",
        column=column("effects", "Effekt per år i ton"),
        words='expected values by year, found "400". Write year:tonnes',
    ),
    Bad(
        kind="effect that nobody reckoned",
        file="measures.csv",
        old=",Upphandlaren,",
        new=",,",
        place="row 2",
        column=column("reckoned_by", "Beräknad av"),
        words="it is empty, although effects is given",
    ),
    Bad(
        kind="no number",
        file="own_series.csv",
        old="1200.5",
        new="ca 1200",
        place="row 2",
        column=column("value", "Värde"),
        words='expected a number, found "ca 1200"',
    ),
    Bad(
        kind="two units in a series",
        file="own_series.csv",
        old="1100,tCO2e",
        new="1100,MWh",
        place="row 3",
        column=column("unit", "Enhet"),
        words='the series has "tCO2e" in row 2, found "MWh"',
    ),
    Bad(
        kind="official figure two years ahead",
        file="official_figures.csv",
        old="2024,2025,transport",
        new="2024,2026,transport",
        place="row 3",
        column=column("year", "År"),
        words="2026 is more than one year after the inventory's last, 2024",
    ),
    Bad(
        kind="preliminary outcome outside trading",
        file="official_figures.csv",
        old="2024,2025,transport",
        new="2024,2025,effort_sharing",
        place="row 3",
        column=column("sector_code", "Sektor"),
        words="a final figure is of effort_sharing, a preliminary one of a sector",
    ),
    Bad(
        kind="not UTF-8",
        file="pledges.csv",
        spoil=lambda body: body.decode().encode("mac-roman"),
        words="the text is not UTF-8 (byte 0x8a in line 2). In Excel: save as 'CSV UTF-8",
    ),
    Bad(kind="empty file", file="answers.csv", spoil=lambda _: b"\n", words="the file is empty"),
    Bad(
        kind="quotation mark that is not closed",
        file="pledges.csv",
        old="Fossilfri",
        new='"Fossilfri',
        words="the file is no CSV",
    ),
    Bad(
        kind="leaving before joining",
        file="members.csv",
        old="1281,Lund,,",
        new="1281,Lund,2020-01-01,2019-01-01",
        place="row 13",
        column=column("left_on", "Utträdesdag"),
        words="left_on 2019-01-01 is before joined_on 2020-01-01",
    ),
    Bad(
        kind="member and applicant",
        file="members.csv",
        old="0360,Tierp,,,false,true",
        new="0360,Tierp,,,true,true",
        place="row 6",
        column=column("is_applicant", "Sökande"),
        words="confirmed and is_applicant are true together",
    ),
    Bad(
        kind="observer for years",
        file="members.csv",
        old="0360,Tierp,,,false,true,false",
        new="0360,Tierp,2020-01-01,2022-01-01,false,false,true",
        place="row 6",
        column=column("left_on", "Utträdesdag"),
        words="one for more than a year",
    ),
    Bad(
        kind="neither true nor false",
        file="members.csv",
        old="1281,Lund,,,true",
        new="1281,Lund,,,kanske",
        place="row 13",
        column=column("confirmed", "Bekräftad"),
        words='expected true or false, found "kanske"',
    ),
    Bad(
        kind="missing plan with a link",
        file="climate_plans.csv",
        old="missing,,,,,,,,",
        new="missing,,,,,,,https://example.org,",
        place="row 5",
        column=column("document_url", "Länk"),
        words="a missing plan has document_url",
    ),
    Bad(
        kind="document without a link",
        file="evidence.csv",
        old="https://example.org/e1",
        new="",
        place="row 2",
        column=column("url", "Länk"),
        words="it is empty, and kind document needs it",
    ),
    Bad(
        kind="told before the question",
        file="enquiries.csv",
        old="2025-01-10,2025-08-01",
        new="2025-01-10,2025-01-09",
        place="row 3",
        column=column("told_on", "Underrättad den"),
        words="told_on 2025-01-09 is before asked_on 2025-01-10",
    ),
    Bad(
        kind="reply before the question",
        file="enquiries.csv",
        old="2025-01-10,,2025-01-20",
        new="2025-01-10,,2025-01-02",
        place="row 2",
        column=column("replied_on", "Svarade den"),
        words="replied_on 2025-01-02 is before asked_on 2025-01-10",
    ),
    Bad(
        kind="answer to no round",
        file="answers.csv",
        old="1281,2025,",
        new="1281,2024,",
        place="row 2",
        column=column("round_id", "Omgång"),
        words='reporting_rounds.csv has no round "2024"',
    ),
    Bad(
        kind="part of a sector in a list",
        file="sector_lists.csv",
        old=",waste",
        new=",waste|transport.passenger_cars",
        place="row 2",
        column=column("sector_codes", "Sektorer"),
        words="transport.passenger_cars is no main sector, and not every release has others",
    ),
    Bad(
        kind="sector counted twice",
        file="sector_lists.csv",
        old=",waste",
        new=",waste|waste",
        place="row 2",
        column=column("sector_codes", "Sektorer"),
        words="expected every entry once",
    ),
    Bad(
        kind="defect without a guard",
        file="known_defects.csv",
        old="|2022,1000,,",
        new="|2022,,,",
        place="row 2",
        column=column("at_most", "Högst"),
        words="neither at_most nor at_least is given",
    ),
    Bad(
        kind="rule that no formula asks for",
        file="criteria_rules.csv",
        spoil=lambda body: body + b"patience,all,3,days,s,e,k,,\n",
        place="row 11",
        column=column("rule_id", "Regel"),
        words='no formula asks for the rule "patience"',
    ),
    Bad(
        kind="rule taken out",
        file="criteria_rules.csv",
        spoil=lambda body: b"\n".join(body.split(b"\n")[:-2]) + b"\n",
        column=column("rule_id", "Regel"),
        words="the file lacks the rules unknown_months",
    ),
    Bad(
        kind="no YAML",
        file="targets.yaml",
        spoil=lambda body: body.replace(b"title_sv: Nytt", b"title_sv: : Nytt"),
        words="the file is no YAML",
    ),
    Bad(
        kind="unknown setting",
        file="targets.yaml",
        old="    budget_start_year: 2021\n",
        new="    budget_start_year: 2021\n    basyear: 1990\n",
        place="entry 3 (tierp_budget)",
        words="there is no setting 'basyear'",
    ),
    Bad(
        kind="own target without its decision",
        file="targets.yaml",
        old="    document_url: https://example.org/beslut-3\n",
        new="",
        place="entry 3 (tierp_budget)",
        column=column("document_url", "Länk till beslutet"),
        words="An own target needs its owner and its decision",
    ),
    Bad(
        kind="step with both amounts",
        file="targets.yaml",
        old="percent_below_base: 50}",
        new="percent_below_base: 50, level_tco2e: 9}",
        place="entry 2 (tierp_2030)",
        column=column("interim", "Delmål"),
        words="interim step 2027 has both or none",
    ),
    Bad(
        kind="id that a national line has",
        file="targets.yaml",
        old="target_id: tierp_budget",
        new="target_id: national_2030_63",
        place="entry 3 (national_2030_63)",
        column=column("target_id", "Mål-id"),
        words="national_lines.yaml uses the id",
    ),
    Bad(
        kind="line with an owner",
        file="national_lines.yaml",
        old="    state: proposed",
        new='    state: proposed\n    region_code: "0360"',
        place="entry 7 (proposed_2030_60)",
        column=column("region_code", "Kommunkod"),
        words="a national line belongs to no region",
    ),
    Bad(
        kind="number that the formulas do not use",
        file="rules.yaml",
        old="25000000",
        new="24000000",
        column="national_effort_sharing",
        words="while the formulas use (1990, 25000000.0)",
    ),
    Bad(
        kind="line that is not there",
        file="rules.yaml",
        old="target_id: proposed_2030_60",
        new="target_id: gone",
        column="proposed_line",
        words='national_lines.yaml has no line "gone"',
    ),
]


def test_the_sound_registers_are_sound(sound: Path) -> None:
    checked = check_folder(sound, TODAY)
    assert [str(mistake) for mistake in checked.mistakes] == []
    assert set(checked.records) == set(REGISTERS)
    assert all(checked.records.values())


def test_at_least_twenty_kinds_are_tried() -> None:
    assert len({bad.kind for bad in BAD}) == len(BAD) >= 20


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.kind)
def test_a_bad_register_is_told_with_its_place_and_harms_no_other(sound: Path, bad: Bad) -> None:
    before = check_folder(sound, TODAY).records
    bad.make(sound)
    checked = check_folder(sound, TODAY)
    told = [str(mistake) for mistake in checked.mistakes]
    assert len(told) == bad.count, told
    mistake = checked.mistakes[0]
    column = mistake.column.en if mistake.column else None
    assert (mistake.file, mistake.place.en, column) == (bad.file, bad.place, bad.column)
    assert bad.words in told[0]
    for text in (mistake.remedy.sv, mistake.remedy.en):
        assert text.endswith((".", "?", ")."))
    assert mistake.problem.sv
    assert not set("^$\\") & set(mistake.swedish), "no regular expression is shown"
    harmed = {name for name, register in REGISTERS.items() if register.file == bad.file}
    assert set(checked.records) == set(REGISTERS) - harmed
    assert checked.records == {name: rows for name, rows in before.items() if name not in harmed}


def test_every_mistake_of_every_file_is_told_at_once(sound: Path) -> None:
    for bad in BAD:
        if bad.kind in ("negative effect", "no day", "not UTF-8", "code that lost its zero"):
            bad.make(sound)
    with pytest.raises(RegisterError) as raised:
        read_registers(sound, TODAY)
    lines = str(raised.value).splitlines()
    assert lines[0].startswith("4 fel i measures.csv, members.csv, pledges.csv; ingenting ur en sådan fil")
    assert "4 mistakes in measures.csv, members.csv, pledges.csv; nothing of such a file" in lines[0]
    assert [line.split(":")[0] for line in lines[1::2]] == [
        "- members.csv, rad 13, kolumn Inträdesdag (joined_on), cell C13",
        "- measures.csv, rad 2, kolumn Effekt per år i ton (effects), cell J2",
        "- measures.csv, rad 3, kolumn Kommunkod (owner_region_code), cell B3",
        "- pledges.csv",
    ]
    assert [line.split(":")[0] for line in lines[2::2]] == [
        "  members.csv, row 13, column joined_on (Inträdesdag), cell C13",
        "  measures.csv, row 2, column effects (Effekt per år i ton), cell J2",
        "  measures.csv, row 3, column owner_region_code (Kommunkod), cell B3",
        "  pledges.csv",
    ]


def test_a_pledge_is_not_held_against_a_file_of_measures_that_cannot_be_read(sound: Path) -> None:
    (sound / "measures.csv").write_bytes(b"\xff\xfe")
    checked = check_folder(sound, TODAY)
    assert {mistake.file for mistake in checked.mistakes} == {"measures.csv"}
    assert "pledges" in checked.records


def test_a_missing_file_is_told(sound: Path) -> None:
    (sound / "rules.yaml").unlink()
    (mistake,) = check_folder(sound).mistakes
    assert str(mistake).startswith("rules.yaml: there is no such file in ")


@pytest.mark.parametrize("content", ["targets: {}", "- a", "targets: [3]", "other: []"])
def test_a_file_that_is_no_list_of_targets_is_refused(sound: Path, content: str) -> None:
    (sound / "targets.yaml").write_text(content, encoding="utf-8")
    assert {mistake.file for mistake in check_folder(sound).mistakes} == {"targets.yaml"}


CONTACT_ROWS = (
    "0360,elected,Ordförande i kommunstyrelsen,kommunstyrelsen@example.org",
    "0360,official,Klimatstrateg,klimat@example.org",
)
CONTACT_HEADER = ",".join(CONTACTS.shape.columns)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("klimat@example.org", "anna.ek@example.org", "expected the address of a function"),
        ("klimat@example.org", "anna@example.org", "expected the address of a function"),
        ("klimat@example.org", "klimat", "expected the address of a function"),
        ("0360,official", "0360,elected", "0360, elected stands in row 2 already"),
        ("0360,official", "0114,official", "members.csv has no 0114"),
        ("official", "boss", "expected one of elected, official"),
    ],
)
def test_a_contact_is_refused_without_repeating_it(
    sound: Path, tmp_path: Path, old: str, new: str, words: str
) -> None:
    path = tmp_path / "contacts.csv"
    text = "\n".join([CONTACT_HEADER, *CONTACT_ROWS]) + "\n"
    path.write_text(text, encoding="utf-8")
    assert len(check_contacts(path, check_folder(sound))) == 2
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(RegisterError, match=words) as raised:
        check_contacts(path, check_folder(sound))
    assert "anna." not in str(raised.value)
    assert "anna@" not in str(raised.value)
    assert "@example.org, " not in str(raised.value).replace("such as klimat@example.org", "")
