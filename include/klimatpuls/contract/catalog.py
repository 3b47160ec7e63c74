"""The catalogue of sources: what each one is, where it is, on which terms, when it is due, what it tolerates.

Each source describes itself in ``sources/<id>/source.yaml``; :data:`SOURCES` holds all of them, validated.
YAML rather than a module of Python, because this package lies below the sources and must not import them, and
because every DAG file imports the catalogue: it must stay free of pandas and of every parser.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, TypeAdapter, ValidationError

from klimatpuls.errors import UsageError
from klimatpuls.files.yaml_text import parse_yaml

_CONFIG = ConfigDict(extra="forbid")

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
        hold_ratio_share_pct: Percent of odd cells above which a person must approve.
        hold_moved_pct: Percent by which a municipal cell must move to count as moved.
        hold_moved_share_pct: Percent of moved cells above which a person must approve.
        hold_vanished_share_pct: Percent of the earlier release's rows that may be gone before a person
            must approve (facts without rules of their own).
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
        new_year_share_pct: Percent of odd figures of a new year above which a person must approve.
        new_year_cell_ratio: The same ratio for a municipality's main sector.
        new_year_class_from_t: Least size of each class of municipal sectors the year before, tonnes.
        new_year_class_share_pct: Percent of odd sectors that is plausible in each class.
        new_year_class_cells: Odd sectors that are plausible in a class, however few are of that size.
        new_year_near_pct: How close a figure must be to another year's, times a factor, to count as the same.
        new_year_rounding_t: The same in tonnes, for what is rounded.
        new_year_rounding: The same in the unit of the fact (facts without sectors).
        new_year_uniform_pct: Percent of figures that are another year's above which a person must approve.
        new_year_sector_uniform_pct: The same of one sector that follows the nation (a warning).
        inventory_far_pct: Gap between the nation's territorial total and the national inventory of any
            vintage above which a person must approve, percent.
        new_year_far_pct: How far a municipality must be from its own figures, percent of the sum of both,
            before it is compared with the others'.
        new_year_swapped_pct: How near two must be to each other's figures, in percent of the distance to
            their own, before a person must approve.
        sum_ppm: Largest gap between parts and their whole beyond what rounding explains, in millionths of
            the nation's total of the year (hard; air pollutants, for which tonnes mean nothing).
        collapse_from_ppm: The same as ``advisory_collapse_from_t`` for air pollutants, in millionths of the
            nation's total of the year.

    Source: docs/methods.md, gates per release; the measured values of the real releases stand there.
    """

    __pydantic_config__ = _CONFIG

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
    """Which codes of a variable are requested, and what they are called here.

    Attributes:
        column: Name of the column of the fact that holds our codes.
        codes: Publisher's code -> our code.
        words: Pattern that is searched in the publisher's label, lower case -> our code: for a code that is
            not in ``codes``, and a check on one that is.
        optional: Our codes that the table need not have.
        left_out: Publisher's codes that exist and are not requested.
        in_equivalents: Our codes whose figures must be CO2 equivalents: their label or unit says so, or they
            add up with the others to ``ghg``.
    """

    __pydantic_config__ = _CONFIG

    column: str
    codes: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    in_equivalents: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Nation:
    """Figures of the nation whose size is known: they show the unit of a table that states none.

    Attributes:
        where: Column of :attr:`klimatpuls.fetch.pxweb.table.Cells.frame` -> value: which cells are compared.
            Where these name the nation (``Region``: ``00``) and the table has no such row, the sum of the
            290 municipalities is used.
        low: Least figure of a year that is possible, in our unit.
        high: Greatest figure of a year that is possible.
        to_year: Last year that is compared; None: every year.
    """

    __pydantic_config__ = _CONFIG

    where: Mapping[str, str]
    low: float
    high: float
    to_year: int | None = None


