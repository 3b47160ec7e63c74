"""Emissions trading: the boundary outside it, and how far the proxy for it misses (methods section 1).

The proxy adds up sectors and knows no plants. Two things stand beside it, and neither replaces it silently:

* ``outside_trading``: territorial emissions without the plants of the EU trading system and without domestic
  aviation, from 2013. Known only for a municipality with a dated statement that all its plants are in the
  register, and only for the years up to that statement; else there is a reason.
* The comparison with official figures. Where one shows that the proxy misses by more than
  :data:`POOR_ABOVE_PCT`, the region is flagged ``proxy_poor``.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from klimatpuls.domain.sectors import ALL, DOMESTIC_AVIATION, INTERNATIONAL_TRANSPORT
from klimatpuls.statistics.network import MUNICIPALITY_CODE_LENGTH
from klimatpuls.statistics.nowcast import estimate, measured_growth
from klimatpuls.statistics.series import (
    ONE_PLANT_SECTORS,
    OUTSIDE_TRADING,
    TERRITORIAL,
    TERRITORIAL_SECTORS,
    Boundary,
    ReleaseTable,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date

    from klimatpuls.statistics.trend import FloatArray

FIRST_YEAR: Final = 2013
"""The scope of the third trading period, by which emissions outside trading are still counted."""
POOR_ABOVE_PCT: Final = 10.0
"""A proxy that misses an official figure by more than this percent is poor."""
MIN_PAIRS: Final = 3
"""Pairs of years that a backtest of verified emissions needs."""

WITHOUT_AVIATION: Final = Boundary(OUTSIDE_TRADING, (ALL,), (INTERNATIONAL_TRANSPORT, DOMESTIC_AVIATION))
"""What the plants are subtracted from: territorial emissions without domestic aviation."""

NOT_A_MUNICIPALITY: Final = "not_a_municipality"
NOT_STATED: Final = "not_stated"
STATEMENT_TOO_OLD: Final = "statement_too_old"
BEFORE_TRADING: Final = "before_2013"
NO_VERIFIED_YEAR: Final = "no_verified_year"
PLANT_WITHOUT_FIGURE: Final = "plant_without_figure"
PLANTS_ABOVE_TOTAL: Final = "plants_above_total"
"""Why a municipality's emissions outside trading are not shown."""

NON_TRADING: Final = "non_trading"
TRADING: Final = "trading"
PER_INHABITANT: Final = "tCO2e_per_inhabitant"
YEAR_NOT_PUBLISHED: Final = "year_not_published"
NO_POPULATION: Final = "no_population"
NOT_POSITIVE: Final = "reference_not_positive"
"""Why the proxy is not compared with a reference."""

NOT_ENOUGH_YEARS: Final = "not_enough_years"
NO_BETTER: Final = "no_better"
BETTER: Final = "better"

