"""Series and boundaries: from the rows of a release to one value per region and year (methods section 1).

A series is (region, boundary, release) on irregular years. Nothing is interpolated silently: every row has a
``status``, and an estimated or linked value has a row of its own.

The tidy frame of a series, one row per region_code × year:

======================  ==================================================================================
``region_code``         text, ``00`` nation, ``03`` county, ``0360`` municipality
``boundary``            name of the boundary
``year``                calendar year
``value_tco2e``         tonnes CO2-equivalent
``status``              ``observed``, ``linked`` or ``estimated``
``is_published_year``   True where the current release publishes the year; only such rows carry a trend
``flags``               tuple of text, sorted: ``aviation_estimated``, ``aviation_included``,
                        ``known_defect``, ``own_series``, ``proxy_poor``
``release_ids``         tuple of text: the releases the value was made from, the current one first
======================  ==================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from klimatpuls.domain.sectors import ALL as ALL_SECTORS
from klimatpuls.domain.sectors import DOMESTIC_AVIATION, INTERNATIONAL_TRANSPORT
from klimatpuls.statistics.trend import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

OBSERVED: Final = "observed"
LINKED: Final = "linked"
ESTIMATED: Final = "estimated"

AVIATION_ESTIMATED: Final = "aviation_estimated"
AVIATION_INCLUDED: Final = "aviation_included"
KNOWN_DEFECT: Final = "known_defect"
ONE_PLANT: Final = "one_plant"
OWN_SERIES: Final = "own_series"
PROXY_POOR: Final = "proxy_poor"

PUBLISHED_TOTAL: Final = "published_total"
TERRITORIAL: Final = "territorial"
EFFORT_SHARING_PROXY: Final = "effort_sharing_proxy"
OUTSIDE_TRADING: Final = "outside_trading"
DOMESTIC_TRANSPORT: Final = "domestic_transport"

TRANSPORT: Final = "transport"
EFFORT_SHARING_SECTORS: Final = (
    "transport", "agriculture", "own_heating", "machinery", "product_use", "waste",
)  # fmt: skip
TERRITORIAL_SECTORS: Final = (
    "transport", "industry", "power_heat", "agriculture", "own_heating", "machinery", "product_use", "waste",
)  # fmt: skip
ONE_PLANT_SECTORS: Final = ("industry", "power_heat")
ONE_PLANT_SHARE: Final = 0.5


@dataclass(frozen=True)
class Boundary:
    """What a series adds up: the sectors ``plus`` minus the sectors ``minus``.

    Where a release does not publish domestic aviation, a boundary that subtracts it is estimated (methods
    section 1).
    """

    code: str
    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()

    @property
    def without_aviation(self) -> bool:
        """Whether domestic aviation is subtracted."""
        return DOMESTIC_AVIATION in self.minus

    def holds(self, sector_code: str) -> bool:
        """Whether a defect in the sector (or sub-sector) affects the boundary."""
        if sector_code in self.minus:
            return False
        main = sector_code.partition(".")[0]
        return (
            sector_code in self.plus
            or main in self.plus
            or (ALL_SECTORS in self.plus and main not in self.minus)
        )


BOUNDARIES: Final[dict[str, Boundary]] = {
    boundary.code: boundary
    for boundary in (
        Boundary(PUBLISHED_TOTAL, (ALL_SECTORS,)),
        Boundary(TERRITORIAL, (ALL_SECTORS,), (INTERNATIONAL_TRANSPORT,)),
        Boundary(EFFORT_SHARING_PROXY, EFFORT_SHARING_SECTORS, (DOMESTIC_AVIATION,)),
        Boundary(DOMESTIC_TRANSPORT, (TRANSPORT,), (DOMESTIC_AVIATION,)),
    )
}
"""The boundaries that a release of emissions adds up to; a register may add its own lists of sectors."""
BOUNDARY_CODES: Final = (*BOUNDARIES, OUTSIDE_TRADING)
"""Every boundary a target may name without a register of its own; ``outside_trading`` needs the plants."""


@dataclass(frozen=True)
class ReleaseTable:
    """The rows of one release as matrices, region × year, per sector.

    Attributes:
        release_id: The release.
        region_codes: Row names, sorted.
        years: Column names, ascending calendar years.
        sectors: Sector code → tonnes CO2e, shape ``(n_regions, n_years)``, NaN where there is no row.
    """

    release_id: str
    region_codes: tuple[str, ...]
    years: IntArray
    sectors: Mapping[str, FloatArray]

    @property
    def has_aviation(self) -> bool:
        """Whether the release publishes domestic aviation as a sub-sector."""
        return DOMESTIC_AVIATION in self.sectors

    def sector(self, code: str) -> FloatArray:
        """Give the matrix of one sector.

        Raises:
            ValueError: if the release has no row of the sector.
        """
        try:
            return self.sectors[code]
        except KeyError:
            msg = (
                f"release {self.release_id} has no sector {code!r}, only {', '.join(sorted(self.sectors))}. "
                "Check the sector codes of the boundary in the register."
            )
            raise ValueError(msg) from None

    def territorial(self) -> FloatArray:
        """Give the territorial total, tonnes CO2e, shape ``(n_regions, n_years)``."""
        return self.sector(ALL_SECTORS) - self.sector(INTERNATIONAL_TRANSPORT)


class LateReleaseTable(ReleaseTable):
    """A release whose id and years are known and whose matrices are read when first needed.

    Most earlier releases are only asked whether they have a year that the current one lacks. Reading all of
    them at every publication would cost more each year.

    Args:
        release_id: The release.
        years: Its calendar years, ascending.
        read: Reads the whole release; called at most once.
    """

    def __init__(self, release_id: str, years: Sequence[int], read: Callable[[], ReleaseTable]) -> None:
        self._release_id = release_id
        self._years = np.array(years, dtype=np.int64)
        self._read = read

    @property
    def release_id(self) -> str:
        """The release."""
        return self._release_id

    @property
    def years(self) -> IntArray:
        """Its calendar years, ascending."""
        return self._years

    @property
    def region_codes(self) -> tuple[str, ...]:
        """As in the whole release, which is read now."""
        return self._whole.region_codes

    @property
    def sectors(self) -> Mapping[str, FloatArray]:
        """As in the whole release, which is read now."""
        return self._whole.sectors

    @cached_property
    def _whole(self) -> ReleaseTable:
        whole = self._read()
        if not np.array_equal(whole.years, self.years):
            msg = (
                f"release {self.release_id}: expected the years {self.years.tolist()}, "
                f"found rows of {whole.years.tolist()}"
            )
            raise ValueError(msg)
        return whole


@dataclass(frozen=True)
class SeriesMatrix:
    """A tidy series as matrices, region × year.

    Attributes:
        region_codes: Row names, sorted.
        years: Column names, ascending calendar years.
        values: Tonnes CO2e of every row, NaN where there is none.
        published: True where the current release publishes the value.
        defect: True where the value is a known defect; it stands, but carries no trend.
        status: Status per cell, ``""`` where there is no value.
        flags: Sorted flags per region (of any of its years).
        release_ids: Per region the release that publishes it, ``""`` for imported values.
    """

    region_codes: tuple[str, ...]
    years: IntArray
    values: FloatArray
    published: BoolArray
    defect: BoolArray
    status: NDArray[np.object_]
    flags: tuple[tuple[str, ...], ...]
    release_ids: tuple[str, ...]

    @property
    def observed(self) -> FloatArray:
        """The values of published years without known defects, NaN elsewhere: what a trend may use."""
        return np.where(self.published & ~self.defect, self.values, np.nan)

    def at(self, year: int) -> FloatArray:
        """Give the value of one year per region, published or linked; NaN where there is none."""
        column = np.flatnonzero(self.years == year)
        if not len(column):
            return np.full(len(self.region_codes), np.nan)
        return self.values[:, column[0]]

    def select(self, region_codes: Sequence[str]) -> SeriesMatrix:
        """Give the rows of some regions, in their order; a region without a row is left out."""
        position = {code: index for index, code in enumerate(self.region_codes)}
        rows = [position[code] for code in region_codes if code in position]
        return replace(
            self,
            region_codes=tuple(self.region_codes[row] for row in rows),
            values=self.values[rows],
            published=self.published[rows],
            defect=self.defect[rows],
            status=self.status[rows],
            flags=tuple(self.flags[row] for row in rows),
            release_ids=tuple(self.release_ids[row] for row in rows),
        )


@dataclass(frozen=True)
class _Total:
    """A boundary added up from one release, region × year.

    ``included``: domestic aviation is unknown and left in; ``estimated``: it is that of another release,
    which ``donor_ids`` names per year.
    """

    values: FloatArray
    included: BoolArray
    estimated: BoolArray
    donor_ids: tuple[str, ...] = ()

    def donors_of(self, row: int) -> tuple[str, ...]:
        """The other releases in a region's values."""
        return tuple(self.donor_ids[column] for column in np.flatnonzero(self.estimated[row]))


