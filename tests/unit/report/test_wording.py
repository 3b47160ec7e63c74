from __future__ import annotations

import re

import pytest

from klimatpuls.contract import schema
from klimatpuls.report import findings, terms
from klimatpuls.report.headline import headline_of, headline_to_json
from klimatpuls.report.page import Bullets, KeyFigures, Paragraph, Table
from klimatpuls.report.render import render_text
from klimatpuls.report.view import build_digest
from klimatpuls.report.wording import subject, write_page
from klimatpuls.statistics import series, standing

TARGET = {
    "region_name": "Lund", "target_id": "lund-2030", "title_sv": "70 procent lägre utsläpp 2030",
    "title_en": "70 percent lower emissions in 2030", "boundary": "territorial", "boundary_title_sv": None,
    "boundary_title_en": None,
    "target_year": 2030, "level_tco2e": 103_000.0, "last_year": 2024,
    "last_tco2e": 282_660.5, "status": "most_below", "status_reason": None, "variants_met": 7,
    "variants_n": 8, "required_annual_reduction_rate": 0.155, "achieved_annual_reduction_rate": -0.021,
    "achieved_from_year": 2020, "annual_reduction_since_2015": 0.013, "flags": [],
    "release_id": "smhi_emissions-ghg-2026-05-07-0a1b2c3d", "publication_id": 7,
}  # fmt: skip


def section(page, heading):
    return next(part for part in page.sections if part.heading == heading)


def text_of(page) -> str:
    """The page as running text, whitespace folded."""
    return re.sub(r"[ \n]+", " ", render_text([page], "x"))


def test_in_short_tells_the_network_against_the_nation(digest):
    lead = section(write_page(digest, "sv"), "Kort sagt").blocks[0]
    assert isinstance(lead, Paragraph)
    assert lead.text == (
        "Utsläppen i nätverkets 18 bekräftade medlemskommuner var 7,93\u00a0miljoner ton växthusgaser 2024. "
        "Det är 9,4\u00a0% mer än 2023 (utan den största utsläpparen, Luleå, 8,9\u00a0% mer); i hela landet "
        "8,0\u00a0% mer. Sedan 1990 har nätverkets utsläpp minskat med 33,4\u00a0% (utan Luleå "
        "minskat med 46,7\u00a0%), övriga Sveriges minskat med 33,4\u00a0%."
    )


def with_population_of_1990(rows) -> None:
    """The change per inhabitant, as a warehouse shows it that holds the population of 1990."""
    changes = {
        "members_today": -52.84, "members_without_largest": -61.0, "nation": -44.0, "rest_of_sweden": 0.0
    }  # fmt: skip
    for row in rows["network_summary"]:
        if row["panel"] in changes and row["year"] == 2024:
            row |= {
                "per_capita_change_since_1990_pct": changes[row["panel"]],
                "per_capita_change_reason": None,
                "widened_with": ["0330", "1814"] if row["panel"].startswith("members") else [],
            }


def test_the_change_per_inhabitant_is_told_with_whom_it_is_calculated(rows):
    with_population_of_1990(rows)
    lead = section(write_page(build_digest(rows), "sv"), "Kort sagt").blocks[0].text.replace("\u00a0", " ")
    assert lead.endswith(
        "Per invånare har nätverkets utsläpp minskat med 52,8 % sedan 1990 (utan Luleå minskat med 61,0 %), "
        "hela landets minskat med 44,0 %. Ändringen per invånare är räknad med Knivsta och Lekeberg, som var "
        "ett med medlemskommuner 1990."
    )
    english = section(write_page(build_digest(rows), "en"), "In short").blocks[0].text
    assert (
        "Per inhabitant the network's emissions have fallen by 52.8% since 1990 (without Luleå fallen"
        in english
    )
    table = tables(write_page(build_digest(rows), "en"), "The network against the nation")[0]
    assert table.columns[-1] == "per inh. since 1990,\u00a0%"
    assert table.rows[0][-1] == "\u221252.8"


def test_without_population_of_1990_the_change_per_inhabitant_has_its_reason(digest):
    text = text_of(write_page(digest, "sv"))
    assert "Nätverkets ändring per invånare sedan 1990 saknas: folkmängden det året är inte känd." in text
    assert "Per invånare har nätverkets utsläpp" not in text
    table = tables(write_page(digest, "en"), "The network against the nation")[0]
    assert table.columns[-1] == "t per inh."


def tables(page, heading) -> list[Table]:
    return [block for block in section(page, heading).blocks if isinstance(block, Table)]


GAP = (
    "Registret bekräftar 19 av nätverkets omkring 52 medlemmar (kommuner och regioner), så summorna omfattar "
    "bara en del av nätverket."
)


