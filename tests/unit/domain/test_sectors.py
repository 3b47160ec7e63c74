"""One code for every spelling of every release; substances by code and label."""

from __future__ import annotations

import pytest

from klimatpuls.domain import sectors, substances
from klimatpuls.errors import UsageError


def test_nine_main_sectors_in_the_publishers_order():
    assert sectors.main_codes() == (
        "transport",
        "industry",
        "agriculture",
        "power_heat",
        "own_heating",
        "machinery",
        "product_use",
        "waste",
        "international_transport",
    )


def test_the_63_pairs_of_all_releases_and_the_four_misspelt_ones():
    everything = sectors.sectors()
    assert len(everything) == 63
    assert sum(len(sector.spellings) for sector in everything.values()) == 67
    assert len(sectors.codes_by_spelling()) == 67


def test_every_sub_sector_hangs_below_the_sector_its_code_begins_with():
    for code, sector in sectors.sectors().items():
        if "." in code:
            assert sector.parent_code == code.partition(".")[0]
            assert code in sectors.sub_codes(sector.parent_code)
        elif sector.is_main:
            assert sector.parent_code == sectors.ALL
    assert sectors.sectors()[sectors.ALL].parent_code is None
    assert sectors.sub_codes("industry") == sectors.sub_codes("power_heat") == ()


def test_every_sector_has_a_name_of_its_own_in_both_languages():
    for names in ("name_sv", "name_en"):
        siblings = [(sector.parent_code, getattr(sector, names)) for sector in sectors.sectors().values()]
        assert len(set(siblings)) == 63
        assert all(name for _, name in siblings)


@pytest.mark.parametrize(
    ("main", "sub", "code"),
    [
        ("Alla", "Alla", "all"),
        ("Egen uppärmning av bostäder och lokaler", "Bostäder", "own_heating.homes"),
        ("Egen uppvärmning av bostäder och lokaler", "Bostäder", "own_heating.homes"),
        ("Transporter", "Millitär transport", "transport.military"),
        ("Transporter", "inrikes civil sjöfart (inkl privata fritidsbåtar)", "transport.domestic_shipping"),
        (
            "Avfall (inkl.avlopp)",
            "Krematorier och förbranning av farligt avfall",
            "waste.cremation_hazardous_incineration",
        ),
        ("Produktanvändning (inkl. lösningsmedel)", "Färg - hushåll", "product_use.paint_households"),
        (" Transporter", "Inrikes  flygtrafik", sectors.DOMESTIC_AVIATION),
        ("Transporter", "Raketer", None),
    ],
)
def test_spellings(main: str, sub: str, code: str | None):
    assert sectors.code_for(main, sub) == code


def test_thirty_substances_of_which_seven_are_greenhouse_gases():
    everything = substances.substances()
    assert len(everything) == 30
    gases = {code for code, entry in everything.items() if entry.is_ghg}
    assert gases == {"ghg", "co2", "ch4", "n2o", "hfc", "pfc", "sf6"}
    assert {everything[code].expected_unit for code in gases} == {"ton/år"}
    assert {entry.expected_unit for code, entry in everything.items() if code not in gases} == {None}


def test_ghg_is_smhis_ggt_and_case_matters_there():
    assert substances.substance("ghg").smhi_code == "GGT"
    assert substances.substance("pm25").smhi_code == "PM25"
    assert substances.by_label("Koldioxid (CO2)") is substances.substance("co2")
    assert substances.by_label("Guld (Au)") is None


def test_an_unknown_substance_lists_the_known():
    with pytest.raises(UsageError, match=r"no substance 'GGT'; there are .*ghg"):
        substances.substance("GGT")
