"""The command line as a user has it: a process of its own, a home of its own, an environment without ours."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

KLIMATPULS = Path(sys.executable).with_name("klimatpuls")
OURS = ("KLIMATPULS_", "AIRFLOW", "SOURCES", "ARCHIVE", "AS_OF", "MAIL_APPROVAL", "SITE_")
PATIENCE = 280


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Commands:
    """Runs ``klimatpuls`` in one home."""

    home: Path

    def __call__(self, *words: str, **settings: str) -> Done:
        """Run a command to its end; ``settings`` are environment variables."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        ended = subprocess.run(
            [KLIMATPULS, *words],
            # The site's pages are built in each run; its PDFs, which take longest, are tested alone.
            env={**kept, "SITE_PDFS": "none", "KLIMATPULS_HOME": str(self.home), **settings},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE,
            check=False,
        )
        return Done(ended.returncode, ended.stdout, ended.stderr)

    def good(self, *words: str, **settings: str) -> str:
        """Run a command that must succeed; its output."""
        done = self(*words, **settings)
        assert done.code == 0, f"{words} ended with {done.code}\n{done.out}\n{done.err}"
        return done.out

    def rows(self, query: str) -> list[dict[str, str]]:
        """The rows of a query, read as ``bi_read``."""
        return list(csv.DictReader(io.StringIO(self.good("sql", query))))

    def value(self, query: str) -> str:
        """The one value of a query."""
        (row,) = self.rows(query)
        (value,) = row.values()
        return value

    def mails(self) -> list[Path]:
        """The caught mails, in the order of their arrival."""
        return sorted((self.home / "mail").glob("*.eml"))
