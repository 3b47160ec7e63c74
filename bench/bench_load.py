"""Loading 255 528 rows into a partition of core, encoding included: ours, pandas, and a bare ``\\copy``.

Every method fills a new partition of the same columns and check, without the key (the key is built after the
rows, by us as by anyone). ``\\copy`` reads a CSV file that was written before the clock started: no encoding,
the floor of what the server can take. ``to_sql`` is pandas at its best here: its default ``method``, which
SQLAlchemy turns into many rows to a statement (``method="multi"`` is four times slower). Medians of 7
interleaved runs on a throw-away cluster (no fsync for any of the three). Without the folder of
real data, the newest synthetic workbook is used, and the output names it.

    python bench/bench_load.py [--runs N]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from klimatpuls.local.postgres import temporary_cluster
from klimatpuls.mock_agencies.archive import make_archive, read_workbooks
from klimatpuls.sources import smhi_emissions
from klimatpuls.warehouse.connection import connect, engine
from klimatpuls.warehouse.loader import copy_rows, frame_rows
from klimatpuls.warehouse.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Callable

    from klimatpuls.local.postgres import Cluster

RUNS = 7
TO_SQL_AT_LEAST = 15.0
COPY_AT_MOST = 2.0
REAL = "smhi/GGT_edition_2021-10-14.xlsx"
COLUMNS = [
    "run_id",
    "release_id",
    "substance",
    "region_code",
    "sector_code",
    "year",
    "emissions",
    "sheet_row",
]
RELEASE = "smhi_emissions-ghg-2021-10-14-ddf654b7"
PASSWORDS = {"wh_loader": "load", "wh_mailer": "mail", "bi_read": "read"}


def rows() -> tuple[str, pd.DataFrame]:
    """Name of the workbook and its tidy rows."""
    folder = Path(os.environ.get("KLIMATPULS_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if (folder / REAL).is_file():
        return REAL, smhi_emissions.parse(((folder / REAL).read_bytes(),), "smhi_emissions", "ghg").rows
    with tempfile.TemporaryDirectory() as made:
        newest = read_workbooks(make_archive(Path(made) / "archive"))[-1].path
        return newest.name, smhi_emissions.parse((newest.read_bytes(),), "smhi_emissions", "ghg").rows


class Bench:
    """One cluster and one frame, loaded by three methods."""

    def __init__(self, cluster: Cluster, frame: pd.DataFrame, folder: Path) -> None:
        cluster.ensure_database("bench")
        migrate(cluster.dsn("bench"), PASSWORDS)
        self._cluster = cluster
        self._frame = frame
        self._dsn = cluster.dsn("bench", "wh_loader", PASSWORDS["wh_loader"])
        self._admin = cluster.dsn("bench")
        self._csv = folder / "rows.csv"
        self._whole(0).to_csv(self._csv, index=False, header=False)
        self._number = 0

    def _whole(self, number: int) -> pd.DataFrame:
        return self._frame.assign(run_id=number, release_id=RELEASE, substance="ghg")[COLUMNS]

    def partition(self) -> tuple[int, str]:
        """A new, empty partition, made as a load makes it, and open to every way in."""
        self._number += 1
        with closing(connect(self._dsn)) as conn, conn, conn.cursor() as cursor:
            cursor.execute("SELECT ops.create_load_partition('emission', %s)", (self._number,))
            (name,) = cursor.fetchone()
        return self._number, name

    def check(self, name: str) -> None:
        """Every row must have arrived, whatever the way."""
        with closing(connect(self._admin)) as conn, conn, conn.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM core.{name}")
            (count,) = cursor.fetchone()
            cursor.execute(f"DROP TABLE core.{name}")
        if count != len(self._frame):
            sys.exit(f"{name} holds {count} rows, expected {len(self._frame)}")

    def ours(self, number: int, name: str) -> None:
        """The loader of the project: constants, encoding, COPY."""
        constants = {"run_id": number, "release_id": RELEASE, "substance": "ghg"}
        with closing(connect(self._dsn)) as conn, conn, conn.cursor() as cursor:
            copy_rows(cursor, ("core", name), frame_rows(self._frame, constants))

    def to_sql(self, number: int, name: str) -> None:
        """What one writes with pandas: ``to_sql`` as it comes."""
        whole = self._whole(number)
        whole.to_sql(name, engine(self._dsn), schema="core", if_exists="append", index=False)

    def bare_copy(self, number: int, name: str) -> None:
        """psql's ``\\copy`` of a file that lies ready."""
        command = f"\\copy core.{name} FROM '{self._csv}' WITH (FORMAT csv)"
        subprocess.run(
            [self._cluster.psql, self._dsn, "-q", "-v", "ON_ERROR_STOP=1", "-c", command], check=True
        )

    def prepare_copy(self, number: int) -> None:
        """The file carries the number of its run: another one for every partition, outside the clock."""
        self._whole(number).to_csv(self._csv, index=False, header=False)


def seconds(call: Callable[[int, str], None], number: int, name: str) -> float:
    """Wall time of one way in."""
    began = time.perf_counter()
    call(number, name)
    return time.perf_counter() - began


def main() -> int:
    """Print the medians and their ratios; 1 when one is not what we promise."""
    words = argparse.ArgumentParser()
    words.add_argument("--runs", type=int, default=RUNS)
    runs = words.parse_args().runs
    workbook, frame = rows()
    times: dict[str, list[float]] = {"ours": [], "to_sql": [], "copy": []}
    with tempfile.TemporaryDirectory() as made, temporary_cluster(Path(made)) as cluster:
        bench = Bench(cluster, frame, Path(made))
        for _ in range(runs):
            for who, call in (("ours", bench.ours), ("copy", bench.bare_copy), ("to_sql", bench.to_sql)):
                number, name = bench.partition()
                if who == "copy":
                    bench.prepare_copy(number)
                times[who].append(seconds(call, number, name))
                bench.check(name)
    median = {who: statistics.median(found) for who, found in times.items()}
    faster, slower = median["to_sql"] / median["ours"], median["ours"] / median["copy"]
    print(
        json.dumps(
            {
                "bench": "load",
                "workbook": workbook,
                "rows": len(frame),
                "ours_s": round(median["ours"], 3),
                "to_sql_s": round(median["to_sql"], 2),
                "bare_copy_s": round(median["copy"], 3),
                "ratio_to_sql": round(faster, 1),
                "to_sql_at_least": TO_SQL_AT_LEAST,
                "ratio_to_copy": round(slower, 2),
                "to_copy_at_most": COPY_AT_MOST,
            }
        )
    )
    return 0 if faster >= TO_SQL_AT_LEAST and slower <= COPY_AT_MOST else 1


if __name__ == "__main__":
    sys.exit(main())