def test_an_incomplete_register_is_said_wherever_a_sum_of_the_network_stands(digest):
    page = write_page(digest, "sv")
    for heading in ("Kort sagt", "Nätverket mot landet"):
        told = [block.text for block in section(page, heading).blocks if isinstance(block, Paragraph)]
        assert GAP in told, heading


@pytest.mark.parametrize("known", [(52, 52), (53, 52), (19, None), (None, None)])
def test_a_complete_register_or_an_unknown_number_of_members_is_not_called_incomplete(rows, known):
    for row in rows["network_summary"]:
        row["confirmed_member_count"], row["stated_member_count"] = known
    page = write_page(build_digest(rows), "sv")
    assert "Registret bekräftar" not in text_of(page)
    assert "Medlemmar i registret" not in text_of(page)


def test_an_unchanged_sum_is_not_called_less(rows):
    for row in rows["network_summary"]:
        if (row["panel"], row["year"]) == ("members_today", 2024):
            before = next(
                one for one in rows["network_summary"]
                if (one["panel"], one["boundary"], one["year"]) == (row["panel"], row["boundary"], 2023)
            )  # fmt: skip
            row["emissions_tco2e"] = before["emissions_tco2e"] * 0.9999
            row["change_since_1990_pct"] = -0.04
    text = text_of(write_page(build_digest(rows), "sv"))
    assert "Det är lika mycket som 2023 (utan den största utsläpparen, Luleå, 8,9 % mer);" in text.replace(
        "\u00a0", " "
    )
    assert "Sedan 1990 har nätverkets utsläpp varit oförändrade (utan" in text


def mailed(digest, **changes) -> dict[str, object]:
    """The row of the last mail, had it led with what the digest leads with, but for some values."""
    headline = headline_to_json(headline_of(digest))
    for figure in headline["figures"]:
        name = figure["kind"] if figure["since"] in {None, 2023} else f"{figure['kind']}_since_1990"
        figure["value"] = changes.pop(name, figure["value"])
    assert not changes.keys() - {"members", "method_version"}
    return {"headline": {**headline, **changes}, "publication_id": 7}


def told_corrections(rows, lang="sv") -> list[str]:
    blocks = section(write_page(build_digest(rows), lang), "Kort sagt" if lang == "sv" else "In short").blocks
    lists = [block.items for block in blocks if isinstance(block, Bullets)]
    start = "I förra brevet" if lang == "sv" else "In the last letter"
    return [item.replace("\u00a0", " ") for items in lists for item in items if item.startswith(start)]


def test_a_correction_of_a_mailed_headline_is_told_with_both_figures(rows, digest):
    rows["mailed_headline"] = [mailed(digest, emissions=7.86e6, change=8.4, change_since_1990=-34.0)]
    assert told_corrections(rows) == [
        "I förra brevet skrev vi 7,86 miljoner ton för nätverkets utsläpp 2024; med rättade siffror är det "
        "7,93 miljoner ton.",
        "I förra brevet skrev vi +8,4 % för ändringen av nätverkets utsläpp 2023–2024; med rättade siffror "
        "är det +9,4 %.",
        "I förra brevet skrev vi −34,0 % för ändringen av nätverkets utsläpp 1990–2024; med rättade siffror "
        "är det −33,4 %.",
    ]
    assert told_corrections(rows, "en")[0] == (
        "In the last letter we wrote 7.86 million tonnes for the network's emissions in 2024; with corrected "
        "figures it is 7.93 million tonnes."
    )


def test_a_headline_that_moved_less_than_it_is_printed_is_no_news(rows, digest):
    rows["mailed_headline"] = [mailed(digest, emissions=7.9321e6, per_inhabitant=2.41)]
    assert told_corrections(rows) == []


def test_a_headline_of_other_members_or_another_method_is_not_called_corrected(rows, digest):
    rows["mailed_headline"] = [mailed(digest, per_inhabitant=3.1, members=["0380"])]
    (told,) = told_corrections(rows)
    assert told == (
        "I förra brevet skrev vi 3,1 ton för nätverkets utsläpp per invånare 2024; med dagens medlemmar är "
        "det 2,4 ton."
    )
    rows["mailed_headline"] = [mailed(digest, per_inhabitant=3.1, method_version="0.9")]
    (told,) = told_corrections(rows)
    assert "med dagens räknesätt är det 2,4 ton" in told


def test_a_mailed_figure_of_a_year_that_is_gone_is_not_corrected(rows, digest):
    gone = mailed(digest, emissions=1.0)
    for figure in gone["headline"]["figures"]:
        figure["year"] = 2019
    rows["mailed_headline"] = [gone]
    assert told_corrections(rows) == []


