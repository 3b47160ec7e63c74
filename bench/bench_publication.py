"""A publication at 20 releases against one at 1, and a dashboard's questions while one is made.

The warehouse holds twenty releases of a synthetic workbook of all greenhouse gases, each a little other than
the one before, with population and the project's registers; every publication calculates every result. Eight
readers ask the queries of ``include/sql/checks/dashboard`` as ``bi_read``, in turns, while a release is
withdrawn and restored without a pause; every answer must have rows where the same query has them in peace.

    python bench/bench_publication.py [--runs N]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2

from klimatpuls.contract.releases import content_sha256, release_id
from klimatpuls.local.postgres import temporary_cluster
from klimatpuls.mock_agencies.archive import make_archive, read_workbooks
from klimatpuls.paths import SQL_ROOT
from klimatpuls.pipeline import sync_registers
from klimatpuls.pipeline.approval import decide_release
from klimatpuls.sources import smhi_emissions
from klimatpuls.statistics import results
from klimatpuls.warehouse import publication, runs
from klimatpuls.warehouse.connection import connect, load_sql
from klimatpuls.warehouse.loader import FactLoader, frame_rows
from klimatpuls.warehouse.migrate import migrate

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.contract.releases import Parsed
    from klimatpuls.local.postgres import Cluster

RUNS = 7
RELEASES, READERS = 20, 8
DIFFERENCE_AT_MOST_S = 0.3
P95_AT_MOST_MS = 50.0
PASSWORDS = {"wh_loader": "load", "wh_mailer": "mail", "bi_read": "read"}
AS_OF = date(2026, 5, 8)
NOW = datetime(2026, 5, 8, 9, tzinfo=UTC)
QUERIES = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted((SQL_ROOT / "checks/dashboard").glob("*.sql"))
    if path.stem != "data_status"  # a table of polls, and nothing polls here
}


def newest(folder: Path) -> Parsed:
    """The newest synthetic workbook of all greenhouse gases."""
    books = [book for book in read_workbooks(make_archive(folder)) if book.substance == "ghg"]
    return smhi_emissions.parse((books[-1].path.read_bytes(),), "smhi_emissions", "ghg")


class House:
    """A warehouse that takes releases by hand."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        cluster.ensure_database(name)
        migrate(cluster.dsn(name), PASSWORDS)
        self.bi_dsn = cluster.dsn(name, "bi_read", PASSWORDS["bi_read"])
        self.conn: PgConnection = connect(cluster.dsn(name, "wh_loader", PASSWORDS["wh_loader"]))
        sync_registers.sync_registers(self.conn)

    def add(self, parsed: Parsed) -> str:
        """Load one release and let it pass."""
        name = release_id(parsed)
        with self.conn, self.conn.cursor() as cursor:
            run = runs.start_run(
                self.conn, source="smhi_emissions", origin="synthetic", as_of=AS_OF, orchestrator_run=None
            )
            constants = {"run_id": run.run_id, "release_id": name, "substance": parsed.substance}
            loader = FactLoader(self.conn, run.run_id)
            loader.add(name, "emission", frame_rows(parsed.rows, constants))
            loader.finish()
            cursor.execute(
                load_sql("write/insert_release.sql"),
                {
                    "release_id": name,
                    "source": "smhi_emissions",
                    "dataset": parsed.dataset,
                    "substance": parsed.substance,
                    "unit": parsed.unit,
                    "gwp_set": None,
                    "published_date": parsed.published_date,
                    "known_from": parsed.published_date,
                    "retrieved_at": NOW,
                    "content_sha256": content_sha256(parsed),
                    "file_sha256": content_sha256(parsed),
                    "years": list(parsed.years),
                    "row_count": len(parsed.rows),
                    "rejected_count": 0,
                    "notes": [],
                    "origin": "synthetic",
                    "run_id": run.run_id,
                },
            )
            cursor.execute(
                load_sql("write/set_verdict_state.sql"), {"state": "validated", "release_id": name}
            )
            runs.set_run_state(self.conn, run.run_id, "validated", "by hand")
        return name

    def publish(self) -> float:
        """Publish what is new; returns the seconds."""
        began = time.perf_counter()
        made = publication.publish(self.conn, as_of=AS_OF, compute=results.each_result, list_address=None)
        if made is None:
            sys.exit("there was nothing to publish")
        return time.perf_counter() - began

    def decide(self, name: str, action: Any) -> None:
        """Withdraw or restore."""
        decide_release(self.conn, name, action=action, decided_by="operator", reason="a measurement", now=NOW)

    def seconds(self, name: str, times: int) -> list[float]:
        """Seconds of each of several publications that bring a release back; the ones between go unseen."""
        found = []
        for _ in range(times):
            self.decide(name, "withdraw")
            self.publish()
            self.decide(name, "restore")
            found.append(self.publish())
        return found


