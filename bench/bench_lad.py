"""290 exact LAD fits against a loop of statsmodels' QuantReg.

Both fit the published totals of the 290 municipalities from 2015 on, years centred at the latest (statsmodels
at its best: it is worse on years as they are). Medians of 7 interleaved runs. Our sum of absolute residuals
must never be larger than theirs. Without the folder of real data, 290 series from a seed are used, and the
output says so.

    python bench/bench_lad.py [--runs N]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import statsmodels.api as sm
from statsmodels.regression.quantile_regression import QuantReg
from statsmodels.tools.sm_exceptions import IterationLimitWarning

from klimatpuls.domain.regions import codes
from klimatpuls.sources import smhi_emissions
from klimatpuls.statistics import trend
from klimatpuls.statistics.series import build_release_table, build_series, to_matrix

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 7
AT_LEAST = 300.0
SAME = 1e-9
"""Share of the sum of residuals by which ours may exceed theirs: rounding of the last digits alone."""
REAL = "smhi/GGT_edition_2026a.xlsx"


def series() -> tuple[str, np.ndarray, np.ndarray]:
    """Where the series come from, their years and their values, shape (290, n_years)."""
    folder = Path(os.environ.get("KLIMATPULS_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (folder / REAL).is_file():
        years = np.array([2015, 2020, 2021, 2022, 2023, 2024])
        return "seeded", years, np.random.default_rng(2026).lognormal(11.8, 0.9, (290, len(years)))
    parsed = smhi_emissions.parse(((folder / REAL).read_bytes(),), "smhi_emissions", "ghg")
    facts = parsed.rows.rename(columns={"emissions": "emissions_tco2e"})
    matrix = to_matrix(build_series(build_release_table(REAL, facts), "published_total"))
    municipal = matrix.select(codes("municipality"))
    return REAL, municipal.years[municipal.years >= 2015], municipal.values[:, municipal.years >= 2015]


def fit_ours(years: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Intercepts and slopes, all series at once."""
    lines = trend.fit(years, values, "lad")
    return lines.intercept, lines.slope


def fit_quantreg(years: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Intercepts and slopes, one series after the other."""
    design = sm.add_constant((years - years[-1]).astype(float))
    params = np.array([QuantReg(own, design).fit(q=0.5).params for own in values])
    return params[:, 0], params[:, 1]


def sums_of_residuals(
    years: np.ndarray, values: np.ndarray, lines: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Sum of absolute residuals of each series, tonnes."""
    intercepts, slopes = lines
    return np.abs(values - intercepts[:, None] - slopes[:, None] * (years - years[-1])).sum(axis=1)


def seconds(call: Callable[[np.ndarray, np.ndarray], object], years: np.ndarray, values: np.ndarray) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    call(years, values)
    return time.perf_counter() - began


def main() -> int:
    """Print the medians and their ratio; 1 when the ratio is below what we promise or a fit is worse."""
    words = argparse.ArgumentParser()
    words.add_argument("--runs", type=int, default=RUNS)
    runs = words.parse_args().runs
    warnings.simplefilter("ignore", IterationLimitWarning)
    origin, years, values = series()
    ours = sums_of_residuals(years, values, fit_ours(years, values))
    theirs = sums_of_residuals(years, values, fit_quantreg(years, values))
    worse = int((ours > theirs * (1 + SAME)).sum())
    times: dict[str, list[float]] = {"ours": [], "quantreg": []}
    for _ in range(runs):
        times["ours"].append(seconds(fit_ours, years, values))
        times["quantreg"].append(seconds(fit_quantreg, years, values))
    median = {who: statistics.median(runs) for who, runs in times.items()}
    ratio = median["quantreg"] / median["ours"]
    print(
        json.dumps(
            {
                "bench": "lad",
                "series": origin,
                "fits": len(values),
                "years": years.tolist(),
                "ours_s": round(median["ours"], 5),
                "quantreg_s": round(median["quantreg"], 3),
                "ours_worse_in": worse,
                "ours_better_in": int((theirs > ours * (1 + SAME)).sum()),
                "ratio": round(ratio),
                "at_least": AT_LEAST,
            }
        )
    )
    return 0 if ratio >= AT_LEAST and not worse else 1


if __name__ == "__main__":
    sys.exit(main())