def build_release_table(
    release_id: str, facts: pd.DataFrame, *, sub_sectors: Sequence[str] = (DOMESTIC_AVIATION,)
) -> ReleaseTable:
    """Turn the rows of one release into matrices (methods section 1).

    Args:
        release_id: The release the rows belong to.
        facts: One row per region_code × sector_code × year with ``emissions_tco2e`` (tonnes CO2e, of one
            substance).
        sub_sectors: The sub-sectors to keep; the others are left out.

    Returns:
        The matrices.

    Raises:
        ValueError: if a region × sector × year comes twice.
    """
    codes = facts["sector_code"]
    rows = facts[~codes.str.contains(".", regex=False) | codes.isin(list(sub_sectors))]
    # Codes repeat many times, so numbering them and sorting the few distinct ones is faster.
    region_index, regions = pd.factorize(rows["region_code"].to_numpy(dtype=object), sort=True)
    years, year_index = np.unique(rows["year"].to_numpy(dtype=np.int64), return_inverse=True)
    sector_index, sectors = pd.factorize(rows["sector_code"].to_numpy(dtype=object), sort=True)
    shape = (len(sectors), len(regions), len(years))
    flat = (sector_index * shape[1] + region_index) * shape[2] + year_index
    if len(np.unique(flat)) != len(rows):
        twice = rows[rows.duplicated(["region_code", "sector_code", "year"])].iloc[0]
        msg = (
            f"release {release_id}: region {twice['region_code']}, sector {twice['sector_code']}, "
            f"year {twice['year']} comes twice; expected one row each"
        )
        raise ValueError(msg)
    cube = np.full(shape, np.nan)
    cube.reshape(-1)[flat] = rows["emissions_tco2e"].to_numpy(dtype=np.float64)
    return ReleaseTable(
        release_id=release_id,
        region_codes=tuple(str(code) for code in regions),
        years=years,
        sectors={str(code): cube[index] for index, code in enumerate(sectors)},
    )


