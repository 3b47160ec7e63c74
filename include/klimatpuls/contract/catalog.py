"""The catalogue of sources: what each one is, where it is, on which terms, when it is due, what it tolerates.

Pure data, imported whenever a DAG file is parsed: standard library only. Adding a source means adding an
entry here; its DAG, its row of freshness and its page in the data dictionary follow from the entry.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal, TypedDict

from klimatpuls.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


FreshnessStatus = Literal["fresh", "due", "stale", "not_yet_published"]
UnitPlace = Literal["unit field", "label", "title"]
Quantity = Literal["persons", "emissions", "energy"]
"""What a table counts: inhabitants, tonnes of CO2 equivalents, or megawatt-hours."""


@dataclass(frozen=True, kw_only=True)
class Tolerances:
    """What a release may deviate by; a dataset states only where it differs from these defaults.

    Attributes:
        sector_sum_t: Largest gap between the nine sectors' sum and ``all``, tonnes (hard).
        county_sum_t: Largest gap between a county and the sum of its municipalities, tonnes (hard).
        unallocated_low_t: Least value of nation minus counties of ``all``, tonnes (hard).
        unallocated_high_pct: Greatest value of the same in percent of the nation (hard).
        hold_ratio_low: Ratio to the nearest earlier release below which a municipal cell counts as odd.
        hold_ratio_high: The same, above.
        hold_ratio_share_pct: Percent of odd cells above which a person is asked.
        hold_moved_pct: Percent by which a municipal cell must move to count as moved.
        hold_moved_share_pct: Percent of moved cells above which a person is asked.
        hold_vanished_share_pct: Percent of the earlier release's rows that may be gone before a person is
            asked (facts without rules of their own).
        advisory_unallocated_pct: Unallocated share per sector that is worth a warning, percent.
        advisory_unallocated_wide_pct: The same for the sectors in ``wide_unallocated_sectors``.
        wide_unallocated_sectors: Sectors whose unallocated part is naturally large.
        advisory_subsector_excess_t: Sub-sectors above their sector by more than this, tonnes, and by more
            than ``advisory_subsector_excess_pct`` are a warning (the greater of the two decides).
        advisory_subsector_excess_pct: See above, percent of the sector.
        advisory_inventory_pct: Gap between the nation's territorial total and the national inventory of the
            same submission year that is worth a warning, percent.
        advisory_collapse_from_t: A sector at least this large ...
        advisory_collapse_to_pct: ... that falls below this percent of its neighbours in time is a warning.
        hold_missing_points: Points of percent by which the share of missing values of a year may be above
            that of the release before.
        new_year_nation_pct: Largest change of the nation's total from one year to the next, percent.
        new_year_sectors_pct: The same of a main sector of the nation.
        new_year_sector_floor_pct: Sectors below this percent of the nation's total are left out of it.
        new_year_county_pct: Largest change of a county's total from one year to the next, percent.
        new_year_ratio: Ratio of a municipal total (of any figure, in facts without sectors) to the year
            before, either way, above which it counts as odd.
        new_year_floor: Figures below this are left out, in the unit of the fact (facts without sectors).
        new_year_share_pct: Percent of odd figures of a new year above which a person is asked.
        new_year_cell_ratio: The same ratio for a municipality's main sector.
        new_year_class_from_t: Least size of each class of municipal sectors the year before, tonnes.
        new_year_class_share_pct: Percent of odd sectors that is plausible in each class.
        new_year_class_cells: Odd sectors that are plausible in a class, however few are of that size.
        new_year_near_pct: How close a figure must be to another year's, times a factor, to count as the same.
        new_year_rounding_t: The same in tonnes, for what is rounded.
        new_year_rounding: The same in the unit of the fact (facts without sectors).
        new_year_uniform_pct: Percent of figures that are another year's above which a person is asked.
        new_year_sector_uniform_pct: The same of one sector that follows the nation (a warning).
        inventory_far_pct: Gap between the nation's territorial total and the national inventory of any
            vintage above which a person is asked, percent.
        new_year_far_pct: How far a municipality must be from its own figures, percent of the sum of both, to
            be looked for among the others'.
        new_year_swapped_pct: How near two must be to each other's figures, in percent of the distance to
            their own, for a person to be asked.
        sum_ppm: Largest gap between parts and their whole beyond what rounding explains, in millionths of
            the nation's total of the year (hard; air pollutants, for which tonnes mean nothing).
        collapse_from_ppm: The same as ``advisory_collapse_from_t`` for air pollutants, in millionths of the
            nation's total of the year.

    Source: docs/methods.md, gates per release; the measured values of the real releases stand there.
    """

    sector_sum_t: float = 0.5
    county_sum_t: float = 5.0
    unallocated_low_t: float = -50.0
    unallocated_high_pct: float = 1.5
    hold_ratio_low: float = 0.5
    hold_ratio_high: float = 2.0
    hold_ratio_share_pct: float = 1.0
    hold_moved_pct: float = 5.0
    hold_moved_share_pct: float = 30.0
    hold_vanished_share_pct: float = 1.0
    advisory_unallocated_pct: float = 0.5
    advisory_unallocated_wide_pct: float = 2.5
    wide_unallocated_sectors: tuple[str, ...] = ("transport", "machinery")
    advisory_subsector_excess_t: float = 1.0
    advisory_subsector_excess_pct: float = 0.5
    advisory_inventory_pct: float = 1.0
    advisory_collapse_from_t: float = 5_000.0
    advisory_collapse_to_pct: float = 5.0
    hold_missing_points: float = 10.0
    new_year_nation_pct: float = 20.0
    new_year_sectors_pct: float = 300.0
    new_year_sector_floor_pct: float = 0.1
    new_year_county_pct: float = 60.0
    new_year_ratio: float = 1.5
    new_year_floor: float = 0.0
    new_year_share_pct: float = 5.0
    new_year_cell_ratio: float = 3.0
    new_year_class_from_t: tuple[int, ...] = (100, 1_000, 10_000, 100_000)
    new_year_class_share_pct: tuple[int, ...] = (30, 15, 4, 4)
    new_year_class_cells: int = 5
    new_year_near_pct: float = 0.2
    new_year_rounding_t: float = 0.01
    new_year_rounding: float = 0.0
    new_year_uniform_pct: float = 75.0
    new_year_sector_uniform_pct: float = 75.0
    inventory_far_pct: float = 5.0
    new_year_far_pct: float = 10.0
    new_year_swapped_pct: float = 35.0
    sum_ppm: float = 10.0
    collapse_from_ppm: float = 100.0


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which codes of a variable are asked for, and what they are called here.

    Attributes:
        column: Name of the column of the fact that holds our codes.
        codes: Publisher's code -> our code.
        words: Pattern that is searched in the publisher's label, lower case -> our code: for a code that is
            not in ``codes``, and a check on one that is.
        optional: Our codes that the table may lack.
        left_out: Publisher's codes that are known and not asked for.
        in_equivalents: Our codes whose figures must be CO2 equivalents: their label or unit says so, or they
            add up with the others to ``ghg``.
    """

    column: str
    codes: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    in_equivalents: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Nation:
    """Figures of the nation whose size is known: they tell the unit of a table that states none.

    Attributes:
        where: Column of :attr:`klimatpuls.fetch.pxweb.table.Cells.frame` -> value: the cells that are looked
            at. Where
            these name the nation (``Region``: ``00``) and the table has no such row, the sum of the
            290 municipalities stands for it.
        low: Least figure of a year that is possible, in our unit.
        high: Greatest figure of a year that is possible.
        to_year: Last year that is looked at; None: every year.
    """

    where: Mapping[str, str]
    low: float
    high: float
    to_year: int | None = None