def test_the_numbers_at_a_glance_have_the_nation_beside_them(digest):
    figures = section(write_page(digest, "en"), "In short").blocks[3]
    assert isinstance(figures, KeyFigures)
    assert [(item.value, item.detail) for item in figures.items] == [
        ("7.93\u00a0million\u00a0t", "18 municipalities; nation 47.49\u00a0million\u00a0t"),
        ("+9.4%", "without Luleå +8.9%; nation +8.0%"),
        ("\u221233.4%", "without Luleå \u221246.7%; nation \u221233.1%"),
        ("2.4\u00a0tonnes", "nation 4.5\u00a0tonnes"),
        ("missing", "the reason stands further down"),
        ("19 of about 52", "the sums cover these only"),
    ]


def test_what_changed_is_told_in_sentences_with_numbers(digest):
    changes = section(write_page(digest, "sv"), "Vad som har ändrats, och varför").blocks[0]
    assert isinstance(changes, Bullets)
    assert [item.replace("\u00a0", " ") for item in changes.items] == [
        "Växthusgaser totalt: nytt år 2024.",
        "Växthusgaser totalt: utgivaren visar inte längre 2016–2019. De finns kvar här, i den utgåva som "
        "hade dem.",
        "Revidering av nätverkets kommuner tillsammans, utan utrikes transporter: 2023: 7 566 851 → "
        "7 250 000 ton (−4,2 %); utan Luleå +0,5 %. Mest reviderade av dem 2023: Luleå −340 000 ton "
        "(−11,4 %), Göteborg +6 914 ton (+0,3 %), Stockholm +4 266 ton (+0,3 %).",
        "Revidering av växthusgaser totalt, utan utrikes transporter, hela landet: 2023: 44 110 326 → "
        "43 977 551 ton (−0,3 %); 2022: 45 010 870 → 44 920 005 ton (−0,2 %).",
        "Utgivaren har börjat räkna med utrikes transporter (hela landet 2023 180 469 ton). De är nya i "
        "summan, ingår inte i siffrorna här och är ingen ökning.",
        "18,8 % av kommunernas årssummor i båda utgåvorna har reviderats med mer än 5 %. Det är nya "
        "beräkningar eller en ny avgränsning hos utgivaren, inte ändrade utsläpp.",
        "Mest reviderade av alla kommuner: Kumla 2005: 91 500 → 124 600 ton (+36,2 %).",
    ]


def test_members_that_were_not_revised_or_not_known_are_no_news(rows):
    for row in rows["members"]:
        row["revision_of_previous_year_tco2e"] = None
    assert "nätverkets kommuner tillsammans" not in text_of(write_page(build_digest(rows), "sv"))
    for row in rows["members"]:
        row |= {"revision_of_previous_year_tco2e": 5.0, "revision_of_previous_year_pct": None}
    assert "nätverkets kommuner tillsammans" not in text_of(write_page(build_digest(rows), "sv"))


def test_a_cause_written_down_before_its_boundary_was_told_is_of_the_published_total(rows):
    del rows["publication"][0]["causes"][0]["boundary"]
    text = text_of(write_page(build_digest(rows), "sv"))
    assert "Revidering av växthusgaser totalt, hela landet: 2023" in text
    assert "nätverkets kommuner tillsammans" not in text


@pytest.mark.parametrize(
    ("cause", "swedish", "english"),
    [
        (
            {"kind": "register", "first": False},
            "Nätverkets egna uppgifter: registren har ändrats.",
            "The network's own data: the registers changed.",
        ),
        (
            {"kind": "register", "first": True},
            "Nätverkets egna uppgifter: registren är inlästa för första gången.",
            "The network's own data: the registers were read for the first time.",
        ),
        (
            {
                "kind": "standing",
                "region_code": "1281",
                "target_id": "lund-2030",
                "old": "split",
                "new": None,
            },
            "Lund, 70 procent lägre utsläpp 2030: från ”hälften av sätten att räkna når nivån” till ”inget "
            "läge”.",
            "Lund, 70 percent lower emissions in 2030: from “half of the ways of calculating reach the "
            "level” to “no standing”.",
        ),
        (
            {"kind": "status_changed", "criterion": 0, "measure_status": 2, "pledge_status": 1},
            "Dagar har gått, och daterade lägen har ändrats: åtgärder 2, klimatlöften 1. Siffrorna är "
            "oförändrade.",
            "Days have passed, and dated statuses changed: measures 2, pledges 1. The figures are unchanged.",
        ),
        (
            {"kind": "override", "release_id": "r-1", "decided_by": "eva@example.org", "reason": "rimligt"},
            "Utgåvan r-1 stoppades och godkändes sedan för hand. Skäl: rimligt",
            "Release r-1 was put on hold and then approved by hand. Reason: rimligt",
        ),
    ],
)
def test_every_other_cause_has_its_sentence_and_names_nobody(rows, cause, swedish, english):
    rows["publication"][0]["causes"] = [cause]
    rows["own_targets"] = [TARGET]
    digest = build_digest(rows)
    assert swedish in text_of(write_page(digest, "sv"))
    assert english in text_of(write_page(digest, "en"))
    assert "eva@example.org" not in text_of(write_page(digest, "sv"))


