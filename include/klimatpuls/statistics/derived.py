"""Result tables that look back and sideways: what changed and why, past accuracy, similar municipalities.

Pure. Each function gives one table of ``mart_data`` without its ``publication_id``; the formulas live in the
modules of their sections. :mod:`klimatpuls.statistics.results` gives the tables on the present state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from klimatpuls.domain.regions import NATION
from klimatpuls.statistics import (
    backtest,
    change_parts,
    nowcast,
    official,
    peers,
    revisions,
    series,
    standing,
    targets,
    trading,
    trend,
)
from klimatpuls.statistics.network import MUNICIPALITY_CODE_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from klimatpuls.statistics import crosschecks
    from klimatpuls.statistics.series import Boundary, ReleaseTable
    from klimatpuls.statistics.targets import Target

BACKTESTED: Final = (series.TERRITORIAL, series.EFFORT_SHARING_PROXY)
"""The boundaries on which projections are compared with outcomes (methods section 3)."""

NO_RELEASE_IN_FORCE: Final = "no_release_in_force"
"""No release held was known when the target was decided."""
NOT_DATED: Final = "decision_not_dated"
BASE_YEAR_MISSING: Final = "base_year_missing"
"""The release of that time lacks the base year."""

TARGET_COLUMNS: Final = (
    *standing.MART_COLUMNS,
    "status_reason",
    "target_state",
    *(column for column in standing.EXTRA_COLUMNS if column != "reason"),
    "previous_status",
    "change_cause",
    "record_verdicts_n",
    "record_came_true_n",
    "record_came_true_pct",
)
"""The columns of ``mart_data.target_progress``."""

_PROJECTIONS: Final[dict[str, tuple[str, str]]] = {
    **{variant.code: (variant.title_sv, variant.title_en) for variant in trend.VARIANTS},
    backtest.CENTRAL: ("Central framskrivning", "Central projection"),
    backtest.MEDIAN_OF_VARIANTS: ("Median av räknesätten", "Median of the method variants"),
    backtest.CARRIED_FORWARD: ("Senaste värdet fört vidare", "Latest value carried forward"),
}


@dataclass(frozen=True)
class Held:
    """The releases of one substance that a publication holds, with their series.

    Attributes:
        tables: Oldest first, the current one last.
        by_boundary: Boundary → tidy series of the current release.
        boundaries: Every boundary that is calculated from a release.
        known_from: Release → first day it was known.
        donors: Releases of all greenhouse gases and of carbon dioxide, oldest first, with ``tables`` among
            them; they may show the domestic aviation that a release lacks. None: ``tables``.
    """

    tables: tuple[ReleaseTable, ...]
    by_boundary: Mapping[str, pd.DataFrame]
    boundaries: tuple[Boundary, ...]
    known_from: Mapping[str, date]
    donors: tuple[ReleaseTable, ...] | None = None
    _calculated: dict[str, dict[str, pd.DataFrame]] = field(default_factory=dict, init=False, repr=False)

    @property
    def current(self) -> ReleaseTable:
        """The current release."""
        return self.tables[-1]

    def series_of(self, release_id: str) -> dict[str, pd.DataFrame]:
        """Boundary → tidy series of one of the releases, from what was known then: it and those before it."""
        if release_id not in self._calculated:
            place = _place_of(release_id, self.tables)
            donors = self.tables if self.donors is None else self.donors
            known = donors[: _place_of(release_id, donors) + 1]
            self._calculated[release_id] = {
                boundary.code: series.build_series(
                    self.tables[place], boundary, earlier=self.tables[:place], donors=known
                )
                for boundary in self.boundaries
            }
        return self._calculated[release_id]


def pg_array(words: Sequence[str]) -> str:
    """Words as the text of a PostgreSQL array; they hold no commas, quotes or braces."""
    return "{" + ",".join(words) + "}"


def _place_of(release_id: str, tables: Sequence[ReleaseTable]) -> int:
    return [table.release_id for table in tables].index(release_id)


def has_official(target: Target, official_effort_sharing: pd.DataFrame) -> bool:
    """Whether the nation's base and outcome of a target are official, of one submission (methods section 5).

    Example: −55 % against 1990 with an official series of 1990 and 2024 → True; −60 % against 2005 → False.
    """
    return (
        target.boundary == series.EFFORT_SHARING_PROXY
        and target.base_tco2e is None
        and not official_effort_sharing.empty
        and target.base_year in set(official_effort_sharing["year"])
    )


def _series_for(
    target: Target, by_boundary: Mapping[str, pd.DataFrame], official_effort_sharing: pd.DataFrame
) -> Mapping[str, pd.DataFrame]:
    """The series of a target: the nation's official one where it is held, else its proxy on both sides."""
    if not has_official(target, official_effort_sharing):
        return by_boundary
    proxy = series.EFFORT_SHARING_PROXY
    return {**by_boundary, proxy: official.replace_nation(by_boundary[proxy], official_effort_sharing)}


