"""What docs/bi.md tells an analyst to type, typed."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

from klimatpuls.local.postgres import binaries

if TYPE_CHECKING:
    from klimatpuls.local.home import Home

pytestmark = [pytest.mark.bi, pytest.mark.timeout(900)]
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "bi.md").read_text(encoding="utf-8")


def _block(heading: str, language: str) -> str:
    """The first block of a language under a heading of the page."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    found = re.search(rf"^```{language}\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def test_psql_reads_the_members(home: Home) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), str(binaries()), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euc", _block("psql", "sh")],
        env={**os.environ, "PATH": path, "KLIMATPULS_HOME": str(home.root)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 18
    assert all(re.fullmatch(r"\d{4}", row["region_code"]) for row in rows)
    assert all(float(row["territorial_tco2e"]) > 0 for row in rows)
    assert len({row["publication_id"] for row in rows}) == 1


def test_pandas_adds_first_and_divides_then(bi_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSN", bi_dsn)
    names: dict[str, Any] = {}
    exec(_block("pandas", "python"), names)
    result = names["t_per_capita"]
    with closing(psycopg2.connect(bi_dsn)) as conn, conn.cursor() as cursor:
        cursor.execute(
            "SELECT sum(e.emissions_tco2e) / sum(p.population_count) FROM mart.emission AS e "
            "INNER JOIN mart.population AS p USING (region_code, year) WHERE e.level = 'municipality' "
            "AND e.sector_code = 'all' AND e.substance = 'ghg' AND e.year = 2024"
        )
        (expected,) = cursor.fetchone()
    assert result[2024] == pytest.approx(expected)
    ratios = names["both"]["emissions_tco2e"] / names["both"]["population_count"]
    assert abs(ratios[names["both"]["year"] == 2024].mean() - expected) > 0.1


def test_bi_read_may_not_write(bi_dsn: str) -> None:
    with closing(psycopg2.connect(bi_dsn)) as conn, conn.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM mart.publication")
        assert cursor.fetchone() == (1,)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("CREATE TEMP TABLE scratch (a int)")