def test_a_first_release_has_nothing_to_be_compared_with(rows):
    cause = rows["publication"][0]["causes"][0]
    cause.update(first=True, replaces=None, new_years=[], vanished_years=[], nation=[], largest_movers=[],
                 moved_share_pct=None)  # fmt: skip
    digest = build_digest(rows)
    assert "Visas för första gången, utan något tidigare att jämföra med: Växthusgaser totalt." in text_of(
        write_page(digest, "sv")
    )
    assert subject(digest).startswith("Utsläppen ökade 2024 i alla 18 medlemskommuner – mest inom ")


def test_an_earlier_release_loaded_afterwards_is_no_news_of_the_current_figures(rows):
    rows["publication"][0]["causes"][0]["is_current"] = False
    digest = build_digest(rows)
    assert "an earlier release (2026-05-07) was added to the archive" in text_of(write_page(digest, "en"))
    assert subject(digest) == "Utsläppen till 2024"


@pytest.mark.parametrize(
    ("cause", "title"),
    [
        (
            {"kind": "register", "first": False},
            ("Ändringar i nätverkets register", "Changes in the network's registers"),
        ),
        (
            {"kind": "standing", "region_code": "1281", "target_id": "t", "old": None, "new": "split"},
            ("Ändrat läge för medlemmars mål", "Changed standing of members' targets"),
        ),
        (
            {"kind": "override", "release_id": "r", "reason": None},
            ("Utsläppen till 2024", "Emissions to 2024"),
        ),
    ],
)
def test_the_title_follows_the_cause(rows, cause, title):
    rows["publication"][0]["causes"] = [cause]
    digest = build_digest(rows)
    assert subject(digest) == title[0]
    assert write_page(digest, "en").title == title[1]


def test_a_revision_without_a_new_year_is_called_one(rows):
    rows["publication"][0]["causes"][0]["new_years"] = []
    digest = build_digest(rows)
    assert subject(digest) == "Reviderade utsläppssiffror till 2024"
    assert write_page(digest, "en").title == "Revised emission figures to 2024"


@pytest.mark.parametrize(
    ("origin", "prefix", "banner"),
    [
        (
            "synthetic",
            "[PÅHITTADE SIFFROR] ",
            ("PÅHITTADE SIFFROR.", "SYNTHETIC FIGURES."),
        ),
        ("archive", "[ARKIV] ", ("SIFFROR UR ETT ARKIV.", "FIGURES FROM AN ARCHIVE.")),
    ],
)
def test_figures_that_are_not_live_are_said_to_be_so_first_of_all(rows, origin, prefix, banner):
    rows["publication"][0]["origin"] = origin
    digest = build_digest(rows)
    assert subject(digest).startswith(prefix)
    assert write_page(digest, "sv").banner.startswith(banner[0])
    assert write_page(digest, "en").banner.startswith(banner[1])


def test_live_figures_need_no_banner(digest):
    assert write_page(digest, "sv").banner is None


def test_every_variant_of_the_comparison_is_shown(digest):
    table = next(
        block for block in section(write_page(digest, "en"), "The network against the nation").blocks
        if isinstance(block, Table)
    )  # fmt: skip
    assert [row[0] for row in table.rows] == [
        "Members today (18)",
        "Members at the time",
        "Without the largest emitter (17)",
        "Members today (18), outside trading*",
        "Without the largest emitter (17), outside trading*",
        "Rest of Sweden (272)",
        "Rest of Sweden (272), outside trading*",
        "Not assigned to any municipality",
        "The nation",
        "The nation, outside trading*",
    ]
    assert table.rows[0] == ("Members today (18)", "7.93", "−33.4", "+9.4", "2.4")
    assert table.rows[1] == ("Members at the time", "–", "–", "–", "–")
    assert (
        "Members at the time: not shown, the dates on which members joined have not been entered."
        in text_of(write_page(digest, "en"))
    )