def standing_changes(
    held: Held,
    in_force: Sequence[Target],
    official_effort_sharing: pd.DataFrame,
    *,
    as_of: date,
    stored: pd.DataFrame | None = None,
    population_forecast: Mapping[tuple[str, int], float] | None = None,
) -> pd.DataFrame:
    """Why each standing changed since the release before the current one (methods section 7).

    Args:
        held: The releases.
        in_force: The targets.
        official_effort_sharing: The nation's official series; its lines have no row of the nation, because no
            earlier release has the series and from the proxy to it would be no change of figures.
        as_of: The run's day.
        stored: Stored old results, if another method version calculated them, with ``publication_id``, the
            publication that stored each.
        population_forecast: (region_code, year) → inhabitants.

    Returns:
        One row per region × target × step: the columns of
        :func:`klimatpuls.statistics.revisions.decompose_standings`, the observed change since the base year
        (``change_since_base_pct``, ``change_part_points``), the two releases, and the publication that stored
        step 0 (NULL where it was calculated again). Empty with a single release.
    """
    columns = [
        "target_id", *revisions.STEP_COLUMNS, "change_since_base_pct", "change_part_points",
        "from_release_id", "to_release_id", "stored_publication_id",
    ]  # fmt: skip
    if len(held.tables) < 2:
        return pd.DataFrame(columns=columns)
    before = held.tables[-2]
    old = held.series_of(before.release_id)
    new = {code: frame for code, frame in held.by_boundary.items() if code in old}
    steps = revisions.decompose_standings(
        in_force, old, new, as_of=as_of, stored=stored, population_forecast=population_forecast
    )
    official_lines = [one.target_id for one in in_force if has_official(one, official_effort_sharing)]
    steps = steps[~((steps["region_code"] == NATION) & steps["target_id"].isin(official_lines))]
    changes = _changes_since_base(in_force, old, new)
    if changes.empty:
        steps = steps.assign(change_since_base_pct=np.nan, change_part_points=np.nan)
    else:
        steps = steps.merge(changes, on=["target_id", "region_code", "step_order"], how="left")
    return steps.assign(
        from_release_id=before.release_id,
        to_release_id=held.current.release_id,
        stored_publication_id=_stored_by(steps, stored),
    )[columns]


def _stored_by(steps: pd.DataFrame, stored: pd.DataFrame | None) -> pd.arrays.IntegerArray:
    """The publication that stored each first step; NULL at the other steps and where none did."""
    if stored is None:
        return pd.array([None] * len(steps), dtype="Int64")
    known = stored.set_index(["target_id", "region_code"])["publication_id"]
    wanted = known.reindex(pd.MultiIndex.from_frame(steps[["target_id", "region_code"]]))
    numbers = wanted.to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.array(np.where(steps["step_order"] == 0, numbers, np.nan), dtype="Int64")


