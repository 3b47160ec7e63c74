"""What changed between two releases, and why a result changed (methods section 7).

A changed result is split into steps in a fixed order. Each step builds on the one before, so the parts add up
exactly. The order is part of the published figure:

0. ``stored``: the old result as stored
1. ``method``: old release, today's method
2. ``vanished_years``: without the years the new release no longer publishes
3. ``revised_values``: the new release's values in the years both have, old level
4. ``revised_base``: the level from the new release
5. ``new_data``: the added years and the shorter time
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import compress, pairwise, permutations, product
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from klimatpuls.domain.sectors import ALL, INTERNATIONAL_TRANSPORT
from klimatpuls.statistics.network import MUNICIPALITY_CODE_LENGTH
from klimatpuls.statistics.series import TERRITORIAL_SECTORS, ReleaseTable, SeriesMatrix, to_matrix
from klimatpuls.statistics.standing import STATUS_COLUMNS, evaluate_matrix
from klimatpuls.statistics.targets import Target, base_values
from klimatpuls.statistics.trend import last_observed

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping, Sequence

    from klimatpuls.statistics.trend import FloatArray, IntArray

    _Pair = tuple[SeriesMatrix, SeriesMatrix]
    _Hybrids = dict[frozenset[str], SeriesMatrix]

STORED: Final = "stored"
METHOD: Final = "method"
VANISHED_YEARS: Final = "vanished_years"
REVISED_VALUES: Final = "revised_values"
REVISED_BASE: Final = "revised_base"
NEW_DATA: Final = "new_data"
STEPS: Final = (STORED, METHOD, VANISHED_YEARS, REVISED_VALUES, REVISED_BASE, NEW_DATA)
DATA_STEPS: Final = STEPS[2:]
SERIES_STEPS: Final = (VANISHED_YEARS, REVISED_VALUES, NEW_DATA)
"""The data steps that change the series; the fourth one changes the base it is compared with."""
_TOGGLES: Final = [
    frozenset(compress(DATA_STEPS, done)) for done in product((False, True), repeat=len(DATA_STEPS))
]
"""Every set of data steps that can be done at some point of some order."""

UNCHANGED: Final = "unchanged"
SEVERAL_CAUSES: Final = "several_causes"

REVISED: Final = "revised"
APPEARED: Final = "appeared"
VANISHED: Final = "vanished"

STEP_COLUMNS: Final = ("region_code", "step_order", "step", *STATUS_COLUMNS, "gap_part_tco2e", "cause")
"""Columns of a split standing, in their order."""

_KEY: Final = ["region_code", "sector_code", "year"]


@dataclass(frozen=True)
class YearChanges:
    """Years two releases share, and those only one of them has."""

    common: tuple[int, ...]
    vanished: tuple[int, ...]
    appeared: tuple[int, ...]


RECORD_COLUMNS: Final = (
    "sector_code", "years_since_first", "pairs_n", "values_n", "median_moved_pct", "p90_moved_pct",
)  # fmt: skip


def compare_years(old_years: Collection[int], new_years: Collection[int]) -> YearChanges:
    """Compare the years of two releases (methods section 7).

    Args:
        old_years: Calendar years of the old release.
        new_years: Calendar years of the new release.

    Returns:
        Common, vanished and appeared years, ascending.

    Example: 2015–2023 against 2015, 2020–2024 → vanished 2016–2019, appeared 2024.
    """
    old, new = set(old_years), set(new_years)
    return YearChanges(
        common=tuple(sorted(old & new)),
        vanished=tuple(sorted(old - new)),
        appeared=tuple(sorted(new - old)),
    )


def diff_releases(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Compare two releases cell by cell (methods section 7).

    Args:
        old: One row per region_code × sector_code × year with ``emissions_tco2e`` (tonnes CO2e).
        new: The same of the newer release.

    Returns:
        One row per region_code × sector_code × year of either, sorted: ``old_tco2e``, ``new_tco2e``,
        ``difference_tco2e`` (NaN where only one has the cell), ``difference_pct`` (percent of the old
        value, NaN where that is 0) and ``change``: ``unchanged``, ``revised``, ``appeared``, ``vanished``.

    Raises:
        ValueError: if a release has a cell twice.

    Example: Tierp 1990, 210 185 t (2025) → 217 923 t (2026a): +7 738 t, +3.68 %, revised.
    """
    for name, facts in (("old", old), ("new", new)):
        if facts.duplicated(_KEY).any():
            twice = facts[facts.duplicated(_KEY)].iloc[0]
            msg = (
                f"the {name} release has {twice['region_code']} {twice['sector_code']} "
                f"{twice['year']} twice; expected one row each"
            )
            raise ValueError(msg)
    columns = [*_KEY, "emissions_tco2e"]
    both = old[columns].merge(new[columns], on=_KEY, how="outer", suffixes=("_old", "_new"))
    both = both.rename(columns={"emissions_tco2e_old": "old_tco2e", "emissions_tco2e_new": "new_tco2e"})
    before, after = (both[name].to_numpy(dtype=np.float64) for name in ("old_tco2e", "new_tco2e"))
    difference = after - before
    both["difference_tco2e"] = difference
    both["difference_pct"] = np.divide(
        100.0 * difference, before, out=np.full(len(both), np.nan), where=before > 0
    )
    both["change"] = np.select(
        [np.isnan(before), np.isnan(after), difference == 0],
        [APPEARED, VANISHED, UNCHANGED],
        default=REVISED,
    )
    return both.sort_values(_KEY, ignore_index=True)