def build_series(
    current: ReleaseTable,
    boundary: str | Boundary,
    *,
    earlier: Sequence[ReleaseTable] = (),
    donors: Sequence[ReleaseTable] | None = None,
    defects: Collection[tuple[str, str, int]] = (),
    keep_aviation: bool = False,
) -> pd.DataFrame:
    """Build the series of one boundary for every region of a release (methods section 1).

    If the release does not publish domestic aviation, its tonnes come from another release that does
    (:func:`find_donors`; flag ``aviation_estimated``, status ``estimated``). A donor's 0 t is no estimate. A
    region that no donor has keeps its aviation in the total (flag ``aviation_included``).
    Years that only earlier releases publish are linked: old value times the ratio new/old, linear in time
    between the nearest common years on each side, or the only ratio there is.

    Args:
        current: The release the series belongs to.
        boundary: A code of :data:`BOUNDARIES` or a boundary of the register.
        earlier: Published earlier releases of the same substance, oldest first.
        donors: Published releases of all greenhouse gases or of carbon dioxide that may show domestic
            aviation, oldest first; carbon dioxide counts as the total there. None: those of ``earlier``.
        defects: Known defects of the current release: region_code, sector_code, year. The value stays,
            flagged ``known_defect``, and carries no trend.
        keep_aviation: Leave domestic aviation in (flag ``aviation_included``); for tests of the formulas.

    Returns:
        The tidy frame of the module's docstring, sorted by region_code and year.

    Raises:
        ValueError: if the boundary is unknown or the release lacks one of its sectors.

    Example: old release 2016 = 100 t, ratios new/old 1.00 in 2015 and 1.10 in 2020 → 2016 linked = 102 t.
    """
    chosen = _find_boundary(boundary)
    known_donors = earlier if donors is None else donors
    own = _add_up(current, chosen, known_donors, keep_aviation=keep_aviation)
    frames = [_published_frame(current, chosen.code, own)]
    known = set(current.years.tolist())
    for old in reversed(earlier):
        vanished = [year for year in old.years.tolist() if year not in known]
        if not vanished:
            continue
        known.update(vanished)
        before = _add_up(old, chosen, known_donors, keep_aviation=keep_aviation)
        frames.append(_linked_frame(current, old, chosen.code, own, before, vanished))
    merged = pd.concat(frames, ignore_index=True).sort_values(["region_code", "year"], ignore_index=True)
    marked = {(region, year) for region, sector, year in defects if chosen.holds(sector)}
    if marked:
        cells = pd.MultiIndex.from_frame(merged[["region_code", "year"]])
        is_defect = merged["is_published_year"].to_numpy() & cells.isin(list(marked))
        merged["flags"] = [
            tuple(sorted({*flags, KNOWN_DEFECT})) if defect else flags
            for flags, defect in zip(merged["flags"], is_defect, strict=True)
        ]
    return merged