def test_missing_per_capita_has_its_reason(digest):
    assert "Emissions per inhabitant before 2023 are missing: no population is known for those years." in (
        text_of(write_page(digest, "en"))
    )


def test_no_population_at_all_has_its_reason(rows):
    for row in rows["network_summary"]:
        row.update(population_count=None, emissions_t_per_capita=None)
    for row in rows["members"]:
        row.update(territorial_t_per_capita=None, per_capita_reason="no_population")
    text = text_of(write_page(build_digest(rows), "sv"))
    assert "folkmängden är inte känd för något av åren" in text
    assert "Per invånare saknas för" not in text  # said once, not again per member
    assert "Per invånare 2024: saknas (skälet står längre ned)" in text


def test_a_member_without_per_capita_is_named_with_the_reason(rows):
    rows["members"][0].update(territorial_t_per_capita=None, per_capita_reason="borders_changed")
    text = text_of(write_page(build_digest(rows), "en"))
    assert "Per inhabitant is missing for Borlänge: the border has changed" in text


def test_too_short_a_series_is_insufficient_data(rows):
    rows["releases"][1]["years"] = [1990, 2000, 2005, *range(2010, 2020)]
    text = text_of(write_page(build_digest(rows), "sv"))
    assert (
        "Läget mot mål: för lite data. Utgåvan har 5 år från 2015 (2015–2019), som spänner över 4; det krävs "
        "minst 4 år som spänner över minst 5."
    ) in text


def test_no_target_is_said(digest):
    assert "Ingen medlem har lagt in något mål ännu." in text_of(write_page(digest, "sv"))


def test_a_standing_is_a_count_of_ways_with_its_release_and_lag_never_a_probability(rows):
    rows["own_targets"] = [TARGET]
    digest = build_digest(rows)
    swedish, english = text_of(write_page(digest, "sv")), text_of(write_page(digest, "en"))
    assert "7 av 8 sätt" in swedish
    assert "7 of 8 ways" in english
    assert "Data to 2024 (16 months old)." in english
    assert english.count(TARGET["release_id"]) == 2, "once in the sources, once in the footer"
    assert (
        "Lund: 70 procent lägre utsläpp 2030. Under nivån på de flesta sätt att räkna, 7 av 8 sätt."
        in swedish
    )
    assert TARGET["target_id"] not in swedish
    assert swedish.count("tillsammans värda ungefär 1,8 oberoende") == 1
    assert english.count("together worth about 1.8 independent ones") == 1
    for page in (swedish, english):
        assert "87,5" not in page
        assert "87.5" not in page
    for word in ("probab", "chance", "sannolikheten är", "likely"):
        assert word not in (swedish + english).lower()


def test_an_estimate_of_the_next_year_says_what_it_rests_on(rows):
    assert "uppskattning av" not in text_of(write_page(build_digest(rows), "sv")).lower(), "none may be shown"
    rows["nowcast"] = [
        {
            "year": 2025, "last_year": 2024, "basis": "preliminary", "region_count": 18, "last_tco2e": 7.93e6,
            "emissions_tco2e": 7.71e6, "nowcast_median_pct": 1.78, "publication_id": 7,
        }
    ]  # fmt: skip
    digest = build_digest(rows)
    texts = [text_of(write_page(digest, lang)).replace("\u00a0", " ") for lang in ("sv", "en")]
    assert (
        "Nätverkets 18 kommuner: omkring 7,71 miljoner ton 2025, 2,8 % mindre än 2024. Uppskattningen bygger "
        "på rikets förändring per sektor enligt preliminära siffror och innehåller ingen lokal information. "
        "För år som är kända missade den hälften av kommunerna med mer än 1,8 %."
    ) in texts[0]
    assert "by its preliminary figures, and contains no local information." in texts[1]
    test_both_languages_say_equally_much(digest)
    rows["nowcast"][0] |= {"basis": "final", "emissions_tco2e": 8.0e6}
    swedish = text_of(write_page(build_digest(rows), "sv")).replace("\u00a0", " ")
    assert "0,9 % mer än 2024" in swedish
    assert "enligt slutliga siffror" in swedish


def test_what_a_count_is_worth_is_that_of_the_publication(rows):
    rows["own_targets"] = [TARGET]
    rows["variant_worth"][0]["independent_n"] = 2.34
    assert "tillsammans värda ungefär 2,3 oberoende" in text_of(write_page(build_digest(rows), "sv"))
    rows["variant_worth"] = []
    text = text_of(write_page(build_digest(rows), "sv"))
    assert "sätten bygger på samma få år." in text
    assert "oberoende" not in text
    rows["own_targets"] = [{**TARGET, "status": "too_far", "variants_met": None, "variants_n": None}]
    assert "samma få år" not in text_of(write_page(build_digest(rows), "sv")), "without a count"


