"""The result tables that look back and sideways: what changed and why, how the past did, who is alike. Pure.

Beside :mod:`klimatpuls.statistics.results`, which says where everything stands now. Each function gives one
table of ``mart_data`` without its ``publication_id``; the formulas live in the modules of their sections.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from klimatpuls.statistics import (
    backtest,
    change_parts,
    nowcast,
    peers,
    revisions,
    series,
    standing,
    targets,
    trend,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from klimatpuls.statistics.series import Boundary, ReleaseTable
    from klimatpuls.statistics.targets import Target

BACKTESTED: Final = (series.TERRITORIAL, series.EFFORT_SHARING_PROXY)
"""The boundaries on which the projections are held against what came (methods section 3)."""

NO_RELEASE_IN_FORCE: Final = "no_release_in_force"
NOT_DATED: Final = "decision_not_dated"
BASE_YEAR_MISSING: Final = "base_year_missing"
LEDGER_REASONS: Final[dict[str, tuple[str, str]]] = {
    NO_RELEASE_IN_FORCE: (
        "ingen utgåva som hålls var känd när målet beslutades",
        "no release held was known when the target was decided",
    ),
    NOT_DATED: ("målets beslut saknar datum", "the target's decision has no date"),
    BASE_YEAR_MISSING: ("utgåvan har inte basåret", "the release lacks the base year"),
}
"""Why the base year's value at the decision is not told: Swedish and English."""

TARGET_EXTRAS: Final = (
    "target_state",
    *(column for column in standing.EXTRA_COLUMNS if column != "reason"),
    "previous_status",
    "change_cause",
    "record_verdicts_n",
    "record_came_true_n",
    "record_came_true_pct",
)
"""What ``mart.target_progress`` tells beside the columns of
:data:`klimatpuls.statistics.standing.MART_COLUMNS`.
"""

_WAYS: Final[dict[str, tuple[str, str]]] = {
    **{variant.code: (variant.title_sv, variant.title_en) for variant in trend.VARIANTS},
    backtest.CENTRAL: ("Central framskrivning", "Central projection"),
    backtest.MEDIAN_OF_VARIANTS: ("Median av räknesätten", "Median of the ways of reckoning"),
    backtest.CARRIED_FORWARD: ("Senaste värdet fört vidare", "Latest value carried forward"),
}


@dataclass(frozen=True)
class Held:
    """The releases of one substance that a publication holds, with their series.

    Attributes:
        tables: Oldest first, the current one last.
        by_boundary: Boundary → tidy series of the current release.
        boundaries: Every boundary that is reckoned from a release.
        known_from: Release → first day it was known.
        donors: Releases of all greenhouse gases and of carbon dioxide, oldest first, with ``tables`` among
            them: they may show the domestic aviation that a release lacks. None: ``tables``.
    """

    tables: tuple[ReleaseTable, ...]
    by_boundary: Mapping[str, pd.DataFrame]
    boundaries: tuple[Boundary, ...]
    known_from: Mapping[str, date]
    donors: tuple[ReleaseTable, ...] | None = None
    _reckoned: dict[str, dict[str, pd.DataFrame]] = field(default_factory=dict, init=False, repr=False)

    @property
    def current(self) -> ReleaseTable:
        """The current release."""
        return self.tables[-1]

    def series_of(self, release_id: str) -> dict[str, pd.DataFrame]:
        """Boundary → tidy series of one of the releases, with those before it: what was known then."""
        if release_id not in self._reckoned:
            place = _place_of(release_id, self.tables)
            donors = self.tables if self.donors is None else self.donors
            known = donors[: _place_of(release_id, donors) + 1]
            self._reckoned[release_id] = {
                boundary.code: series.build_series(
                    self.tables[place], boundary, earlier=self.tables[:place], donors=known
                )
                for boundary in self.boundaries
            }
        return self._reckoned[release_id]


def _place_of(release_id: str, tables: Sequence[ReleaseTable]) -> int:
    return [table.release_id for table in tables].index(release_id)