def ask(dsn: str, over: threading.Event, rows: dict[str, int], times: dict[str, list[float]]) -> None:
    """Run every query in turn until the end is signalled."""
    with closing(psycopg2.connect(dsn)) as conn, conn.cursor() as cursor:
        conn.autocommit = True
        while not over.is_set():
            for name, query in QUERIES.items():
                began = time.perf_counter()
                cursor.execute(query)
                count = len(cursor.fetchall())
                times[name].append(time.perf_counter() - began)
                if count == 0 and rows[name]:
                    sys.exit(f"{name} had no rows during a publication")


def main() -> int:
    """Print publish times and the 95th percentile of the queries; 1 when one is over its bound."""
    words = argparse.ArgumentParser()
    words.add_argument("--runs", type=int, default=RUNS)
    times_n = words.parse_args().runs
    with tempfile.TemporaryDirectory() as made, temporary_cluster(Path(made)) as cluster:
        base = newest(Path(made) / "archive")
        releases = [
            replace(
                base,
                published_date=date(2006 + number, 5, 7),
                rows=base.rows.assign(emissions=base.rows["emissions"] * (1 + number / 1000)),
            )
            for number in range(RELEASES)
        ]
        one, many = House(cluster, "one"), House(cluster, "many")
        few = [one.add(parsed) for parsed in releases[-2:]]
        one.publish()
        one.decide(few[0], "withdraw")
        one.publish()
        all_of_them = [many.add(parsed) for parsed in releases]
        many.publish()
        single, twenty = one.seconds(few[1], times_n), many.seconds(all_of_them[-1], times_n)

        rows = {}
        with closing(psycopg2.connect(many.bi_dsn)) as conn, conn.cursor() as cursor:
            for name, query in QUERIES.items():
                cursor.execute(query)
                rows[name] = len(cursor.fetchall())
        if missing := [name for name, count in rows.items() if not count and name != "members"]:
            sys.exit(f"no rows in peace: {', '.join(missing)}")
        over = threading.Event()
        times: dict[str, list[float]] = {name: [] for name in QUERIES}
        readers = [
            threading.Thread(target=ask, args=(many.bi_dsn, over, rows, times)) for _ in range(READERS)
        ]
        for reader in readers:
            reader.start()
        many.seconds(all_of_them[-1], 2)
        over.set()
        for reader in readers:
            reader.join()
    difference = statistics.median(twenty) - statistics.median(single)
    whole = sorted(second for found in times.values() for second in found)
    p95 = 1000 * whole[int(0.95 * len(whole))]
    print(
        json.dumps(
            {
                "bench": "publication",
                "publish_at_1_s": round(statistics.median(single), 3),
                "publish_at_20_s": round(statistics.median(twenty), 3),
                "difference_s": round(difference, 3),
                "difference_at_most": DIFFERENCE_AT_MOST_S,
                "queries": len(whole),
                "p95_ms": round(p95, 1),
                "p95_at_most": P95_AT_MOST_MS,
                "median_ms": {
                    name: round(1000 * statistics.median(found), 1) for name, found in times.items()
                },
                "rows": rows,
            }
        )
    )
    return 0 if difference <= DIFFERENCE_AT_MOST_S and p95 <= P95_AT_MOST_MS else 1


if __name__ == "__main__":
    sys.exit(main())
