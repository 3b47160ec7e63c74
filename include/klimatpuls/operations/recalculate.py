"""Published numbers calculated again from the inputs that their lineage declares.

A rule belongs to columns of a mart. It may read the rows that ``mart.lineage`` declares for the column and
nothing else, so a number that comes out the same is made of what its trace shows. A number of whole sets,
such as a record over all municipalities, is calculated by the formula of its section from these sets.
Pure: :mod:`klimatpuls.operations.trace` reads the rows.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from klimatpuls.contract import schema
from klimatpuls.domain import regions
from klimatpuls.domain.kolada_kpis import emission_totals
from klimatpuls.domain.rounding import round_change
from klimatpuls.domain.sectors import ALL, DOMESTIC_AVIATION, INTERNATIONAL_TRANSPORT, main_codes
from klimatpuls.membership import criteria, measures, members
from klimatpuls.membership.measures import MeasureStatus, PledgeStatus
from klimatpuls.registers.targets import from_definition
from klimatpuls.statistics import (
    backtest,
    carbon_law,
    change_parts,
    crosschecks,
    derived,
    network,
    nowcast,
    official,
    peers,
    results,
    revisions,
    series,
    standing,
    targets,
    trading,
    trend,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from klimatpuls.statistics.series import ReleaseTable
    from klimatpuls.statistics.targets import Target
    from klimatpuls.statistics.trend import FloatArray, IntArray

_EMISSIONS: Final = "emission.emissions_tco2e"
_BY_RELEASE: Final = "emission_by_release.emissions_tco2e"
_SERIES: Final = "boundary_series.emissions_tco2e"
_OFFICIAL: Final = "official_figure.emissions_tco2e"
_NATIONAL: Final = "national_emission.emissions_tco2e"
_PEOPLE: Final = "population.population_count"
_VERIFIED: Final = "ets_plant.verified_tco2e"
_TO_A_GRAM: Final = 6


class NotDeclaredError(KeyError):
    """A rule asks for an input that the lineage of the column does not declare."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What one number may be calculated from.

    Attributes:
        row: Its row.
        read: Mart or ``mart.column`` → the declared rows of it, as a frame with every column that names,
            dates or measures; raises :class:`NotDeclaredError`.
        releases: Ids of the releases of all greenhouse gases, oldest first.
        donors: Ids of the releases that may show domestic aviation, oldest first.
    """

    row: Mapping[str, Any]
    read: Callable[[str], pd.DataFrame]
    releases: Sequence[str]
    donors: Sequence[str]

    def one(self, name: str, **which: Any) -> Any:
        """Return the only declared value of ``mart.column``; None where there is no such row."""
        frame = self.read(name)
        for column, value in which.items():
            frame = frame[frame[column] == value]
        if frame.empty:
            return None
        (value,) = frame[name.partition(".")[2]].tolist()
        return value

    def tables(self) -> list[ReleaseTable]:
        """Return the declared releases of all greenhouse gases as matrices, oldest first."""
        return self._tables(self.releases)

    def donor_tables(self) -> list[ReleaseTable]:
        """Return the declared releases that may show domestic aviation as matrices, oldest first."""
        return self._tables(self.donors)

    def _tables(self, wanted: Sequence[str]) -> list[ReleaseTable]:
        by_release = dict(tuple(self.read(_BY_RELEASE).groupby("release_id")))
        return [
            series.build_release_table(name, by_release[name], sub_sectors=[DOMESTIC_AVIATION])
            for name in wanted
            if name in by_release
        ]


RULES: Final[dict[tuple[str, str], Callable[[Inputs, str], Any]]] = {}
"""(mart, column) → how it is calculated again."""


def _rule(mart: str, columns: str) -> Callable[[Callable[[Inputs, str], Any]], Callable[[Inputs, str], Any]]:
    def decorate(rule: Callable[[Inputs, str], Any]) -> Callable[[Inputs, str], Any]:
        RULES.update({(mart, column): rule for column in columns.split()})
        return rule

    return decorate


def _percent(part: Any, whole: Any) -> float | None:
    return 100.0 * part / whole if part is not None and whole else None


def _change(late: Any, early: Any) -> float | None:
    return None if late is None or early is None else _percent(late - early, early)


# ----------------------------------------------------------------------------------- emissions and revisions

_SECTOR_COLUMNS: Final = {"all_sectors_tco2e": ALL} | {f"{code}_tco2e": code for code in main_codes()}


@_rule("emission_wide_by_sector", " ".join(_SECTOR_COLUMNS))
def _sector_column(inputs: Inputs, column: str) -> Any:
    return inputs.one(_EMISSIONS, sector_code=_SECTOR_COLUMNS[column])


@_rule("emission_wide_by_sector", "territorial_tco2e")
def _wide_territorial(inputs: Inputs, column: str) -> Any:
    mart = "emission_wide_by_sector"
    return inputs.one(f"{mart}.all_sectors_tco2e") - (
        inputs.one(f"{mart}.international_transport_tco2e") or 0.0
    )


@_rule("revision", "old_emissions_tco2e new_emissions_tco2e")
def _revised_value(inputs: Inputs, column: str) -> Any:
    cells = inputs.read(_BY_RELEASE)
    if len(cells) == 1:
        return cells["emissions_tco2e"].iloc[0]
    taken = np.where(cells["sector_code"] == ALL, cells["emissions_tco2e"], -cells["emissions_tco2e"])
    return round(float(taken.sum()), _TO_A_GRAM)


@_rule("revision", "difference_tco2e difference_pct")
def _revision_difference(inputs: Inputs, column: str) -> Any:
    new, old = inputs.one("revision.new_emissions_tco2e"), inputs.one("revision.old_emissions_tco2e")
    return new - old if column == "difference_tco2e" else _change(new, old)


@_rule("revision", "movement_rank")
def _movement_rank(inputs: Inputs, column: str) -> Any:
    moved = inputs.read("revision.difference_tco2e").dropna(subset="difference_tco2e")
    order = moved.assign(size=moved["difference_tco2e"].abs()).sort_values(
        ["size", "region_code", "year"], ascending=[False, True, True], ignore_index=True
    )
    own = (order["region_code"] == inputs.row["region_code"]) & (order["year"] == inputs.row["year"])
    return int(np.flatnonzero(own)[0]) + 1


@_rule("revision_summary", "cells_compared cells_changed")
def _compared_cells(inputs: Inputs, column: str) -> Any:
    cells = inputs.read(_BY_RELEASE)
    cells = cells[~cells["sector_code"].str.contains(".", regex=False)]
    sides = cells.pivot_table(
        index=["region_code", "sector_code", "year"], columns="release_id", values="emissions_tco2e"
    ).dropna()
    old, new = sides[inputs.row["from_release_id"]], sides[inputs.row["to_release_id"]]
    return len(sides) if column == "cells_compared" else int((old != new).sum())


@_rule("revision_summary", "cells_changed_pct")
def _changed_share(inputs: Inputs, column: str) -> Any:
    return _percent(
        inputs.one("revision_summary.cells_changed"), inputs.one("revision_summary.cells_compared")
    )


@_rule("revision_record", "years_since_first pairs_n values_n median_moved_pct p90_moved_pct")
def _revision_record(inputs: Inputs, column: str) -> Any:
    return _of_row(revisions.build_record(inputs.tables()), inputs, "sector_code", "years_since_first")[
        column
    ]


@_rule(
    "reconciliation",
    "nation counties unallocated unallocated_pct largest_county_gap sector_sum_gap",
)
def _reconciliation(inputs: Inputs, column: str) -> Any:
    cells = inputs.read(_BY_RELEASE)
    value = "emissions_tco2e"
    if cells.empty:
        cells, value = inputs.read("air_pollutant_by_release.emissions_t"), "emissions_t"
    if column == "sector_sum_gap":
        mains = cells[cells["sector_code"].isin(main_codes())].groupby("region_code")[value].sum()
        total = cells[cells["sector_code"] == ALL].set_index("region_code")[value]
        return float((mains - total).abs().max())
    own = cells[cells["sector_code"] == inputs.row["sector_code"]].set_index("region_code")[value]
    county_of = {code: one.county_code for code, one in regions.regions().items() if one.county_code}
    municipal = own[own.index.isin(county_of)]
    by_county = municipal.groupby(municipal.index.map(county_of)).sum()
    nation, counties = float(own[regions.NATION]), float(own[by_county.index].sum())
    return {
        "nation": nation,
        "counties": counties,
        "unallocated": nation - counties,
        "unallocated_pct": _percent(nation - counties, nation),
        "largest_county_gap": float((own[by_county.index] - by_county).abs().max()),
    }[column]


@_rule("cross_check", "left_value")
def _left_value(inputs: Inputs, column: str) -> Any:
    cells = inputs.read(_BY_RELEASE)
    if inputs.row["check_code"] == crosschecks.SMHI_INVENTORY:
        signs = np.where(cells["sector_code"] == ALL, 1.0, -1.0)
        return float((cells["emissions_tco2e"] * signs).sum())
    return inputs.one(_BY_RELEASE, sector_code=inputs.row["sector_code"])


@_rule("cross_check", "right_value")
def _right_value(inputs: Inputs, column: str) -> Any:
    if inputs.row["check_code"] == crosschecks.SMHI_INVENTORY:
        return inputs.one(_NATIONAL)
    kpi = emission_totals()[inputs.row["sector_code"]]
    return inputs.one("indicator.indicator_value", indicator_code=kpi)


@_rule("cross_check", "difference_pct")
def _cross_check_difference(inputs: Inputs, column: str) -> Any:
    return _change(inputs.one("cross_check.left_value"), inputs.one("cross_check.right_value"))


# --------------------------------------------------------------------------------- overviews and the network

_OVERVIEWS: Final = ("region_overview", "municipality_overview")


def _overview_rules(mart: str) -> None:
    @_rule(mart, "published_total_tco2e territorial_tco2e effort_sharing_proxy_tco2e outside_trading_tco2e")
    def latest(inputs: Inputs, column: str) -> Any:
        return inputs.one(_SERIES)

    @_rule(mart, "without_plant_sectors_tco2e")
    def without_plants(inputs: Inputs, column: str) -> Any:
        return inputs.one(f"{mart}.territorial_tco2e") - inputs.read(_EMISSIONS)["emissions_tco2e"].sum()

    @_rule(mart, "last_year previous_year")
    def year(inputs: Inputs, column: str) -> Any:
        years = sorted(inputs.read(_SERIES).query("status != 'linked'")["year"].tolist())
        return years[-1 if column == "last_year" else -2]

    @_rule(mart, "territorial_t_per_capita")
    def per_capita(inputs: Inputs, column: str) -> Any:
        return inputs.one(f"{mart}.territorial_tco2e") / int(inputs.read(_PEOPLE)["population_count"].sum())

    @_rule(mart, "change_since_1990_pct change_since_previous_year_pct")
    def change(inputs: Inputs, column: str) -> Any:
        return _change(inputs.one(f"{mart}.territorial_tco2e"), inputs.one(_SERIES))

    @_rule(mart, "national_part_pct own_part_pct scaled_share_pct")
    def part(inputs: Inputs, column: str) -> Any:
        return inputs.one(f"change_part.{column}")

    @_rule(mart, "revision_of_previous_year_pct")
    def revision(inputs: Inputs, column: str) -> Any:
        old = inputs.one(_BY_RELEASE, sector_code=ALL)
        abroad = inputs.one(_BY_RELEASE, sector_code=INTERNATIONAL_TRANSPORT)
        return None if old is None else _change(inputs.one(_SERIES), old - (abroad or 0.0))

    @_rule(mart, "change_printed_pct national_part_printed_pct own_part_printed_pct")
    def printed(inputs: Inputs, column: str) -> Any:
        whole = ("change_since_previous_year_pct", "national_part_pct", "own_part_pct")
        numbers = [inputs.one(f"{mart}.{name}") for name in whole]
        shown = round_change(*(np.nan if one is None else float(one) for one in numbers))
        return dict(zip(_PRINTED, shown, strict=True))[column]


_PRINTED: Final = ("change_printed_pct", "national_part_printed_pct", "own_part_printed_pct")

for _mart in _OVERVIEWS:
    _overview_rules(_mart)


@_rule("municipality_overview", "population_count")
def _population(inputs: Inputs, column: str) -> Any:
    return inputs.one(_PEOPLE)


@_rule("municipality_overview", "largest_sector_share_pct")
def _largest_share(inputs: Inputs, column: str) -> Any:
    return _percent(inputs.one(_EMISSIONS), inputs.one("municipality_overview.territorial_tco2e"))


@_rule("network_summary", "emissions_tco2e population_count region_count")
def _network_sum(inputs: Inputs, column: str) -> Any:
    source = _PEOPLE if column == "population_count" else _SERIES
    rows = inputs.read(source).set_index("region_code")[source.partition(".")[2]]
    name = inputs.row["panel"]
    everyone = _municipalities(rows.index)
    panel = _panel(inputs, name, everyone)
    if column == "region_count":
        return len(everyone) if name == "nation" else len(panel)
    if name == "unallocated":
        return float(rows[regions.NATION] - rows[everyone].sum())
    # Before a split the mother's row holds the child's inhabitants, and the child has no row.
    return float(rows[rows.index.isin(panel)].sum())


def _municipalities(region_codes: pd.Index[Any]) -> list[str]:
    return [str(code) for code in region_codes if len(code) == network.MUNICIPALITY_CODE_LENGTH]


def _panel(inputs: Inputs, name: str, everyone: Sequence[str]) -> list[str]:
    """The regions that a panel is the sum of; none of the unallocated part."""
    if name == "nation":
        return [regions.NATION]
    if name == "unallocated":
        return []
    register = inputs.read("member")
    register = register[register["confirmed"].astype(bool) & register["region_code"].isin(everyone)]
    day = _as_of(inputs)
    if name == "members_at_the_time":
        if register["joined_on"].isna().any():
            return []  # nobody knows who was one
        day = dt.date(int(inputs.row["year"]), 12, 31)
    panel = sorted(set(network.members_on(register, day)))
    if name == "rest_of_sweden":
        return [code for code in everyone if code not in panel]
    if name == "members_without_largest":
        newest = inputs.read("region_overview.territorial_tco2e").set_index("region_code")[
            "territorial_tco2e"
        ]
        panel.remove(str(newest[panel].idxmax()))
    return panel


@_rule("network_summary", "emissions_t_per_capita")
def _network_per_capita(inputs: Inputs, column: str) -> Any:
    mart = "network_summary"
    return inputs.one(f"{mart}.emissions_tco2e") / inputs.one(f"{mart}.population_count")


@_rule("network_summary", "change_since_1990_pct")
def _network_change(inputs: Inputs, column: str) -> Any:
    return _change(
        inputs.one("network_summary.emissions_tco2e", year=inputs.row["year"]),
        inputs.one("network_summary.emissions_tco2e", year=network.FIRST_YEAR),
    )


@_rule("network_summary", "per_capita_change_since_1990_pct")
def _network_per_capita_change(inputs: Inputs, column: str) -> Any:
    own, area = _on_boundary(inputs, inputs.row["boundary"]), _on_boundary(inputs, series.TERRITORIAL)
    panel = _panel(inputs, inputs.row["panel"], _municipalities(pd.Index(own["region_code"].unique())))
    changes = network.per_capita_change(own, inputs.read(_PEOPLE), panel, network.splits(), area=area)
    return _of_row(changes, inputs, "year")["per_capita_change_pct"]


@_rule("network_summary", "confirmed_member_count")
def _confirmed_members(inputs: Inputs, column: str) -> Any:
    register = inputs.read("member")
    return len(set(network.members_on(register[register["confirmed"].astype(bool)], _as_of(inputs))))


@_rule("network_summary", "stated_member_count")
def _stated_members(inputs: Inputs, column: str) -> Any:
    day = _as_of(inputs)
    periods = inputs.read("criteria_rule.value").to_dict("records")
    (value,) = [one["value"] for one in periods if _is_valid(one, day)]
    return value


@_rule("per_inhabitant", "emissions_t_per_capita")
def _per_inhabitant(inputs: Inputs, column: str) -> Any:
    levels = network.build_per_capita(
        _tidy(inputs.read(_SERIES)), inputs.read(_PEOPLE), _county_of(), network.splits()
    )
    return _of_row(levels, inputs, "region_code", "year")["tco2e_per_capita"]


@_rule("per_inhabitant", "per_capita_change_since_1990_pct")
def _per_inhabitant_change(inputs: Inputs, column: str) -> Any:
    by_boundary = {code: _on_boundary(inputs, code) for code in {inputs.row["boundary"], series.TERRITORIAL}}
    changes = network.build_per_inhabitant(by_boundary, inputs.read(_PEOPLE), _county_of(), network.splits())
    return _of_row(changes, inputs, "region_code", "boundary", "year")[column]


def _on_boundary(inputs: Inputs, boundary: str) -> pd.DataFrame:
    rows = inputs.read(_SERIES)
    return _tidy(rows[rows["boundary"] == boundary])


def _county_of() -> dict[str, str]:
    return {code: one.county_code for code, one in regions.regions().items() if one.county_code}


# ------------------------------------------------------------------------------------------ emissions trading


@_rule("proxy_check", "population_year")
def _population_year(inputs: Inputs, column: str) -> Any:
    year = inputs.row["year"]
    return min(inputs.read(_PEOPLE)["year"], key=lambda held: (abs(held - year), held))


@_rule("proxy_check", "reference_tco2e")
def _reference(inputs: Inputs, column: str) -> Any:
    value = inputs.one("proxy_check.reference_value")
    if inputs.row["reference_unit"] == trading.PER_INHABITANT:
        value *= inputs.one(_PEOPLE)
    if inputs.row["part"] != trading.TRADING:
        return value
    *earlier, current = inputs.tables()
    whole = series.build_series(
        current, trading.WITHOUT_AVIATION, earlier=earlier, donors=inputs.donor_tables()
    )
    return _of_row(whole, inputs, "region_code", "year")["value_tco2e"] - value


@_rule("proxy_check", "proxy_tco2e")
def _proxy_of_year(inputs: Inputs, column: str) -> Any:
    return inputs.one(_SERIES)


@_rule("proxy_check", "difference_pct")
def _proxy_difference(inputs: Inputs, column: str) -> Any:
    return _change(inputs.one("proxy_check.proxy_tco2e"), inputs.one("proxy_check.reference_tco2e"))


@_rule(
    "nowcast_plant_score",
    "pairs_n errors_n with_plants_median_pct with_plants_p90_pct without_plants_median_pct "
    "without_plants_p90_pct",
)
def _plant_score(inputs: Inputs, column: str) -> Any:
    table = series.build_release_table("current", inputs.read(_EMISSIONS), sub_sectors=[])
    stated = inputs.read("ets_statement.stated_on")
    known = dict(zip(stated["region_code"], stated["stated_on"], strict=True))
    return trading.score_plants(table, _trading(inputs, known)).iloc[0][column]


def _trading(inputs: Inputs, statements: Mapping[str, dt.date]) -> trading.Trading:
    """The declared years of plants; one that was excluded from trading has none in it."""
    rows = inputs.read(_VERIFIED)
    rows = rows[rows["region_code"].notna()]
    years = list(zip(rows["installation_id"], rows["year"].astype(int), strict=True))
    return trading.Trading(
        verified=dict(zip(years, rows["verified_tco2e"].astype(float).fillna(0.0), strict=True)),
        plants=[
            trading.Plant(
                installation_id=plant,
                region_code=region,
                sector_code=sector,
                valid_from=dt.date(year, 1, 1),
                valid_to=dt.date(year, 12, 31),
            )
            for (plant, year), region, sector in zip(
                years, rows["region_code"], rows["sector_code"], strict=True
            )
        ],
        statements=statements,
    )


def _as_of(inputs: Inputs) -> dt.date:
    (day,) = inputs.read("publication")["as_of_date"].tolist()
    return dt.date(day.year, day.month, day.day)


# ------------------------------------------------------------------------------------------------- the trend


def _tidy(points: pd.DataFrame) -> pd.DataFrame:
    """Rows of ``mart.boundary_series`` as the formulas take a series."""
    return pd.DataFrame(
        {
            "region_code": points["region_code"],
            "boundary": points["boundary"],
            "year": points["year"],
            "value_tco2e": points["emissions_tco2e"],
            "status": points["status"],
            "is_published_year": points["status"] != series.LINKED,
            "flags": [tuple(flag for flag in own if flag != results.SCOPE_BREAK) for own in points["flags"]],
            "release_ids": [(one,) for one in points["release_id"]],
        }
    )


@_rule(
    "carbon_law",
    "reference_year emissions_slope_t_per_year estimated_reference_year_tco2e projected_next_year_tco2e "
    "projected_2030_tco2e projected_2045_tco2e projected_2050_tco2e trend_total_tco2e carbon_law_total_tco2e "
    "annual_change_pct annual_change_v1_pct",
)
def _carbon_law(inputs: Inputs, column: str) -> Any:
    law = carbon_law.build_carbon_law(_tidy(inputs.read(_SERIES)), _as_of(inputs).year)
    return law[column].iloc[0]


def _points(inputs: Inputs) -> tuple[IntArray, FloatArray]:
    rows = _own_series(inputs).sort_values("year")
    return rows["year"].to_numpy(np.int64), rows["emissions_tco2e"].to_numpy(np.float64)[None, :]


def _own_series(inputs: Inputs) -> pd.DataFrame:
    """Rows of the series that a target is evaluated on: the boundary's, or the nation's official figures."""
    if inputs.row["base_status"] != targets.OFFICIAL:
        return inputs.read(_SERIES)
    rows = inputs.read(_OFFICIAL)
    return rows.assign(
        region_code=regions.NATION,
        boundary=series.EFFORT_SHARING_PROXY,
        status=targets.OFFICIAL,
        flags=pd.Series([()] * len(rows), dtype=object, index=rows.index),
        release_id="",
    )


@_rule(
    "target_progress",
    "variants_met variants_n central_tco2e spread_low_tco2e spread_high_tco2e before_variants_met "
    "before_variants_n before_central_tco2e",
)
def _variants(inputs: Inputs, column: str) -> Any:
    if inputs.row["budget_used_share"] is not None:
        return _budget(inputs, column)
    years, values = _points(inputs)
    if column.startswith("before_"):
        years, values = years[:-1], values[:, :-1]
    projected = trend.project(years, values, np.array([inputs.row["target_year"]]))[0]
    match column.removeprefix("before_"):
        case "central_tco2e":
            return float(trend.central(projected)[0])
        case "spread_low_tco2e":
            return float(np.nanmin(projected))
        case "spread_high_tco2e":
            return float(np.nanmax(projected))
        case counted:
            level = np.array([inputs.one("target_progress.level_tco2e")])
            met, defined = standing.count_at_or_below(projected, level)
            return int((met if counted == "variants_met" else defined)[0])


@_rule("target_progress", "budget_used_share budget_time_used_share budget_runs_out_year")
def _budget(inputs: Inputs, column: str) -> Any:
    target = _target(inputs)
    whole = {target.boundary: _tidy(inputs.read(_SERIES))}
    found = standing.evaluate_all([target], whole, as_of=_as_of(inputs))
    return _of_row(found, inputs, "region_code")[column]


@_rule("target_progress", "before_year last_year last_tco2e")
def _latest_point(inputs: Inputs, column: str) -> Any:
    newest = _own_series(inputs).query("status != 'linked'").sort_values("year").iloc[-1]
    return newest["emissions_tco2e" if column == "last_tco2e" else "year"]


@_rule("target_progress", "achieved_annual_reduction_rate achieved_from_year annual_reduction_since_2015")
def _achieved(inputs: Inputs, column: str) -> Any:
    years, values = _points(inputs)
    first = standing.achieved_from_year(years, values)
    if column == "achieved_from_year":
        return first[0]
    start = first if column == "achieved_annual_reduction_rate" else np.array([float(trend.TREND_FROM_YEAR)])
    return standing.reduction_since(years, values, start)[0]


# ------------------------------------------------------------------------------------------------ the target


@_rule("target_progress", "base_year target_year path_start_year")
def _target_years(inputs: Inputs, column: str) -> Any:
    target = _target(inputs)
    if column == "base_year":
        return target.base_year
    if column == "target_year":
        return target.evaluation_year(_as_of(inputs))
    return (target.path_start_year if target.path_start_confirmed else None) or target.base_year


@_rule("target_progress", "base_tco2e")
def _base(inputs: Inputs, column: str) -> Any:
    decided = inputs.one("target.base_tco2e")
    if not pd.isna(decided):
        return decided
    is_official = inputs.row["base_status"] == targets.OFFICIAL
    if is_official and inputs.row["base_year"] == targets.NATIONAL_EFFORT_SHARING_BASE_YEAR:
        return inputs.one(_NATIONAL) - targets.NATIONAL_EFFORT_SHARING_DEDUCTION_TCO2E
    return inputs.one(_OFFICIAL if is_official else _SERIES)


@_rule("target_progress", "level_tco2e")
def _level(inputs: Inputs, column: str) -> Any:
    base = np.array([inputs.one("target_progress.base_tco2e")], dtype=np.float64)
    people = inputs.read("population_forecast.population_count")["population_count"].to_numpy(np.float64)
    return targets.levels(_target(inputs), base, inputs.row["target_year"], people if len(people) else None)[
        0
    ]


@_rule("target_progress", "path_position_tco2e path_position_pct_of_base")
def _path_position(inputs: Inputs, column: str) -> Any:
    numbers = {
        name: np.array([inputs.one(f"target_progress.{name}")], dtype=np.float64)
        for name in ("base_tco2e", "level_tco2e", "last_tco2e")
    }
    matrix = series.to_matrix(_tidy(_own_series(inputs)))
    years = np.array([inputs.row["last_year"]])
    _, path = targets.path_values(
        _target(inputs), matrix, numbers["base_tco2e"], numbers["level_tco2e"], years
    )
    position = float((numbers["last_tco2e"] - path)[0])
    if column == "path_position_tco2e":
        return position
    return _percent(position, numbers["base_tco2e"][0])


def _target(inputs: Inputs) -> Target:
    """The declared target of the register, as the formulas take it."""
    (row,) = inputs.read("target").to_dict("records")
    known = {name: row[column] for name, column in _DEFINED.items() if _is_known(row[column])}
    return from_definition(known)


_DEFINED: Final = {
    **{
        name: name
        for name in (
            "target_id", "target_type", "boundary", "base_year", "target_year", "base_tco2e", "level_tco2e",
            "level_tco2e_per_capita", "residual_percent", "budget_start_year", "budget_tco2e",
            "path_start_year", "path_start_tco2e", "path_start_confirmed", "interim", "state", "region_code",
        )
    },
    "percent_below_base": "base_reduction_percent",
    "annual_rate": "annual_reduction_rate",
}  # fmt: skip
"""Setting of a target → column of ``mart.target`` that says it."""
_YEARS: Final = frozenset({"base_year", "target_year", "budget_start_year", "path_start_year"})


def _is_known(value: Any) -> bool:
    return isinstance(value, list) or not pd.isna(value)


@_rule("target_progress", "gap_tco2e observed_gap_tco2e gap_pct_of_base")
def _gap(inputs: Inputs, column: str) -> Any:
    mart = "target_progress"
    if column == "gap_pct_of_base":
        return _percent(inputs.one(f"{mart}.gap_tco2e"), inputs.one(f"{mart}.base_tco2e"))
    level = inputs.one(f"{mart}.level_tco2e")
    if level is None:  # net zero without a stated cap
        return inputs.one(f"{mart}.last_tco2e")
    if inputs.row["status"] in (standing.MET, standing.MISSED):
        return inputs.one(_OFFICIAL if inputs.row["base_status"] == targets.OFFICIAL else _SERIES) - level
    return inputs.one(f"{mart}.{'central' if column == 'gap_tco2e' else 'last'}_tco2e") - level


@_rule("target_progress", "required_annual_reduction_rate required_reduction_t_per_year")
def _required(inputs: Inputs, column: str) -> Any:
    last, level, year, last_year = (
        float(inputs.one(f"target_progress.{name}"))
        for name in ("last_tco2e", "level_tco2e", "target_year", "last_year")
    )
    if column == "required_reduction_t_per_year":
        return (last - level) / (year - last_year)
    return standing.required_annual_reduction_rates(
        np.array([last]), np.array([level]), np.array([year - last_year])
    )[0]


@_rule("target_progress", "data_lag_months")
def _lag(inputs: Inputs, column: str) -> Any:
    day = _as_of(inputs)
    return (day.year - inputs.one("target_progress.last_year") - 1) * 12 + day.month - 1


@_rule("target_progress", "record_verdicts_n record_came_true_n record_came_true_pct")
def _pooled_record(inputs: Inputs, column: str) -> Any:
    came_true = inputs.read("verdict_record.came_true_n")["came_true_n"].sum()
    verdicts = inputs.read("verdict_record.verdicts_n")["verdicts_n"].sum()
    return {
        "record_verdicts_n": verdicts,
        "record_came_true_n": came_true,
        "record_came_true_pct": _percent(came_true, verdicts),
    }[column]


@_rule(
    "standing_change",
    "variants_met variants_n central_tco2e level_tco2e gap_tco2e last_year last_tco2e change_since_base_pct",
)
def _standing_change(inputs: Inputs, column: str) -> Any:
    held = _held(inputs)
    # The nation's official lines have no steps, so there is no official series to leave out.
    steps = derived.standing_changes(held, [_target(inputs)], pd.DataFrame(), as_of=_as_of(inputs))
    return _of_row(steps, inputs, "target_id", "region_code", "step_order")[column]


@_rule("standing_change", "gap_part_tco2e change_part_points")
def _step_part(inputs: Inputs, column: str) -> Any:
    value = "gap_tco2e" if column == "gap_part_tco2e" else "change_since_base_pct"
    order = inputs.row["step_order"]
    if order == 0:
        return 0.0
    here, before = (inputs.one(f"standing_change.{value}", step_order=at) for at in (order, order - 1))
    return here - before


def _held(inputs: Inputs) -> derived.Held:
    tables, donors = inputs.tables(), inputs.donor_tables()
    current = tables[-1]
    by_boundary = {
        code: series.build_series(current, code, earlier=tables[:-1], donors=donors)
        for code in series.BOUNDARIES
    }
    return derived.Held(
        tables=tuple(tables),
        by_boundary=by_boundary,
        boundaries=tuple(series.BOUNDARIES.values()),
        known_from={},
        donors=tuple(donors),
    )


@_rule("verdict_record", "lead_years verdicts_n came_true_n came_true_pct")
def _verdict_record(inputs: Inputs, column: str) -> Any:
    target, rows = _target(inputs), inputs.read(_SERIES)
    matrix = series.to_matrix(_tidy(rows[rows["boundary"] == target.boundary]))
    last_year = int(matrix.years[matrix.published.any(axis=0)][-1])
    record = backtest.build_record(target, matrix, target.evaluation_year(_as_of(inputs)) - last_year)
    return _of_row(record, inputs, "status", "outcome_year")[column]


@_rule("variant_worth", "municipality_count variants_n independent_n unanimous_count")
def _variant_worth(inputs: Inputs, column: str) -> Any:
    target = _target(inputs)
    worth = derived.worth_of_count(target, _on_boundary(inputs, target.boundary), _as_of(inputs))
    return None if worth is None else worth[column]


@_rule("backtest", "municipality_count median_error_pct p90_error_pct median_deviation_pct")
def _backtest(inputs: Inputs, column: str) -> Any:
    whole = backtest.build_backtest(series.to_matrix(_tidy(inputs.read(_SERIES))))
    renamed = whole.rename(columns={"municipalities_n": "municipality_count"})
    return _of_row(renamed, inputs, "origin_year", "outcome_year", "variant_code")[column]


@_rule("base_year_ledger", "base_year current_tco2e")
def _ledger_copy(inputs: Inputs, column: str) -> Any:
    return inputs.one("target.base_year" if column == "base_year" else "target_progress.base_tco2e")


@_rule("base_year_ledger", "decided_tco2e")
def _decided(inputs: Inputs, column: str) -> Any:
    known = _held(inputs).series_of(str(inputs.row["decided_release_id"]))[_target(inputs).boundary]
    (value,) = known[known["year"] == inputs.row["base_year"]]["value_tco2e"].tolist()
    return value


@_rule("base_year_ledger", "difference_tco2e difference_pct")
def _ledger_difference(inputs: Inputs, column: str) -> Any:
    now, then = (inputs.one(f"base_year_ledger.{name}") for name in ("current_tco2e", "decided_tco2e"))
    return now - then if column == "difference_tco2e" else _change(now, then)


# ------------------------------------------------------------------------------------------ parts of changes


@_rule("change_part", "first_tco2e last_tco2e")
def _end_of_change(inputs: Inputs, column: str) -> Any:
    return float(inputs.read(_EMISSIONS)["emissions_tco2e"].sum())


@_rule("change_part", "national_part_tco2e")
def _national_part(inputs: Inputs, column: str) -> Any:
    if inputs.row["sector_code"] == ALL:
        return sum(_scaled_by_nation(inputs, code) for code in series.TERRITORIAL_SECTORS)
    return _scaled_by_nation(inputs, str(inputs.row["sector_code"]))


def _scaled_by_nation(inputs: Inputs, sector: str) -> float:
    """E_first · (N_last ÷ N_first − 1) of one sector; 0 where the nation had none."""

    def value(region: str, year: int) -> float:
        return float(inputs.one(_EMISSIONS, region_code=region, sector_code=sector, year=year))

    first_year, last_year = inputs.row["first_year"], inputs.row["last_year"]
    before, after = value(regions.NATION, first_year), value(regions.NATION, last_year)
    own = value(str(inputs.row["region_code"]), first_year)
    return own * (after / before - 1.0) if before else 0.0


@_rule("change_part", "own_part_tco2e change_pct national_part_pct own_part_pct")
def _part_of_change(inputs: Inputs, column: str) -> Any:
    def own(name: str) -> Any:
        return inputs.one(f"change_part.{name}")

    if column == "own_part_tco2e":
        return own("last_tco2e") - own("first_tco2e") - own("national_part_tco2e")
    if column == "change_pct":
        return _change(own("last_tco2e"), own("first_tco2e"))
    return _percent(own(column.replace("_pct", "_tco2e")), own("first_tco2e"))


@_rule("change_part", "near_nation_pct near_nation_tonnes_pct scaled_share_pct")
def _signal(inputs: Inputs, column: str) -> Any:
    table = series.build_release_table("current", inputs.read(_EMISSIONS), sub_sectors=[])
    pair = (int(inputs.row["first_year"]), int(inputs.row["last_year"]))
    parts = change_parts.build_change_parts(table, [pair])
    return _of_row(parts, inputs, "region_code", "sector_code")[column]


# ---------------------------------------------------------------------------------------- sideways and ahead


@_rule("nowcast", "year last_year last_tco2e")
def _nowcast_start(inputs: Inputs, column: str) -> Any:
    newest = inputs.read(_SERIES).query("status != 'linked'").sort_values("year").iloc[-1]
    return newest["emissions_tco2e"] if column == "last_tco2e" else newest["year"] + (column == "year")


@_rule("nowcast", "emissions_tco2e change_pct")
def _nowcast(inputs: Inputs, column: str) -> Any:
    table = series.build_release_table("current", inputs.read(_EMISSIONS), sub_sectors=[])
    national = inputs.read(_NATIONAL)
    if inputs.row["basis"] == official.PRELIMINARY and inputs.row["year"] not in set(national["year"]):
        national = pd.concat([national, inputs.read(_OFFICIAL)], ignore_index=True)
    national = national.assign(basis=inputs.row["basis"])
    estimate = nowcast.build_nowcast(table, national)
    growth = nowcast.national_growth(national, inputs.row["last_year"])
    if inputs.row["with_plants"] and growth is not None:
        # That every plant is known is what with_plants says.
        known = _trading(inputs, {str(inputs.row["region_code"]): dt.date.max})
        estimate = trading.add_plants(estimate, table, growth, known)
    return _of_row(estimate, inputs, "region_code")[column]


@_rule(
    "nowcast_score",
    "pairs_n errors_n nowcast_median_pct nowcast_p90_pct carried_median_pct carried_p90_pct",
)
def _nowcast_score(inputs: Inputs, column: str) -> Any:
    scores = nowcast.score_errors(nowcast.build_errors(inputs.tables()))
    return _of_row(scores, inputs, "kind", "scope")[column]


@_rule("peer", "peer_rank distance")
def _peer(inputs: Inputs, column: str) -> Any:
    table = series.build_release_table("current", inputs.read(_EMISSIONS), sub_sectors=[])
    population = inputs.read(_PEOPLE)
    held = derived.Held(tables=(table,), by_boundary={}, boundaries=(), known_from={})
    day, groups = _as_of(inputs), inputs.read("municipality_group.group_code").to_dict("records")
    valid = {str(one["region_code"]): str(one["group_code"]) for one in groups if _is_valid(one, day)}
    found = derived.peer(held, population, {}, valid)
    return _of_row(found, inputs, "region_code", "peer_rank")[column]


def _is_valid(entry: Mapping[Any, Any], day: dt.date) -> bool:
    first, last = entry["valid_from"], entry["valid_to"]
    return (first is None or first <= day) and (last is None or day <= last)


@_rule(
    "better_example",
    "first_year last_year annual_reduction_rate own_part_pct earlier_first_year earlier_last_year "
    "earlier_annual_reduction_rate",
)
def _better_example(inputs: Inputs, column: str) -> Any:
    return _of_row(peers.find_examples(inputs.tables()), inputs, "sector_code", "region_code")[column]


# -------------------------------------------------------------------------------- members and their measures


@_rule("criterion", "implied_annual_reduction_rate national_annual_reduction_rate")
def _annual_rate(inputs: Inputs, column: str) -> Any:
    return criteria.implied_annual_reduction_rate(_target(inputs))


@_rule(
    "criteria_summary",
    "member_count met_count documented_count self_confirmed_count not_met_count due_count unknown_count",
)
def _criteria_count(inputs: Inputs, column: str) -> Any:
    rows = inputs.read("criterion.status")
    rows = rows[rows["member_kind"] == members.MEMBER]
    if rows.empty:
        return None  # an earlier day, of which only the counts are kept
    if column == "member_count":
        return len(rows)
    if column in _OF_EVIDENCE:
        return _count_evidence(rows, column)
    return int((rows["status"] == column.removesuffix("_count")).sum())


_OF_EVIDENCE: Final = {
    "documented_count": criteria.EvidenceKind.DOCUMENT,
    "self_confirmed_count": criteria.EvidenceKind.SELF_CONFIRMED,
}


def _count_evidence(rows: pd.DataFrame, column: str) -> int:
    is_met = rows["status"] == criteria.Status.MET
    return int((is_met & (rows["evidence_kind"] == _OF_EVIDENCE[column])).sum())


@_rule("member_overview", "met_count documented_count self_confirmed_count")
def _met(inputs: Inputs, column: str) -> Any:
    rows = inputs.read("criterion")
    if column == "met_count":
        return int((rows["status"] == criteria.Status.MET).sum())
    return _count_evidence(rows, column)


@_rule(
    "member_overview",
    "target_count pledge_count pledge_at_risk_count measure_count overdue_count stale_count",
)
def _member_count(inputs: Inputs, column: str) -> Any:
    if column == "target_count":
        return len(inputs.read("target"))
    if column.startswith("pledge"):
        rows = inputs.read("pledge_status")
        at_risk = rows["status"] == PledgeStatus.AT_RISK
        return int(at_risk.sum()) if column == "pledge_at_risk_count" else len(rows)
    return _count_measures(inputs.read("measure_status"), column)


def _count_measures(rows: pd.DataFrame, column: str) -> int:
    if column == "measure_count":
        return len(rows)
    return int(rows[f"is_{column.removesuffix('_count')}"].astype(bool).sum())


@_rule("measure_coverage", "gap_tco2e last_year target_year")
def _coverage_copy(inputs: Inputs, column: str) -> Any:
    return inputs.one(f"target_progress.{'observed_' if column == 'gap_tco2e' else ''}{column}")


@_rule("measure_coverage", "coverage_pct coverage_points")
def _coverage(inputs: Inputs, column: str) -> Any:
    counted = inputs.one("measure_coverage.counted_reduction_tco2e")
    return _percent(counted, inputs.one("measure_coverage.gap_tco2e"))


@_rule(
    "measure_coverage",
    "measure_count without_effect_count without_effect_pct counted_reduction_tco2e planned_reduction_tco2e",
)
def _measures(inputs: Inputs, column: str) -> Any:
    sector = inputs.row["sector_code"]
    own = inputs.read("measure")
    own = own[(own["status"] != MeasureStatus.CANCELLED) & ((own["sector_code"] == sector) | (sector == ALL))]
    with_effect = own[own["effects"].map(bool)]
    if column == "measure_count":
        return len(own)
    if column.startswith("without_effect"):
        lacking = len(own) - len(with_effect)
        return lacking if column == "without_effect_count" else _percent(lacking, len(own))
    wanted = measures.COUNTED if column == "counted_reduction_tco2e" else (MeasureStatus.PLANNED,)
    years = [int(inputs.one(f"measure_coverage.{name}")) for name in ("target_year", "last_year")]
    chosen = [
        {int(year): float(value) for year, value in effects.items()}
        for effects, status in zip(with_effect["effects"], with_effect["status"], strict=True)
        if status in wanted
    ]
    late, early = (sum(measures.effect_in(effects, year) for effects in chosen) for year in years)
    return late - early


@_rule("pledge_status", "measure_count done_count overdue_count stale_count")
def _pledge(inputs: Inputs, column: str) -> Any:
    (named,) = inputs.read("pledge")["measure_ids"].tolist()
    source = "measure" if column in ("measure_count", "done_count") else "measure_status"
    rows = inputs.read(source)
    rows = rows[rows["measure_id"].isin(named)]
    if column == "done_count":
        return int((rows["status"] == MeasureStatus.DONE).sum())
    return _count_measures(rows, column)


@_rule("reporting_round", "answer_count")
def _answers(inputs: Inputs, column: str) -> Any:
    return inputs.read("reporting_answer")["region_code"].nunique()


def _of_row(frame: pd.DataFrame, inputs: Inputs, *keys: str) -> Mapping[str, Any]:
    """The row of a calculated table that has the keys of the row at hand."""
    chosen = frame
    for key in keys:
        chosen = chosen[chosen[key] == inputs.row[key]]
    (found,) = chosen.to_dict("records")
    return {str(name): value for name, value in found.items()}


def _renamed(rule: Callable[[Inputs, str], Any], name: str) -> Callable[[Inputs, str], Any]:
    return lambda inputs, _: rule(inputs, name)


RULES.update(
    {
        (mart.name, column.name): _renamed(RULES[mart.name, column.replaced_by], column.replaced_by)
        for mart in schema.marts()
        for column in mart.columns
        if column.replaced_by is not None and (mart.name, column.replaced_by) in RULES
    }
)