@dataclass(frozen=True, kw_only=True)
class PxTable:
    """Which table of a PxWebApi 2 database a dataset is, and which of its cells are wanted.

    Attributes:
        table_ids: Stable table ids; the first that exists is used.
        contents_code: Code of the measure, or None if it was never recorded.
        contents_label: How the label of the measure begins, in any case; used where the code does not exist.
        quantity: What the table counts; says which units are known (:mod:`klimatpuls.fetch.pxweb.units`).
        unit: The unit as it was recorded; empty if nobody recorded it.
        unit_place: Where it was recorded: ``unit field``, ``label`` (of a value) or ``title``.
        factor: What a value is multiplied by where the table states no unit and ``nation`` fits.
        nation: Figures that show the unit where the table states none.
        has_regions: Whether it has the variable ``Region``.
        wanted: Variable -> the requested codes. A variable that is neither region, measure, time, wanted nor
            in ``totals`` is left out of the query, so that the agency sums it, or its total is requested.
        totals: Variable -> code of its total.
        queries: Searches for the table, used when none of its ids exists.
        title: Pattern that is searched in the title of the wanted table, lower case.
        variables: Names of variables the wanted table must have (Swedish, lower case).
        takes_newest: Whether each edition is a table of its own. Of the tables that exist, and of those with
            the same title that a search finds, the one that begins last is then used.
    """

    __pydantic_config__ = _CONFIG

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
        substances: Substances that are released separately; ``(None,)`` if the dataset has none.
        expected_month: Month in which a year's figures are usually published.
        expected_day: Day of that month.
        publication_lag_years: Figures of year Y are expected in year Y + this.
        due_after_days: Days after the expected day from which the dataset is ``due``.
        stale_after_days: Days after the expected day from which it is ``stale``.
        first_year: First data year the dataset can hold, or None if not bounded.
        final_year: Last data year the dataset will ever hold (a closed series), or None.
        dated_by_release: Whether its data years do not show its age (a forecast, a list without years): the
            year of the publisher's date is then used as the data year.
        dated_by_retrieval: Whether the publisher states no date of its data. A release then has the date on
            which it was first retrieved, and that date is not part of its content.
        by_hand: Whether no address is known: it is never fetched; a person gives its files by hand.
        by_setting: Whether only the substances in ``KLIMATPULS_AIR_POLLUTANTS`` are fetched. Files given by
            hand are accepted for every substance.
        is_fall_back: Whether its rows are shown only for keys that no other dataset of the fact has.
        px_table: The table behind it, for sources that speak PxWebApi 2.
        tolerances: What its gates tolerate.
    """

    __pydantic_config__ = _CONFIG

    id: str
    fact: str
    title_sv: str
    title_en: str
    substances: tuple[str | None, ...] = (None,)
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
    """One publisher's service: where it is, on which terms it is used, and how often it is polled.

    Attributes:
        id: Name of its folder in ``sources``; its DAGs are ``poll_<id>`` and ``ingest_<id>``.
        title_sv: Name shown to readers, Swedish.
        title_en: Name shown to readers, English.
        publisher: Who publishes the figures.
        conn_id: Airflow connection that holds the base URL; by default ``<id>_default``.
        live_base_url: Base URL of the agency.
        mock_path: Path under which the mock agencies answer in the agency's place; by default ``/<id>``
            and the path of ``live_base_url``.
        hosts: Host names that may be called, redirects included.
        licence: Terms, as far as they are known.
        licence_url: Page with the terms.
        attribution_sv: Words the terms require; ``{retrieved}`` is the date of retrieval (ISO).
        attribution_en: The same in English.
        schedule: Cron expressions in Europe/Stockholm; the source is polled when any of them fires.
        calls_per_window: Windows (calls, seconds) that are never exceeded, whatever the service allows; nine
            tenths of them are used.
        datasets: What it releases.
        sort_order: Place in lists and in the mail; sources with the same one are ordered by id.
        priority: Weight among tasks that wait for a free process. The source whose rows take longest should
            go first, since publication waits for all.
    """

    __pydantic_config__ = _CONFIG

    id: str
    title_sv: str
    title_en: str
    publisher: str
    conn_id: str
    live_base_url: str
    mock_path: str
    hosts: tuple[str, ...]
    licence: str
    licence_url: str | None = None
    attribution_sv: str
    attribution_en: str
    schedule: tuple[str, ...]
    calls_per_window: tuple[tuple[int, float], ...]
    datasets: tuple[Dataset, ...]
    sort_order: int = 1_000
    priority: int = 1

    def dataset(self, dataset_id: str) -> Dataset:
        """Returns the dataset of this name.

        Raises:
            UsageError: if the source has no such dataset.
        """
        for dataset in self.datasets:
            if dataset.id == dataset_id:
                return dataset
        ids = ", ".join(entry.id for entry in self.datasets)
        msg = f"source {self.id} has no dataset {dataset_id!r}; it has {ids}"
        raise UsageError(msg)


def read_sources(folder: Path) -> dict[str, Source]:
    """Reads the ``source.yaml`` of every folder in a folder of sources.

    Args:
        folder: Holds one folder per source, and ``shared.yaml`` with what several of them name.

    Returns:
        Id → source, by ``sort_order`` and then by id.

    Raises:
        UsageError: if a file lacks a field, or has an unknown one or one of another type; names all of them.
    """
    shared = parse_yaml((folder / "shared.yaml").read_text(encoding="utf-8"))
    found = [_read_source(path, shared) for path in sorted(folder.glob("*/source.yaml"))]
    return {source.id: source for source in sorted(found, key=lambda source: source.sort_order)}


def _read_source(path: Path, shared: Mapping[str, Any]) -> Source:
    source_id = path.parent.name
    document = {"id": source_id, **parse_yaml(path.read_text(encoding="utf-8"))}
    if (service := document.pop("service", None)) is not None:
        document |= _shared(path, "service", service, shared["services"])
    document.setdefault("conn_id", f"{source_id}_default")
    document.setdefault("mock_path", f"/{source_id}{urlsplit(str(document.get('live_base_url', ''))).path}")
    for dataset in document.get("datasets", ()):
        if isinstance(name := dataset.get("tolerances"), str):
            dataset["tolerances"] = _shared(path, "tolerances", name, shared["tolerances"])
    try:
        return _SOURCE.validate_python(document)
    except ValidationError as error:
        mistakes = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False)
        )
        msg = f"{path}: {mistakes}"
        raise UsageError(msg) from error


def _shared(path: Path, field: str, name: str, entries: Mapping[str, Any]) -> Any:
    if name not in entries:
        msg = f"{path}: {field} {name!r} is not in shared.yaml, which has {', '.join(entries)}"
        raise UsageError(msg)
    return entries[name]


_SOURCE = TypeAdapter(Source)
SOURCES: Final = read_sources(Path(__file__).resolve().parents[1] / "sources")
"""Every source, by id."""


def index_markdown() -> str:
    """Returns the page docs/sources/README.md: every source with its page, publisher, DAGs and datasets."""
    lines = [
        "# Sources",
        "",
        "Written by `python -m klimatpuls.contract.schema --write docs/data_dictionary.md` from "
        "`include/klimatpuls/sources/*/source.yaml`; change those files, never this one.",
        "",
        "| source | publisher | what | DAGs | datasets |",
        "|---|---|---|---|---|",
    ]
    for entry in SOURCES.values():
        datasets = ", ".join(f"`{dataset.id}`" for dataset in entry.datasets)
        dags = f"`poll_{entry.id}`, `ingest_{entry.id}`"
        cells = (f"[{entry.id}]({entry.id}.md)", entry.publisher, entry.title_en, dags, datasets)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def source(source_id: str) -> Source:
    """Returns the catalogue entry of this name.

    Raises:
        UsageError: if the catalogue has no such entry.
    """
    try:
        return SOURCES[source_id]
    except KeyError:
        msg = f"no source {source_id!r} in the catalogue; it has {', '.join(sorted(SOURCES))}"
        raise UsageError(msg) from None


def source_of(dataset_id: str) -> Source:
    """Returns the source that releases a dataset.

    Raises:
        UsageError: if no source has such a dataset.
    """
    for entry in SOURCES.values():
        if any(dataset.id == dataset_id for dataset in entry.datasets):
            return entry
    ids = ", ".join(dataset.id for entry in SOURCES.values() for dataset in entry.datasets)
    msg = f"no dataset {dataset_id!r} in the catalogue; it has {ids}"
    raise UsageError(msg)


def dataset(dataset_id: str) -> Dataset:
    """Returns the dataset of this name, whichever source has it.

    Raises:
        UsageError: if no source has such a dataset.
    """
    return source_of(dataset_id).dataset(dataset_id)


def datasets_of(fact: str) -> tuple[str, ...]:
    """Ids of the datasets whose rows are of a fact, in the order of the catalogue."""
    return tuple(entry.id for source in SOURCES.values() for entry in source.datasets if entry.fact == fact)


def fall_back_datasets(fact: str) -> tuple[str, ...]:
    """Ids of the datasets of a fact whose rows are shown only for keys that no other dataset has."""
    return tuple(name for name in datasets_of(fact) if dataset(name).is_fall_back)


def next_expected(entry: Dataset, last_year: int | None, as_of: date) -> date | None:
    """Returns the day on which the next year of figures is expected.

    Args:
        entry: The dataset.
        last_year: Latest data year held, or None if none is.
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
    """Returns whether the figures held are as new as the publisher's calendar promises.

    Args:
        entry: The dataset.
        last_year: Latest data year held, or None if none is.
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
