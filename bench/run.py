"""Runs every bench and prints a table of measured values and bounds.

    python bench/run.py [--runs N]

A ratio compares two methods for the same task, interleaved in one run, so that a slow or busy machine slows
both. The exit code is 1 when a measure is not within its bound.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RUNS = 7
RUNS_AT_MOST = {"year": 3, "dag": 1}
"""Benches of which a turn takes more than a minute have fewer."""


@dataclass(frozen=True)
class Promise:
    """One measure we promise, and where a bench prints it.

    Attributes:
        bench: File of the bench, without ``bench_`` and ``.py``.
        what: What is compared with what.
        measure: Key of what is promised: a ratio, a difference or a time.
        bound: Key of its bound.
        ours: Key of our seconds, where they are printed.
        other: Key of the other's seconds.
        is_least: Whether the bound is the least (else the most) that the measure may be.
    """

    bench: str
    what: str
    measure: str
    bound: str
    ours: str | None = None
    other: str | None = None
    is_least: bool = True

    def is_kept(self, measured: dict[str, Any]) -> bool:
        """Whether what was measured is within the bound."""
        found, bound = measured[self.measure], measured[self.bound]
        return bool(found >= bound if self.is_least else found <= bound)

    def line(self, measured: dict[str, Any]) -> str:
        """One row of the table."""
        sign = "≥" if self.is_least else "≤"
        ours, other = (f"{measured[key]:.4f}" if key else "" for key in (self.ours, self.other))
        return (
            f"{self.what:<58} {ours:>9} {other:>9} {measured[self.measure]:>8.2f}   "
            f"{sign} {measured[self.bound]:<6g} {'ok' if self.is_kept(measured) else 'MISSED'}"
        )


PROMISES = (
    Promise("lad", "290 exact LAD fits / QuantReg loop", "ratio", "at_least", "ours_s", "quantreg_s"),
    Promise(
        "formulas",
        "2 320 standings at once / one municipality a time",
        "ratio",
        "at_least",
        "ours_s",
        "one_by_one_s",
    ),
    Promise(
        "parse",
        "reading the workbook / pandas with openpyxl",
        "ratio",
        "at_least",
        "ours_s",
        "pandas_openpyxl_s",
    ),
    Promise(
        "load", "loading its rows / pandas to_sql", "ratio_to_sql", "to_sql_at_least", "ours_s", "to_sql_s"
    ),
    Promise(
        "load",
        "loading its rows / bare \\copy of a file",
        "ratio_to_copy",
        "to_copy_at_most",
        "ours_s",
        "bare_copy_s",
        is_least=False,
    ),
    Promise(
        "year",
        "a whole year to a publication / reading and copying it",
        "ratio",
        "ratio_at_most",
        "ours_s",
        "floor_s",
        is_least=False,
    ),
    Promise("year", "  memory of a process of ours, MB", "peak_mb", "peak_at_most_mb", is_least=False),
    Promise(
        "year", "  memory of a server's process, MB", "server_peak_mb", "peak_at_most_mb", is_least=False
    ),
    Promise(
        "publication",
        "publishing at 20 releases less publishing at 1, s",
        "difference_s",
        "difference_at_most",
        "publish_at_20_s",
        "publish_at_1_s",
        is_least=False,
    ),
    Promise(
        "publication",
        "95th percentile of 8 readers beside a publication, ms",
        "p95_ms",
        "p95_at_most",
        is_least=False,
    ),
    Promise("dag", "the whole chain under Airflow, s", "wall_s", "wall_at_most", is_least=False),
)


def measure(bench: str, runs: int) -> tuple[dict[str, Any], int]:
    """What a bench printed, and its exit code (not 0 also when its own further condition failed)."""
    file = Path(__file__).with_name(f"bench_{bench}.py")
    turns = str(min(runs, RUNS_AT_MOST.get(bench, runs)))
    ended = subprocess.run(
        [sys.executable, file, "--runs", turns], stdout=subprocess.PIPE, text=True, check=False
    )
    if not ended.stdout:
        sys.exit(f"{file.name} printed nothing and ended with {ended.returncode}")
    return json.loads(ended.stdout.strip().splitlines()[-1]), ended.returncode


def main() -> int:
    """Run every bench and print the table; 1 when one of them missed its bound."""
    words = argparse.ArgumentParser()
    words.add_argument("--runs", type=int, default=RUNS, help="interleaved runs per bench")
    runs = words.parse_args().runs
    found, codes = {}, {}
    for bench in dict.fromkeys(promise.bench for promise in PROMISES):
        found[bench], codes[bench] = measure(bench, runs)
        print(json.dumps(found[bench]), flush=True)
    fewer = ", ".join(f"{bench} {min(runs, most)}" for bench, most in RUNS_AT_MOST.items())
    print(f"\nmedians of {runs} interleaved runs ({fewer})")
    print(f"{'':<58} {'ours s':>9} {'other s':>9} {'measure':>8}")
    for promise in PROMISES:
        print(promise.line(found[promise.bench]))
    missed = [bench for bench, code in codes.items() if code]
    print(f"missed: {', '.join(missed)}" if missed else "everything is within its bound")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
