"""Which code calculates: a hash of the project's own code and of the libraries that formulas use."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

LIBRARIES: Final = ("numpy", "pandas", "psycopg2-binary")


@cache
def code_sha256() -> str:
    """64 hexadecimal digits that change with every line of the package, its SQL and the libraries' versions.

    A table that could not be calculated is tried again once this has changed.
    """
    from klimatpuls.paths import SQL_ROOT

    total = hashlib.sha256()
    for name in LIBRARIES:
        total.update(f"{name} {version(name)}\n".encode())
    package = Path(__file__).resolve().parents[1]
    for root, pattern in ((package, "*.py"), (package, "*.csv"), (package, "*.yaml"), (SQL_ROOT, "*.sql")):
        for path in sorted(root.rglob(pattern)):
            total.update(f"{path.relative_to(root).as_posix()}\n".encode())
            total.update(path.read_bytes())
    return total.hexdigest()