def without_international(facts: pd.DataFrame) -> pd.DataFrame:
    """Give the rows of a release with its totals on the boundary ``territorial`` (methods section 7).

    Args:
        facts: One row per region_code × sector_code × year with ``emissions_tco2e`` (tonnes CO2e).

    Returns:
        The same rows; ``all`` is the published total − international transport, rounded to a gram, since two
        sums of the same numbers are no revision. A missing row of international transport counts as 0.

    Example: all 110 t of which 10 t international transport → all 100 t.
    """
    area = ["region_code", "year"]
    abroad = facts[facts["sector_code"] == INTERNATIONAL_TRANSPORT].set_index(area)["emissions_tco2e"]
    taken = abroad.reindex(pd.MultiIndex.from_frame(facts[area])).fillna(0.0).to_numpy()
    is_total = (facts["sector_code"] == ALL).to_numpy()
    own = facts["emissions_tco2e"].to_numpy(dtype=np.float64)
    return facts.assign(emissions_tco2e=np.where(is_total, np.round(own - taken, 6), own))


def find_largest_movers(diff: pd.DataFrame, *, count: int = 10, by: str = "difference_tco2e") -> pd.DataFrame:
    """Find the cells that were revised most (methods section 7).

    Args:
        diff: As :func:`diff_releases` gives it, filtered to the level and sectors of interest.
        count: How many to give.
        by: ``difference_tco2e`` or ``difference_pct``.

    Returns:
        At most ``count`` rows of ``diff`` that are ``revised``, largest absolute difference first, ties
        by region, sector and year.

    Raises:
        ValueError: if ``by`` is another column.

    Example: differences −5, +3 and +9 t → the rows of +9 and −5 come first.
    """
    if by not in ("difference_tco2e", "difference_pct"):
        msg = f"movers are ordered by difference_tco2e or difference_pct, got {by!r}"
        raise ValueError(msg)
    revised = diff[(diff["change"] == REVISED) & diff[by].notna()]
    ordered = revised.assign(size=revised[by].abs()).sort_values(
        ["size", *_KEY], ascending=[False, True, True, True]
    )
    return ordered.drop(columns="size").head(count).reset_index(drop=True)


def build_record(tables: Sequence[ReleaseTable]) -> pd.DataFrame:
    """Measure how far a first-published value moved in later releases (methods section 7).

    The first publication of a year is its value in the oldest release held that has it, if that release ends
    with the year. A release that ends later did not publish the year first, so such a year is left out. Of
    later releases that end with the same year only the newest counts, so a correction adds no pair.

    Args:
        tables: Releases of one substance, oldest first.

    Returns:
        One row per sector_code (the eight territorial sectors and ``all``, their territorial total) ×
        years_since_first (last year of the later release − the year; 0 for a correction of the same year):
        :data:`RECORD_COLUMNS`. Movement is the size of later − first in percent of first, pooled over the
        municipalities with a first value above zero; ``pairs_n`` is how many pairs of releases it comes from.

    Example: 100 t first, 97 t a year later and 200 t first, 210 t → median 4.0 %.
    """
    newest = {int(table.years[-1]): table for table in tables}
    pools: dict[tuple[str, int], list[FloatArray]] = {}
    for place, first in enumerate(tables):
        year = int(first.years[-1])
        if any(year in older.years.tolist() for older in tables[:place]):
            continue
        for last_year, later in newest.items():
            if last_year >= year and later is not first and year in later.years.tolist():
                for code in (*TERRITORIAL_SECTORS, ALL):
                    moved = _movements(first, later, code, year)
                    pools.setdefault((code, last_year - year), []).append(moved)
    rows = []
    for (code, since), pool in sorted(pools.items()):
        values = np.concatenate(pool)
        if len(values):
            rows.append((code, since, len(pool), len(values), *np.quantile(values, [0.5, 0.9])))
    return pd.DataFrame(rows, columns=list(RECORD_COLUMNS))


