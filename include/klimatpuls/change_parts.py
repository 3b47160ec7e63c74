"""National and own part of every change between two years of a release (methods section 2).

The formula is that of :func:`klimatpuls.network.split_national_and_own`, for every pair of years at once and
with the mark of the sectors that the publisher scaled with the nation's. There the own part is no finding
about the place: it reads "not measurable yet", though it stands in the sums, which must add up.
"""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from klimatpuls.network import LOCAL_SIGNAL_POINTS, MUNICIPALITY_CODE_LENGTH, SCALED_NATIONALLY_PCT
from klimatpuls.sectors import ALL
from klimatpuls.series import TERRITORIAL_SECTORS, ReleaseTable
from klimatpuls.targets import NATION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from klimatpuls.trend import BoolArray, FloatArray

MEASURED: Final = "measured"
PARTLY: Final = "partly_measured"
NOT_MEASURABLE_YET: Final = "not_measurable_yet"
OWN_PART_WORDS: Final[dict[str, tuple[str, str]]] = {
    MEASURED: ("mätbar", "measured"),
    PARTLY: (
        "delvis mätbar: någon sektor är skalad med riket",
        "partly measured: a sector is scaled nationally",
    ),
    NOT_MEASURABLE_YET: ("går inte att mäta ännu", "not measurable yet"),
}
"""Words for what the own part can tell: Swedish and English."""

COLUMNS: Final = (
    "region_code",
    "sector_code",
    "first_year",
    "last_year",
    "first_tco2e",
    "last_tco2e",
    "national_part_tco2e",
    "own_part_tco2e",
    "change_pct",
    "national_part_pct",
    "own_part_pct",
    "near_nation_pct",
    "own_part_status",
)


def every_pair(table: ReleaseTable) -> list[tuple[int, int]]:
    """Every two years of a release, the earlier first.

    Example: 2015, 2020, 2024 → (2015, 2020), (2015, 2024), (2020, 2024).
    """
    return list(combinations(table.years.tolist(), 2))


def told_pairs(table: ReleaseTable) -> list[tuple[int, int]]:
    """The pairs whose sectors are shown too: neighbours, and every year against the latest.

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
        with_sectors: Give the eight territorial sectors too, and not their sum alone.

    Returns:
        One row per region_code × pair × sector_code: :data:`COLUMNS`; sector ``all`` is the sum of the
        eight, without international transport. Percent of ``first_tco2e``, NaN where that is 0.
        ``near_nation_pct``: municipalities of the sector within 0.5 points of the nation's change, in
        percent; for ``all`` NaN. ``own_part_status``: ``measured``; ``not_measurable_yet`` for a sector
        above 50 %; for ``all`` ``partly_measured`` when a sector with emissions is.

    Raises:
        ValueError: if the release lacks a year, a pair is not in order, or there is no row of the nation.

    Example: 100 t → 80 t while the nation goes 1 000 t → 900 t → national −10 t, own −10 t.
    """
    if NATION not in table.region_codes:
        msg = f"release {table.release_id} has no row for the nation ({NATION}); it cannot be compared with"
        raise ValueError(msg)
    cube = np.array([table.sector(code) for code in TERRITORIAL_SECTORS])
    nation = table.region_codes.index(NATION)
    municipal = np.array([len(code) == MUNICIPALITY_CODE_LENGTH for code in table.region_codes])
    years = table.years.tolist()
    frames = []
    for first_year, last_year in pairs:
        if first_year not in years or last_year not in years or first_year >= last_year:
            msg = (
                f"release {table.release_id}: cannot compare {first_year} with {last_year}; "
                f"choose two of its years in order: {', '.join(map(str, years))}"
            )
            raise ValueError(msg)
        first, last = (cube[:, :, years.index(year)] for year in (first_year, last_year))
        frames.append(
            _pair_frame(table.region_codes, first, last, nation, municipal, with_sectors=with_sectors).assign(
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
    nation: int,
    municipal: BoolArray,
    *,
    with_sectors: bool,
) -> pd.DataFrame:
    """The rows of one pair: sectors × regions, the sum last."""
    start, end = first[:, nation], last[:, nation]
    growth = np.divide(end, start, out=np.ones(len(start)), where=start != 0)
    national = first * (growth - 1.0)[:, None]
    own = last - first - national
    near = _near_nation_pct(first, last, growth, start, municipal)
    is_scaled = near > SCALED_NATIONALLY_PCT
    status = np.where(is_scaled, NOT_MEASURABLE_YET, MEASURED).astype(object)
    touched = ((first > 0) & is_scaled[:, None]).any(axis=0)
    whole_status = np.where(touched, PARTLY, MEASURED).astype(object)
    regions = len(region_codes)
    codes: list[str] = [*TERRITORIAL_SECTORS, ALL] if with_sectors else [ALL]

    def rows(by_sector: FloatArray) -> FloatArray:
        whole = by_sector.sum(axis=0, keepdims=True)
        return (np.concatenate([by_sector, whole]) if with_sectors else whole).reshape(-1)

    base = rows(first)
    positive = np.where(base > 0, base, np.nan)
    statuses: list[NDArray[np.object_]] = [np.full(regions, one, dtype=object) for one in status]
    return pd.DataFrame(
        {
            "region_code": np.tile(np.array(region_codes, dtype=object), len(codes)),
            "sector_code": np.repeat(np.array(codes, dtype=object), regions),
            "first_tco2e": base,
            "last_tco2e": rows(last),
            "national_part_tco2e": rows(national),
            "own_part_tco2e": rows(own),
            "change_pct": 100.0 * (rows(last) - base) / positive,
            "national_part_pct": 100.0 * rows(national) / positive,
            "own_part_pct": 100.0 * rows(own) / positive,
            "near_nation_pct": np.repeat([*near, np.nan] if with_sectors else [np.nan], regions),
            "own_part_status": np.concatenate([*statuses, whole_status] if with_sectors else [whole_status]),
        }
    )


def _near_nation_pct(
    first: FloatArray, last: FloatArray, growth: FloatArray, start: FloatArray, municipal: BoolArray
) -> FloatArray:
    """Percent of the municipalities with emissions whose change lies within 0.5 points of the nation's."""
    base, newest = first[:, municipal], last[:, municipal]
    counted = (base > 0) & ~np.isnan(newest)
    own = np.divide(newest, base, out=np.full(base.shape, np.nan), where=counted)
    distance = np.abs(100.0 * (own - 1.0) - 100.0 * (growth - 1.0)[:, None])
    near = (counted & (distance <= LOCAL_SIGNAL_POINTS) & (start > 0)[:, None]).sum(axis=1)
    count = counted.sum(axis=1)
    share: FloatArray = np.divide(100.0 * near, count, out=np.zeros(len(count)), where=count > 0)
    return share
