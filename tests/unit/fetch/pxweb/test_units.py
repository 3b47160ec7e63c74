from fractions import Fraction

import pytest

from klimatpuls.fetch.pxweb import units

KILO, ONE = Fraction(1_000), Fraction(1)


@pytest.mark.parametrize(
    ("text", "quantity", "factor"),
    [
        ("antal personer", "persons", ONE),
        (" Antal  Personer ", "persons", ONE),
        ("antal", "persons", ONE),
        ("Number of persons", "persons", ONE),
        ("1000-tal", "persons", None),
        ("tusental personer", "persons", None),
        ("procent", "persons", None),
        ("kt", "emissions", KILO),
        ("kt.", "emissions", KILO),
        ("Kton CO₂-ekvivalenter", "emissions", KILO),
        ("kiloton koldioxidekvivalenter", "emissions", KILO),
        ("1000 ton", "emissions", KILO),
        ("1\u00a0000 ton CO2-ekv./år", "emissions", KILO),
        ("tusen ton per år", "emissions", KILO),
        ("ton CO2e", "emissions", ONE),
        ("t", "emissions", ONE),
        ("kg", "emissions", Fraction(1, 1_000)),
        ("10 000 ton", "emissions", None),
        ("Mton", "emissions", None),
        ("miljoner ton", "emissions", None),
        ("MWh", "energy", ONE),
        ("GWh", "energy", KILO),
        ("kWh", "energy", Fraction(1, 1_000)),
        ("MWh per invånare", "energy", None),
        ("MWh", "emissions", None),
        ("", "persons", None),
    ],
)
def test_a_unit_is_read_whole_or_not_at_all(text, quantity, factor):
    unit = units.read_unit(text, quantity)
    assert (unit and unit.factor) == factor


@pytest.mark.parametrize(
    ("text", "quantity", "found"),
    [
        ("Totala Växthusgaser (kt CO2-ekv.)", "emissions", "kt CO2-ekv."),
        ("Metan (CH4) (ton)", "emissions", "ton"),
        ("Metan, 1 000 ton CO2-ekv.", "emissions", "1 000 ton CO2-ekv."),
        ("Fluorkolväten (HFC)", "emissions", None),
        ("Utsläpp (10 000 ton CO2-ekv.)", "emissions", None),
        ("Utsläpp 10 000 ton CO2-ekv.", "emissions", None),
        ("Metan (kt), tidigare (ton)", "emissions", None),
        ("Slutanvändning (MWh) efter region, förbrukarkategori och bränsletyp", "energy", "MWh"),
        ("gas (icke förnybara)", "energy", None),
        ("Folkmängd, antal", "persons", "antal"),
        ("Folkmängden efter region, civilstånd, ålder och kön", "persons", None),
    ],
)
def test_a_unit_within_a_label_stands_by_itself(text, quantity, found):
    unit = units.find_unit(text, quantity)
    assert (unit and unit.text.strip()) == found


@pytest.mark.parametrize(
    ("text", "nothing"),
    [
        ("", True),
        ("-", True),
        ("..", True),
        ("Enhet varierar med ämne", True),
        ("se fotnot", True),
        ("CO2-ekv.", True),
        ("Mton", False),
        ("1000-tal", False),
        ("antal", False),
    ],
)
def test_a_field_that_leaves_the_unit_open_is_told_from_one_that_states_another(text, nothing):
    assert units.says_nothing(text) is nothing


def test_equivalents_are_told_in_every_spelling():
    for text in ("kt CO2-ekv.", "CH4 CO2-ekv.", "ton CO₂e", "koldioxidekvivalenter"):
        assert units.speaks_of_equivalents(text)
    for text in ("kt CO2", "Koldioxid (kt)", "Metan (t)"):
        assert not units.speaks_of_equivalents(text)