def _movements(first: ReleaseTable, later: ReleaseTable, code: str, year: int) -> FloatArray:
    """How far each municipality's value of a year moved between two releases, percent of the first.

    First values of zero, or so near zero that the percentage overflows, are left out.
    """
    sides = []
    for table in (first, later):
        values = table.territorial() if code == ALL else table.sector(code)
        column = values[:, table.years.tolist().index(year)]
        sides.append(pd.Series(column, index=pd.Index(table.region_codes, dtype=object)))
    both = pd.concat(sides, axis=1, join="inner")
    both = both[both.index.str.len() == MUNICIPALITY_CODE_LENGTH].dropna()
    before, after = (both[column].to_numpy(dtype=np.float64) for column in (0, 1))
    with np.errstate(over="ignore"):
        moved: FloatArray = 100.0 * np.abs(after[before > 0] - before[before > 0]) / before[before > 0]
    return moved[np.isfinite(moved)]


def decompose_change(old: pd.DataFrame, new: pd.DataFrame, base_year: int) -> pd.DataFrame:
    """Split the changed figure "change since the base year" into its steps (methods section 7).

    Args:
        old: Tidy series of the old release, one boundary.
        new: Tidy series of the new release, the same boundary.
        base_year: Base year, published or linked in both.

    Returns:
        One row per region_code × step (regions of both): ``step_order`` 0–5, ``step``, ``change_pct``
        (percent since the base year after the step) and ``part_points`` (percentage points the step
        added; 0 at step 0). The parts add up to the difference exactly.

    Example: Tierp, territorial, 1990, 2025 → 2026a: −37.55 (to 2023), −0.49 revised 2023, −2.20 revised
    1990, +7.27 new year 2024, −32.98.
    """
    before, after = _pair(to_matrix(old), to_matrix(new))
    old_base, new_base = before.at(base_year), after.at(base_year)
    changes = []
    for step, base in enumerate((old_base, old_base, old_base, old_base, new_base, new_base)):
        hybrid = _hybrid(before, after, frozenset(DATA_STEPS[: max(0, step - 1)]))
        _, last = last_observed(hybrid.years, np.where(hybrid.published, hybrid.values, np.nan))
        changes.append(np.divide(100.0 * (last - base), base, out=np.full(len(base), np.nan), where=base > 0))
    return pd.DataFrame(
        {
            **_step_columns(before.region_codes),
            "change_pct": _by_region(changes),
            "part_points": _by_region(_parts(changes)),
        }
    )


def decompose_standings(
    targets: Sequence[Target],
    old: Mapping[str, pd.DataFrame],
    new: Mapping[str, pd.DataFrame],
    *,
    as_of: dt.date,
    stored: pd.DataFrame | None = None,
    population_forecast: Mapping[tuple[str, int], float] | None = None,
) -> pd.DataFrame:
    """Split the changed standings of targets into their steps (methods section 7).

    Args:
        targets: The targets; one whose boundary a release lacks is left out.
        old: Boundary → tidy series of the old release.
        new: The same of the new release.
        as_of: The run's day, for every step but the stored one.
        stored: The stored old results: ``target_id``, ``region_code`` and :data:`STATUS_COLUMNS`. Without it,
            or for a region it lacks, step 0 equals step 1.
        population_forecast: (region_code, year) → inhabitants.

    Returns:
        One row per target × region_code × step (regions of both): ``target_id`` and :data:`STEP_COLUMNS`.
        ``gap_part_tco2e`` is what the step added to the gap, 0 at step 0; the parts add up to the difference
        of the gaps. ``cause`` is the same on all rows of a region: the last step at which the status takes
        its final value; ``several_causes`` when another order of steps 2–5 would name another; ``unchanged``
        when it ends where it began.

    Example: a municipality that falls out of ``most_below`` at step 5 in every order → cause ``new_data``.
    """
    matrices = [{name: to_matrix(frame) for name, frame in one.items()} for one in (old, new)]
    hybrids = {
        name: _hybrids(*_pair(matrices[0][name], matrices[1][name]))
        for name in {target.boundary for target in targets}
        if name in old and name in new
    }
    frames = []
    for target in targets:
        if target.boundary not in hybrids:
            continue
        frame = _decompose(
            target,
            hybrids[target.boundary],
            as_of=as_of,
            stored=None if stored is None else stored[stored["target_id"] == target.target_id],
            forecast=population_forecast or {},
        )
        frame.insert(0, "target_id", target.target_id)
        frames.append(frame)
    if not frames:
        return pd.DataFrame(columns=["target_id", *STEP_COLUMNS])
    return pd.concat(frames, ignore_index=True)