def build_own_series(values: pd.DataFrame, boundary: str) -> pd.DataFrame:
    """Build a series from values that its owner imports (methods section 1, ``own_series``).

    Args:
        values: One row per region_code × year with ``value``, ``unit`` (must be ``tCO2e``), ``source`` and
            ``method`` (text, kept in the register).
        boundary: Name of the series, such as ``own_series:consumption``; never one of :data:`BOUNDARIES`.

    Returns:
        The tidy frame of the module's docstring; ``release_ids`` empty, flag ``own_series``.

    Raises:
        ValueError: if a value has another unit, a year comes twice, or the name is a boundary of SMHI's.
    """
    if boundary in BOUNDARY_CODES:
        msg = f"own series must not be called {boundary!r}: that is made of SMHI's rows and never mixed"
        raise ValueError(msg)
    foreign = sorted(set(values["unit"]) - {"tCO2e"})
    if foreign:
        msg = f"own series {boundary!r}: expected unit tCO2e, found {', '.join(foreign)}; convert it first"
        raise ValueError(msg)
    if values.duplicated(["region_code", "year"]).any():
        twice = values[values.duplicated(["region_code", "year"])].iloc[0]
        msg = f"own series {boundary!r}: {twice['region_code']} {twice['year']} comes twice; keep one value"
        raise ValueError(msg)
    count = len(values)
    frame = pd.DataFrame(
        {
            "region_code": values["region_code"].astype(str).to_numpy(),
            "boundary": boundary,
            "year": values["year"].to_numpy(dtype=np.int64),
            "value_tco2e": values["value"].to_numpy(dtype=np.float64),
            "status": OBSERVED,
            "is_published_year": True,
            "flags": pd.Series([(OWN_SERIES,)] * count, dtype=object),
            "release_ids": pd.Series([()] * count, dtype=object),
        }
    )
    return frame.sort_values(["region_code", "year"], ignore_index=True)


