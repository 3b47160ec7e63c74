"""Nowcast: an estimate for the year after the latest observed one, and its record (methods section 9).

The nation's change per sector is applied to the municipality's own mix of sectors. The estimate holds no
local information, is shown only where it beats carrying the last value forward, and never decides a status.

Two scores are kept. ``local_signal`` leaves out the sectors that the publisher scaled with the nation's
(:func:`klimatpuls.statistics.network.find_local_signal`), since there the estimate is compared with itself;
that score decides. ``all_sectors`` is the territorial total, the figure that a reader would have seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from klimatpuls.domain.regions import NATION
from klimatpuls.statistics.network import MUNICIPALITY_CODE_LENGTH, find_local_signal
from klimatpuls.statistics.official import FINAL, PRELIMINARY
from klimatpuls.statistics.series import TERRITORIAL_SECTORS, ReleaseTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klimatpuls.statistics.trend import FloatArray

FIRST_SCORED_YEAR: Final = 2010
"""Earlier years are five to ten years apart, so they make no pair of consecutive years."""

WITHIN_RELEASE: Final = "within_release"
REAL_VINTAGE: Final = "real_vintage"
LOCAL_SIGNAL: Final = "local_signal"
ALL_SECTORS: Final = "all_sectors"

ERROR_COLUMNS: Final = (
    "region_code", "kind", "scope", "release_id", "first_year", "last_year", "nowcast_error_pct",
    "carried_error_pct",
)  # fmt: skip
SCORE_COLUMNS: Final = (
    "kind", "scope", "pairs_n", "errors_n", "nowcast_median_pct", "nowcast_p90_pct", "carried_median_pct",
    "carried_p90_pct", "is_better",
)  # fmt: skip


@dataclass(frozen=True)
class _Pair:
    """One estimate with its outcome: values by sector × municipality, growth by sector."""

    kind: str
    release_id: str
    first_year: int
    last_year: int
    region_codes: tuple[str, ...]
    base: FloatArray
    growth: FloatArray
    outcome: FloatArray
    is_scaled: tuple[bool, ...]


def estimate(values: FloatArray, growth: FloatArray) -> FloatArray:
    """Apply the nation's change per sector to the sectors of regions (methods section 9).

    Args:
        values: Latest values, tonnes CO2e, shape ``(n_sectors, n_regions)``.
        growth: The nation's later value ÷ earlier value per sector, shape ``(n_sectors,)``.

    Returns:
        Estimated tonnes CO2e, shape ``(n_sectors, n_regions)``.

    Example: 60 t of transport and 40 t of industry, nation −10 % and +5 % → 54 t and 42 t, together 96 t.
    """
    return values * growth[:, None]


def build_nowcast(table: ReleaseTable, national: pd.DataFrame) -> pd.DataFrame:
    """Estimate every region's territorial emissions of the year after the latest (methods section 9).

    Args:
        table: The current release.
        national: The nation's figures: ``sector_code``, ``year``, ``emissions_tco2e`` and ``basis``, as
            :func:`klimatpuls.statistics.official.add_preliminary_year` gives them.

    Returns:
        One row per region_code but the nation: ``year``, ``last_year``, ``last_tco2e``,
        ``emissions_tco2e`` (the estimate), ``change_pct``, ``basis`` (``preliminary`` where a figure of the
        nation in either year is). Empty where the nation's figures lack the year after, or a sector of either
        year.

    Example: a municipality of 60 t transport and 40 t industry, nation −10 % and +5 % → 96 t, −4 %.
    """
    last_year = int(table.years[-1])
    used = national[national["year"].isin([last_year, last_year + 1])]
    basis = PRELIMINARY if (used["basis"] == PRELIMINARY).any() else FINAL
    growth = national_growth(national, last_year)
    rows = [] if growth is None else [row for row, code in enumerate(table.region_codes) if code != NATION]
    values = np.array([table.sector(code)[rows, -1] for code in TERRITORIAL_SECTORS])
    last = values.sum(axis=0)
    estimated = last if growth is None else estimate(values, growth).sum(axis=0)
    return pd.DataFrame(
        {
            "region_code": [table.region_codes[row] for row in rows],
            "year": last_year + 1,
            "last_year": last_year,
            "last_tco2e": last,
            "emissions_tco2e": estimated,
            "change_pct": 100.0 * (estimated / np.where(last > 0, last, np.nan) - 1.0),
            "basis": basis,
        }
    )


def national_growth(national: pd.DataFrame, year: int) -> FloatArray | None:
    """The nation's value of the year after ÷ that of a year, by territorial sector.

    Args:
        national: ``sector_code``, ``year``, ``emissions_tco2e``.
        year: The earlier year.

    Returns:
        Shape ``(n_sectors,)``; None where a sector of either year is missing, or zero in the earlier one.
    """
    wide = national.pivot_table(index="sector_code", columns="year", values="emissions_tco2e").reindex(
        index=list(TERRITORIAL_SECTORS), columns=[year, year + 1]
    )
    figures = wide.to_numpy(dtype=np.float64)
    if np.isnan(figures).any() or (figures[:, 0] <= 0).any():
        return None
    growth: FloatArray = figures[:, 1] / figures[:, 0]
    return growth


def measured_growth(table: ReleaseTable, first_year: int) -> dict[int, FloatArray]:
    """Year → the nation's growth to the year after, for pairs of a release without a scaled sector.

    Args:
        table: The release.
        first_year: Earlier pairs are left out.
    """
    nation = table.region_codes.index(NATION)
    found = {}
    for at, (first, last) in enumerate(pairwise(table.years.tolist())):
        figures = np.array([table.sector(code)[nation, [at, at + 1]] for code in TERRITORIAL_SECTORS])
        is_pair = last == first + 1 and first >= first_year and bool((figures[:, 0] > 0).all())
        if is_pair and not find_local_signal(table, first, last)["scaled_nationally"].any():
            found[first] = figures[:, 1] / figures[:, 0]
    return found


def build_errors(tables: Sequence[ReleaseTable]) -> pd.DataFrame:
    """Compare the nowcast with the outcome of every pair of consecutive years (methods section 9).

    Each pair counts once, from the newest release that publishes both years. Two successive releases of which
    the newer ends one year later also make a pair of real vintages: the old release's values, the new one's
    national change and outcome.

    Args:
        tables: Releases of one substance, oldest first.

    Returns:
        One row per municipality × pair × scope: :data:`ERROR_COLUMNS`, absolute errors in percent of the
        outcome. A municipality has no row if its outcome in the scope is zero, or so near zero that the error
        overflows.

    Example: 100 t, estimated 96 t, outcome 98 t → nowcast error 2.04 %, carried forward 2.04 %.
    """
    frames = [
        _errors_of(pair, scope)
        for pair in (*_pairs_within(tables), *_pairs_of_vintages(tables))
        for scope in (LOCAL_SIGNAL, ALL_SECTORS)
    ]
    if not frames:
        return pd.DataFrame(columns=list(ERROR_COLUMNS))
    return pd.concat(frames, ignore_index=True)[list(ERROR_COLUMNS)]


def score_errors(errors: pd.DataFrame) -> pd.DataFrame:
    """Pool the errors of a backtest (methods section 9).

    Args:
        errors: As :func:`build_errors` gives it.

    Returns:
        One row per kind (``within_release``, ``real_vintage``, ``all`` for both together) × scope:
        :data:`SCORE_COLUMNS`. Medians and 90th percentiles of the absolute errors in percent; ``is_better``
        where both of the nowcast are below those of carrying the last value forward.

    Example: errors 1, 2, 3 % against 2, 3, 4 % → medians 2 and 3 %, better.
    """
    rows = []
    by_kind = errors.assign(pair_kind=errors["kind"])
    both = pd.concat([by_kind, by_kind.assign(kind="all")], ignore_index=True)
    for (kind, scope), own in both.groupby(["kind", "scope"], sort=True):
        ours, carried = (
            own[name].to_numpy(dtype=np.float64) for name in ("nowcast_error_pct", "carried_error_pct")
        )
        pairs = own[["pair_kind", "release_id", "first_year", "last_year"]].drop_duplicates()
        scores = [*np.quantile(ours, [0.5, 0.9]), *np.quantile(carried, [0.5, 0.9])]
        is_better = bool(scores[0] < scores[2] and scores[1] < scores[3])
        rows.append((kind, scope, len(pairs), len(own), *scores, is_better))
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def is_shown(scores: pd.DataFrame) -> bool:
    """Whether a nowcast may be shown: better where there is a local signal, all pairs pooled (section 9).

    Args:
        scores: As :func:`score_errors` gives it.

    Returns:
        True where the deciding score is better; False without any score.

    Example: no release held but one with gaps between its years → no score → False.
    """
    deciding = scores[(scores["kind"] == "all") & (scores["scope"] == LOCAL_SIGNAL)]
    return bool(len(deciding)) and bool(deciding["is_better"].iloc[0])


def _pairs_within(tables: Sequence[ReleaseTable]) -> list[_Pair]:
    seen: dict[tuple[int, int], ReleaseTable] = {}
    for table in tables:
        years = table.years.tolist()
        for first, last in pairwise(years):
            if last == first + 1 and first >= FIRST_SCORED_YEAR:
                seen[first, last] = table  # newer releases come later and take the pair over
    return [
        _make_pair(WITHIN_RELEASE, table, table, first, last) for (first, last), table in sorted(seen.items())
    ]


def _pairs_of_vintages(tables: Sequence[ReleaseTable]) -> list[_Pair]:
    found = []
    for old, new in pairwise(tables):
        first, last = int(old.years[-1]), int(new.years[-1])
        if last == first + 1 and first in new.years.tolist():
            found.append(_make_pair(REAL_VINTAGE, old, new, first, last))
    return found


def _make_pair(kind: str, old: ReleaseTable, new: ReleaseTable, first_year: int, last_year: int) -> _Pair:
    """Values of ``old``, national change and outcome of ``new``."""
    known = set(new.region_codes)
    codes = [code for code in old.region_codes if len(code) == MUNICIPALITY_CODE_LENGTH and code in known]
    at = {
        table.release_id: {code: row for row, code in enumerate(table.region_codes)} for table in (old, new)
    }
    old_rows, new_rows = ([at[t.release_id][code] for code in codes] for t in (old, new))
    nation = at[new.release_id][NATION]
    first = new.years.tolist().index(first_year)
    last = new.years.tolist().index(last_year)
    before = old.years.tolist().index(first_year)
    national = np.array([new.sector(code)[nation, [first, last]] for code in TERRITORIAL_SECTORS])
    growth = np.divide(national[:, 1], national[:, 0], out=np.ones(len(national)), where=national[:, 0] > 0)
    signal = find_local_signal(new, first_year, last_year).set_index("sector_code")["scaled_nationally"]
    return _Pair(
        kind=kind,
        release_id=new.release_id,
        first_year=first_year,
        last_year=last_year,
        region_codes=tuple(codes),
        base=np.array([old.sector(code)[old_rows, before] for code in TERRITORIAL_SECTORS]),
        growth=growth,
        outcome=np.array([new.sector(code)[new_rows, last] for code in TERRITORIAL_SECTORS]),
        is_scaled=tuple(bool(signal[code]) for code in TERRITORIAL_SECTORS),
    )


def _errors_of(pair: _Pair, scope: str) -> pd.DataFrame:
    kept = np.array([scope == ALL_SECTORS or not scaled for scaled in pair.is_scaled], dtype=np.bool_)
    outcome = pair.outcome[kept].sum(axis=0)
    carried = pair.base[kept].sum(axis=0)
    ours = estimate(pair.base[kept], pair.growth[kept]).sum(axis=0)
    with np.errstate(all="ignore"):
        every = [100.0 * np.abs(guess - outcome) / outcome for guess in (ours, carried)]
    usable = (outcome > 0) & np.isfinite(every[0]) & np.isfinite(every[1])
    errors = [error[usable] for error in every]
    return pd.DataFrame(
        {
            "region_code": np.array(pair.region_codes, dtype=object)[usable],
            "kind": pair.kind,
            "scope": scope,
            "release_id": pair.release_id,
            "first_year": pair.first_year,
            "last_year": pair.last_year,
            "nowcast_error_pct": errors[0],
            "carried_error_pct": errors[1],
        }
    )
