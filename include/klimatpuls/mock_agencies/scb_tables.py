"""The tables of SCB's database that an archive can fill, as they stand on a day.

Files of an archive folder, all optional but the first::

    scb/population.csv            region_code, region_name, year, population
    scb/national_emissions.csv    published_date, gas, sector, year, kt (codes of TAB4698)
    scb/energy.csv                published_date, region_code, consumer, fuel, year, mwh (codes of TAB3654;
                                  an empty mwh is confidential)
    scb/population_forecast.csv   published_date, region_code, year, population
    naturvardsverket/national_ghg.csv   year, total_excl_lulucf_tonnes_co2e, lulucf_tonnes_co2e: where there
                                  is no national_emissions.csv, these two rows of TAB4698, as published in
                                  the middle of the December after the last year

A file with ``published_date`` may hold several editions; the newest of the day is shown. Of the population
forecast each vintage is a table of its own: the newest is TAB6008, the one before it TAB6299.

Recorded: the ids, variables, codes, totals and units of TAB638, TAB5557 and TAB628; that the unit field of
TAB4698 says that units vary, and the labels of its gases name them. As live clients read them: the codes of
TAB4698 and TAB3654, and the unit of TAB3654 in its title. Guesses: the other labels of TAB4698 and TAB3654,
the titles of those two, of TAB628 and of the forecasts, the empty unit field of TAB3654, the unit field of
the forecasts, and the day on which TAB628 is published.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from klimatpuls.domain.regions import regions
from klimatpuls.errors import UsageError
from klimatpuls.mock_agencies.csv_files import read_rows
from klimatpuls.mock_agencies.scb import Table, Variable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LAST_YEAR_WITHOUT_NOISE = 2024
TABLE_ID = "TAB638"
CKM_TABLE_ID = "TAB5557"
CKM_CONTENTS = "000007ME"
DENSITY_TABLE_ID, DENSITY_CONTENTS, DENSITY_FIRST_YEAR = "TAB628", "BE0101U2", 1991
POPULATION_MONTH, POPULATION_DAY = 2, 22
NOISE_NOTE = (
    "Från och med referensåret 2025 och framåt är en liten kontrollerad slumpmässig osäkerhet införd i "
    "samtliga redovisade uppgifter. Till följd av detta så är inte alltid de redovisade totalerna lika med "
    "summan av deras redovisade delar. Metoden heter Cell Key Method (CKM)."
)
DAY_NOTE = "Uppgifterna avser förhållandena den 31 december."
CHOICE_NOTE = "Delar av tabellens texter är testserverns egna, inte SCB:s."
VARIOUS_UNITS = "Enhet varierar med ämne"
INVENTORY_MONTH, INVENTORY_DAY = 12, 16
NATIONAL_ID, ENERGY_ID = "TAB4698", "TAB3654"
FORECAST_ID, EARLIER_FORECAST_ID = "TAB6008", "TAB6299"
GASES = {
    "CO2-ekv.": "Totala Växthusgaser (kt CO2-ekv.)",
    "CO2": "Koldioxid (kt)",
    "CO2-BIO": "Koldioxid från biogena källor (kt)",
    "CH4": "Metan (t)",
    "CH4_CO2-ekv.": "Metan (kt CO2-ekv.)",
    "N2O": "Lustgas (t)",
    "N2O_CO2-ekv.": "Lustgas (kt CO2-ekv.)",
    "HFC": "Fluorkolväten, HFC (kt CO2-ekv.)",
    "PFC": "Perfluorkolväten, PFC (kt CO2-ekv.)",
    "SF6": "Svavelhexafluorid (kg)",
    "SF6_CO2-ekv.": "Svavelhexafluorid (kt CO2-ekv.)",
}
SECTORS = {
    "0.1": "Nationell total (exklusive LULUCF, exklusive utrikes transporter)",
    "0.2": "Nationell total (exklusive LULUCF, inklusive utrikes transporter)",
    "0.3": "Nationell total (inklusive LULUCF, exklusive utrikes transporter)",
    "0.4": "Nationell total (inklusive LULUCF, inklusive utrikes transporter)",
    "1.0": "Arbetsmaskiner",
    "2.0": "Avfall",
    "3.0": "El och fjärrvärme",
    "4.0": "Industri",
    "5.0": "Utrikes transporter",
    "6.0": "Jordbruk",
    "7.0": "Produktanvändning",
    "8.0": "Inrikes transporter",
    "9.0": "Egen uppvärmning av bostäder och lokaler",
    "10.0": "Markanvändning (LULUCF)",
}
CONSUMERS = {
    "911": "slutanv. jordbruk, skogsbruk, fiske",
    "921": "slutanv. industri, byggverksamhet",
    "931": "slutanv. offentlig verksamhet",
    "941": "slutanv. transporter",
    "951": "slutanv. övriga tjänster",
    "98": "slutanv. småhus",
    "97": "slutanv. flerbostadshus",
    "964": "slutanv. fritidshus",
    "999": "slutanv. totalt",
}
FUELS = {
    "905": "flytande (icke förnybara)",
    "910": "fast (icke förnybara)",
    "915": "gas (icke förnybara)",
    "920": "flytande (förnybara)",
    "925": "fast (förnybara)",
    "930": "gas (förnybara)",
    "14": "fjärrvärme",
    "16": "el",
    "955": "bränsle totalt",
}


def build_tables(folder: Path, as_of: date) -> dict[str, Table]:
    """Every table of an archive as it stands on a day.

    Args:
        folder: The archive folder.
        as_of: The day.

    Returns:
        Table id -> table; a table may hold no year.

    Raises:
        UsageError: if a file is missing or has other columns than this module's docstring says.
    """
    tables = _population(folder, as_of)
    for table in (_national(folder, as_of), _energy(folder, as_of), *_forecasts(folder, as_of)):
        tables[table.id] = table
    return tables


def _population_day(year: int) -> date:
    """The day SCB publishes the population of 31 December of a year: the following 22 February."""
    return date(year + 1, POPULATION_MONTH, POPULATION_DAY)


def _population(folder: Path, as_of: date) -> dict[str, Table]:
    """The population tables; years whose following 22 February lies later are not there yet."""
    rows = read_rows(folder / "scb" / "population.csv", ["region_code", "year", "population"])
    if not rows:
        msg = f"{folder / 'scb' / 'population.csv'} is missing or empty: an archive folder must have it"
        raise UsageError(msg)
    figures: dict[tuple[str, ...], float | None] = {
        (row["region_code"], row["year"]): int(row["population"]) for row in rows
    }
    years = sorted({int(year) for _, year in figures if _population_day(int(year)) <= as_of})
    early = [year for year in years if year <= LAST_YEAR_WITHOUT_NOISE]
    late = [year for year in years if year > LAST_YEAR_WITHOUT_NOISE]
    return {
        TABLE_ID: Table(
            id=TABLE_ID,
            title="Folkmängden efter region, civilstånd, ålder och kön",
            variables=(
                _region(),
                _left_out("Civilstand", "civilstånd", _MARITAL),
                _left_out("Alder", "ålder", {**_ages("100+"), "tot": "totalt ålder"}, total="tot"),
                _left_out("Kon", "kön", _SEXES),
                _contents({"BE0101N1": "Folkmängd", "BE0101N2": "Folkökning"}),
                _time(early),
            ),
            notes=(DAY_NOTE,),
            figures=figures,
            gap=_not_there,
            first_year=1968,
            contents="BE0101N1",
            published=_population_day(early[-1] if early else 1968),
        ),
        CKM_TABLE_ID: Table(
            id=CKM_TABLE_ID,
            title="Folkmängd efter region, civilstånd, ålder, kön och år",
            has_years_in_label=False,
            variables=(
                _region(),
                _to_choose("Civilstand", "civilstånd", {"SC": "totalt, samtliga civilstånd", **_MARITAL}),
                _to_choose("Alder", "ålder", {**_AGE_TOTALS, **_ages("100+1")}),
                _left_out(
                    "Kon",
                    "kön",
                    {"TotSa": "totalt, samtliga män och kvinnor", **_SEXES},
                    total="TotSa",
                    states_total=False,
                ),
                _contents({CKM_CONTENTS: "Folkmängd", "000007MG": "Folkökning"}),
                _time(late),
            ),
            notes=(NOISE_NOTE, DAY_NOTE),
            figures=figures,
            gap=_not_there,
            first_year=LAST_YEAR_WITHOUT_NOISE + 1,
            contents=CKM_CONTENTS,
            published=_population_day(late[-1] if late else LAST_YEAR_WITHOUT_NOISE + 1),
        ),
        DENSITY_TABLE_ID: _density(figures, [year for year in years if year >= DENSITY_FIRST_YEAR]),
    }


def _density(figures: Mapping[tuple[str, ...], float | None], years: Sequence[int]) -> Table:
    """The table of population density: the same population, all years in one table."""
    return Table(
        id=DENSITY_TABLE_ID,
        title="Folktäthet (invånare per kvadratkilometer), folkmängd och landareal efter region och kön",
        variables=(
            _region(),
            _to_choose("Kon", "kön", {"1+2": "totalt", **_SEXES}),
            _contents(
                {
                    "BE0101U1": "Invånare per kvadratkilometer",
                    DENSITY_CONTENTS: "Folkmängd",
                    "BE0101U3": "Landareal i kvadratkilometer",
                }
            ),
            _time(years),
        ),
        notes=(DAY_NOTE,),
        figures=figures,
        gap=_not_there,
        first_year=DENSITY_FIRST_YEAR,
        contents=DENSITY_CONTENTS,
        unit="antal",
        published=_population_day(years[-1] if years else DENSITY_FIRST_YEAR),
    )


def _national(folder: Path, as_of: date) -> Table:
    edition = _newest(folder / "scb" / "national_emissions.csv", as_of) or _totals_only(folder, as_of)
    figures: dict[tuple[str, ...], float | None] = {
        (row["gas"], row["sector"], row["year"]): float(row["kt"]) for row in edition
    }
    return Table(
        id=NATIONAL_ID,
        title="Totala utsläpp och upptag av växthusgaser efter växthusgas och sektor",
        variables=(
            _to_choose("Vaxthusgaser", "växthusgas", GASES, held=GASES),
            _to_choose("Sektor", "sektor", SECTORS, held=SECTORS),
            _contents({"0000018Q": "Utsläpp av växthusgaser"}),
            _time(_years(edition)),
        ),
        notes=("Uppgifterna är Naturvårdsverkets.", CHOICE_NOTE),
        keyed_by=("Vaxthusgaser", "Sektor", "Tid"),
        figures=figures,
        first_year=1990,
        contents="0000018Q",
        unit=VARIOUS_UNITS,
        period="Respektive år",
        decimals=3,
        subject="MI0107",
        published=_published(edition, as_of),
    )


def _totals_only(folder: Path, as_of: date) -> list[dict[str, str]]:
    """The two totals of the December edition, where the archive has no ``national_emissions.csv``."""
    rows = read_rows(
        folder / "naturvardsverket" / "national_ghg.csv",
        ["year", "total_excl_lulucf_tonnes_co2e", "lulucf_tonnes_co2e"],
    )
    last_year = max((int(row["year"]) for row in rows), default=0)
    published = date(last_year + 1, INVENTORY_MONTH, INVENTORY_DAY)
    if published > as_of:
        return []
    edition = []
    for row in rows:
        total, land = float(row["total_excl_lulucf_tonnes_co2e"]), float(row["lulucf_tonnes_co2e"])
        for sector, tonnes in (("0.1", total), ("10.0", land), ("0.3", total + land)):
            edition.append(
                {
                    "published_date": published.isoformat(),
                    "gas": "CO2-ekv.",
                    "sector": sector,
                    "year": row["year"],
                    "kt": f"{tonnes / 1000:.3f}",
                }
            )
    return edition


def _energy(folder: Path, as_of: date) -> Table:
    edition = _newest(folder / "scb" / "energy.csv", as_of)
    figures: dict[tuple[str, ...], float | None] = {
        (row["region_code"], row["consumer"], row["fuel"], row["year"]): float(row["mwh"])
        if row["mwh"]
        else None
        for row in edition
    }
    return Table(
        id=ENERGY_ID,
        title="Slutanvändning (MWh) efter region, förbrukarkategori och bränsletyp",
        variables=(
            _region(),
            _to_choose("Forbrukningskategri", "förbrukarkategori", CONSUMERS, held=CONSUMERS),
            _to_choose("Bransle", "bränsletyp", FUELS, held=FUELS),
            _contents({"EN0203AE": "Slutanvändning"}),
            _time(_years(edition)),
        ),
        notes=("Sekretessbelagda uppgifter redovisas inte men ingår i summorna.", CHOICE_NOTE),
        keyed_by=("Region", "Forbrukningskategri", "Bransle", "Tid"),
        figures=figures,
        first_year=2009,
        contents="EN0203AE",
        unit="",
        period="Respektive år",
        subject="EN0203",
        published=_published(edition, as_of),
    )


def _forecasts(folder: Path, as_of: date) -> list[Table]:
    """The newest forecast of a day, and the one before it if the archive has it."""
    editions = _editions(folder / "scb" / "population_forecast.csv", as_of)
    newest = _forecast(FORECAST_ID, editions[-1] if editions else [], as_of)
    return [newest, *(_forecast(EARLIER_FORECAST_ID, edition, as_of) for edition in editions[-2:-1])]


def _forecast(table_id: str, edition: Sequence[Mapping[str, str]], as_of: date) -> Table:
    figures: dict[tuple[str, ...], float | None] = {
        (row["region_code"], row["year"]): int(row["population"]) for row in edition
    }
    return Table(
        id=table_id,
        title="Framskriven folkmängd efter region, ålder och kön",
        variables=(
            _region(),
            _left_out("Alder", "ålder", _ages("100+")),
            _left_out("Kon", "kön", _SEXES),
            _contents({"000006MS": "Folkmängd"}),
            _time(_years(edition)),
        ),
        notes=(DAY_NOTE,),
        figures=figures,
        first_year=int(edition[0]["year"]) if edition else as_of.year,
        contents="000006MS",
        subject="BE0401",
        published=_published(edition, as_of),
    )


def _newest(path: Path, as_of: date) -> list[dict[str, str]]:
    """The rows of the newest edition of a day; none where the archive has none."""
    editions = _editions(path, as_of)
    return editions[-1] if editions else []


def _editions(path: Path, as_of: date) -> list[list[dict[str, str]]]:
    """The rows of every edition that was published by a day, oldest first."""
    editions: dict[str, list[dict[str, str]]] = {}
    for row in read_rows(path, ["published_date", "year"]):
        if date.fromisoformat(row["published_date"]) <= as_of:
            editions.setdefault(row["published_date"], []).append(row)
    return [editions[day] for day in sorted(editions)]


def _years(edition: Sequence[Mapping[str, str]]) -> list[int]:
    return sorted({int(row["year"]) for row in edition})


def _published(edition: Sequence[Mapping[str, str]], as_of: date) -> date:
    return date.fromisoformat(edition[0]["published_date"]) if edition else min(as_of, date(9999, 1, 1))


def _not_there(key: tuple[str, ...]) -> float | None:
    """What stands for a population an archive lacks: 0 of a municipality not there yet, else nothing."""
    region, year = regions()[key[0]], int(key[1])
    first_year = region.population_from_year
    return 0 if region.split_from is not None and first_year is not None and year < first_year else None


_MARITAL = {"OG": "ogifta", "G": "gifta", "SK": "skilda", "ÄNKL": "änkor/änklingar"}
_SEXES = {"1": "män", "2": "kvinnor"}
_AGE_TOTALS = dict.fromkeys(("TotSA", "TOT1", "TOT10", "TOT5"), "totalt, samtliga åldrar")


def _ages(last: str) -> dict[str, str]:
    return {**{str(age): f"{age} år" for age in range(100)}, last: "100+ år"}


def _region() -> Variable:
    names = {code: region.name for code, region in regions().items()}
    return Variable(
        code="Region", label="region", values=names, held=frozenset(names), total="00", elimination=True
    )


def _left_out(
    code: str, label: str, values: Mapping[str, str], total: str | None = None, *, states_total: bool = True
) -> Variable:
    held = frozenset({total}) if total is not None else frozenset[str]()
    return Variable(
        code=code,
        label=label,
        values=values,
        held=held,
        total=total,
        elimination=True,
        states_total=states_total,
    )


def _to_choose(
    code: str, label: str, values: Mapping[str, str], held: Mapping[str, str] | None = None
) -> Variable:
    total = next(iter(values))
    return Variable(
        code=code, label=label, values=values, held=frozenset(held or {total}), total=None if held else total
    )


def _contents(values: Mapping[str, str]) -> Variable:
    return Variable(
        code="ContentsCode", label="tabellinnehåll", values=values, held=frozenset(values), elimination=False
    )


def _time(years: Sequence[int]) -> Variable:
    values = {str(year): str(year) for year in years}
    return Variable(code="Tid", label="år", values=values, held=frozenset(values))
