"""Compares publishing a whole year of SMHI's, thirty workbooks, with only reading and copying them.

Ours: every workbook through ``load_run`` (parse, hash, COPY, key, statistics) and a publication with every
result, without an orchestrator and without Great Expectations. The floor: calamine reads the same files into
Python, and psql's ``\\copy`` takes the same rows, from files prepared before, into tables of the same columns
without a key. Each run of ours is its own process, so that its memory can be measured; so is the private
memory of PostgreSQL's processes. The workbooks are synthetic: no year of thirty is held.

    python bench/bench_year.py [--runs N]
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from python_calamine import CalamineWorkbook

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.contract.releases import Fetched
from klimatpuls.domain import sectors
from klimatpuls.domain.substances import substances
from klimatpuls.local.postgres import temporary_cluster
from klimatpuls.mock_agencies import workbook
from klimatpuls.pipeline import load, publish, snapshot, sync_registers
from klimatpuls.pipeline.context import RunContext
from klimatpuls.sources import smhi_emissions
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from klimatpuls.local.postgres import Cluster

SMHI_EMISSIONS = SOURCES["smhi_emissions"]
RUNS = 3
RATIO_AT_MOST = 2.5
PEAK_AT_MOST_MB = 600.0
YEARS = (1990, 2000, 2005, 2010, *range(2015, 2025))
SECTORS = 44
"""Sectors and sub-sectors of a sheet: 192 000 figures, thirty sheets 5.8 million."""
AS_OF = date(2026, 5, 8)
PASSWORDS = {"wh_loader": "load", "wh_mailer": "mail", "bi_read": "read"}


def make_books(folder: Path) -> None:
    """One workbook per substance, figures drawn from a seed."""
    draw = np.random.default_rng(20260508)
    mains = ["all", *sectors.main_codes()]
    rest = [code for code in sectors.sectors() if code not in mains]
    codes = [*mains, *rest][:SECTORS]
    for entry in substances().values():
        rows = workbook.preamble(entry.code, date(2026, 5, 7), YEARS, unit=entry.expected_unit or "ton/år")
        for code in codes:
            figures = draw.lognormal(3.0, 2.0, (len(workbook.region_order()), len(YEARS)))
            rows += [
                [*workbook.sector_names(code), *workbook.region_names(region), *own]
                for region, own in zip(workbook.region_order(), figures.tolist(), strict=True)
            ]
        (folder / f"{entry.code}.xlsx").write_bytes(workbook.build_workbook(rows, sheet_name="Utsläpp"))


def take_the_year(folder: Path, dsn: str, home: Path) -> dict[str, float]:
    """Load and publish every workbook; returns the seconds of each part."""
    now = datetime(AS_OF.year, AS_OF.month, AS_OF.day, 9, tzinfo=UTC)
    context = RunContext(home=home, origin="synthetic", as_of=AS_OF, now=now)
    seconds: dict[str, float] = {}
    with closing(connect(dsn)) as conn:
        sync_registers.sync_registers(conn)
        source = SMHI_EMISSIONS
        with conn:
            run = runs.start_run(
                conn, source=source.id, origin="synthetic", as_of=AS_OF, orchestrator_run=None
            )
        for entry in substances().values():
            fetched = Fetched(
                source=source.id,
                dataset="smhi_emissions" if entry.is_ghg else "smhi_air_pollutants",
                substance=entry.code,
                url=f"file:{entry.code}",
                parts=((folder / f"{entry.code}.xlsx").read_bytes(),),
            )
            snapshot._enter(conn, source, snapshot._put(source, fetched, context), run.run_id)
        began = time.perf_counter()
        done = load.load_run(conn, source, run.run_id, context)
        seconds["load"] = time.perf_counter() - began
        if done.quarantined:
            sys.exit(f"a workbook was refused: {done.quarantined[0]}")
        with conn, conn.cursor() as cursor:
            # As if every gate had been passed: their work is not measured here.
            cursor.execute("UPDATE core.dim_release SET state = 'validated' WHERE state = 'loaded'")
            runs.set_run_state(conn, run.run_id, "validated", "by hand")
        began = time.perf_counter()
        made = publish.publish_validated(conn, context, None)
        seconds["publish"] = time.perf_counter() - began
    if made is None:
        sys.exit("there was nothing to publish")
    seconds["rows"] = sum(made.rows[name] for name in ("emission", "air_pollutant"))
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    seconds["peak_mb"] = int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024
    return seconds


def write_rows(folder: Path, into: Path) -> None:
    """The rows of every workbook as a CSV file, for the floor."""
    for path in sorted(folder.glob("*.xlsx")):
        rows = smhi_emissions.parse((path.read_bytes(),), "smhi_emissions", path.stem).rows
        rows.insert(0, "run_id", 1)
        rows.insert(1, "release_id", f"smhi-{path.stem}-2026-05-07-00000000")
        rows.insert(2, "substance", path.stem)
        rows.to_csv(into / f"{path.stem}.csv", index=False, header=False)


def floor(cluster: Cluster, folder: Path, ready: Path) -> float:
    """Seconds of reading every workbook with calamine and copying every row."""
    dsn = cluster.dsn("floor")
    with closing(connect(dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS year")
        cursor.execute(
            "CREATE TABLE year (run_id bigint NOT NULL, release_id text NOT NULL, substance text NOT NULL, "
            "region_code text NOT NULL, sector_code text NOT NULL, year smallint NOT NULL, "
            "emissions double precision NOT NULL, sheet_row integer)"
        )
    began = time.perf_counter()
    for path in sorted(folder.glob("*.xlsx")):
        CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
        command = f"\\copy year FROM '{ready / path.stem}.csv' WITH (FORMAT csv)"
        subprocess.run([cluster.psql, dsn, "-q", "-v", "ON_ERROR_STOP=1", "-c", command], check=True)
    return time.perf_counter() - began


class Memory:
    """The most memory of its own that any process of a cluster had while it was watched."""

    def __init__(self, data: Path) -> None:
        self._postmaster = int((data / "postmaster.pid").read_text(encoding="ascii").split()[0])
        self._over = threading.Event()
        self._beside = threading.Thread(target=self._watch)
        self.peak_mb = 0.0

    def __enter__(self) -> Memory:
        self._beside.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._beside.join()

    def _watch(self) -> None:
        while not self._over.wait(0.2):
            self.peak_mb = max([self.peak_mb, *self._own()])

    def _own(self) -> Iterator[float]:
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                text = status.read_text(encoding="utf-8")
            except OSError:
                continue  # it ended meanwhile
            if f"\nPPid:\t{self._postmaster}\n" in text:
                yield int(re.findall(r"RssAnon:\s+(\d+)", text)[0]) / 1024


def main() -> int:
    """Print the medians and their ratio; 1 when it or the memory is over its bound."""
    words = argparse.ArgumentParser()
    words.add_argument("--runs", type=int, default=RUNS)
    words.add_argument("--take", nargs=3, metavar=("BOOKS", "DSN", "HOME"), help="one run of ours")
    given = words.parse_args()
    if given.take:
        books, dsn, home = given.take
        print(json.dumps(take_the_year(Path(books), dsn, Path(home))))
        return 0
    times: dict[str, list[float]] = {"ours": [], "floor": [], "load": [], "publish": []}
    peak, server, result = 0.0, 0.0, {}
    with tempfile.TemporaryDirectory() as made, temporary_cluster(Path(made)) as cluster:
        books, ready = Path(made) / "books", Path(made) / "ready"
        books.mkdir()
        ready.mkdir()
        make_books(books)
        write_rows(books, ready)
        cluster.ensure_database("floor")
        for number in range(given.runs):
            times["floor"].append(floor(cluster, books, ready))
            cluster.ensure_database(f"year{number}")
            migrate(cluster.dsn(f"year{number}"), PASSWORDS)
            dsn = cluster.dsn(f"year{number}", "wh_loader", PASSWORDS["wh_loader"])
            home = Path(made) / f"home{number}"
            with Memory(cluster.data) as memory:
                ended = subprocess.run(
                    [sys.executable, __file__, "--take", str(books), dsn, str(home)],
                    stdout=subprocess.PIPE,
                    text=True,
                    check=True,
                )
            result = json.loads(ended.stdout.strip().splitlines()[-1])
            for part in ("load", "publish"):
                times[part].append(result[part])
            times["ours"].append(result["load"] + result["publish"])
            peak, server = max(peak, result["peak_mb"]), max(server, memory.peak_mb)
            with closing(cluster.connect()) as conn:
                conn.autocommit = True
                conn.cursor().execute(f"DROP DATABASE year{number}")
    median = {name: statistics.median(found) for name, found in times.items()}
    ratio = median["ours"] / median["floor"]
    print(
        json.dumps(
            {
                "bench": "year",
                "rows": result["rows"],
                **{f"{name}_s": round(found, 1) for name, found in median.items()},
                "ratio": round(ratio, 2),
                "ratio_at_most": RATIO_AT_MOST,
                "peak_mb": round(peak),
                "server_peak_mb": round(server),
                "peak_at_most_mb": PEAK_AT_MOST_MB,
            }
        )
    )
    return 0 if ratio <= RATIO_AT_MOST and max(peak, server) <= PEAK_AT_MOST_MB else 1


if __name__ == "__main__":
    sys.exit(main())
