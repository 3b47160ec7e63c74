"""The finding of a new year: headline, subject line, sectors and exceptions."""

from __future__ import annotations

import pytest

from klimatpuls.report.findings import headline, main_points, movement, subject_detail
from klimatpuls.report.numbers import Speaker
from klimatpuls.report.view import build_digest
from klimatpuls.report.wording import subject

SWEDISH, ENGLISH = Speaker("sv"), Speaker("en")


def digest_of(rows, *changes: float | None, sectors=None):
    """The digest of member municipalities with these changes since the year before, percent."""
    first = rows["members"][0]
    names = ("Ale", "Boxholm", "Älmhult", "Mora", "Vännäs", "Bjuv", "Ånge")
    rows["members"] = [
        {**first, "region_name": names[number], "region_code": f"{1000 + number}",
         "change_since_previous_year_pct": change}
        for number, change in enumerate(changes)
    ]  # fmt: skip
    if sectors is not None:
        template = rows["network_sectors"][0]
        rows["network_sectors"] = [
            {**template, "sector_code": code, "year": year, "emissions_tco2e": tonnes}
            for code, line in sectors.items()
            for year, tonnes in zip((2023, 2024), line, strict=True)
        ]
    return build_digest(rows)


@pytest.mark.parametrize(
    ("changes", "swedish", "english"),
    [
        (
            (3.0, 2.0, -1.0),
            "Utsläppen ökade 2024 i 2 av 3 medlemskommuner",
            "Emissions rose in 2 of 3 member municipalities in 2024",
        ),
        (
            (3.0, 2.0, 0.1),
            "Utsläppen ökade 2024 i alla 3 medlemskommuner",
            "Emissions rose in all 3 member municipalities in 2024",
        ),
        (
            (-3.0, -2.0, 0.0),
            "Utsläppen minskade 2024 i 2 av 3 medlemskommuner",
            "Emissions fell in 2 of 3 member municipalities in 2024",
        ),
        (
            (-3.0, -2.0),
            "Utsläppen minskade 2024 i alla 2 medlemskommuner",
            "Emissions fell in all 2 member municipalities in 2024",
        ),
        (
            (3.0, -2.0),
            "Utsläppen 2024: upp i 1 och ner i 1 av 2 medlemskommuner",
            "Emissions in 2024: up in 1 and down in 1 of 2 member municipalities",
        ),
        ((3.0,), "Utsläppen ökade 2024 i Ale", "Emissions rose in Ale in 2024"),
        ((-3.0,), "Utsläppen minskade 2024 i Ale", "Emissions fell in Ale in 2024"),
        ((None, None), None, None),
    ],
)
def test_the_headline_says_where_emissions_rose_and_fell(rows, changes, swedish, english):
    digest = digest_of(rows, *changes)
    assert headline(digest, SWEDISH) == swedish
    assert headline(digest, ENGLISH) == english


def test_a_change_that_prints_as_nothing_is_none(rows):
    found = movement(digest_of(rows, 0.04, -0.04, 0.05, None))
    assert (found.rose, found.fell, found.unchanged) == (("Älmhult",), (), ("Ale", "Boxholm"))
    assert found.total == 3


def test_the_subject_names_the_sectors_that_made_it_so(rows):
    digest = digest_of(rows, 3.0, 2.0, -1.0)
    assert subject(digest) == (
        "Utsläppen ökade 2024 i 2 av 3 medlemskommuner – mest inom transporter och arbetsmaskiner"
    )


def test_one_sector_that_made_most_of_it_is_named_alone(rows):
    digest = digest_of(rows, 3.0, sectors={"transport": (100.0, 190.0), "waste": (100.0, 110.0)})
    assert subject_detail(digest, ENGLISH) == " – mostly in transport"


def test_a_name_with_an_and_stands_last_after_a_comma(rows):
    digest = digest_of(rows, 3.0, sectors={"power_heat": (100.0, 200.0), "waste": (100.0, 190.0)})
    assert subject_detail(digest, SWEDISH) == " – mest inom avfall, el och fjärrvärme"


def test_what_fell_explains_a_fall(rows):
    digest = digest_of(rows, -3.0, -2.0, sectors={"industry": (200.0, 100.0), "waste": (100.0, 150.0)})
    assert subject_detail(digest, SWEDISH) == " – mest inom industri"


def test_where_neither_leads_no_sector_is_named(rows):
    assert subject_detail(digest_of(rows, 3.0, -2.0), SWEDISH) == ""


def test_the_main_points_name_sectors_and_exceptions(rows):
    digest = digest_of(rows, 3.0, 2.0, 4.0, -1.0)
    assert main_points(digest, SWEDISH) == [
        "Mest ökade sedan 2023: transporter (21 procent) och arbetsmaskiner (35 procent).",
        "Mest minskade sedan 2023: industri (2 procent).",
        "Bara i Mora minskade utsläppen.",
    ]
    assert main_points(digest, ENGLISH)[2] == "Emissions fell only in Mora."


def test_a_sector_that_is_new_or_moved_by_less_than_a_percent_explains_nothing(rows):
    digest = digest_of(rows, 3.0, -1.0, sectors={"waste": (0.0, 50.0), "transport": (1000.0, 1004.0)})
    assert main_points(digest, SWEDISH) == []


def test_a_sector_with_fewer_members_in_one_year_is_no_change_of_emissions(rows):
    rows["network_sectors"][0]["region_count"] = 2
    assert "agriculture" not in {sector.sector_code for sector in build_digest(rows).sectors}