def standing_changes(
    held: Held,
    in_force: Sequence[Target],
    *,
    as_of: date,
    stored: pd.DataFrame | None = None,
    population_forecast: Mapping[tuple[str, int], float] | None = None,
) -> pd.DataFrame:
    """Why every standing changed since the release before the current one (methods section 7).

    Args:
        held: The releases.
        in_force: The targets.
        as_of: The run's day.
        stored: Stored old results where they were reckoned by another method version.
        population_forecast: (region_code, year) → inhabitants.

    Returns:
        One row per region × target × step: what :func:`klimatpuls.statistics.revisions.decompose_standings`
        gives, with ``change_since_base_pct`` and ``change_part_points`` of the observed change since the
        base year and the two releases. Empty with a single release.
    """
    columns = [
        "target_id",
        *revisions.STEP_COLUMNS,
        "change_since_base_pct",
        "change_part_points",
        "from_release_id",
        "to_release_id",
    ]
    if len(held.tables) < 2:
        return pd.DataFrame(columns=columns)
    before = held.tables[-2]
    old = held.series_of(before.release_id)
    new = {code: frame for code, frame in held.by_boundary.items() if code in old}
    steps = revisions.decompose_standings(
        in_force, old, new, as_of=as_of, stored=stored, population_forecast=population_forecast
    )
    changes = _changes_since_base(in_force, old, new)
    if changes.empty:
        steps = steps.assign(change_since_base_pct=np.nan, change_part_points=np.nan)
    else:
        steps = steps.merge(changes, on=["target_id", "region_code", "step_order"], how="left")
    return steps.assign(from_release_id=before.release_id, to_release_id=held.current.release_id)[columns]