def to_matrix(series: pd.DataFrame) -> SeriesMatrix:
    """Turn the tidy frame of one boundary into matrices.

    Args:
        series: The tidy frame of the module's docstring, one boundary.

    Returns:
        Values, and which of them are published, per region and year.

    Raises:
        ValueError: if a region × year comes twice, as when two boundaries are mixed.
    """
    row, regions = pd.factorize(series["region_code"].to_numpy(dtype=object), sort=True)
    years, column = np.unique(series["year"].to_numpy(dtype=np.int64), return_inverse=True)
    shape = (len(regions), len(years))
    cells = row * len(years) + column
    if (np.bincount(cells) > 1).any():
        twice = series[series.duplicated(["region_code", "year"])].iloc[0]
        msg = f"series: region {twice['region_code']}, year {twice['year']} comes twice; give one boundary"
        raise ValueError(msg)
    values = np.full(shape, np.nan)
    published = np.zeros(shape, dtype=np.bool_)
    status = np.full(shape, "", dtype=object)
    values[row, column] = series["value_tco2e"].to_numpy(dtype=np.float64)
    published[row, column] = series["is_published_year"].to_numpy(dtype=np.bool_)
    status[row, column] = series["status"].to_numpy(dtype=object)
    defect = np.zeros(shape, dtype=np.bool_)
    flags: list[set[str]] = [set() for _ in regions]
    # Few cells carry a flag, so only those are unpacked.
    for at, own in enumerate(series["flags"].tolist()):
        if own:
            flags[row[at]].update(own)
            defect[row[at], column[at]] = KNOWN_DEFECT in own
    publishers = np.array([next(iter(releases), "") for releases in series["release_ids"]], dtype=object)
    release_ids = np.full(len(regions), "", dtype=object)
    named = publishers != ""
    release_ids[row[named]] = publishers[named]
    return SeriesMatrix(
        region_codes=tuple(str(code) for code in regions),
        years=years,
        values=values,
        published=published,
        defect=defect,
        status=status,
        flags=tuple(tuple(sorted(own)) for own in flags),
        release_ids=tuple(str(release) for release in release_ids),
    )


def fill_gap_years(years: IntArray, values: FloatArray, first_year: int, last_year: int) -> FloatArray:
    """Give one value per calendar year, gap years linear between neighbours (methods section 5, budget).

    Args:
        years: Ascending calendar years, shape ``(n_years,)``.
        values: Tonnes CO2e, NaN where there is none, shape ``(n_series, n_years)``.
        first_year: First year wanted.
        last_year: Last year wanted.

    Returns:
        Tonnes CO2e, shape ``(n_series, last_year - first_year + 1)``; NaN outside a series' own first and
        last year. A reader sees the filled years with status ``estimated``.

    Example: 2015 = 10 t, 2020 = 5 t → 2016 = 9 t, 2014 and 2021 NaN.
    """
    wanted = np.arange(first_year, last_year + 1)
    filled = np.full((len(values), len(wanted)), np.nan)
    for index, own in enumerate(values):
        present = ~np.isnan(own)
        if present.any():
            filled[index] = np.interp(wanted, years[present], own[present], left=np.nan, right=np.nan)
    return filled


def find_one_plant(table: ReleaseTable) -> frozenset[str]:
    """Find regions where one plant dominates: industry + power and heat above half (methods section 1).

    Args:
        table: A release.

    Returns:
        Codes of the regions whose industry and power/heat are above 50 % of territorial emissions in the
        latest year (25 municipalities in release 2026a). Their pages lead with ``outside_trading`` where it
        is known, else with ``territorial`` with and without these sectors, never with the proxy
        (:func:`klimatpuls.statistics.trading.choose_lead`).
    """
    heavy = sum((table.sector(code)[:, -1] for code in ONE_PLANT_SECTORS), np.zeros(len(table.region_codes)))
    marked = heavy > ONE_PLANT_SHARE * table.territorial()[:, -1]
    return frozenset(code for code, mark in zip(table.region_codes, marked, strict=True) if mark)