def _decompose(
    target: Target,
    hybrids: _Hybrids,
    *,
    as_of: dt.date,
    stored: pd.DataFrame | None,
    forecast: Mapping[tuple[str, int], float],
) -> pd.DataFrame:
    """The steps of one target, from the series as they stand after every set of steps."""
    if target.region_code is not None:
        own = {id(one): one.select([target.region_code]) for one in hybrids.values()}
        hybrids = {done: own[id(one)] for done, one in hybrids.items()}
    before, after = hybrids[frozenset()], hybrids[frozenset(SERIES_STEPS)]
    bases = [base_values(target, matrix) for matrix in (before, after)]
    is_base_revised = not np.array_equal(bases[0], bases[1], equal_nan=True)
    evaluated: dict[tuple[int, bool], dict[str, NDArray[Any]]] = {}
    results = {}
    for toggles in _TOGGLES:
        hybrid = hybrids[toggles & frozenset(SERIES_STEPS)]
        key = (id(hybrid), REVISED_BASE in toggles and is_base_revised)
        if key not in evaluated:
            evaluated[key] = evaluate_matrix(
                target, hybrid, bases[key[1]], as_of=as_of, population_forecast=forecast
            )
        results[toggles] = evaluated[key]
    method = results[frozenset()]
    first = method if stored is None else _align_stored(stored, before.region_codes, method)
    chain = [first, *(results[frozenset(DATA_STEPS[:done])] for done in range(5))]
    causes = _find_causes(first["status"].tolist(), results, len(before.region_codes))
    gaps = [np.asarray(result["gap_tco2e"], dtype=np.float64) for result in chain]
    frame = pd.DataFrame(
        {
            **_step_columns(before.region_codes),
            **{name: _by_region([np.asarray(result[name]) for result in chain]) for name in STATUS_COLUMNS},
            "gap_part_tco2e": _by_region(_parts(gaps)),
            "cause": np.repeat(np.array(causes, dtype=object), len(STEPS)),
        }
    )
    for name in ("variants_met", "variants_n", "last_year"):
        frame[name] = pd.array(frame[name].to_numpy(dtype=np.float64), dtype="Int64")
    return frame


def _step_columns(region_codes: Sequence[str]) -> dict[str, object]:
    """The keys of a split result: region by region, its six steps in order."""
    return {
        "region_code": np.repeat(np.array(region_codes, dtype=object), len(STEPS)),
        "step_order": np.tile(np.arange(len(STEPS)), len(region_codes)),
        "step": np.tile(np.array(STEPS, dtype=object), len(region_codes)),
    }