@dataclass(frozen=True, kw_only=True)
class PxTable:
    """Which table of a PxWebApi 2 database a dataset is, and which of its cells are wanted.

    Attributes:
        table_ids: Stable table ids; the first that is there is taken.
        contents_code: Code of the measure, or None where it was never seen.
        contents_label: How the label of the measure begins, compared without regard to case: taken where the
            code is not there.
        quantity: What the table counts; says which units are known (:mod:`klimatpuls.fetch.pxweb.units`).
        unit: The unit as it was recorded, or an empty text where nobody recorded it.
        unit_place: Where it was recorded: ``unit field``, ``label`` (of a value) or ``title``.
        factor: What a value is multiplied by where the table states no unit and ``nation`` fits.
        nation: Figures that tell the unit where the table states none.
        has_regions: Whether it has the variable ``Region``.
        wanted: Variable -> the codes asked for. A variable that is neither region, measure, time, wanted nor
            in ``totals`` is left out of the question, which means summed, or asked for its total.
        totals: Variable -> code of its total.
        queries: Searches for the table where none of its ids is there.
        title: Pattern that is searched in the title of the wanted table, lower case.
        variables: Names of variables the wanted table must have (Swedish, lower case).
        takes_newest: Whether each edition is a table of its own: of the tables that are there, and of those
            with the same title that a search finds, the one that begins last is taken.
    """

    table_ids: tuple[str, ...]
    contents_code: str | None = None
    contents_label: str = "folkmängd"
    quantity: Quantity = "persons"
    unit: str = ""
    unit_place: UnitPlace = "unit field"
    factor: float = 1.0
    nation: Nation = Nation(where={"Region": "00"}, low=5e6, high=2e7)
    has_regions: bool = True
    wanted: Mapping[str, Wanted] = field(default_factory=dict)
    totals: Mapping[str, str] = field(default_factory=dict)
    queries: tuple[str, ...] = ()
    title: str = ""
    variables: tuple[str, ...] = ()
    takes_newest: bool = False


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One dataset of a source: the unit that is released, and when its next release is expected.

    Attributes:
        id: Name in the warehouse and first part of every release id.
        fact: The fact of the contract that its rows are of.
        title_sv: Name shown to readers, Swedish.
        title_en: Name shown to readers, English.
        substances: Substances that are released apart from each other; ``(None,)`` where there is no such.
        expected_month: Month in which a year's figures are usually published.
        expected_day: Day of that month.
        publication_lag_years: Figures of year Y are expected in year Y + this.
        due_after_days: Days after the expected day from which the dataset is ``due``.
        stale_after_days: Days after the expected day from which it is ``stale``.
        first_year: First data year the dataset can hold, or None if not bounded.
        final_year: Last data year the dataset will ever hold (a closed series), or None.
        dated_by_release: Whether its data years say nothing of its age (a forecast, a list without years):
            the year of the publisher's date then counts as the data year.
        dated_by_retrieval: Whether the publisher states no date of its data: a release is dated by the day it
            was first retrieved, and that day is no part of its content.
        by_hand: Whether no address is known: nobody asks for it, its files are given by hand.
        by_setting: Whether only those of its substances are asked for that ``KLIMATPULS_AIR_POLLUTANTS``
            names; files given by hand are taken whatever it says.
        is_fall_back: Whether its rows are shown only where no other dataset of the fact has the key.
        px_table: The table behind it, for sources that speak PxWebApi 2.
        tolerances: What its gates tolerate.
    """

    id: str
    fact: str
    title_sv: str
    title_en: str
    substances: tuple[str | None, ...]
    expected_month: int
    expected_day: int
    publication_lag_years: int
    due_after_days: int
    stale_after_days: int
    first_year: int | None = None
    final_year: int | None = None
    dated_by_release: bool = False
    dated_by_retrieval: bool = False
    by_hand: bool = False
    by_setting: bool = False
    is_fall_back: bool = False
    px_table: PxTable | None = None
    tolerances: Tolerances = field(default_factory=Tolerances)


@dataclass(frozen=True, kw_only=True)
class Source:
    """One publisher's service: where it is, on which terms it is used, and how often it is asked.

    Attributes:
        id: Name of the source; its DAG is ``ingest_<id>``.
        title_sv: Name shown to readers, Swedish.
        title_en: Name shown to readers, English.
        publisher: Who publishes the figures.
        conn_id: Airflow connection that holds the base URL.
        live_base_url: Base URL of the agency.
        mock_path: Path under which the replica answers in the agency's place.
        hosts: Host names that may be called, redirects included.
        licence: Terms, as far as they are known.
        licence_url: Where the terms stand.
        attribution_sv: Words the terms ask for; ``{retrieved}`` is the date of retrieval (ISO).
        attribution_en: The same in English.
        schedule: Cron expressions in Europe/Stockholm; the source is asked when any of them fires.
        calls_per_window: Windows (calls, seconds) that are never exceeded, whatever the service allows; nine
            tenths of them are used.
        datasets: What it releases.
        priority: Weight among tasks that wait for a free process: whose rows take longest goes first, since
            publication waits for all.
    """

    id: str
    title_sv: str
    title_en: str
    publisher: str
    conn_id: str
    live_base_url: str
    mock_path: str
    hosts: tuple[str, ...]
    licence: str
    licence_url: str | None
    attribution_sv: str
    attribution_en: str
    schedule: tuple[str, ...]
    calls_per_window: tuple[tuple[int, float], ...]
    datasets: tuple[Dataset, ...]
    priority: int = 1

    def dataset(self, dataset_id: str) -> Dataset:
        """The dataset of this name.

        Raises:
            UsageError: if the source has no such dataset.
        """
        for dataset in self.datasets:
            if dataset.id == dataset_id:
                return dataset
        known = ", ".join(entry.id for entry in self.datasets)
        msg = f"source {self.id} has no dataset {dataset_id!r}; it has {known}"
        raise UsageError(msg)


POPULATION_TOLERANCES = Tolerances(
    new_year_ratio=1.1, new_year_share_pct=0.0, new_year_rounding=0.5, new_year_uniform_pct=90.0
)
"""No municipality grew or shrank by more than 3.96 % in a year (2024 to 2025, all 290)."""
COUNT_TOLERANCES = Tolerances(
    new_year_ratio=1.8,
    new_year_floor=500.0,
    new_year_share_pct=0.5,
    new_year_rounding=0.5,
    new_year_uniform_pct=90.0,
)
"""For totals of energy and vehicles: no two years of either have been seen in one release. Wide enough for a
plant that closes, too narrow for a county that is counted twice."""


class _Calendar(TypedDict):
    """When several datasets are due."""

    expected_month: int
    expected_day: int
    publication_lag_years: int
    due_after_days: int
    stale_after_days: int


_AIR_POLLUTANTS = (
    "nox", "sox", "nh3", "nmvoc", "co", "pm25", "pm10", "tsp", "bc", "pb", "cd", "hg", "as", "cr", "cu", "ni",
    "se", "zn", "bap", "pah4", "dioxin", "hcb", "pcb",
)  # fmt: skip
_EMISSION_CALENDAR = _Calendar(
    expected_month=5, expected_day=10, publication_lag_years=2, due_after_days=21, stale_after_days=180
)

SMHI_EMISSIONS = Source(
    id="smhi_emissions",
    title_sv="Nationella emissionsdatabasen",
    title_en="National emission database",
    publisher="SMHI/Naturvårdsverket",
    conn_id="smhi_default",
    live_base_url="https://nationellaemissionsdatabasen.smhi.se",
    mock_path="/smhi",
    hosts=("nationellaemissionsdatabasen.smhi.se",),
    licence="not confirmed",
    licence_url=None,
    attribution_sv=(
        "Källa: Nationella emissionsdatabasen (SMHI/Naturvårdsverket), hämtad {retrieved}, egen bearbetning"
    ),
    attribution_en=(
        "Source: National emission database (SMHI/Swedish Environmental Protection Agency), "
        "retrieved {retrieved}, own processing"
    ),
    # Published in April or May and corrected quietly within weeks; weekly for the rest of the year.
    schedule=("15 7 * 4-6 *", "15 7 * 1-3,7-12 1"),
    calls_per_window=((1, 1.0),),
    datasets=(
        Dataset(
            id="smhi_emissions",
            fact="emission",
            title_sv="Utsläpp till luft per kommun, län och sektor",
            title_en="Emissions to air by municipality, county and sector",
            substances=("ghg", "co2", "ch4", "n2o", "hfc", "pfc", "sf6"),
            **_EMISSION_CALENDAR,
        ),
        Dataset(
            id="smhi_air_pollutants",
            fact="air_pollutant",
            title_sv="Luftföroreningar per kommun, län och sektor",
            title_en="Air pollutants by municipality, county and sector",
            substances=_AIR_POLLUTANTS,
            by_setting=True,
            # No release of any has been seen: wide enough for another method, too narrow for another unit.
            tolerances=Tolerances(
                unallocated_high_pct=50.0,
                hold_ratio_share_pct=10.0,
                hold_moved_pct=20.0,
                hold_moved_share_pct=50.0,
                advisory_unallocated_pct=5.0,
                advisory_unallocated_wide_pct=25.0,
                new_year_nation_pct=100.0,
                new_year_sectors_pct=900.0,
                new_year_sector_floor_pct=1.0,
                new_year_county_pct=300.0,
                new_year_ratio=3.0,
                new_year_share_pct=10.0,
                new_year_rounding_t=0.0,
                new_year_uniform_pct=90.0,
            ),
            **_EMISSION_CALENDAR,
        ),
    ),
    priority=10,
)


class _Service(TypedDict):
    """What several sources at one service share."""

    conn_id: str
    live_base_url: str
    mock_path: str
    hosts: tuple[str, ...]
    licence: str
    licence_url: str | None
    calls_per_window: tuple[tuple[int, float], ...]


_SCB_SERVICE = _Service(
    conn_id="scb_default",
    live_base_url="https://statistikdatabasen.scb.se/api/v2",
    mock_path="/scb/api/v2",
    hosts=("statistikdatabasen.scb.se",),
    licence="CC0 1.0",
    licence_url="https://creativecommons.org/share-your-work/public-domain/cc0/",
    calls_per_window=((3, 1.0), (30, 10.0)),
)

SCB_POPULATION = Source(
    id="scb_population",
    title_sv="Folkmängd",
    title_en="Population",
    publisher="SCB",
    **_SCB_SERVICE,
    attribution_sv="Egen bearbetning av data från SCB",
    attribution_en="Own processing of data from Statistics Sweden (SCB)",
    # SCB publishes at 08:00; around the day population is due we look every morning, else on Mondays.
    schedule=("15 8 15-28 2 *", "15 8 1-14 3 *", "15 8 * * 1"),
    datasets=(
        Dataset(
            id="scb_population",
            fact="population",
            title_sv="Folkmängd den 31 december, till och med 2024",
            title_en="Population on 31 December, up to 2024",
            substances=(None,),
            tolerances=POPULATION_TOLERANCES,
            first_year=1968,
            final_year=2024,
            px_table=PxTable(
                table_ids=("TAB638",),
                contents_code="BE0101N1",
                unit="antal personer",
                queries=("folkmängden civilstånd", "folkmängd civilstånd"),
                title=r"^folkmängd(en)? efter region",
                variables=("region", "civilstånd", "ålder", "kön"),
            ),
            expected_month=2,
            expected_day=22,
            publication_lag_years=1,
            due_after_days=7,
            stale_after_days=90,
        ),
        Dataset(
            id="scb_population_ckm",
            fact="population",
            title_sv="Folkmängd den 31 december, från och med 2025 (med röjandeskydd)",
            title_en="Population on 31 December, from 2025 (with disclosure control)",
            substances=(None,),
            tolerances=POPULATION_TOLERANCES,
            first_year=2025,
            # Age and marital status cannot be left out of the question, and noise makes parts differ from
            # totals: totals are asked for, never summed.
            px_table=PxTable(
                table_ids=("TAB5557",),
                contents_code="000007ME",
                unit="antal personer",
                totals={"Alder": "TotSA", "Civilstand": "SC", "Kon": "TotSa"},
                queries=("folkmängd civilstånd", "folkmängden civilstånd"),
                title=r"^folkmängd(en)? efter region",
                variables=("region", "civilstånd", "ålder", "kön"),
            ),
            expected_month=2,
            expected_day=22,
            publication_lag_years=1,
            due_after_days=7,
            stale_after_days=90,
        ),
    ),
)

SCB_POPULATION_DENSITY = Source(
    id="scb_population_density",
    title_sv="Folkmängd (tabellen över folktäthet)",
    title_en="Population (the table of population density)",
    publisher="SCB",
    **_SCB_SERVICE,
    attribution_sv="Egen bearbetning av data från SCB",
    attribution_en="Own processing of data from Statistics Sweden (SCB)",
    # A source of its own: it stands in when the tables of ``scb_population`` cannot be read.
    schedule=("45 8 15-28 2 *", "45 8 1-14 3 *", "45 8 * * 1"),
    datasets=(
        Dataset(
            id="scb_population_density",
            fact="population",
            title_sv="Folkmängd den 31 december enligt tabellen över folktäthet (reserv)",
            title_en="Population on 31 December by the table of population density (fall-back)",
            substances=(None,),
            first_year=1991,
            is_fall_back=True,
            tolerances=POPULATION_TOLERANCES,
            px_table=PxTable(
                table_ids=("TAB628",),
                contents_code="BE0101U2",
                unit="antal",
                totals={"Kon": "1+2"},
                queries=("folktäthet folkmängd landareal",),
                title=r"^(folktäthet|befolkningstäthet)",
                variables=("region", "kön"),
            ),
            expected_month=2,
            expected_day=22,
            publication_lag_years=1,
            due_after_days=60,
            stale_after_days=180,
        ),
    ),
)

SCB_NATIONAL_EMISSIONS = Source(
    id="scb_national_emissions",
    title_sv="Rikets växthusgasutsläpp",
    title_en="National greenhouse gas emissions",
    publisher="Naturvårdsverket/SCB",
    **_SCB_SERVICE,
    attribution_sv="Egen bearbetning av data från Naturvårdsverket (MI0107, SCB:s statistikdatabas)",
    attribution_en=(
        "Own processing of data from the Swedish Environmental Protection Agency (MI0107, SCB's database)"
    ),
    # In the middle of December, at 08:00.
    schedule=("15 8 10-22 12 *", "15 8 * * 1"),
    datasets=(
        Dataset(
            id="scb_national_emissions",
            fact="national_emission",
            title_sv="Rikets utsläpp av växthusgaser per gas och sektor",
            title_en="National greenhouse gas emissions by gas and sector",
            substances=(None,),
            tolerances=Tolerances(new_year_ratio=1.8, new_year_share_pct=0.0, new_year_uniform_pct=90.0),
            first_year=1990,
            px_table=PxTable(
                table_ids=("TAB4698",),
                contents_code="0000018Q",
                contents_label="utsläpp",
                has_regions=False,
                # The unit field says that units vary; the label of the gas has it.
                quantity="emissions",
                unit="kt CO2-ekv.",
                unit_place="label",
                factor=1_000.0,
                # 71 million tonnes in 1990, 47 in 2024 (Naturvårdsverket, submission of 2026).
                nation=Nation(
                    where={"substance": "ghg", "sector_code": "total"}, low=2e7, high=1.2e8, to_year=2024
                ),
                wanted={
                    "Vaxthusgaser": Wanted(
                        column="substance",
                        codes={
                            "CO2-ekv.": "ghg",
                            "CO2": "co2",
                            "CH4_CO2-ekv.": "ch4",
                            "N2O_CO2-ekv.": "n2o",
                            "HFC": "hfc",
                            "PFC": "pfc",
                            "SF6_CO2-ekv.": "sf6",
                        },
                        words={
                            r"växthusgas": "ghg",
                            r"^metan.*(co2|koldioxid)[ -]?ekv": "ch4",
                            r"^(lustgas|dikväveoxid).*(co2|koldioxid)[ -]?ekv": "n2o",
                            r"^(?!per)(hfc|fluorkolväten|fluorerade kolväten)": "hfc",
                            r"^(pfc|perfluor)": "pfc",
                            r"^(sf6|svavelhexa).*(co2|koldioxid)[ -]?ekv": "sf6",
                            r"^(?!.*bio)koldioxid": "co2",
                        },
                        optional=frozenset({"co2", "ch4", "n2o", "hfc", "pfc", "sf6"}),
                        # By mass the same gases stand under codes of their own: never taken by a word.
                        left_out=frozenset({"CO2-BIO", "CH4", "N2O", "SF6"}),
                        in_equivalents=frozenset({"ch4", "n2o", "hfc", "pfc", "sf6"}),
                    ),
                    "Sektor": Wanted(
                        column="sector_code",
                        codes={
                            "0.1": "total",
                            "0.2": "total_with_international",
                            "0.3": "total_with_lulucf",
                            "0.4": "total_with_both",
                            "1.0": "machinery",
                            "2.0": "waste",
                            "3.0": "power_heat",
                            "4.0": "industry",
                            "5.0": "international_transport",
                            "6.0": "agriculture",
                            "7.0": "product_use",
                            "8.0": "transport",
                            "9.0": "own_heating",
                            "10.0": "lulucf",
                        },
                        words={
                            r"total.*exkl\w*\.? lulucf.*exkl\w*\.? utrikes": "total",
                            r"total.*exkl\w*\.? lulucf.*inkl\w*\.? utrikes": "total_with_international",
                            r"total.*inkl\w*\.? lulucf.*exkl\w*\.? utrikes": "total_with_lulucf",
                            r"total.*inkl\w*\.? lulucf.*inkl\w*\.? utrikes": "total_with_both",
                            r"^(?!.*total).*arbetsmaskin": "machinery",
                            r"^(?!.*total).*avfall": "waste",
                            r"^(?!.*total).*fjärrvärme": "power_heat",
                            r"^(?!.*total).*industri": "industry",
                            r"^(?!.*total).*utrikes": "international_transport",
                            r"^(?!.*total).*jordbruk": "agriculture",
                            r"^(?!.*total).*produktanvändning": "product_use",
                            r"^(?!.*total).*inrikes": "transport",
                            r"^(?!.*total).*uppvärmning": "own_heating",
                            r"^(?!.*total).*(lulucf|markanvändning)": "lulucf",
                        },
                    ),
                },
            ),
            expected_month=12,
            expected_day=16,
            publication_lag_years=1,
            due_after_days=14,
            stale_after_days=120,
        ),
    ),
)

SCB_ENERGY = Source(
    id="scb_energy",
    title_sv="Kommunal energianvändning",
    title_en="Municipal energy use",
    publisher="Energimyndigheten/SCB",
    **_SCB_SERVICE,
    attribution_sv="Egen bearbetning av data från Energimyndigheten (EN0203, SCB:s statistikdatabas)",
    attribution_en="Own processing of data from the Swedish Energy Agency (EN0203, SCB's database)",
    # In spring, on no known day.
    schedule=("15 8 * 2-5 1-5", "15 8 * * 1"),
    datasets=(
        Dataset(
            id="scb_energy",
            fact="energy",
            title_sv="Slutlig energianvändning per kommun, förbrukarkategori och energibärare",
            title_en="Final energy use by municipality, consumer and energy carrier",
            substances=(None,),
            tolerances=COUNT_TOLERANCES,
            first_year=2009,
            px_table=PxTable(
                table_ids=("TAB3654",),
                contents_code="EN0203AE",
                contents_label="slutanvändning",
                quantity="energy",
                unit="MWh",
                unit_place="title",
                # Some 370 million megawatt-hours a year (Energimyndigheten).
                nation=Nation(
                    where={"Region": "00", "consumer_code": "total", "fuel_code": "total"}, low=1e8, high=1e9
                ),
                wanted={
                    "Forbrukningskategri": Wanted(
                        column="consumer_code",
                        codes={
                            "999": "total",
                            "911": "agriculture_forestry_fishing",
                            "921": "industry_construction",
                            "931": "public_services",
                            "941": "transport",
                            "951": "other_services",
                            "98": "detached_houses",
                            "97": "apartment_buildings",
                            "964": "holiday_homes",
                        },
                        words={
                            "småhus": "detached_houses",
                            "flerbostadshus": "apartment_buildings",
                            "fritidshus": "holiday_homes",
                            "hushåll": "households",
                        },
                        optional=frozenset(
                            {
                                "agriculture_forestry_fishing",
                                "industry_construction",
                                "public_services",
                                "transport",
                                "other_services",
                                "detached_houses",
                                "apartment_buildings",
                                "holiday_homes",
                                "households",
                            }
                        ),
                    ),
                    "Bransle": Wanted(
                        column="fuel_code",
                        codes={
                            "955": "total",
                            "905": "liquid_fossil",
                            "910": "solid_fossil",
                            "915": "gas_fossil",
                            "920": "liquid_renewable",
                            "925": "solid_renewable",
                            "930": "gas_renewable",
                            "14": "district_heating",
                            "16": "electricity",
                        },
                        optional=frozenset(
                            {
                                "liquid_fossil",
                                "solid_fossil",
                                "gas_fossil",
                                "liquid_renewable",
                                "solid_renewable",
                                "gas_renewable",
                                "district_heating",
                                "electricity",
                            }
                        ),
                    ),
                },
            ),
            expected_month=4,
            expected_day=15,
            publication_lag_years=2,
            due_after_days=45,
            stale_after_days=180,
        ),
    ),
)

SCB_POPULATION_FORECAST = Source(
    id="scb_population_forecast",
    title_sv="Befolkningsprognos",
    title_en="Population forecast",
    publisher="SCB",
    **_SCB_SERVICE,
    attribution_sv="Egen bearbetning av data från SCB",
    attribution_en="Own processing of data from Statistics Sweden (SCB)",
    schedule=("15 8 * 4-6 1-5", "15 8 * * 1"),
    datasets=(
        Dataset(
            id="scb_population_forecast",
            fact="population_forecast",
            title_sv="Befolkningsprognos per kommun",
            title_en="Population forecast by municipality",
            substances=(None,),
            tolerances=POPULATION_TOLERANCES,
            # Each vintage is a table of its own. TAB6299 is the one of 2022; TAB6008 and TAB698 follow it.
            px_table=PxTable(
                table_ids=("TAB6008", "TAB698", "TAB6299"),
                contents_code="000006MS",
                queries=("framskriven folkmängd", "befolkningsframskrivning"),
                title=r"folkmängd|befolkning",
                variables=("region",),
                takes_newest=True,
            ),
            # A forecast of year Y onwards comes in spring of Y.
            expected_month=5,
            expected_day=20,
            publication_lag_years=0,
            dated_by_release=True,
            due_after_days=60,
            stale_after_days=400,
        ),
    ),
)

# Of 27 key figures: Kolada ends some each year, and the others are worth having all the same.
_THREE_KEY_FIGURES_GONE = Tolerances(hold_vanished_share_pct=12.0)

KOLADA = Source(
    id="kolada",
    title_sv="Nyckeltal om klimat och energi",
    title_en="Key figures on climate and energy",
    publisher="Kolada (RKA)",
    conn_id="kolada_default",
    live_base_url="https://api.kolada.se/v3",
    mock_path="/kolada/v3",
    hosts=("api.kolada.se",),
    licence="free use, as is; the source is named",
    licence_url="https://www.kolada.se/om-oss/api/",
    attribution_sv="Källa: Kolada",
    attribution_en="Source: Kolada",
    # It follows its own sources within weeks: once a week, and daily while emissions are due.
    schedule=("45 8 * 5-7 1-5", "45 8 * * 2"),
    # Clients that ask five times a second are asked to slow down.
    calls_per_window=((4, 1.0),),
    datasets=(
        Dataset(
            id="kolada_kpi",
            fact="indicator_definition",
            title_sv="Nyckeltalens definitioner",
            title_en="Definitions of the key figures",
            substances=(None,),
            expected_month=6,
            expected_day=30,
            publication_lag_years=0,
            dated_by_release=True,
            dated_by_retrieval=True,
            due_after_days=60,
            stale_after_days=270,
            tolerances=_THREE_KEY_FIGURES_GONE,
        ),
        Dataset(
            id="kolada",
            fact="indicator",
            title_sv="Nyckeltalens värden per område och år",
            title_en="Values of the key figures by area and year",
            substances=(None,),
            tolerances=replace(
                _THREE_KEY_FIGURES_GONE,
                new_year_ratio=3.0,
                new_year_share_pct=10.0,
                new_year_uniform_pct=90.0,
            ),
            expected_month=6,
            expected_day=30,
            publication_lag_years=2,
            dated_by_retrieval=True,
            due_after_days=60,
            stale_after_days=270,
        ),
    ),
)

_VEHICLE_CALENDAR = _Calendar(
    expected_month=2, expected_day=20, publication_lag_years=1, due_after_days=30, stale_after_days=180
)

TRAFA_VEHICLES = Source(
    id="trafa_vehicles",
    title_sv="Fordon",
    title_en="Vehicles",
    publisher="Trafikanalys",
    conn_id="trafa_default",
    live_base_url="https://api.trafa.se/api",
    mock_path="/trafa/api",
    hosts=("api.trafa.se",),
    licence="free use; the source is named, processed figures are said to be",
    licence_url="https://www.trafa.se/om-webbplatsen/",
    attribution_sv="Egen bearbetning av data från Trafikanalys",
    attribution_en="Own processing of data from Transport Analysis (Trafikanalys)",
    schedule=("30 9 * 2-3 1-5", "30 9 * * 3"),
    calls_per_window=((2, 1.0),),
    datasets=(
        Dataset(
            id="trafa_vehicles",
            fact="vehicle",
            title_sv="Personbilar per kommun och drivmedel",
            title_en="Passenger cars by municipality and fuel",
            substances=(None,),
            tolerances=COUNT_TOLERANCES,
            first_year=2015,
            **_VEHICLE_CALENDAR,
        ),
        Dataset(
            id="trafa_vehicles_workbook",
            fact="vehicle",
            title_sv="Fordon i län och kommuner, årlig arbetsbok",
            title_en="Vehicles in counties and municipalities, yearly workbook",
            substances=(None,),
            tolerances=COUNT_TOLERANCES,
            first_year=2015,
            by_hand=True,
            **_VEHICLE_CALENDAR,
        ),
    ),
)

KLIMATKLIVET = Source(
    id="klimatklivet",
    title_sv="Klimatklivet",
    title_en="Klimatklivet grants",
    publisher="Naturvårdsverket",
    conn_id="naturvardsverket_default",
    live_base_url="https://www.naturvardsverket.se",
    mock_path="/naturvardsverket",
    hosts=("www.naturvardsverket.se",),
    licence="free use; the source is named",
    licence_url="https://www.naturvardsverket.se/om-webbplatsen/oppna-data/",
    attribution_sv="Källa: Naturvårdsverket",
    attribution_en="Source: Swedish Environmental Protection Agency",
    # About a week after each half-year.
    schedule=("0 10 2-20 1,7 *", "0 10 * * 4"),
    calls_per_window=((1, 1.0),),
    datasets=(
        Dataset(
            id="klimatklivet",
            fact="grant",
            title_sv="Beviljade ansökningar till Klimatklivet",
            title_en="Applications granted by Klimatklivet",
            substances=(None,),
            first_year=2015,
            # The year's second half comes in January of the next.
            expected_month=1,
            expected_day=10,
            publication_lag_years=1,
            due_after_days=21,
            stale_after_days=240,
        ),
    ),
)

SOURCES: dict[str, Source] = {
    source.id: source
    for source in (
        SMHI_EMISSIONS,
        SCB_POPULATION,
        SCB_POPULATION_DENSITY,
        SCB_NATIONAL_EMISSIONS,
        SCB_ENERGY,
        SCB_POPULATION_FORECAST,
        KOLADA,
        TRAFA_VEHICLES,
        KLIMATKLIVET,
    )
}


def source(source_id: str) -> Source:
    """The catalogue entry of this name.

    Raises:
        UsageError: if the catalogue has no such entry.
    """
    try:
        return SOURCES[source_id]
    except KeyError:
        msg = f"no source {source_id!r} in the catalogue; it has {', '.join(sorted(SOURCES))}"
        raise UsageError(msg) from None


def source_of(dataset_id: str) -> Source:
    """The source that releases a dataset.

    Raises:
        UsageError: if no source has such a dataset.
    """
    for entry in SOURCES.values():
        if any(dataset.id == dataset_id for dataset in entry.datasets):
            return entry
    known = ", ".join(dataset.id for entry in SOURCES.values() for dataset in entry.datasets)
    msg = f"no dataset {dataset_id!r} in the catalogue; it has {known}"
    raise UsageError(msg)


def dataset(dataset_id: str) -> Dataset:
    """The dataset of this name, whichever source has it.

    Raises:
        UsageError: if no source has such a dataset.
    """
    return source_of(dataset_id).dataset(dataset_id)


def datasets_of(fact: str) -> tuple[str, ...]:
    """Ids of the datasets whose rows are of a fact, in the order of the catalogue."""
    return tuple(entry.id for source in SOURCES.values() for entry in source.datasets if entry.fact == fact)


def fall_back_datasets(fact: str) -> tuple[str, ...]:
    """Ids of the datasets of a fact whose rows are shown only where no other has the key."""
    return tuple(name for name in datasets_of(fact) if dataset(name).is_fall_back)


def next_expected(entry: Dataset, last_year: int | None, as_of: date) -> date | None:
    """The day the next year of figures is expected.

    Args:
        entry: The dataset.
        last_year: Latest data year that is held, or None when nothing is.
        as_of: The day the answer is given for; it matters only while nothing is held.

    Returns:
        The expected day, which lies in the past when the publisher is late, or None for a closed series
        that holds its final year.

    Example: emissions to 2024 are held → 10 May 2027; population to 2023 → 22 February 2025.
    """
    if last_year is None:
        first = _expected_day(entry, entry.first_year) if entry.first_year is not None else date.min
        this_year = date(as_of.year, entry.expected_month, entry.expected_day)
        coming = this_year if this_year >= as_of else this_year.replace(year=as_of.year + 1)
        final = _expected_day(entry, entry.final_year) if entry.final_year is not None else date.max
        return min(max(first, coming), final)
    if entry.final_year is not None and last_year >= entry.final_year:
        return None
    return _expected_day(entry, last_year + 1)


def freshness(entry: Dataset, last_year: int | None, as_of: date) -> FreshnessStatus:
    """Whether the figures held are as new as the calendar of the publisher promises.

    Args:
        entry: The dataset.
        last_year: Latest data year that is held, or None when nothing is.
        as_of: The day the answer is given for.

    Returns:
        ``not_yet_published`` while nothing is held, ``stale`` from ``stale_after_days`` after the expected
        day, ``due`` from ``due_after_days`` after it, else ``fresh``.
    """
    if last_year is None:
        return "not_yet_published"
    expected = next_expected(entry, last_year, as_of)
    if expected is None:
        return "fresh"
    if as_of >= expected + timedelta(days=entry.stale_after_days):
        return "stale"
    if as_of >= expected + timedelta(days=entry.due_after_days):
        return "due"
    return "fresh"


def _expected_day(entry: Dataset, data_year: int) -> date:
    return date(data_year + entry.publication_lag_years, entry.expected_month, entry.expected_day)