def _find_boundary(boundary: str | Boundary) -> Boundary:
    if isinstance(boundary, Boundary):
        return boundary
    if boundary not in BOUNDARIES:
        msg = f"unknown boundary {boundary!r}; expected one of {', '.join(BOUNDARIES)} or a list of sectors"
        raise ValueError(msg)
    return BOUNDARIES[boundary]


def find_donors(years: IntArray, donors: Sequence[ReleaseTable]) -> list[tuple[ReleaseTable, int]]:
    """Find which release shows the domestic aviation of each year (methods section 1).

    This is the newest release that shows domestic aviation and has the year. If none has the year, it is the
    newest with the nearest year, the earlier of two equally near: a later year keeps the last known tonnes.

    Args:
        years: Calendar years wanted.
        donors: Releases of all greenhouse gases or of carbon dioxide, oldest first. A release with no better
            year than a newer one is not read.

    Returns:
        Release and year per year wanted; empty where no release shows domestic aviation.

    Example: releases to 2019 and to 2022 → 2011 from the first, 2022 and 2024 from the second's 2022.
    """
    found: dict[int, tuple[int, int, ReleaseTable]] = {}
    for donor in reversed(donors):
        offers = {}
        for year in years.tolist():
            offer = min((abs(own - year), own) for own in donor.years.tolist())
            if year not in found or offer < found[year][:2]:
                offers[year] = (*offer, donor)
        if offers and donor.has_aviation:
            found |= offers
    return [(found[year][2], found[year][1]) for year in years.tolist()] if found else []


def _add_up(
    table: ReleaseTable, boundary: Boundary, donors: Sequence[ReleaseTable], *, keep_aviation: bool
) -> _Total:
    """Add up a boundary on one release; ``donors`` may show the domestic aviation it lacks."""
    total = sum((table.sector(code) for code in boundary.plus), np.zeros(table.sector(ALL_SECTORS).shape))
    for code in boundary.minus:
        if code != DOMESTIC_AVIATION:
            total = total - table.sector(code)
    nowhere = np.zeros(total.shape, dtype=np.bool_)
    if not boundary.without_aviation:
        return _Total(total, included=nowhere, estimated=nowhere)
    if keep_aviation:
        return _Total(total, included=~nowhere, estimated=nowhere)
    if table.has_aviation:
        return _Total(total - table.sector(DOMESTIC_AVIATION), included=nowhere, estimated=nowhere)
    chosen = find_donors(table.years, donors)
    if not chosen:
        return _Total(total, included=~nowhere, estimated=nowhere)
    aviation = np.concatenate(
        [_aviation_of(donor, year, table.region_codes) for donor, year in chosen], axis=1
    )
    # Aviation is part of transport, so it cannot exceed the transport of a release revised downwards.
    aviation = np.minimum(aviation, table.sector(TRANSPORT))
    is_unknown = np.isnan(aviation)
    return _Total(
        total - np.where(is_unknown, 0.0, aviation),
        included=is_unknown,
        estimated=aviation > 0,
        donor_ids=tuple(donor.release_id for donor, _ in chosen),
    )


def _aviation_of(donor: ReleaseTable, year: int, region_codes: Sequence[str]) -> FloatArray:
    """Domestic aviation of a donor's year, tonnes, shape ``(n_regions, 1)``; NaN for a region it lacks."""
    column = donor.years.tolist().index(year)
    return _align(donor.sector(DOMESTIC_AVIATION)[:, [column]], donor.region_codes, region_codes)


def _link(
    years: IntArray, new: FloatArray, old_years: IntArray, old: FloatArray, vanished: Sequence[int]
) -> FloatArray:
    """Link vanished years: old value × ratio new/old, linear in time between the nearest common years.

    A ratio that overflows, because the old value is almost 0, links nothing.
    """
    common = np.intersect1d(years, old_years)
    new_common = new[:, np.searchsorted(years, common)]
    old_common = old[:, np.searchsorted(old_years, common)]
    with np.errstate(over="ignore"):
        ratio = np.divide(new_common, old_common, out=np.full_like(new_common, np.nan), where=old_common > 0)
    linked = np.full((len(new), len(vanished)), np.nan)
    for row, own in enumerate(ratio):
        present = np.isfinite(own)
        if present.any():
            linked[row] = np.interp(vanished, common[present], own[present])
    with np.errstate(over="ignore"):
        values: FloatArray = linked * old[:, np.searchsorted(old_years, vanished)]
    return np.where(np.isfinite(values), values, np.nan)


