"""Every bench, one after the other, and the table of ratios against what we promise.

    python bench/run.py [--runs N]

A ratio compares two ways of doing the same in the same run, interleaved, so that a slow or busy machine slows
both. Ends with 1 when one is not within its bound.
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


@dataclass(frozen=True)
class Promise:
    """One ratio we promise, and where a bench prints it.

    Attributes:
        bench: File of the bench, without ``bench_`` and ``.py``.
        what: What is compared with what.
        ours: Key of our seconds.
        other: Key of the other's seconds.
        ratio: Key of the ratio.
        bound: Key of its bound.
        is_least: Whether the bound is the least (else the most) that the ratio may be.
    """

    bench: str
    what: str
    ours: str
    other: str
    ratio: str
    bound: str
    is_least: bool = True

    def is_kept(self, measured: dict[str, Any]) -> bool:
        """Whether the measured ratio is within the bound."""
        ratio, bound = measured[self.ratio], measured[self.bound]
        return bool(ratio >= bound if self.is_least else ratio <= bound)

    def line(self, measured: dict[str, Any]) -> str:
        """One row of the table."""
        sign = "≥" if self.is_least else "≤"
        return (
            f"{self.what:<50} {measured[self.ours]:>9.4f} {measured[self.other]:>9.4f} "
            f"{measured[self.ratio]:>8.2f}   {sign} {measured[self.bound]:<6g} "
            f"{'ok' if self.is_kept(measured) else 'MISSED'}"
        )


PROMISES = (
    Promise("lad", "290 exact LAD fits / QuantReg loop", "ours_s", "quantreg_s", "ratio", "at_least"),
    Promise(
        "formulas",
        "2 320 standings at once / one municipality a time",
        "ours_s",
        "one_by_one_s",
        "ratio",
        "at_least",
    ),
    Promise(
        "parse",
        "reading the workbook / pandas with openpyxl",
        "ours_s",
        "pandas_openpyxl_s",
        "ratio",
        "at_least",
    ),
    Promise(
        "load", "loading its rows / pandas to_sql", "ours_s", "to_sql_s", "ratio_to_sql", "to_sql_at_least"
    ),
    Promise(
        "load",
        "loading its rows / bare \\copy of a file",
        "ours_s",
        "bare_copy_s",
        "ratio_to_copy",
        "to_copy_at_most",
        is_least=False,
    ),
)


def measure(bench: str, runs: int) -> tuple[dict[str, Any], int]:
    """What a bench printed, and its exit code (not 0 also when its own further condition failed)."""
    file = Path(__file__).with_name(f"bench_{bench}.py")
    ended = subprocess.run(
        [sys.executable, file, "--runs", str(runs)], stdout=subprocess.PIPE, text=True, check=False
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
    print(
        f"\n{'medians of ' + str(runs) + ' interleaved runs':<50} {'ours s':>9} {'other s':>9} {'ratio':>8}"
    )
    for promise in PROMISES:
        print(promise.line(found[promise.bench]))
    missed = [bench for bench, code in codes.items() if code]
    print(f"missed: {', '.join(missed)}" if missed else "every ratio is within its bound")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
