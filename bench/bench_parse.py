"""Reading SMHI's 2021 workbook (255 528 figures): our parser against pandas with openpyxl.

Both end with the same facts, one row per region × sector × year; ours has also passed the gate, turned names
into codes and checked unit, substance and names. Medians of 7 interleaved runs. Without the real folder the
newest synthetic workbook is used, and the output says so.

    python bench/bench_parse.py [--runs N]
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from klimatpuls.contract.releases import content_sha256
from klimatpuls.sources import smhi_emissions

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 7
AT_LEAST = 6.0
REAL = "smhi/GGT_edition_2021-10-14.xlsx"


def workbook() -> tuple[str, bytes]:
    """Name and bytes of the workbook that is read."""
    folder = Path(os.environ.get("KLIMATPULS_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if (folder / REAL).is_file():
        return REAL, (folder / REAL).read_bytes()
    from klimatpuls.mock_agencies.archive import make_archive, read_workbooks

    with tempfile.TemporaryDirectory() as made:
        newest = read_workbooks(make_archive(Path(made) / "archive"))[-1].path
        return newest.name, newest.read_bytes()


def with_openpyxl(body: bytes) -> pd.DataFrame:
    """What one writes without us: the header's place known beforehand, names kept, text left as it is."""
    rows = pd.read_excel(io.BytesIO(body), engine="openpyxl", header=None)
    names = ["Huvudsektor", "Undersektor", "Län", "Kommun"]
    at = int((rows[0] == names[0]).idxmax())
    years = rows.loc[at, 4:] if isinstance(rows.loc[at, 4], int | float) else rows.loc[at - 1, 4:]
    wide = rows.loc[at + 1 :].dropna(subset=[2])
    wide.columns = [*names, *years.astype(int)]
    tidy = wide.melt(id_vars=names, var_name="year", value_name="value")
    return tidy.assign(value=pd.to_numeric(tidy["value"], errors="coerce"))


def seconds(call: Callable[[bytes], object], body: bytes) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    call(body)
    return time.perf_counter() - began


def main() -> int:
    """Print the medians and their ratio; 1 when the ratio is below what we promise."""
    words = argparse.ArgumentParser()
    words.add_argument("--runs", type=int, default=RUNS)
    runs = words.parse_args().runs
    name, body = workbook()

    def ours(content: bytes) -> object:
        return smhi_emissions.parse((content,), "smhi_emissions", "ghg")

    parsed = smhi_emissions.parse((body,), "smhi_emissions", "ghg")
    same_rows = len(parsed.rows) == len(with_openpyxl(body))
    times = {"ours": [], "openpyxl": [], "hash": []}
    for _ in range(runs):
        times["ours"].append(seconds(ours, body))
        times["openpyxl"].append(seconds(with_openpyxl, body))
        times["hash"].append(seconds(lambda _: content_sha256(parsed), body))
    median = {who: statistics.median(runs) for who, runs in times.items()}
    ratio = median["openpyxl"] / median["ours"]
    print(
        json.dumps(
            {
                "bench": "parse",
                "workbook": name,
                "facts": len(parsed.rows),
                "same_row_count": same_rows,
                "ours_s": round(median["ours"], 3),
                "pandas_openpyxl_s": round(median["openpyxl"], 3),
                "content_hash_s": round(median["hash"], 3),
                "ratio": round(ratio, 1),
                "at_least": AT_LEAST,
            }
        )
    )
    return 0 if ratio >= AT_LEAST and same_rows else 1


if __name__ == "__main__":
    sys.exit(main())
