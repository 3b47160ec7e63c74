"""Export, backup and restore at the size of the real releases: equal digests, in time, in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from support.pipeline_run import refresh

from klimatpuls.local import runtime
from klimatpuls.local.backup import make_backup, restore
from klimatpuls.local.home import Home
from klimatpuls.local.stack import Stack
from klimatpuls.pipeline.context import RunContext
from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.digest import warehouse_digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.real_data, pytest.mark.postgres, pytest.mark.timeout(900)]

DAYS = (date(2021, 10, 20), date(2024, 5, 20), date(2025, 7, 1), date(2026, 5, 8))
PATIENCE_SECONDS = 60
EXPORT_MB = 350
"""Peak memory of the process that exports 154 MB; the interpreter with pyarrow alone takes 80."""


@dataclass(frozen=True)
class Real:
    """A home with the four real releases, its database running."""

    home: Home
    stack: Stack


@pytest.fixture(scope="module")
def real(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    home = Home(tmp_path_factory.mktemp("real") / "home")
    home.remember(origin="archive", sources="mock", archive=str(real_data), as_of=DAYS[-1].isoformat())
    with Stack(home, sources="mock", archive=real_data) as stack:
        stack.start("test", runtime.DATABASE_ONLY, runtime.migrate_warehouse(home))
        dsn = runtime.warehouse_dsn(stack, "wh_loader")
        with closing(connect(dsn)) as conn:
            for day in DAYS:
                now = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
                context = RunContext(home=home.root, origin="archive", as_of=day, now=now)
                assert refresh(conn, dsn, real_data, context) is not None
        yield Real(home=home, stack=stack)


def _say(_: str) -> None:
    """Nobody listens."""


def test_backup_new_cluster_restore_equal_digests_in_a_minute(
    real: Real, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = time.monotonic()
    manifest = make_backup(real.stack, tmp_path / "real.tar", datetime.now(UTC))
    backed_up = time.monotonic()
    home, _ = restore(tmp_path / "real.tar", tmp_path / "home", _say)
    ended = time.monotonic()
    size = (tmp_path / "real.tar").stat().st_size
    with capsys.disabled():
        sys.stdout.write(
            f"\nbackup {backed_up - begun:.1f} s ({size / 1e6:.1f} MB), restore {ended - backed_up:.1f} s\n"
        )
    with Stack(home, sources="live") as stack:
        stack.start("test", runtime.DATABASE_ONLY)
        with closing(connect(runtime.warehouse_dsn(stack, "wh_loader"))) as conn:
            assert warehouse_digest(conn) == manifest.warehouse_digest
    with closing(connect(runtime.warehouse_dsn(real.stack, "wh_loader"))) as conn:
        assert warehouse_digest(conn) == manifest.warehouse_digest
    assert ended - begun < PATIENCE_SECONDS


_EXPORT = """
import json, re, sys, time
from pathlib import Path
from klimatpuls.operations.export import export
begun = time.monotonic()
done = export(sys.argv[1], Path(sys.argv[2]))
# Not ru_maxrss: that starts at the size of the process we were forked from.
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps({"rows": done.rows, "mb": done.size / 1e6, "s": time.monotonic() - begun, "peak": peak}))
"""


def test_an_export_takes_little_memory_and_gives_the_same_bytes(
    real: Real, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dsn, exported = runtime.warehouse_dsn(real.stack, "bi_read"), []
    for name in ("one", "two"):
        done = subprocess.run(
            [sys.executable, "-c", _EXPORT, dsn, str(tmp_path / name)],
            capture_output=True,
            text=True,
            check=True,
        )
        exported.append(json.loads(done.stdout))
    with capsys.disabled():
        sys.stdout.write(f"\nexport: {exported[0]}\n")
    first, second = (
        (tmp_path / name / "datapackage.json").read_text(encoding="utf-8") for name in ("one", "two")
    )
    assert first == second, "it holds the hash of every file"
    assert exported[0]["rows"] > 800_000
    assert exported[0]["peak"] < EXPORT_MB
