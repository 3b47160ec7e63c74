"""The first screen: the finding, where it stands, why it moved, what now."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.site_rows import site_rows

from klimatpuls.report.numbers import Speaker
from klimatpuls.site.finding import (
    causes,
    compared_with_nation,
    headline,
    largest_moves,
    position,
    prospects,
    without_plant,
)
from klimatpuls.site.region import series_picture
from klimatpuls.site.start import network_headline, network_position, write_start
from klimatpuls.site.view import Point, build_site
from klimatpuls.translations import NBSP

SV, EN = Speaker("sv"), Speaker("en")


def said(text: str) -> str:
    return text.replace(NBSP, " ")


def test_the_headline_states_the_last_change_and_the_distance_to_1990(site):
    assert headline(site.regions["0360"], SV) == (
        "Tierp: utsläppen steg 12 procent 2024 och är en tredjedel lägre än 1990"
    )
    assert headline(site.regions["0360"], EN) == (
        "Tierp: emissions rose 12 percent in 2024 and are a third lower than in 1990"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"change_since_previous_pct": 0.04},
            "utsläppen var oförändrade 2024 och är en tredjedel lägre än 1990",
        ),
        (
            {"change_since_previous_pct": -0.06},
            "utsläppen minskade 0,1 procent 2024 och är en tredjedel lägre än 1990",
        ),
        ({"change_since_previous_pct": None}, "utsläppen är en tredjedel lägre än 1990"),
        ({"change_since_1990_pct": None}, "utsläppen steg 12 procent 2024"),
        ({"change_since_1990_pct": 0.0}, "utsläppen steg 12 procent 2024 och är lika höga som 1990"),
        ({"change_since_1990_pct": 158.0}, "utsläppen steg 12 procent 2024 och är 158 procent högre än 1990"),
        (
            {"previous_year": 2020},
            "utsläppen steg 12 procent från 2020 till 2024 och är en tredjedel lägre än 1990",
        ),
        (
            {"previous_year": 2020, "change_since_previous_pct": 0.0},
            "utsläppen var lika höga 2024 som 2020 och är en tredjedel lägre än 1990",
        ),
        (
            {"previous_year": 2020, "change_since_previous_pct": -3.0},
            "utsläppen minskade 3,0 procent från 2020 till 2024 och är en tredjedel lägre än 1990",
        ),
        (
            {"change_since_previous_pct": None, "change_since_1990_pct": None},
            "utsläppen var 146 000 ton 2024",
        ),
        ({"territorial_tco2e": None}, "ingen utsläppssiffra än"),
    ],
)
def test_the_headline_says_what_is_known(site, changes, words):
    assert said(headline(replace(site.regions["0360"], **changes), SV)) == f"Tierp: {words}"


def test_where_it_stands_is_said_beside_the_nation_or_with_the_reason(site):
    assert said(position(site, site.regions["0360"], SV)) == (
        "Tierp släppte ut 146 000 ton växthusgaser 2024, 6,9 ton per invånare. Landets snitt är 2 250,8 ton."
    )
    assert said(position(site, site.regions["0330"], SV)).startswith(
        "Knivsta släppte ut 54 000 ton växthusgaser 2024. Utsläpp per invånare visas inte: folkmängden"
    )
    missing = replace(site.regions["0360"], territorial_tco2e=None)
    assert position(site, missing, SV) == "Den gällande utgåvan har ingen utsläppssiffra för Tierp."


def test_why_names_the_sectors_that_moved_and_the_own_part(site):
    assert said(causes(site.regions["0360"], SV)) == (
        "Mest ökade transporter med 15 800 ton. "
        "Om varje sektor hade följt landet hade utsläppen ökat 14,7 procent. "
        "Utfallet blev 2,5 procentenheter lägre; det är Tierps egen del."
    )
    assert "det är Luleås egen del (delvis mätt)." in causes(site.regions["2580"], SV)
    assert "det är Borås egen del." in causes(site.regions["1490"], SV)
    lonely = replace(site.regions["0360"], change_since_previous_pct=None)
    assert causes(lonely, SV) == "Det finns inget tidigare år att jämföra med."


def test_a_sector_that_hardly_moved_is_no_cause(site):
    one, two, three, four = site.regions["0360"].sectors
    moved = [
        replace(one, first_tco2e=100.0, last_tco2e=200.0),
        replace(two, first_tco2e=100.0, last_tco2e=105.0),
        replace(three, first_tco2e=100.0, last_tco2e=60.0),
        replace(four, first_tco2e=None, last_tco2e=5000.0),
    ]
    assert (
        said(largest_moves(moved, SV))
        == "Mest ökade transporter med 100 ton. Mest minskade jordbruk med 40 ton."
    )
    assert largest_moves([], SV) == ""


@pytest.mark.parametrize(
    ("change", "national", "own", "words"),
    [
        (1.0, 1.0, 0.0, "Tierp följde landet, sektor för sektor."),
        (3.0, 0.0, 3.0, "hade utsläppen varit oförändrade. Utfallet blev 3,0 procentenheter högre"),
        (-1.0, -3.0, 2.0, "hade utsläppen minskat 3,0 procent. Utfallet blev 2,0 procentenheter högre"),
        (None, 1.0, 1.0, ""),
    ],
)
def test_the_own_part_is_what_differs_from_the_nation(site, change, national, own, words):
    region = replace(
        site.regions["0360"], change_since_previous_pct=change, national_part_pct=national, own_part_pct=own
    )
    found = compared_with_nation(region, SV)
    assert words in found if words else found == ""


@given(st.floats(-90, 200), st.floats(-90, 200))
def test_the_parts_add_up_as_printed(national, own):
    region = replace(
        build_site(site_rows()).regions["0360"],
        change_since_previous_pct=national + own,
        national_part_pct=national,
        own_part_pct=own,
    )
    words = compared_with_nation(region, EN)
    if "followed the nation" in words:
        return
    nation = 0.0
    if "unchanged" not in words:
        size = float(words.split(" percent")[0].rpartition(" ")[2].replace(",", ""))
        nation = size if "have risen" in words else -size
    points = float(words.split(" percentage points")[0].rpartition(" ")[2].replace(",", ""))
    outcome = nation + (points if " higher" in words else -points)
    assert outcome == pytest.approx(round(national + own, 1), abs=1e-6)


def test_the_nation_has_no_own_part(site):
    assert compared_with_nation(site.nation, SV) == ""


def test_where_one_plant_decides_the_rest_is_told_beside_it(site):
    assert said(without_plant(site.regions["2580"], SV)) == (
        "Utan industri, el och fjärrvärme: 262 000 ton 2024, 4,8 procent mer än 2023."
    )
    assert without_plant(site.regions["0360"], SV) == ""
    assert headline(site.regions["2580"], SV).startswith("Luleå: utsläppen minskade 1,0 procent 2024")
    assert said(position(site, site.regions["2580"], SV)).startswith("Luleå släppte ut 3,37 miljoner ton")


@pytest.mark.parametrize(
    ("before", "now", "clause", "sentence"),
    [
        (250_000.0, 262_000.0, "steg 4,8 procent 2024", "262 000 ton 2024, 4,8 procent mer än 2023."),
        (250_000.0, 240_000.0, "minskade 4,0 procent 2024", "240 000 ton 2024, 4,0 procent mindre än 2023."),
        (250_000.0, 250_000.0, "var oförändrade 2024", "250 000 ton 2024, lika mycket som 2023."),
        (None, 262_000.0, "var 262 000 ton 2024", "262 000 ton 2024."),
    ],
)
def test_a_page_leads_with_what_is_outside_trading_where_that_is_known(site, before, now, clause, sentence):
    region = replace(
        site.regions["2580"],
        leads_with="outside_trading",
        outside_trading_tco2e=now,
        without_plant=tuple(
            Point(year=year, tco2e=value, status="observed")
            for year, value in ((2023, before), (2024, now))
            if value is not None
        ),
    )
    assert said(headline(region, SV)) == f"Luleå: utsläppen utanför utsläppshandeln {clause}"
    stand = said(position(site, region, SV))
    assert stand.startswith(f"Utan anläggningarna i utsläppshandeln och flyget: {sentence} Luleå släppte ut")
    picture = series_picture(region, EN)
    assert picture is not None
    assert re.search(
        r'<text class="label line-0"[^>]*>(?:(?!</text>).)*outside emissions trading', picture.svg
    )


@pytest.mark.parametrize("flag", ["one_plant", "proxy_poor"])
def test_no_page_leads_with_a_target_on_a_proxy_that_is_far_off(site, flag):
    region = site.regions["0360"]
    on_proxy = replace(region.targets[0], boundary="effort_sharing_proxy", title_sv="Halvera")
    assert "De har ökat" in prospects(site, replace(region, targets=(on_proxy,)), SV)
    flagged = replace(region, flags=(flag,), targets=(on_proxy,))
    assert prospects(site, flagged, SV).startswith("Målet: Halvera. Störst del")
    both = replace(flagged, targets=(on_proxy, region.targets[0]))
    assert prospects(site, both, SV).startswith("Målet: 70 procent lägre")


def test_what_now_is_the_target_in_its_owners_words_or_that_there_is_none(site):
    assert said(prospects(site, site.regions["0360"], SV)) == (
        "Målet: 70 procent lägre utsläpp 2030 än 1990. "
        "Utsläppen måste minska 12,5 procent om året till 2030. "
        "De har ökat 1,0 procent om året sedan 2020 och har minskat 1,4 procent om året sedan 2015. "
        "Störst del av utsläppen kommer från transporter: 60 procent. Siffror för 2025 väntas i maj 2027."
    )
    assert prospects(site, site.regions["2580"], SV).startswith("Luleå har inget eget mål i registret.")
    assert "mål" not in prospects(site, site.regions["1490"], SV)


def test_the_network_is_counted_in_municipalities(site, rows):
    assert network_headline(site, SV) == "Utsläppen minskade 2024 i alla 2 medlemskommuner"
    for row in rows["report/members.sql"]:
        if row["region_code"] == "2580":
            row["change_since_previous_year_pct"] = 3.0
    assert network_headline(build_site(rows), SV) == (
        "Utsläppen 2024: upp i 1 och ner i 1 av 2 medlemskommuner"
    )
    rows["report/members.sql"] = []
    assert network_headline(build_site(rows), SV).startswith("Hela landet: utsläppen steg 8,0 procent 2024")


def test_the_networks_sum_agrees_with_its_number(site, rows):
    assert said(network_position(site, SV)) == (
        "Utsläppen i nätverkets 2 bekräftade medlemskommuner var 3,42 miljoner ton växthusgaser 2024. "
        "Det är 1,2 % mindre än 2023 (utan den största utsläpparen, Luleå, 10,0 % mindre); i hela landet "
        "8,0 % mer."
    )
    for row in rows["report/network_summary.sql"]:
        row["region_count"] = 1
    assert network_position(build_site(rows), SV).startswith(
        "Utsläppen i nätverkets 1 bekräftade medlemskommun "
    )
    rows["report/network_summary.sql"] = []
    assert "Nätverkets summa kan inte visas" in network_position(build_site(rows), SV)


def test_the_start_page_says_how_much_of_the_network_is_known_and_what_it_is_per_inhabitant(rows):
    for row in rows["report/network_summary.sql"]:
        row |= {"confirmed_member_count": 3, "stated_member_count": 52}
        if row["year"] == 2024:
            change = {"members_today": -52.8, "members_without_largest": -61.0, "nation": -44.0}[row["panel"]]
            row["per_capita_change_since_1990_pct"] = change
    page = write_start(build_site(rows), SV)
    stand, why, now = (said(words) for _, words in page.answers)
    assert page.heading == "Utsläppen minskade 2024 i alla 2 medlemskommuner"
    assert stand.endswith(
        "Registret bekräftar 3 av nätverkets omkring 52 medlemmar (kommuner och regioner), så summorna "
        "omfattar bara en del av nätverket."
    )
    assert why == "Mest minskade sedan 2023: transporter (2 procent)."
    assert now == (
        "Sedan 1990 har nätverkets utsläpp ökat med 6,9 % (utan Luleå minskat med 46,0 %). "
        "Per invånare har nätverkets utsläpp minskat med 52,8 % sedan 1990 (utan Luleå minskat med 61,0 %), "
        "hela landets minskat med 44,0 %. Siffror för 2025 väntas i maj 2027."
    )
