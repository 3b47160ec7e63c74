"""Targets in their owners' words, with required and actual change in words, and how far measures reach."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.site_rows import HOSTILE, site_rows, target

from klimatpuls.report.numbers import Speaker
from klimatpuls.report.view import VariantWorth
from klimatpuls.site import targets
from klimatpuls.site.membership import coverage_words
from klimatpuls.site.page import Link, Section
from klimatpuls.site.targets import pace, required, target_section
from klimatpuls.site.view import Coverage, Target, build_site
from klimatpuls.statistics import standing
from klimatpuls.translations import NBSP

SV, EN = Speaker("sv"), Speaker("en")


def made(**changes: object) -> Target:
    return Target(
        **{k: v for k, v in target(**changes).items() if k not in ("region_code", "publication_id", "flags")},
        flags=tuple(changes.get("flags", ())),
    )


def section(one: Target, say: Speaker = SV, **digest: object) -> Section:
    """The section on one of Tierp's targets; ``digest`` changes what the digest says."""
    site = build_site(site_rows())
    assert site is not None
    site = replace(site, digest=replace(site.digest, **digest))
    return target_section(site, site.regions["0360"], one, say)


def bullets(one: Target) -> list[str]:
    block = section(one).blocks[0]
    return [(item.text if isinstance(item, Link) else item).replace(NBSP, " ") for item in block.items]


def test_a_target_says_what_it_requires_and_what_happened_without_a_sign():
    assert section(made()).heading == "Målet: 70 procent lägre utsläpp 2030 än 1990"
    assert bullets(made()) == [
        "Målet är högst 65 400 ton 2030; 2024 var utsläppen 146 000 ton.",
        "Utsläppen måste minska 12,5 procent om året till 2030. "
        "De har ökat 1,0 procent om året sedan 2020 och har minskat 1,4 procent om året sedan 2015.",
        "Inget av 8 räknesätt når målet. Siffrorna går till 2024 och är 16 månader gamla.",
        "9 av 401 tidigare sådana fall slutade på målets nivå eller under.",
        "Beslutat av kommunfullmäktige 17 juni 2024",
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "few_below", "variants_met": 1}, "1 av 8 räknesätt når målet."),
        ({"status": "all_below", "variants_met": 8}, "8 av 8 räknesätt når målet."),
        ({"status": "below_level"}, "Utsläppen är under målets nivå nu, men målåret är inte här än."),
        ({"status": "met"}, "Målet är nått."),
        (
            {"status": "not_computable", "status_reason": "no_stated_cap"},
            "Hur det går med målet kan inte räknas ut: beslutet säger inte hur mycket som får finnas kvar.",
        ),
        (
            {"status": "awaiting_data", "expected_month": "2027-05"},
            "Målåret har passerat; siffran väntas i maj 2027.",
        ),
        ({"boundary": "own_series:tierp_bilar"}, "Det gäller egen serie."),
        ({"boundary": "sector_list:avfall"}, "Det gäller vissa sektorer."),
        (
            {"boundary": "own_series:tierp_bilar", "boundary_title_sv": "Bilar registrerade i Tierp"},
            "Det gäller bilar registrerade i Tierp.",
        ),
        ({"boundary": "sector_list:avfall", "boundary_title_sv": "Avfall"}, "Det gäller avfall."),
        ({"data_lag_months": 1}, "Siffrorna går till 2024 och är 1 månad gamla."),
    ],
)
def test_a_standing_is_a_count_or_a_sentence(changes, words):
    assert words in " ".join(bullets(made(**changes)))


def test_a_budget_is_not_held_against_one_year():
    words = " ".join(bullets(made(target_type="carbon_budget", level_tco2e=3e6, budget_runs_out_year=2027)))
    assert "Budgeten är 3,00 miljoner ton. I nuvarande takt räcker den till 2027." in words
    assert "Målet är högst" not in words


@pytest.mark.parametrize(
    ("changes", "need", "did"),
    [
        ({"required_annual_reduction_rate": 0.0}, "", "Utsläppen har ökat"),
        (
            {"required_annual_reduction_rate": None, "required_reduction_t_per_year": 4000.0},
            "Utsläppen måste minska med 4 000 ton om året till 2030.",
            "De har ökat",
        ),
        (
            {"achieved_annual_reduction_rate": 0.0001},
            "Utsläppen måste",
            "De har varit oförändrade sedan 2020",
        ),
        (
            {"achieved_annual_reduction_rate": None, "annual_reduction_since_2015": None},
            "Utsläppen måste",
            "",
        ),
    ],
)
def test_required_and_actual_change_are_told_as_far_as_they_are_known(changes, need, did):
    one = made(**changes)
    assert required(one, SV).replace(NBSP, " ").startswith(need)
    assert pace(one, SV).startswith(did)
    assert not set(required(one, SV) + pace(one, SV)) & set("+-−")


def test_a_count_is_worth_what_the_publication_says():
    worth = VariantWorth(independent_n=1.84, variants_n=8)
    note = section(made(), worth=worth).blocks[1].text
    assert "de 8 sätten bygger på samma få år och är tillsammans värda ungefär 1,8 oberoende" in note
    assert "ungefär" not in section(made(), worth=None).blocks[1].text
    assert len(section(made(status="met")).blocks) == 1


def test_a_target_on_a_proxy_that_misses_says_so():
    note = section(made(boundary="effort_sharing_proxy", flags=["proxy_poor"]), EN).blocks[1].text
    assert note == "The proxy outside emissions trading misses an official figure for Tierp by more than 10%."


def test_every_standing_is_a_count_or_has_words():
    assert targets.COUNTED | set(targets.STANDINGS) == set(standing.STATUSES)


def test_a_link_of_a_register_is_one_only_if_it_leads_to_the_web():
    for url in ("javascript:alert(1)", HOSTILE, ""):
        last = section(made(document_url=url)).blocks[0].items[-1]
        assert last == "Beslutat av kommunfullmäktige 17 juni 2024."


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Åtgärderna täcker 10 procent av gapet till målet: 8 000 ton av 80 000 ton."),
        ({"coverage_pct": 177.6}, "På papperet räcker åtgärderna mer än väl: 8 000 ton av 80 000 ton."),
        ({"measure_count": 0}, "Tierp har inga åtgärder i registret än."),
        ({"coverage_pct": None, "coverage_reason": "already_at_level"}, "Utsläppen är redan på målets nivå."),
        (
            {"coverage_pct": None, "coverage_reason": "no_effect", "measure_count": 1},
            "1 åtgärd finns i registret; ingen har räknat på dess effekt.",
        ),
        ({"coverage_pct": None, "coverage_reason": "no_gap"}, ""),
        ({"without_effect_count": 1}, "1 av 3 åtgärder saknar beräknad effekt."),
        ({}, "Ingen har bedömt om de överlappar varandra."),
    ],
)
def test_coverage_is_told_in_words(site, changes, words):
    one = Coverage(
        **{
            "target_id": "t",
            "gap_tco2e": 80_000.0,
            "counted_reduction_tco2e": 8_000.0,
            "coverage_pct": 10.0,
            "coverage_reason": None,
            "measure_count": 3,
            "without_effect_count": 0,
            "overlap": None,
            **changes,
        }
    )
    found = coverage_words(site.regions["0360"], one, SV).replace(NBSP, " ")
    assert words in found if words else found == ""