@pytest.mark.parametrize(
    ("status", "met", "words"),
    [("all_below", 8, "På eller under nivån, 8 av 8 sätt."), ("none_below", 0, "Över nivån, 0 av 8 sätt.")],
)
def test_none_and_all_of_the_ways_are_called_by_their_number(rows, status, met, words):
    rows["own_targets"] = [{**TARGET, "status": status, "variants_met": met}]
    assert words in text_of(write_page(build_digest(rows), "sv")).replace("\u00a0", " ")


def test_rates_say_their_years_and_use_words_for_their_sign(rows):
    rows["own_targets"] = [TARGET]
    swedish, english = (
        text_of(write_page(build_digest(rows), lang)).replace("\u00a0", " ") for lang in ("sv", "en")
    )
    assert "Från 2024 krävs en minskning med 15,5 % om året." in swedish
    assert (
        "Utsläppen ökade med 2,1 % om året sedan 2020 och minskade med 1,3 % om året sedan 2015." in swedish
    )
    assert "Emissions rose by 2.1% a year since 2020 and fell by 1.3% a year since 2015." in english
    assert swedish.count("räknas från ett pandemiår") == 1


def test_a_window_that_starts_after_the_pandemic_needs_no_word_of_it(rows):
    rows["own_targets"] = [{**TARGET, "achieved_from_year": 2022}]
    assert "pandemi" not in text_of(write_page(build_digest(rows), "sv"))


def test_a_standing_without_enough_data_gives_the_reason(rows):
    rows["own_targets"] = [
        {**TARGET, "status": "insufficient_data", "status_reason": "span_too_short", "variants_met": None,
         "variants_n": None}
    ]  # fmt: skip
    assert "Insufficient data. The years span fewer than 5." in text_of(write_page(build_digest(rows), "en"))


def test_warnings_name_their_areas(digest):
    text = text_of(write_page(digest, "sv"))
    assert "Fem sektorvärden faller under 5 % av åren intill. Gäller bland andra Kumla och Östersund." in text


def test_a_warning_of_figures_that_are_not_in_the_mail_says_so(rows):
    rows["findings"][0]["substance"] = "co2"
    assert "Koldioxid (CO2) (används inte i det här brevet): Fem sektorvärden" in text_of(
        write_page(build_digest(rows), "sv")
    )


def test_an_area_already_in_the_message_is_not_repeated(rows):
    rows["findings"][0].update(message_en="Waste of Kumla and Östersund collapses", finding_count=2)
    assert "collapses." in text_of(write_page(build_digest(rows), "en"))
    assert "Concerns" not in text_of(write_page(build_digest(rows), "en"))


def test_no_finding_is_said(rows):
    rows["findings"] = []
    assert "None. The current releases passed every check." in text_of(write_page(build_digest(rows), "en"))


def test_one_plant_and_a_large_revision_are_marked(digest):
    text = text_of(write_page(digest, "sv"))
    assert "Luleå ¹" in text
    assert "¹ Industri och energi är mer än hälften av utsläppen" in text
    assert "Utgivaren har reviderat 2023 med minst 5\u00a0% för: Luleå −11,4\u00a0%." in text


def test_beside_one_plant_stands_what_is_left_without_it(rows, digest):
    assert "¹ Utan industri, el och fjärrvärme, 2024: Luleå 248\u00a0000\u00a0ton." in text_of(
        write_page(digest, "sv")
    )
    for row in rows["members"]:
        if row["region_name"] == "Luleå":
            row.update(leads_with="outside_trading", outside_trading_tco2e=139_000.0)
    text = text_of(write_page(build_digest(rows), "en"))
    assert "¹ Without the plants in emissions trading and aviation, 2024: Luleå 139,000\u00a0tonnes." in text
    assert "Without industry" not in text


POOR = {
    "sv": "* För Luleå avviker närmevärdet mer än 10\u00a0% från en officiell uppgift",
    "en": "* For Luleå this proxy misses an official figure by more than 10%",
}


@pytest.mark.parametrize("language", ["sv", "en"])
def test_a_poor_proxy_is_told_only_where_there_is_one(rows, digest, language):
    assert POOR[language] not in text_of(write_page(digest, language))
    for row in rows["members"]:
        if row["region_name"] == "Luleå":
            row["flags"] = ["one_plant", "proxy_poor"]
    assert POOR[language] in text_of(write_page(build_digest(rows), language))


