"""Compares evaluating 290 municipalities at once with one municipality after the other.

Eight targets on two boundaries (two lines and one of every type) × eight method variants × every year left
out, by ``standing.evaluate_all``, against a loop over single municipalities (ten of them, times 29).
Processor seconds, medians of interleaved runs; both must give the same statuses. The time of all result
tables of a publication is printed too. Without the folder of real data, series from a seed are used, and the
output says so.

    python bench/bench_formulas.py [--runs N]
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from klimatpuls.domain.regions import codes
from klimatpuls.domain.sectors import DOMESTIC_AVIATION, main_codes
from klimatpuls.sources import smhi_emissions
from klimatpuls.statistics import results, standing
from klimatpuls.statistics.series import build_release_table, build_series
from klimatpuls.statistics.targets import Interim, Target

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 5
AT_LEAST = 50.0
MOST_SECONDS = 1.0
"""Limit of the processor time of all standings; printed beside the ratio, not a bound."""
SHARE = 29
AS_OF = dt.date(2026, 5, 8)
REAL = ("smhi/GGT_edition_2021-10-14.xlsx", "smhi/GGT_edition_2025.xlsx", "smhi/GGT_edition_2026a.xlsx")

TARGETS = [
    Target(
        target_id="line_55",
        boundary="effort_sharing_proxy",
        target_type="percent_below_base",
        base_year=1990,
        target_year=2030,
        percent_below_base=55.0,
    ),
    Target(
        target_id="line_63",
        boundary="effort_sharing_proxy",
        target_type="percent_below_base",
        base_year=1990,
        target_year=2030,
        percent_below_base=63.0,
        interim=(Interim(year=2025, percent_below_base=50.0),),
    ),
    Target(
        target_id="percent",
        target_type="percent_below_base",
        base_year=2010,
        target_year=2032,
        percent_below_base=70.0,
    ),
    Target(target_id="level", target_type="fixed_level", target_year=2030, level_tco2e=50_000.0),
    Target(
        target_id="per_capita",
        target_type="fixed_level_per_capita",
        target_year=2030,
        level_tco2e_per_capita=2.0,
    ),
    Target(
        target_id="net_zero", target_type="net_zero", base_year=1990, target_year=2034, residual_percent=15.0
    ),
    Target(target_id="rate", target_type="constant_rate", base_year=2015, annual_rate=0.1),
    Target(
        target_id="budget",
        target_type="carbon_budget",
        target_year=2034,
        budget_start_year=2020,
        budget_tco2e=1e6,
    ),
]


def releases() -> tuple[str, list[tuple[str, pd.DataFrame]]]:
    """Origin of the figures, and the facts of each release, oldest first."""
    folder = Path(os.environ.get("KLIMATPULS_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if all((folder / name).is_file() for name in REAL):
        parsed = [
            smhi_emissions.parse(((folder / name).read_bytes(),), "smhi_emissions", "ghg") for name in REAL
        ]
        return "real", [
            (name, one.rows.rename(columns={"emissions": "emissions_tco2e"}))
            for name, one in zip(REAL, parsed, strict=True)
        ]
    random = np.random.default_rng(2026)
    years = [1990, 2000, 2005, *range(2010, 2025)]
    regions = ["00", *codes("municipality")]
    sectors = [code for code in main_codes() if code != "international_transport"]
    index = pd.MultiIndex.from_product(
        [regions, sectors, years], names=["region_code", "sector_code", "year"]
    )
    facts = pd.DataFrame(
        {"emissions_tco2e": random.lognormal(9.5, 0.9, len(index))}, index=index
    ).reset_index()
    whole = facts.groupby(["region_code", "year"], as_index=False)["emissions_tco2e"].sum()
    facts = pd.concat(
        [
            facts,
            whole.assign(sector_code="all"),
            whole.assign(sector_code="international_transport", emissions_tco2e=0.0),
            whole.assign(sector_code=DOMESTIC_AVIATION, emissions_tco2e=1.0),
        ]
    )
    return "seeded", [("first", facts[facts["year"] < 2024]), ("second", facts)]


def seconds(call: Callable[[], object]) -> float:
    """Processor time of one call."""
    began = time.process_time()
    call()
    return time.process_time() - began


def main() -> int:
    """Print the medians and their ratio; return 1 when it is below its bound or the statuses differ."""
    words = argparse.ArgumentParser()
    words.add_argument("--runs", type=int, default=RUNS)
    runs = words.parse_args().runs
    origin, held = releases()
    tables = [build_release_table(*one) for one in held]
    municipal = codes("municipality")
    forecast = {(code, 2030): 30_000.0 for code in municipal}
    series = {}
    for name in ("territorial", "effort_sharing_proxy"):
        whole = build_series(tables[-1], name, earlier=tables[:-1])
        series[name] = whole[whole["region_code"].isin(municipal)]
    alone = [
        {name: frame[frame["region_code"] == code] for name, frame in series.items()}
        for code in municipal[::SHARE]
    ]

    def at_once() -> pd.DataFrame:
        return standing.evaluate_all(TARGETS, series, as_of=AS_OF, population_forecast=forecast)

    def one_by_one() -> pd.DataFrame:
        return pd.concat(
            [standing.evaluate_all(TARGETS, own, as_of=AS_OF, population_forecast=forecast) for own in alone]
        )

    keys = ["target_id", "region_code"]
    ours = at_once().set_index(keys)
    theirs = one_by_one().set_index(keys)
    differ = int((ours.loc[theirs.index, "status"] != theirs["status"]).sum())
    inputs = results.ResultInputs(
        as_of=AS_OF,
        current=held[-1],
        earlier=tuple(results.EarlierRelease.of(*one) for one in held[:-1]),
        population=pd.DataFrame(
            [(code, 2024, 30_000) for code in municipal], columns=["region_code", "year", "population_count"]
        ),
        members=pd.DataFrame(
            [(code, None, None, True) for code in municipal[:40]],
            columns=["region_code", "joined_on", "left_on", "confirmed"],
            dtype=object,
        ),
        targets=TARGETS,
    )
    times: dict[str, list[float]] = {"at_once": [], "one_by_one": [], "every_table": []}
    for _ in range(runs):
        times["at_once"].append(seconds(at_once))
        times["one_by_one"].append(SHARE * seconds(one_by_one))
        times["every_table"].append(seconds(lambda: list(results.each_result(inputs))))
    median = {who: statistics.median(own) for who, own in times.items()}
    ratio = median["one_by_one"] / median["at_once"]
    print(
        json.dumps(
            {
                "bench": "formulas",
                "figures": origin,
                "standings": len(ours),
                "ours_s": round(median["at_once"], 4),
                "one_by_one_s": round(median["one_by_one"], 3),
                "statuses_that_differ": differ,
                "every_table_s": round(median["every_table"], 3),
                "within_a_second": median["at_once"] < MOST_SECONDS,
                "ratio": round(ratio, 1),
                "at_least": AT_LEAST,
            }
        )
    )
    return 0 if ratio >= AT_LEAST and not differ else 1


if __name__ == "__main__":
    sys.exit(main())