def _changes_since_base(
    in_force: Sequence[Target], old: Mapping[str, pd.DataFrame], new: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """The observed change since the base year in its steps, once per boundary and base year."""
    reckoned: dict[tuple[str, int], pd.DataFrame] = {}
    frames = []
    for target in in_force:
        if target.base_year is None or target.boundary not in new:
            continue
        key = (target.boundary, target.base_year)
        if key not in reckoned:
            reckoned[key] = revisions.decompose_change(old[key[0]], new[key[0]], key[1])
        own = reckoned[key]
        if target.region_code is not None:
            own = own[own["region_code"] == target.region_code]
        frames.append(own.assign(target_id=target.target_id))
    if not frames:
        return pd.DataFrame()
    return pd.concat(frames, ignore_index=True)[
        ["target_id", "region_code", "step_order", "change_pct", "part_points"]
    ].rename(columns={"change_pct": "change_since_base_pct", "part_points": "change_part_points"})


def projection_backtest(held: Held) -> pd.DataFrame:
    """Every way of reckoning against what came, on the boundaries that are backtested (methods section 3).

    Returns:
        One row per boundary × origin × outcome × way: the columns of
        :data:`klimatpuls.statistics.backtest.COLUMNS` and ``variant_name_sv``, ``variant_name_en``,
        ``is_named_origin``.
    """
    frames = [
        backtest.build_backtest(series.to_matrix(held.by_boundary[boundary])).assign(boundary=boundary)
        for boundary in BACKTESTED
    ]
    whole = pd.concat(frames, ignore_index=True)
    named = [
        pair in backtest.NAMED_ORIGINS
        for pair in zip(whole["origin_year"], whole["outcome_year"], strict=True)
    ]
    return pd.DataFrame(
        {
            "boundary": whole["boundary"],
            "origin_year": whole["origin_year"],
            "outcome_year": whole["outcome_year"],
            "variant_code": whole["variant_code"],
            "variant_name_sv": [_WAYS[code][0] for code in whole["variant_code"]],
            "variant_name_en": [_WAYS[code][1] for code in whole["variant_code"]],
            "is_named_origin": np.array(named, dtype=np.bool_),
            "municipality_count": whole["municipalities_n"],
            "median_error_pct": whole["median_error_pct"],
            "p90_error_pct": whole["p90_error_pct"],
            "median_deviation_pct": whole["median_deviation_pct"],
        }
    )


def verdict_record(held: Held, in_force: Sequence[Target], as_of: date) -> pd.DataFrame:
    """How often verdicts like each target's came true, from the releases held (methods section 6).

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
    known = [frame for frame in frames if not frame.empty]
    if not known:
        return pd.DataFrame(columns=list(backtest.RECORD_COLUMNS))
    return pd.concat(known, ignore_index=True)


def base_year_ledger(held: Held, in_force: Sequence[Target]) -> pd.DataFrame:
    """The base year's value when each target was decided beside the current one (methods section 5).

    Returns:
        One row per region × target with a base year: ``decided_on``, ``base_year``, both values with their
        releases, the difference in t and percent, and ``reason`` where the value at the decision is unknown.
    """
    columns = [
        "region_code",
        "target_id",
        "decided_on",
        "base_year",
        "decided_release_id",
        "decided_tco2e",
        "current_release_id",
        "current_tco2e",
        "difference_tco2e",
        "difference_pct",
        "reason",
    ]
    in_order = {
        table.release_id: held.known_from[table.release_id]
        for table in held.tables
        if table.release_id in held.known_from
    }
    frames = []
    for target in in_force:
        current = held.by_boundary.get(target.boundary)
        if target.base_year is None or current is None:
            continue
        then = None
        if target.decided_on is not None:
            then = targets.find_release_in_force(in_order, target.decided_on)
        decided = held.series_of(then) if then is not None else {}
        ledger = targets.base_year_ledger(
            target,
            decided.get(target.boundary, current.iloc[0:0]),
            current,
        )
        if target.region_code is not None:
            ledger = ledger[ledger["region_code"] == target.region_code]
        missing = NOT_DATED if target.decided_on is None else NO_RELEASE_IN_FORCE
        unknown = missing if then is None else BASE_YEAR_MISSING
        reasons: list[Any] = [unknown if lacks else None for lacks in ledger["decided_tco2e"].isna()]
        frames.append(
            ledger.assign(
                target_id=target.target_id,
                decided_on=pd.Series([target.decided_on] * len(ledger), dtype=object, index=ledger.index),
                decided_release_id=ledger["decided_release_id"].replace("", None),
                current_release_id=ledger["current_release_id"].replace("", None),
                reason=reasons,
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
    told = change_parts.told_pairs(table)
    rest = [pair for pair in change_parts.every_pair(table) if pair not in set(told)]
    frames = [
        change_parts.build_change_parts(table, told),
        change_parts.build_change_parts(table, rest, with_sectors=False),
    ]
    whole = pd.concat([frame for frame in frames if not frame.empty] or frames[:1], ignore_index=True)
    return whole.assign(release_id=table.release_id)


def nowcasts(
    held: Held, national: pd.DataFrame | None, *, basis: str = nowcast.FINAL
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The nowcast where it may be shown, and its backtest (methods section 9).

    Returns:
        The estimate, empty where it loses or the nation's next year is not held; and the scores with
        ``is_deciding``.
    """
    scores = nowcast.score_errors(nowcast.build_errors(held.tables))
    scores["is_deciding"] = (scores["kind"] == "all") & (scores["scope"] == nowcast.LOCAL_SIGNAL)
    figures = (
        national if national is not None else pd.DataFrame(columns=["sector_code", "year", "emissions_tco2e"])
    )
    shown = nowcast.build_nowcast(held.current, figures, basis=basis)
    if not nowcast.is_shown(scores):
        shown = shown.iloc[0:0]
    return shown.assign(release_id=held.current.release_id), scores


def revision_record(held: Held) -> pd.DataFrame:
    """How far first-published values moved in later releases (methods section 7).

    Returns:
        :data:`klimatpuls.statistics.revisions.RECORD_COLUMNS`.
    """
    return revisions.build_record(held.tables)


def peer(
    held: Held,
    population: Mapping[str, float],
    *,
    density: Mapping[str, float] | None = None,
    groups: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The ten municipalities most alike each one, with the reason (methods section 12).

    Returns:
        ``region_code``, ``peer_rank``, ``peer_region_code``, ``distance``, the two closest features as codes
        and in words, ``release_id``.
    """
    found = peers.find_peers(peers.build_features(held.current, population, density=density, groups=groups))
    words = [
        [", ".join(peers.FEATURES[name][at] for name in own) for own in found["reasons"]] for at in (0, 1)
    ]
    return pd.DataFrame(
        {
            "region_code": found["region_code"],
            "peer_rank": found["peer_rank"],
            "peer_region_code": found["peer_region_code"],
            "distance": found["distance"],
            "closest_features": ["{" + ",".join(own) + "}" for own in found["reasons"]],
            "reason_sv": words[0],
            "reason_en": words[1],
            "release_id": held.current.release_id,
        }
    )


def better_example(held: Held) -> pd.DataFrame:
    """Who did it better in each sector, robustly (methods section 12).

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
    """Put beside every status what it was, why it changed, and the record of its like (methods section 6).

    Args:
        progress: As :func:`klimatpuls.statistics.standing.evaluate_all` gives it.
        changes: As :func:`standing_changes` gives it.
        record: As :func:`verdict_record` gives it.
        states: Target → ``decided`` or ``proposed``.

    Returns:
        ``progress`` with the rest of :data:`TARGET_EXTRAS`.
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


def evaluate_proposed(
    proposed: Sequence[Target], by_boundary: Mapping[str, pd.DataFrame], *, as_of: date
) -> pd.DataFrame:
    """Evaluate proposed lines for the nation only (methods section 5).

    A proposal is kept as such; for municipalities it is not shown while the proxy misses the official base
    by more than the rules allow.

    Returns:
        As :func:`klimatpuls.statistics.standing.evaluate_all`, the rows of the nation.
    """
    nation = {code: frame[frame["region_code"] == targets.NATION] for code, frame in by_boundary.items()}
    return standing.evaluate_all(proposed, nation, as_of=as_of)