def _changes_since_base(
    in_force: Sequence[Target], old: Mapping[str, pd.DataFrame], new: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """The steps of the observed change since the base year, calculated once per boundary and base year."""
    decomposed: dict[tuple[str, int], pd.DataFrame] = {}
    frames = []
    for target in in_force:
        if target.base_year is None or target.boundary not in new:
            continue
        key = (target.boundary, target.base_year)
        if key not in decomposed:
            decomposed[key] = revisions.decompose_change(old[key[0]], new[key[0]], key[1])
        own = decomposed[key]
        if target.region_code is not None:
            own = own[own["region_code"] == target.region_code]
        frames.append(own.assign(target_id=target.target_id))
    if not frames:
        return pd.DataFrame()
    return pd.concat(frames, ignore_index=True)[
        ["target_id", "region_code", "step_order", "change_pct", "part_points"]
    ].rename(columns={"change_pct": "change_since_base_pct", "part_points": "change_part_points"})


def projection_backtest(held: Held) -> pd.DataFrame:
    """Compare every method variant with outcomes, on the backtested boundaries (methods section 3).

    Returns:
        One row per boundary × origin × outcome × projection: the columns of
        :data:`klimatpuls.statistics.backtest.COLUMNS` and ``variant_name_sv``, ``variant_name_en``,
        ``is_named_origin``.
    """
    frames = [
        backtest.build_backtest(series.to_matrix(held.by_boundary[boundary])).assign(boundary=boundary)
        for boundary in BACKTESTED
    ]
    whole = pd.concat(frames, ignore_index=True).rename(columns={"municipalities_n": "municipality_count"})
    pairs = zip(whole["origin_year"], whole["outcome_year"], strict=True)
    names = [_PROJECTIONS[code] for code in whole["variant_code"]]
    whole["is_named_origin"] = np.array([pair in backtest.NAMED_ORIGINS for pair in pairs], dtype=np.bool_)
    whole["variant_name_sv"] = [sv for sv, _ in names]
    whole["variant_name_en"] = [en for _, en in names]
    return whole[
        [
            "boundary", "origin_year", "outcome_year", "variant_code", "variant_name_sv", "variant_name_en",
            "is_named_origin", "municipality_count", "median_error_pct", "p90_error_pct",
            "median_deviation_pct",
        ]
    ]  # fmt: skip


def verdict_record(held: Held, in_force: Sequence[Target], as_of: date) -> pd.DataFrame:
    """How often verdicts like those on each target came true, from the releases held (methods section 6).

    Returns:
        One row per target × status × outcome year: :data:`klimatpuls.statistics.backtest.RECORD_COLUMNS`.
    """
    matrices = {code: series.to_matrix(frame) for code, frame in held.by_boundary.items()}
    frames = []
    for target in in_force:
        matrix = matrices.get(target.boundary)
        if matrix is None or not matrix.published.any():
            continue
        last_year = int(matrix.years[matrix.published.any(axis=0)][-1])
        frames.append(backtest.build_record(target, matrix, target.evaluation_year(as_of) - last_year))
    return concat_known(frames, backtest.RECORD_COLUMNS)


def variant_worth(held: Held, in_force: Sequence[Target], as_of: date) -> pd.DataFrame:
    """What a count of variants on each national line is worth, over the municipalities (methods section 6).

    Returns:
        One row per line with a count: ``target_id``, ``municipality_count`` (those with a verdict of every
        variant), ``variants_n``, ``independent_n`` (:func:`klimatpuls.statistics.trend.participation_ratio`),
        ``unanimous_count`` and ``release_id``. A line on which the variants distinguish no two
        municipalities has no row.
    """
    rows = []
    for target in in_force:
        series_of_line = held.by_boundary.get(target.boundary)
        worth = None if series_of_line is None else worth_of_count(target, series_of_line, as_of)
        if worth is not None:
            rows.append({"target_id": target.target_id, **worth})
    columns = ["target_id", "municipality_count", "variants_n", "independent_n", "unanimous_count"]
    return pd.DataFrame(rows, columns=columns).assign(release_id=held.current.release_id)


def worth_of_count(target: Target, tidy: pd.DataFrame, as_of: date) -> dict[str, float] | None:
    """What a count of variants on one national line is worth; see :func:`variant_worth`.

    Args:
        target: The line.
        tidy: Tidy series of its boundary.
        as_of: The run's day.

    Returns:
        Column → value; None for an own target or a budget, and where the variants distinguish no two
        municipalities.
    """
    if target.is_own or target.target_type == targets.TargetType.CARBON_BUDGET:
        return None
    matrix = series.to_matrix(tidy)
    municipal = [code for code in matrix.region_codes if len(code) == MUNICIPALITY_CODE_LENGTH]
    outcomes = standing.variant_outcomes(target, matrix.select(municipal), as_of=as_of)
    known = outcomes[~np.isnan(outcomes).any(axis=1)]
    worth = trend.participation_ratio(known)
    if np.isnan(worth):
        return None
    return {
        "municipality_count": len(known),
        "variants_n": known.shape[1],
        "independent_n": worth,
        "unanimous_count": int((np.ptp(known, axis=1) == 0).sum()),
    }


def base_year_ledger(
    held: Held, in_force: Sequence[Target], official_effort_sharing: pd.DataFrame
) -> pd.DataFrame:
    """The base year's value when each target was decided beside the current one (methods section 5).

    Returns:
        One row per region × target with a base year: ``decided_on``, ``base_year``, both values with their
        releases, the difference in t and percent, and ``reason`` where the value at the decision is unknown.
    """
    columns = [
        "region_code", "target_id", "decided_on", "base_year", "decided_release_id", "decided_tco2e",
        "current_release_id", "current_tco2e", "difference_tco2e", "difference_pct", "reason",
    ]  # fmt: skip
    in_order = {
        table.release_id: held.known_from[table.release_id]
        for table in held.tables
        if table.release_id in held.known_from
    }
    frames = []
    for target in in_force:
        current = _series_for(target, held.by_boundary, official_effort_sharing).get(target.boundary)
        if target.base_year is None or current is None:
            continue
        then = target.decided_on and targets.find_release_in_force(in_order, target.decided_on)
        decided = held.series_of(then) if then else {}
        before = decided.get(target.boundary, current.iloc[0:0])
        if has_official(
            target, official_effort_sharing
        ):  # of the official base no value at the decision is held
            before = before[before["region_code"] != NATION]
        ledger = targets.base_year_ledger(target, before, current)
        if target.region_code is not None:
            ledger = ledger[ledger["region_code"] == target.region_code]
        missing = NOT_DATED if target.decided_on is None else NO_RELEASE_IN_FORCE
        unknown = BASE_YEAR_MISSING if then else missing
        reasons = [unknown if lacks else None for lacks in ledger["decided_tco2e"].isna()]
        frames.append(
            ledger.assign(
                target_id=target.target_id,
                decided_on=pd.Series([target.decided_on] * len(ledger), dtype=object, index=ledger.index),
                decided_release_id=ledger["decided_release_id"].replace("", None),
                current_release_id=ledger["current_release_id"].replace("", None),
                reason=pd.Series(reasons, dtype=object, index=ledger.index),
            )
        )
    if not frames:
        return pd.DataFrame(columns=columns)
    return pd.concat(frames, ignore_index=True)[columns]


def change_part(held: Held) -> pd.DataFrame:
    """National and own part of every change of the current release (methods section 2).

    Returns:
        :data:`klimatpuls.statistics.change_parts.COLUMNS` and ``release_id``: the sum for every pair of
        years, the sectors for neighbours and for every year against the latest.
    """
    table = held.current
    with_sectors = change_parts.pairs_with_sectors(table)
    rest = [pair for pair in change_parts.every_pair(table) if pair not in set(with_sectors)]
    frames = [
        change_parts.build_change_parts(table, with_sectors),
        change_parts.build_change_parts(table, rest, with_sectors=False),
    ]
    return concat_known(frames, change_parts.COLUMNS).assign(release_id=table.release_id)


def nowcasts(
    held: Held,
    national: pd.DataFrame | None,
    inventory: crosschecks.Side | None,
    official_figures: pd.DataFrame | None,
    trading_plants: trading.Trading,
    nowcast_plant_score: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The nowcast where it may be shown, and its backtest (methods section 9).

    Verified emissions of the year estimated enter only where their own backtest shows that they help.

    Returns:
        The estimate, empty where it is no better than the last value carried forward or the nation's next
        year is not held; and the scores with ``is_deciding``.
    """
    scores = nowcast.score_errors(nowcast.build_errors(held.tables))
    scores["is_deciding"] = (scores["kind"] == "all") & (scores["scope"] == nowcast.LOCAL_SIGNAL)
    sectors = official.add_preliminary_year(national, inventory, official_figures)
    shown = nowcast.build_nowcast(held.current, sectors).assign(with_plants=False)
    growth = nowcast.national_growth(sectors, int(held.current.years[-1]))
    if growth is not None and (nowcast_plant_score["verdict"] == trading.BETTER).any():
        shown = trading.add_plants(shown, held.current, growth, trading_plants)
    if not nowcast.is_shown(scores):
        shown = shown.iloc[0:0]
    return shown.assign(release_id=held.current.release_id), scores


def peer(
    held: Held, population: pd.DataFrame, density: Mapping[str, float], groups: Mapping[str, str]
) -> pd.DataFrame:
    """The ten municipalities most similar to each one, with the reason (methods section 12).

    Args:
        held: The releases.
        population: One row per region_code × year with ``population_count``. Of the years up to the latest
            data year the newest is used.
        density: Municipality → inhabitants per km², where entered.
        groups: Municipality → municipality group, where entered.

    Returns:
        ``region_code``, ``peer_rank``, ``peer_region_code``, ``distance``, the two closest features as codes
        and in words, ``release_id``.
    """
    known = population[population["year"] <= held.current.years[-1]]
    newest = known[known["year"] == known["year"].max()]
    inhabitants = dict(
        zip(newest["region_code"].astype(str), newest["population_count"].astype(float), strict=True)
    )
    found = peers.find_peers(peers.build_features(held.current, inhabitants, density=density, groups=groups))
    names = [[peers.FEATURES[name] for name in own] for own in found["reasons"]]
    return found.drop(columns="reasons").assign(
        closest_features=[pg_array(own) for own in found["reasons"]],
        reason_sv=[", ".join(sv for sv, _ in own) for own in names],
        reason_en=[", ".join(en for _, en in own) for own in names],
        release_id=held.current.release_id,
    )


def better_example(held: Held) -> pd.DataFrame:
    """Municipalities that did better in each sector, in two releases (methods section 12).

    Returns:
        :data:`klimatpuls.statistics.peers.EXAMPLE_COLUMNS` and the two releases.
    """
    witness = peers.find_witness(held.tables)
    return peers.find_examples(held.tables).assign(
        release_id=held.current.release_id,
        earlier_release_id=None if witness is None else witness.release_id,
    )


def add_to_progress(
    progress: pd.DataFrame,
    changes: pd.DataFrame,
    record: pd.DataFrame,
    states: Mapping[str, str],
) -> pd.DataFrame:
    """Add to each status the status before, the cause of the change and its record (methods section 6).

    Args:
        progress: As :func:`klimatpuls.statistics.standing.evaluate_all` gives it.
        changes: As :func:`standing_changes` gives it.
        record: As :func:`verdict_record` gives it.
        states: Target → ``decided`` or ``proposed``.

    Returns:
        ``progress`` with the rest of :data:`TARGET_COLUMNS` but ``status_reason``.
    """
    first = changes[changes["step_order"] == 0]
    then = first[["target_id", "region_code", "status", "cause"]].rename(
        columns={"status": "previous_status", "cause": "change_cause"}
    )
    pooled = backtest.pool_record(record).rename(
        columns={name: f"record_{name}" for name in ("verdicts_n", "came_true_n", "came_true_pct")}
    )
    whole = progress.merge(then, on=["target_id", "region_code"], how="left")
    whole = whole.merge(pooled, on=["target_id", "status"], how="left")
    for name in ("record_verdicts_n", "record_came_true_n"):
        whole[name] = pd.array(whole[name].to_numpy(dtype=np.float64), dtype="Int64")
    whole["target_state"] = [states[target_id] for target_id in whole["target_id"]]
    return whole


def evaluate_targets(
    targets_: Sequence[Target],
    by_boundary: Mapping[str, pd.DataFrame],
    official_effort_sharing: pd.DataFrame,
    **settings: Any,
) -> pd.DataFrame:
    """Evaluate targets, the nation on its official series where a target has it (methods sections 5 and 6).

    Args:
        targets_: The targets.
        by_boundary: Boundary → tidy series of the current release.
        official_effort_sharing: The nation's official series outside emission trading; may be empty.
        settings: As for :func:`klimatpuls.statistics.standing.evaluate_all`.

    Returns:
        As :func:`klimatpuls.statistics.standing.evaluate_all`.
    """
    groups = [
        [one for one in targets_ if has_official(one, official_effort_sharing) is wanted]
        for wanted in (False, True)
    ]
    found = [
        standing.evaluate_all(own, _series_for(own[0], by_boundary, official_effort_sharing), **settings)
        for own in groups
        if own
    ]
    return concat_known(found, [*standing.MART_COLUMNS, *standing.EXTRA_COLUMNS])


def evaluate_proposed(
    proposed: Sequence[Target],
    by_boundary: Mapping[str, pd.DataFrame],
    official_effort_sharing: pd.DataFrame,
    *,
    as_of: date,
) -> pd.DataFrame:
    """Evaluate proposed lines for the nation only (methods section 5).

    Municipalities are not shown a proposal while the proxy differs from the official base by more than the
    rules allow.

    Returns:
        As :func:`klimatpuls.statistics.standing.evaluate_all`, the rows of the nation.
    """
    nation = {code: frame[frame["region_code"] == NATION] for code, frame in by_boundary.items()}
    return evaluate_targets(proposed, nation, official_effort_sharing, as_of=as_of)


def concat_known(frames: Iterable[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """The rows of all frames; an empty frame with ``columns`` where none has any."""
    known = [frame for frame in frames if not frame.empty]
    return pd.concat(known, ignore_index=True) if known else pd.DataFrame(columns=list(columns))