def test_a_target_on_a_poor_proxy_says_so(rows):
    said = f"misses an official figure for {TARGET['region_name']} by more than 10%."
    on_the_proxy = {**TARGET, "boundary": "effort_sharing_proxy", "flags": ["proxy"]}
    for flags, is_told in ((["proxy"], False), (["proxy", "proxy_poor"], True)):
        rows["own_targets"] = [{**on_the_proxy, "flags": flags}]
        assert (said in text_of(write_page(build_digest(rows), "en"))) is is_told


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("aviation_estimated", "* The release does not show domestic aviation. It is taken from the newest"),
        ("aviation_included", "Aviation is therefore part of the proxy."),
    ],
)
def test_aviation_that_is_not_known_is_told_below_the_comparison(rows, digest, flag, words):
    assert words not in text_of(write_page(digest, "en"))
    for row in rows["members"]:
        row["flags"] = [flag]
    assert words in text_of(write_page(build_digest(rows), "en"))


def test_what_was_released_says_substance_date_and_years(digest):
    text = text_of(write_page(digest, "en"))
    assert (
        "- Greenhouse gases, total from National emission database (SMHI/Naturvårdsverket), publisher's date "
        "7 May 2026, years 1990, 2000, 2005, 2010, 2015, 2020–2024."
    ) in text


def test_a_release_that_its_publisher_does_not_date_is_retrieved_and_may_have_no_years(rows):
    rows["releases"][1] |= {"dataset": "kolada_kpi", "substance": "all", "years": []}
    lead = {**rows["releases"][1], "release_id": "lead", "dataset": "smhi_emissions", "substance": "ghg"}
    rows["releases"].append({**lead, "years": [2024]})
    for language, words in (
        ("sv", "(Kolada (RKA)), hämtat den 7 maj 2026."),
        ("en", "(Kolada (RKA)), retrieved on 7 May 2026."),
    ):
        assert words in text_of(write_page(build_digest(rows), language))


def test_one_year_is_a_year(rows):
    rows["releases"][1]["years"] = [2024]
    assert "publisher's date 7 May 2026, year 2024." in text_of(write_page(build_digest(rows), "en"))


def test_sources_are_named_in_the_words_their_terms_ask_for(digest):
    text = text_of(write_page(digest, "sv"))
    assert (
        "Källa: Nationella emissionsdatabasen (SMHI/Naturvårdsverket), hämtad 2026-05-08, egen bearbetning."
    ) in text
    assert "Egen bearbetning av data från SCB" in text
    assert "CC0 1.0" in text


def test_a_network_without_members_says_so(rows):
    rows["members"] = []
    rows["network_summary"] = [row for row in rows["network_summary"] if row["panel"] == "nation"]
    text = text_of(write_page(build_digest(rows), "sv"))
    assert "Ingen bekräftad medlemskommun finns i registret." in text


FOUR = "Medlemskapets fyra kriterier"
COVERAGE = {
    "region_name": "Lund", "target_title_sv": "mål 2030", "target_title_en": "target 2030",
    "gap_tco2e": 80_684.0, "coverage_pct": 9.915, "coverage_reason": None,
    "measure_count": 3, "without_effect_count": 1, "overlap": "not_assessed", "publication_id": 7,
}  # fmt: skip


def test_criteria_nobody_was_asked_about_are_one_line(digest):
    (block,) = section(write_page(digest, "sv"), FOUR).blocks
    assert block.text == (
        "Ännu inte fastställt för någon medlem (19): de är inte tillfrågade eller har tid kvar att svara."
    )
    assert "Not yet established for any member (19)" in text_of(write_page(digest, "en"))


def test_criteria_are_counts_with_documents_apart_and_no_names(rows):
    rows["criteria"][0] |= {
        "met_count": 12,
        "documented_count": 9,
        "unknown_count": 7,
    }
    rows["criteria"][3] |= {"not_met_count": 2, "due_count": 5, "unknown_count": 12}
    table, note = section(write_page(build_digest(rows), "sv"), FOUR).blocks
    assert table.caption == "Antal av 19 medlemmar"
    assert table.rows[0] == ("Inventera utsläppen", "12", "9", "0", "0", "7")
    assert table.rows[3] == ("Informera nätverket", "0", "0", "2", "5", "12")
    assert "medlemmens egen uppgift" in note.text