CHECK_COLUMNS: Final = (
    "region_code", "year", "part", "reference_value", "reference_unit", "population_year", "reference_tco2e",
    "proxy_tco2e", "difference_pct", "is_poor", "status_reason", "source",
)  # fmt: skip
SCORE_COLUMNS: Final = (
    "verdict", "pairs_n", "errors_n", "with_plants_median_pct", "with_plants_p90_pct",
    "without_plants_median_pct", "without_plants_p90_pct",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Plant:
    """A plant's place in the register.

    Attributes:
        installation_id: Its number in the Union Registry.
        region_code: Its municipality.
        sector_code: Main sector in which its emissions are counted.
        valid_from: First day it is in trading there; None: always.
        valid_to: Last day; None while it is.
    """

    installation_id: str
    region_code: str
    sector_code: str
    valid_from: date | None = None
    valid_to: date | None = None

    def is_in(self, year: int) -> bool:
        """Whether it was in trading on some day of a year."""
        begins = self.valid_from is None or self.valid_from.year <= year
        return begins and (self.valid_to is None or year <= self.valid_to.year)


@dataclass(frozen=True, kw_only=True)
class Trading:
    """What is known of the plants in emissions trading.

    Attributes:
        verified: (installation_id, year) → tonnes CO2e; 0 for a plant that was excluded from trading.
        plants: The register of plants.
        statements: Municipality → day on which somebody stated that all its plants are in the register.
    """

    verified: Mapping[tuple[str, int], float] = field(default_factory=dict)
    plants: Sequence[Plant] = ()
    statements: Mapping[str, date] = field(default_factory=dict)

    @cached_property
    def verified_years(self) -> frozenset[int]:
        """The years of which verified emissions are held."""
        return frozenset(year for _, year in self.verified)

    def of_sectors(self, region_code: str, year: int) -> tuple[dict[str, float], str | None]:
        """Verified emissions of a municipality's plants in a year.

        Returns:
            Sector → tonnes CO2e and None, or nothing and why they are not known.

        Example: two plants of 10 and 5 t in industry, stated in 2025 → ``{"industry": 15.0}`` for 2024, and
        ``statement_too_old`` for 2026: a plant that began in that year would be missing.
        """
        if region_code not in self.statements:
            return {}, NOT_STATED
        if year < FIRST_YEAR:
            return {}, BEFORE_TRADING
        if year > self.statements[region_code].year:
            return {}, STATEMENT_TOO_OLD
        if year not in self.verified_years:
            return {}, NO_VERIFIED_YEAR
        found: dict[str, float] = {}
        for plant in self.plants:
            if plant.region_code == region_code and plant.is_in(year):
                tonnes = self.verified.get((plant.installation_id, year))
                if tonnes is None:
                    return {}, PLANT_WITHOUT_FIGURE
                found[plant.sector_code] = found.get(plant.sector_code, 0.0) + tonnes
        return found, None


def build_outside_trading(without_aviation: pd.DataFrame, trading: Trading) -> pd.DataFrame:
    """Subtract the plants from the territorial emissions without aviation (methods section 1).

    Args:
        without_aviation: Tidy series of :data:`WITHOUT_AVIATION`.
        trading: The plants.

    Returns:
        The rows of the municipalities with a statement: the tidy frame, ``value_tco2e`` NaN where
        ``status_reason`` says why. Status and flags are those of the row it is made of.

    Example: 100 t without aviation and plants of 60 t → 40 t; plants of 120 t → ``plants_above_total``.
    """
    is_asked = without_aviation["region_code"].isin(list(trading.statements))
    frame = without_aviation[is_asked].reset_index(drop=True)
    values, reasons = [], []
    for code, year, value in zip(frame["region_code"], frame["year"], frame["value_tco2e"], strict=True):
        plants, reason = trading.of_sectors(code, int(year))
        rest = float(value) - sum(plants.values())
        if reason is None and rest < 0:
            reason = PLANTS_ABOVE_TOTAL
        values.append(rest if reason is None else np.nan)
        reasons.append(reason)
    return frame.assign(
        value_tco2e=np.array(values, dtype=np.float64),
        status_reason=pd.Series(reasons, dtype=object, index=frame.index),
    )


def known_only(outside: pd.DataFrame) -> pd.DataFrame:
    """The tidy series of the values that are known, as every other boundary has it."""
    return outside[outside["value_tco2e"].notna()].drop(columns="status_reason")


def latest_of(outside: pd.DataFrame, region_codes: Sequence[str], year: int) -> pd.DataFrame:
    """One row per region: its value outside trading in a year, or why there is none.

    Args:
        outside: As :func:`build_outside_trading` gives it.
        region_codes: Every region asked for, in order.
        year: The year.

    Returns:
        ``outside_trading_tco2e`` and ``outside_trading_reason``, in the order asked for.
    """
    of_year = outside[outside["year"] == year].set_index("region_code")
    values = of_year["value_tco2e"].to_dict()
    reasons = of_year["status_reason"].to_dict()
    default = {
        code: NOT_STATED if len(code) == MUNICIPALITY_CODE_LENGTH else NOT_A_MUNICIPALITY
        for code in region_codes
    }
    return pd.DataFrame(
        {
            "outside_trading_tco2e": [float(values.get(code, np.nan)) for code in region_codes],
            "outside_trading_reason": pd.Series(
                [reasons.get(code, default[code]) for code in region_codes], dtype=object
            ),
        }
    )


def check_proxy(
    references: pd.DataFrame, proxy: pd.DataFrame, without_aviation: pd.DataFrame, population: pd.DataFrame
) -> pd.DataFrame:
    """Compare the proxy with official figures, each in its own year (methods section 1).

    A figure outside trading is compared as it stands. From a figure inside trading the comparison follows:
    territorial emissions without aviation less that figure. A figure per inhabitant is multiplied by the
    population of its year; where that is not held, by that of the nearest year held, the earlier of two.

    Args:
        references: ``region_code``, ``year``, ``part`` (``non_trading`` or ``trading``), ``value``, ``unit``
            (``tCO2e`` or ``tCO2e_per_inhabitant``), ``source``.
        proxy: Tidy series of the proxy, of the current release.
        without_aviation: Tidy series of :data:`WITHOUT_AVIATION`, of the same release.
        population: One row per region_code × year with ``population_count``.

    Returns:
        One row per reference: :data:`CHECK_COLUMNS`. ``difference_pct`` is (proxy − reference) ÷ reference;
        NULL with ``status_reason``. Years that the release does not publish itself are not compared.

    Example: official 8 t per inhabitant × 100 inhabitants, proxy 600 t → −25 %, poor.
    """
    ours, whole = (_published(frame) for frame in (proxy, without_aviation))
    people: dict[str, dict[int, float]] = {}
    for code, year, count in population[["region_code", "year", "population_count"]].itertuples(index=False):
        people.setdefault(str(code), {})[int(year)] = float(count)
    rows = []
    for reference in references.to_dict("records"):
        code, year, part = str(reference["region_code"]), int(reference["year"]), str(reference["part"])
        tonnes, counted_on = float(reference["value"]), None
        reason = None if (code, year) in ours and (code, year) in whole else YEAR_NOT_PUBLISHED
        if reference["unit"] == PER_INHABITANT:
            held = people.get(code, {})
            counted_on = min(held, key=lambda one: (abs(one - year), one), default=None)
            tonnes *= np.nan if counted_on is None else held[counted_on]
            reason = NO_POPULATION if counted_on is None else reason
        if part == TRADING:
            tonnes = whole.get((code, year), np.nan) - tonnes
        if reason is None and not tonnes > 0:
            reason = NOT_POSITIVE
        value = ours.get((code, year), np.nan)
        difference = 100.0 * (value / tonnes - 1.0) if reason is None else np.nan
        rows.append(
            (
                code, year, part, float(reference["value"]), reference["unit"], counted_on, tonnes, value,
                difference, reason is None and abs(difference) > POOR_ABOVE_PCT, reason, reference["source"],
            )
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(CHECK_COLUMNS)).astype({"population_year": "Int64"})


def _published(series: pd.DataFrame) -> dict[tuple[str, int], float]:
    """(region_code, year) → tonnes, of the years that the release publishes."""
    kept = series[series["is_published_year"]]
    cells = zip(kept["region_code"], kept["year"], kept["value_tco2e"], strict=True)
    return {(str(code), int(year)): float(value) for code, year, value in cells}


def find_poor(checked: pd.DataFrame) -> frozenset[str]:
    """The regions in which a reference shows that the proxy is poor (methods section 1).

    Args:
        checked: As :func:`check_proxy` gives it.
    """
    return frozenset(checked.loc[checked["is_poor"].astype(bool), "region_code"])


def choose_lead(is_one_plant: bool, outside_trading: float) -> str:
    """The boundary that a region's page leads with; never the proxy (methods section 1).

    Example: one plant and 40 t outside trading → ``outside_trading``; NaN → ``territorial``.
    """
    return OUTSIDE_TRADING if is_one_plant and not np.isnan(outside_trading) else TERRITORIAL


def without_plant_sectors(table: ReleaseTable, one_plant: Collection[str]) -> FloatArray:
    """Territorial emissions of the latest year without industry, power and heat, where one plant decides.

    Both sectors are left out: a steelworks' gases are burnt in the power plant beside it.

    Args:
        table: The current release.
        one_plant: As :func:`klimatpuls.statistics.series.find_one_plant` gives it.

    Returns:
        Tonnes CO2e in the order of the release's regions; NaN for a region without the flag.
    """
    rest = table.territorial()[:, -1] - sum(table.sector(code)[:, -1] for code in ONE_PLANT_SECTORS)
    return np.where([code in one_plant for code in table.region_codes], rest, np.nan)


def estimate_with_plants(
    values: FloatArray, growth: FloatArray, before: Mapping[str, float], after: Mapping[str, float]
) -> float:
    """A municipality's nowcast where the verified emissions of the year are out (methods section 9).

    The plants are taken as verified; the nation's change is applied to the rest of each sector.

    Args:
        values: Latest values by territorial sector, tonnes CO2e.
        growth: The nation's later value ÷ earlier value by sector.
        before: Sector → verified emissions of the plants in the latest year.
        after: The same in the year estimated.

    Returns:
        Tonnes CO2e of all sectors.

    Example: industry 100 t of which plants 80 t, nation −10 %, plants now 60 t → 20 · 0.9 + 60 = 78 t.
    """
    old, new = (np.array([side.get(code, 0.0) for code in TERRITORIAL_SECTORS]) for side in (before, after))
    rest = np.maximum(values - old, 0.0)
    return float(estimate(rest[:, None], growth).sum() + new.sum())


def add_plants(
    nowcast: pd.DataFrame, table: ReleaseTable, growth: FloatArray, trading: Trading
) -> pd.DataFrame:
    """The nowcast with the verified emissions of its year, where all plants of a municipality are known.

    Args:
        nowcast: As :func:`klimatpuls.statistics.nowcast.build_nowcast` gives it.
        table: The release it starts from.
        growth: The nation's growth by territorial sector, as the nowcast used it.
        trading: The plants.

    Returns:
        The same rows, with ``with_plants`` true where the estimate was replaced.
    """
    place = {code: row for row, code in enumerate(table.region_codes)}
    estimates = nowcast["emissions_tco2e"].to_numpy(dtype=np.float64, copy=True)
    replaced = np.zeros(len(nowcast), dtype=np.bool_)
    for at, (code, year) in enumerate(zip(nowcast["region_code"], nowcast["year"], strict=True)):
        before, earlier_reason = trading.of_sectors(code, int(year) - 1)
        after, reason = trading.of_sectors(code, int(year))
        if earlier_reason is None and reason is None:
            values = np.array([table.sector(sector)[place[code], -1] for sector in TERRITORIAL_SECTORS])
            estimates[at], replaced[at] = estimate_with_plants(values, growth, before, after), True
    last = nowcast["last_tco2e"].to_numpy(dtype=np.float64)
    change = 100.0 * (estimates / np.where(last > 0, last, np.nan) - 1.0)
    return nowcast.assign(emissions_tco2e=estimates, change_pct=change, with_plants=replaced)


def score_plants(table: ReleaseTable, trading: Trading) -> pd.DataFrame:
    """Whether verified emissions of the year after help the nowcast, on years that are known (section 9).

    Pairs of years in which a sector was scaled with the nation are left out: there the nowcast is compared
    with itself.

    Args:
        table: The current release.
        trading: The plants.

    Returns:
        One row, :data:`SCORE_COLUMNS`: absolute errors in percent of the outcome, with and without plants,
        over the same municipalities and pairs. ``verdict`` is ``better`` where median and 90th percentile
        are both lower, ``not_enough_years`` with fewer than :data:`MIN_PAIRS` pairs of years.
    """
    errors = list(_errors(table, trading))
    pairs = {year for year, _, _ in errors}
    found = np.array([both for _, *both in errors], dtype=np.float64).reshape(-1, 2)
    if len(pairs) < MIN_PAIRS:
        verdict, scores = NOT_ENOUGH_YEARS, np.full((2, 2), np.nan)
    else:
        scores = np.quantile(found, [0.5, 0.9], axis=0)
        verdict = BETTER if bool((scores[:, 0] < scores[:, 1]).all()) else NO_BETTER
    row = (verdict, len(pairs), len(errors), *scores[:, 0], *scores[:, 1])
    return pd.DataFrame([row], columns=list(SCORE_COLUMNS))


def _errors(table: ReleaseTable, trading: Trading) -> Iterator[tuple[int, float, float]]:
    """Per municipality and pair of years: the earlier year, error with plants, error without."""
    years = table.years.tolist()
    rows = [row for row, code in enumerate(table.region_codes) if code in trading.statements]
    for first, grown in measured_growth(table, FIRST_YEAR).items() if rows else ():
        before, after = years.index(first), years.index(first + 1)
        for row in rows:
            old, reason = trading.of_sectors(table.region_codes[row], first)
            new, later_reason = trading.of_sectors(table.region_codes[row], first + 1)
            values, outcome = (
                np.array([table.sector(code)[row, at] for code in TERRITORIAL_SECTORS])
                for at in (before, after)
            )
            if reason is None and later_reason is None and outcome.sum() > 0:
                guesses = estimate_with_plants(values, grown, old, new), float((values * grown).sum())
                with_plants, without = (100.0 * abs(one / outcome.sum() - 1.0) for one in guesses)
                yield first, with_plants, without