def _align(values: FloatArray, own: Sequence[str], wanted: Sequence[str]) -> FloatArray:
    """The rows in another order of regions; NaN for a region that is missing."""
    if tuple(own) == tuple(wanted):
        return values
    return pd.DataFrame(values, index=list(own)).reindex(list(wanted)).to_numpy()


def _published_frame(table: ReleaseTable, boundary: str, own: _Total) -> pd.DataFrame:
    """The rows of the years that the release publishes."""
    release_ids: list[tuple[str, ...]] = [(table.release_id,)] * own.values.size
    columns = len(table.years)
    for row, column in np.argwhere(own.estimated).tolist():
        release_ids[row * columns + column] = (table.release_id, own.donor_ids[column])
    return _tidy(
        table.region_codes,
        boundary,
        table.years,
        own.values,
        status=np.where(own.estimated, ESTIMATED, OBSERVED).astype(object),
        published=True,
        flags=_flags_of(own.included, own.estimated),
        release_ids=release_ids,
    )


def _linked_frame(
    table: ReleaseTable,
    old: ReleaseTable,
    boundary: str,
    own: _Total,
    before: _Total,
    years: Sequence[int],
) -> pd.DataFrame:
    """The rows of years that only an older release publishes, by the ratios of the common years."""
    columns = np.searchsorted(old.years, years)
    of_old = {code: row for row, code in enumerate(old.region_codes)}
    shape = (len(table.region_codes), len(years))
    included, estimated = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    release_ids: list[tuple[str, ...]] = []
    for row, code in enumerate(table.region_codes):
        sides = [(own, row), *((before, at) for at in [of_old.get(code)] if at is not None)]
        included[row] = any(side.included[at].any() for side, at in sides)
        estimated[row] = any(side.estimated[at].any() for side, at in sides)
        donors = [donor for side, at in sides for donor in side.donors_of(at)]
        release_ids += [tuple(dict.fromkeys((table.release_id, old.release_id, *donors)))] * len(years)
    aligned = _align(before.values, old.region_codes, table.region_codes)
    return _tidy(
        table.region_codes,
        boundary,
        old.years[columns],
        _link(table.years, own.values, old.years, aligned, years),
        status=np.full(shape, LINKED, dtype=object),
        published=False,
        flags=_flags_of(included, estimated),
        release_ids=release_ids,
    )


def _flags_of(included: BoolArray, estimated: BoolArray) -> list[tuple[str, ...]]:
    """The sorted flags of each cell, region by region."""
    both = (AVIATION_ESTIMATED, AVIATION_INCLUDED)
    cells = zip(estimated.reshape(-1).tolist(), included.reshape(-1).tolist(), strict=True)
    return [tuple(compress(both, cell)) for cell in cells]


def _tidy(
    region_codes: Sequence[str],
    boundary: str,
    years: IntArray,
    values: FloatArray,
    *,
    status: NDArray[np.object_],
    published: bool,
    flags: Sequence[tuple[str, ...]],
    release_ids: Sequence[tuple[str, ...]],
) -> pd.DataFrame:
    """Matrices as rows; ``flags`` and ``release_ids`` are per cell, region by region."""
    frame = pd.DataFrame(
        {
            "region_code": np.repeat(np.array(region_codes, dtype=object), len(years)),
            "boundary": boundary,
            "year": np.tile(years, len(region_codes)),
            "value_tco2e": values.reshape(-1),
            "status": status.reshape(-1),
            "is_published_year": published,
            "flags": pd.Series(list(flags), dtype=object),
            "release_ids": pd.Series(list(release_ids), dtype=object),
        }
    )
    return frame[frame["value_tco2e"].notna()]