def _by_region(by_step: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """One array per step, laid out region by region."""
    return np.stack(by_step, axis=1).reshape(-1)


def _parts(by_step: Sequence[FloatArray]) -> list[FloatArray]:
    """What each step added to the one before; 0 at the first."""
    return [np.zeros(len(by_step[0])), *(late - early for early, late in pairwise(by_step))]


def find_cause(statuses: Sequence[str], steps: Sequence[str] = STEPS) -> str:
    """Name the last step at which a status takes its final value (methods section 7).

    Args:
        statuses: The status after each step, the stored one first.
        steps: The names of the steps, as many.

    Returns:
        Name of the step, or ``unchanged`` when the last status equals the first.

    Example: split, split, few, few, few, few → ``vanished_years``.
    """
    if statuses[0] == statuses[-1]:
        return UNCHANGED
    changes = zip(steps[1:], pairwise(statuses), strict=True)
    return [step for step, (before, after) in changes if before != after][-1]


def _find_causes(
    stored: Sequence[str], results: Mapping[frozenset[str], Mapping[str, NDArray[Any]]], regions: int
) -> list[str]:
    """Find the cause per region in the fixed order, checked against every other order of steps 2–5."""
    statuses = {toggles: result["status"].tolist() for toggles, result in results.items()}
    final = statuses[frozenset(DATA_STEPS)]
    causes = []
    for row in range(regions):
        if stored[row] == final[row]:
            causes.append(UNCHANGED)
            continue
        named = {
            find_cause(
                [stored[row], *(statuses[frozenset(order[:done])][row] for done in range(len(order) + 1))],
                (STORED, METHOD, *order),
            )
            for order in permutations(DATA_STEPS)
        }
        causes.append(named.pop() if len(named) == 1 else SEVERAL_CAUSES)
    return causes


def _hybrids(before: SeriesMatrix, after: SeriesMatrix) -> _Hybrids:
    """The series after every set of steps that change it; sets that are evaluated alike share one series.

    So a release that neither adds nor drops a year is evaluated twice, not eight times.
    """
    distinct: list[SeriesMatrix] = []
    hybrids: _Hybrids = {}
    for done in dict.fromkeys(toggles & frozenset(SERIES_STEPS) for toggles in _TOGGLES):
        hybrid = _hybrid(before, after, done)
        known = next((one for one in distinct if _is_evaluated_alike(one, hybrid)), None)
        if known is None:
            distinct.append(hybrid)
        hybrids[done] = known or hybrid
    return hybrids


def _is_evaluated_alike(one: SeriesMatrix, other: SeriesMatrix) -> bool:
    """Whether an evaluation finds the same in both; it does not depend on their release or status."""
    return (
        np.array_equal(one.values, other.values, equal_nan=True)
        and np.array_equal(one.published, other.published)
        and np.array_equal(one.defect, other.defect)
        and one.flags == other.flags
    )


def _hybrid(old: SeriesMatrix, new: SeriesMatrix, done: frozenset[str]) -> SeriesMatrix:
    """The series as it stands when some steps are done: nothing done is ``old``, all done is ``new``.

    Both have the same regions. Linked values (years no release in hand publishes) follow ``new_data``.
    """
    years = np.union1d(old.years, new.years)
    before, after = _widen(old, years), _widen(new, years)
    rest = after if NEW_DATA in done else before
    use_new = (before.published & after.published & (REVISED_VALUES in done)) | (
        ~before.published & after.published & (NEW_DATA in done)
    )
    use_old = before.published & ~use_new & (after.published | (VANISHED_YEARS not in done))
    free = ~(use_new | use_old) & ~rest.published
    choose = [use_new, use_old, free]
    return replace(
        rest,
        values=np.select(choose, [after.values, before.values, rest.values], default=np.nan),
        published=use_new | use_old,
        defect=np.select(choose, [after.defect, before.defect, rest.defect], default=False),
        status=np.select(choose, [after.status, before.status, rest.status], default=""),
    )


def _widen(matrix: SeriesMatrix, years: IntArray) -> SeriesMatrix:
    """Put a matrix on more years."""
    columns = np.searchsorted(years, matrix.years)

    def widen(cells: NDArray[Any], empty: object) -> NDArray[Any]:
        wide = np.full((len(cells), len(years)), empty, dtype=cells.dtype)
        wide[:, columns] = cells
        return wide

    return replace(
        matrix,
        years=years,
        values=widen(matrix.values, np.nan),
        published=widen(matrix.published, False),
        defect=widen(matrix.defect, False),
        status=widen(matrix.status, ""),
    )


def _pair(before: SeriesMatrix, after: SeriesMatrix) -> _Pair:
    """The two series on the regions both have, in the same order."""
    shared = [code for code in before.region_codes if code in set(after.region_codes)]
    return before.select(shared), after.select(shared)


def _align_stored(
    stored: pd.DataFrame, region_codes: Sequence[str], method: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """The stored results in the order of the regions; a region without one starts at step 1."""
    missing = sorted(set(STATUS_COLUMNS) - set(stored.columns))
    if missing:
        msg = f"stored results lack the columns {', '.join(missing)}"
        raise ValueError(msg)
    aligned = stored.set_index("region_code").reindex(list(region_codes))
    unknown = aligned["status"].isna().to_numpy()
    return {
        name: np.where(
            unknown,
            method[name],
            aligned[name].to_numpy(dtype=object if name == "status" else np.float64, na_value=np.nan),
        )
        for name in STATUS_COLUMNS
    }
