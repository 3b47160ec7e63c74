"""The collection of climate plans: a plan, a pre-plan and a missing plan are three things."""

from __future__ import annotations

import datetime as dt
import shutil
from collections import Counter
from pathlib import Path

import pytest

from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.registers.checking import check_folder
from klimatpuls.registers.plans import (
    COLUMNS,
    classify,
    count,
    import_plans,
    municipality_code,
    read_collection,
)
from klimatpuls.registers.reading import RegisterError

TODAY = dt.date(2026, 11, 28)
URL = "https://example.org/plan.pdf"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the project's registers."""
    return Path(shutil.copytree(REGISTERS_FOLDER, tmp_path / "registers"))


def collection(path: Path, *rows: str, header: str = ",".join(COLUMNS)) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Tierps kommun", "0360"),
        ("Falu kommun", "2080"),
        ("Borås stad", "1490"),
        ("Malmö stad", "1280"),
        ("Region Gotland (kommun)", "0980"),
        ("Habo kommun", "0643"),
        ("Håbo kommun", "0305"),
        ("Hofors kommun", "2104"),
        ("Lunds stad", "1281"),
        ("Atlantis kommun", None),
        ("Uppsala län", None),
    ],
)
def test_a_name_of_the_collection_leads_to_its_code(name: str, code: str | None) -> None:
    assert municipality_code(name) == code


@pytest.mark.parametrize(
    ("url", "year", "comment", "found"),
    [
        (URL, "2022", "Klimatstrategi 2022–2030", ("plan", 2022, "2022-01-01", "2030-12-31")),
        (URL, "2022", "Energiplan 2025--2045", ("plan", 2022, "2025-01-01", "2045-12-31")),
        (URL, "2022", "Strategi 2024 – 2030", ("plan", 2022, "2024-01-01", "2030-12-31")),
        (URL, "2022", "Gäller till 2030.", ("plan", 2022, None, "2030-12-31")),
        (URL, "2022", "Klimatplan 2030", ("plan", 2022, None, None)),
        (URL, "2022", "Policy, gäller tills vidare", ("plan", 2022, None, None)),
        (URL, "2017", "Plan, 2017-2020, men gäller tillsvidare", ("plan", 2017, None, None)),
        (URL, "2013", "Plan 2010–2020 (gäller fortfarande)", ("plan", 2013, None, None)),
        (URL, "", "Klimatstrategi 2026–2030", ("plan", None, "2026-01-01", "2030-12-31")),
        (
            URL,
            "2022",
            "Förslag på remiss för strategi 2022–2030",
            ("pre_plan", None, "2022-01-01", "2030-12-31"),
        ),
        (URL, "2021", "Status oklart, vattenstämplat Samrådsunderlag", ("pre_plan", None, None, None)),
        ("", "", "Plan saknas. På remiss, kommer under 2026", ("pre_plan", None, None, None)),
        ("", "", "Plan saknas", ("missing", None, None, None)),
        ("", "", "Plan saknas. Arbetet väntas slutföras under 2024.", ("missing", None, None, None)),
        ("", "", "", ("missing", None, None, None)),
        ("", "", "Plan saknas. Hade en miljöplan 2017–2019.", ("missing", None, None, None)),
    ],
)
def test_a_row_is_a_plan_a_pre_plan_or_missing(
    url: str, year: str, comment: str, found: tuple[object, ...]
) -> None:
    values = classify("0360", {"plan_url": url, "adopted_year": year, "comment": comment})
    assert tuple(values.get(name) for name in ("kind", "decided_year", "valid_from", "valid_to")) == found
    assert values.get("note", "") == comment


def test_a_link_that_leads_nowhere_is_told_and_left_out() -> None:
    row = {"plan_url": "blob:https://example.org/1", "adopted_year": "2023", "comment": "Plan"}
    values = classify("0360", row)
    assert "document_url" not in values
    assert "blob:https://example.org/1" in values["note"]


def test_the_collection_comes_into_the_register_and_own_entries_are_kept(
    folder: Path, tmp_path: Path
) -> None:
    with (folder / "climate_plans.csv").open("a", encoding="utf-8") as file:
        file.write("tierp-egen,0360,plan,Klimatprogram,2023-12-12,,,,,https://example.org/t,,beslut,\n")
    path = collection(
        tmp_path / "plans.csv",
        f"Tierps kommun,{URL},2020,Klimatplan",
        f"Lunds kommun,{URL},2021,Program 2021–2025",
        "Heby kommun,,,Plan saknas.",
    )
    done, found = import_plans(path, folder, TODAY)
    assert str(found) == "1 plans, 1 whose stated end has passed, 0 pre-plans, 1 missing"
    assert (done.added, done.changed) == (2, 0)
    records = check_folder(folder, TODAY).of("climate_plans")
    assert [record.values["plan_id"] for record in records] == [
        "tierp-egen",
        "klimatkollen-1281",
        "klimatkollen-0331",
    ]
    again, _ = import_plans(path, folder, TODAY)
    assert (again.added, again.changed, again.unchanged) == (0, 0, 2)


def test_a_plan_is_one_on_its_last_day_and_none_the_day_after(tmp_path: Path) -> None:
    records = read_collection(collection(tmp_path / "p.csv", f"Lunds kommun,{URL},2021,Program 2021–2025"))
    assert count(records, dt.date(2025, 12, 31)).plans == 1
    assert count(records, dt.date(2026, 1, 1)).ended == 1


def test_every_mistake_of_a_collection_is_told(folder: Path, tmp_path: Path) -> None:
    path = collection(
        tmp_path / "plans.csv",
        f"Atlantis kommun,{URL},2020,Plan",
        f"Lunds kommun,{URL},tjugo,Plan",
        f"Heby kommun,{URL},2020,Plan",
        f"Heby kommun,{URL},2021,Plan",
        f'Tierps kommun,{URL},2020,"=cmd()"',
    )
    before = (folder / "climate_plans.csv").read_bytes()
    with pytest.raises(RegisterError) as raised:
        import_plans(path, folder, TODAY)
    told = [(mistake.place.en, mistake.column.en) for mistake in raised.value.mistakes if mistake.column]
    assert sorted(told) == [
        ("row 2", "municipality"),
        ("row 3", "adopted_year"),
        ("row 5", "municipality"),
        ("row 6", "comment"),
    ]
    assert (folder / "climate_plans.csv").read_bytes() == before
    with pytest.raises(RegisterError, match="expected the columns municipality, plan_url"):
        read_collection(collection(tmp_path / "other.csv", "a,b", header="kommun,plan"))


@pytest.mark.real_data
def test_the_real_collection_is_told_apart(real_data: Path, folder: Path) -> None:
    path = real_data / "klimatkollen" / "climate_plans.csv"
    records = read_collection(path)
    assert len(records) == len({record.values["owner_region_code"] for record in records}) == 290
    kinds = Counter(record.values["kind"] for record in records)
    assert kinds == {"plan": 171, "pre_plan": 5, "missing": 114}
    # 173 rows have a link; five lead nowhere on the web, and two of the 173 are drafts.
    assert sum("document_url" in record.values for record in records) == 168
    drafts = {record.values["owner_region_code"] for record in records if record.values["kind"] == "pre_plan"}
    assert drafts == {"0128", "0760", "1381", "1862", "1884"}
    assert count(records, TODAY).ended == 18
    assert count(records, dt.date(2023, 12, 31)).ended == 1, "Västerås, 2017–2020"
    done, _ = import_plans(path, folder, TODAY)
    assert done.added == 290
    assert check_folder(folder, TODAY).mistakes == ()
