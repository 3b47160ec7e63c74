"""Measures the pipeline under Airflow on a whole year of SMHI's figures: wall time and seconds per step.

One run of ``klimatpuls run`` in a new state directory: the bundled archive, and a workbook of every air
pollutant with all sub-sectors. Together these are six million figures of SMHI's and every other source, as in
`make run` without building the environment. The figures of a pollutant are those of all greenhouse gases,
halved a number of times, so every sum that the gates check is right. The archive is made before the clock
starts. The seconds of the gates are also given apart.

    python bench/bench_dag.py [--runs N]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from klimatpuls.domain.substances import substances
from klimatpuls.mock_agencies import workbook
from klimatpuls.mock_agencies.archive import make_archive, read_workbooks
from klimatpuls.sources import smhi_emissions

RUNS = 1
AT_MOST_S = 300.0
AS_OF = "2026-05-08"
YEARS = 12
"""Years of a pollutant's workbook, the newest: as many as SMHI publishes."""
FIGURES_AT_LEAST = 5_800_000
LOADED = re.compile(r"│ smhi_emissions +│ validated +│ +[\d ]+ = (?P<rows>[\d ]+) \+")
"""The row of the summary with the loaded figures of SMHI."""
STEP = re.compile(r"^│ (?P<step>\w+ \d .+?) +│ +(?P<seconds>[\d.]+) │$", re.MULTILINE)
"""A row of the summary's table of seconds."""


def add_pollutants(archive: Path) -> None:
    """Put a workbook of every air pollutant beside the newest one of all greenhouse gases."""
    newest = [book for book in read_workbooks(archive) if book.substance == "ghg"][-1]
    parsed = smhi_emissions.parse((newest.path.read_bytes(),), "smhi_emissions", "ghg")
    years = parsed.years[-YEARS:]
    wide = parsed.rows.pivot_table(index=["sector_code", "region_code"], columns="year", values="emissions")
    pollutants = [entry.code for entry in substances().values() if not entry.is_ghg]
    for halvings, code in enumerate(pollutants, 1):
        rows = workbook.preamble(code, parsed.published_date, years, unit="ton/år")
        figures = wide[list(years)] / 2**halvings
        # The publisher's order: the total first, every area in its place.
        for sector in sorted(set(parsed.rows["sector_code"]), key=lambda name: (name != "all", name)):
            rows += [
                [
                    *workbook.sector_names(sector),
                    *workbook.region_names(region),
                    *figures.loc[(sector, region)].tolist(),
                ]
                for region in workbook.region_order()
            ]
        book = workbook.build_workbook(rows, sheet_name="Utsläpp")
        (archive / "smhi" / f"{code}_whole_year.xlsx").write_bytes(book)


def run_once(archive: Path, home: Path) -> tuple[float, str]:
    """Seconds and output of one run in a new state directory."""
    began = time.perf_counter()
    ended = subprocess.run(
        [Path(sys.executable).with_name("klimatpuls"), "run"],
        env={
            **os.environ,
            "KLIMATPULS_HOME": str(home),
            "KLIMATPULS_AIR_POLLUTANTS": "all",
            "SOURCES": "mock",
            "ARCHIVE": str(archive),
            "AS_OF": AS_OF,
        },
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    wall = time.perf_counter() - began
    if ended.returncode != 0:
        sys.exit(f"the run ended with {ended.returncode}:\n{ended.stdout}")
    return wall, ended.stdout


def main() -> int:
    """Print the median wall time and the steps of the last run; return 1 when it is over its bound."""
    words = argparse.ArgumentParser()
    words.add_argument("--runs", type=int, default=RUNS)
    runs = words.parse_args().runs
    walls, output = [], ""
    with tempfile.TemporaryDirectory() as made:
        archive = make_archive(Path(made) / "archive")
        add_pollutants(archive)
        for number in range(runs):
            wall, output = run_once(archive, Path(made) / f"home{number}")
            walls.append(wall)
    loaded = LOADED.search(output)
    rows = int(loaded["rows"].replace(" ", "")) if loaded else 0
    if rows < FIGURES_AT_LEAST:
        sys.exit(f"{rows} figures of SMHI's were loaded, expected {FIGURES_AT_LEAST} or more:\n{output}")
    steps = {found["step"]: float(found["seconds"]) for found in STEP.finditer(output)}
    wall = statistics.median(walls)
    print(
        json.dumps(
            {
                "bench": "dag",
                "rows": rows,
                "wall_s": round(wall, 1),
                "wall_at_most": AT_MOST_S,
                "gates_s": next(s for step, s in steps.items() if step.endswith("validate smhi_emissions")),
                "steps": steps,
            }
        )
    )
    return 0 if wall <= AT_MOST_S else 1


if __name__ == "__main__":
    sys.exit(main())
