"""National and own part of every change between two years of a release (methods section 2).

National part = E_a · (N_b/N_a − 1) with the nation's row N, sector by sector; own part = the rest. Where the
nation had none of a sector in the first year, all is own. This is accounting at the region's mix of sectors,
not proof of cause.

A sector that the publisher scaled with the nation's
(:func:`klimatpuls.statistics.network.find_local_signal`) is marked. Its own part says nothing about the place
and reads "not measurable yet", but it stays in the sums, which must add up. The nation is the reference and
has no own part.
"""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from klimatpuls.domain.regions import NATION
from klimatpuls.domain.sectors import ALL
from klimatpuls.statistics.network import find_local_signal
from klimatpuls.statistics.series import TERRITORIAL_SECTORS, ReleaseTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from klimatpuls.statistics.trend import FloatArray

MEASURED: Final = "measured"
PARTLY: Final = "partly_measured"
NOT_MEASURABLE_YET: Final = "not_measurable_yet"
NATION_ITSELF: Final = "nation_itself"
PARTLY_MEASURED_PCT: Final = 10.0
"""A total is partly measured when sectors scaled nationally hold more than this share of its tonnes."""

COLUMNS: Final = (
    "region_code", "sector_code", "first_year", "last_year", "first_tco2e", "last_tco2e",
    "national_part_tco2e", "own_part_tco2e", "change_pct", "national_part_pct", "own_part_pct",
    "near_nation_pct", "near_nation_tonnes_pct", "scaled_share_pct", "own_part_status",
)  # fmt: skip


def every_pair(table: ReleaseTable) -> list[tuple[int, int]]:
    """Every two years of a release, the earlier first.

    Example: 2015, 2020, 2024 → (2015, 2020), (2015, 2024), (2020, 2024).
    """
    return list(combinations(table.years.tolist(), 2))


def pairs_with_sectors(table: ReleaseTable) -> list[tuple[int, int]]:
    """The pairs whose sectors are shown: neighbours, and every year with the latest.

    Example: 1990, 2015, 2020, 2024 → (1990, 2015), (1990, 2024), (2015, 2020), (2015, 2024), (2020, 2024).
    """
    years = table.years.tolist()
    return sorted({*pairwise(years), *((year, years[-1]) for year in years[:-1])})


def build_change_parts(
    table: ReleaseTable, pairs: Iterable[tuple[int, int]], *, with_sectors: bool = True
) -> pd.DataFrame:
    """Split changes into a national and an own part, for every region (methods section 2).

    Args:
        table: One release.
        pairs: (first year, last year), both of the release, in order.
        with_sectors: Give the eight territorial sectors too, not only their sum.

    Returns:
        One row per region_code × pair × sector_code: :data:`COLUMNS`; sector ``all`` is the sum of the
        eight, without international transport. Percent of ``first_tco2e``, NaN where that is 0.
        ``near_nation_pct`` and ``near_nation_tonnes_pct``: municipalities of the sector, and their tonnes,
        within 0.2 points of the nation's change, in percent; for ``all`` NaN. ``scaled_share_pct``: percent
        of the row's tonnes of the first year in sectors scaled nationally
        (:func:`klimatpuls.statistics.network.find_local_signal`): 0 or 100 for a sector, NaN where there are
        no tonnes. ``own_part_status``: ``measured``; ``not_measurable_yet`` for a sector scaled nationally;
        for ``all`` ``partly_measured`` when that share is above 10 %; ``nation_itself`` for the nation,
        whose own part is NaN.

    Raises:
        ValueError: if the release lacks a year, a pair is not in order, or there is no row of the nation.

    Example: 100 t → 80 t while the nation goes 1 000 t → 900 t → national −10 t, own −10 t.
    """
    cube = np.array([table.sector(code) for code in TERRITORIAL_SECTORS])
    years = table.years.tolist()
    frames = []
    for first_year, last_year in pairs:
        signal = find_local_signal(table, first_year, last_year)
        first, last = (cube[:, :, years.index(year)] for year in (first_year, last_year))
        frames.append(
            _pair_frame(table.region_codes, first, last, signal, with_sectors=with_sectors).assign(
                first_year=first_year, last_year=last_year
            )
        )
    if not frames:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(frames, ignore_index=True)[list(COLUMNS)]


def _pair_frame(
    region_codes: tuple[str, ...],
    first: FloatArray,
    last: FloatArray,
    signal: pd.DataFrame,
    *,
    with_sectors: bool,
) -> pd.DataFrame:
    """The rows of one pair: sectors × regions, the sum last."""
    nation = region_codes.index(NATION)
    start, end = first[:, nation], last[:, nation]
    growth = np.divide(end, start, out=np.ones(len(start)), where=start != 0)
    national = first * (growth - 1.0)[:, None]
    own = last - first - national
    own[:, nation] = np.nan
    is_scaled = signal["scaled_nationally"].to_numpy(dtype=np.bool_)
    regions = len(region_codes)
    codes: list[str] = [*TERRITORIAL_SECTORS, ALL] if with_sectors else [ALL]

    def rows(by_sector: FloatArray) -> FloatArray:
        whole = by_sector.sum(axis=0, keepdims=True)
        return (np.concatenate([by_sector, whole]) if with_sectors else whole).reshape(-1)

    def of_sectors(name: str) -> FloatArray:
        figures = signal[name].to_numpy(dtype=np.float64)
        return np.repeat([*figures, np.nan] if with_sectors else [np.nan], regions)

    base = rows(first)
    positive = np.where(base > 0, base, np.nan)
    scaled_share = 100.0 * rows(np.where(is_scaled[:, None], first, 0.0)) / positive
    is_whole = np.repeat(np.array(codes, dtype=object) == ALL, regions)
    status = np.where(
        np.repeat([*is_scaled, False] if with_sectors else [False], regions), NOT_MEASURABLE_YET, MEASURED
    )
    status = np.where(is_whole & (scaled_share > PARTLY_MEASURED_PCT), PARTLY, status).astype(object)
    names = np.tile(np.array(region_codes, dtype=object), len(codes))
    status[names == NATION] = NATION_ITSELF
    return pd.DataFrame(
        {
            "region_code": names,
            "sector_code": np.repeat(np.array(codes, dtype=object), regions),
            "first_tco2e": base,
            "last_tco2e": rows(last),
            "national_part_tco2e": rows(national),
            "own_part_tco2e": rows(own),
            "change_pct": 100.0 * (rows(last) - base) / positive,
            "national_part_pct": 100.0 * rows(national) / positive,
            "own_part_pct": 100.0 * rows(own) / positive,
            "near_nation_pct": of_sectors("near_nation_pct"),
            "near_nation_tonnes_pct": of_sectors("near_nation_tonnes_pct"),
            "scaled_share_pct": scaled_share,
            "own_part_status": status,
        }
    )
