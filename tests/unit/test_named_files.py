"""A file that a message, docstring or comment names is there: a person is told to open or change it."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = PROJECT / "include" / "klimatpuls"
NAMED = re.compile(
    r"(?<![\w/.<>{}-])((?:include/)?klimatpuls/[\w/]+|reference/\w+|docs/[\w/]+)\.(py|csv|yaml|po|md)\b"
)
CODE = [*PACKAGE.rglob("*.py"), *(PROJECT / "plugins").rglob("*.py"), *(PROJECT / "dags").rglob("*.py")]


def place_of(name: str) -> Path:
    if name.startswith("reference/"):
        return PACKAGE / "domain" / name
    return PROJECT / "include" / name if name.startswith("klimatpuls/") else PROJECT / name


def test_the_files_that_the_code_names_exist() -> None:
    missing = set()
    for path in CODE:
        text = re.sub(r'"\s*\n\s*f?"', "", path.read_text(encoding="utf-8"))
        named = {f"{found[1]}.{found[2]}" for found in NAMED.finditer(text)}
        missing |= {f"{path.name}: {name}" for name in named if not place_of(name).exists()}
    assert missing == set()