def test_measures_pledges_and_coverage_are_told_where_there_are_any(rows):
    rows["own_targets"] = [TARGET]
    rows["measures"][0] |= {
        "measure_count": 12, "overdue_count": 2, "stale_count": 3, "pledge_count": 4,
        "pledge_at_risk_count": 1, "without_target_count": 18,
    }  # fmt: skip
    rows["coverage"] = [
        COVERAGE,
        {
            **COVERAGE,
            "target_title_sv": "mål 2040",
            "coverage_pct": None,
            "coverage_reason": "already_at_level",
        },
        {**COVERAGE, "region_name": "Mora", "measure_count": 0, "coverage_pct": 0.0},
    ]
    digest = build_digest(rows)
    _, told = section(write_page(digest, "sv"), FOUR).blocks
    assert [item.replace("\u00a0", " ") for item in told.items] == [
        "Medlemmar utan eget mål i registret: 18.",
        "Åtgärder i registret: 12, varav 2 försenade och 3 inaktuella (öppna utan ändring på länge).",
        "Klimatlöften: 4, varav 1 i riskzonen.",
        "Lund, mål 2030: åtgärderna täcker 9,9 % av gapet på 80 684 ton (åtgärder: 3, utan "
        "beräknad effekt: 1; överlappning är inte bedömd).",
        "Lund, mål 2040: åtgärderna kan inte ställas mot gapet, redan på målets nivå.",
        "Mora, mål 2030: inga åtgärder i registret ännu.",
    ]
    test_both_languages_say_equally_much(digest)


def test_without_a_member_nothing_is_said_of_criteria(rows):
    rows["criteria"] = []
    assert FOUR not in text_of(write_page(build_digest(rows), "sv"))


def test_both_languages_say_equally_much(digest):
    swedish, english = write_page(digest, "sv"), write_page(digest, "en")
    assert [len(part.blocks) for part in swedish.sections] == [len(part.blocks) for part in english.sections]
    for ours, theirs in zip(swedish.sections, english.sections, strict=True):
        assert [block.kind for block in ours.blocks] == [block.kind for block in theirs.blocks]
        for block, other in zip(ours.blocks, theirs.blocks, strict=True):
            if isinstance(block, Table):
                assert len(block.rows) == len(other.rows)
                assert all(len(row) == len(block.columns) for row in block.rows)
            if isinstance(block, Bullets):
                assert len(block.items) == len(other.items)


def test_the_newest_year_is_a_first_publication_until_another_release_has_it(rows):
    assert "Siffrorna för 2024 är en förstapublicering" in text_of(write_page(build_digest(rows), "sv"))
    rows["releases"][-1]["years"] = [1990, 2024]
    assert "förstapublicering" not in text_of(write_page(build_digest(rows), "sv"))


def test_how_far_figures_usually_move_is_told_with_the_number_of_pairs(rows):
    assert "brukar ändras" not in text_of(write_page(build_digest(rows), "sv"))
    rows["revision_record"] = [
        {
            "years_since_first": 1,
            "pairs_n": 3,
            "median_moved_pct": 0.79,
            "p90_moved_pct": 2.16,
            "publication_id": rows["publication"][0]["publication_id"],
        }
    ]
    swedish, english = (text_of(write_page(build_digest(rows), lang)) for lang in ("sv", "en"))
    assert (
        "brukar ändras med 0,8 procent 1 år efter den första publiceringen (nio av tio med högst 2,2); "
        "räknat på 3 par av utgåvor." in swedish
    )
    assert "usually moves by 0.8 percent 1 year after its first publication" in english


def test_every_reason_and_status_has_words_in_both_languages():
    stated = {
        code
        for mart in schema.marts()
        if mart.name in {"network_summary", "region_overview", "target_progress"}
        for column in mart.columns
        if column.name.endswith("_reason") and not column.name.startswith("outside_trading")
        for code in column.allowed or ()
    }
    assert len(stated) > 15
    assert stated <= terms.REASONS.keys(), "a code would be shown"
    assert set(standing.STATUSES) == terms.STANDINGS.keys()
    assert set(standing.REASONS) <= terms.REASONS.keys()


def test_an_own_series_is_called_by_its_title_and_no_code_is_shown(rows):
    own = {
        "boundary": "own_series:orebro_fordon",
        "boundary_title_sv": "egna fordon",
        "status": "not_computable",
        "variants_met": None,
        "variants_n": None,
    }
    rows["own_targets"] = [
        {**TARGET, **own, "status_reason": reason} for reason in (*standing.REASONS, "something_new")
    ]
    text = text_of(write_page(build_digest(rows), "sv"))
    assert "Lund: 70 procent lägre utsläpp 2030 (egna fordon). Kan inte räknas." in text
    assert "Ingen utgåva visar inrikesflyget." in text
    for code in (*standing.REASONS, "something_new", "own_series"):
        assert code not in text


def test_every_main_sector_and_boundary_has_a_name():
    assert findings.SECTORS.keys() == set(series.TERRITORIAL_SECTORS)
    assert set(series.BOUNDARY_CODES) <= terms.BOUNDARIES.keys()
