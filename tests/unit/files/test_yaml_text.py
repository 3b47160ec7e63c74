"""One reader of YAML, with or without the library's part in C."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from klimatpuls.contract import schema
from klimatpuls.files.yaml_text import parse_yaml

CONTRACT = Path(schema.__file__).with_name("reference.yaml").read_text(encoding="utf-8")


def test_a_library_without_its_part_in_c_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = parse_yaml(CONTRACT)
    assert quick["marts"]["region"]
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert parse_yaml(CONTRACT) == quick


@pytest.mark.parametrize("part_in_c", [True, False])
@pytest.mark.parametrize(
    ("text", "line"), [("a: 1\nb: [\n", 3), ("a: 1\nb: !!python/object/apply:os.getcwd []\n", 2)]
)
def test_what_holds_no_plain_values_is_refused_with_its_line(
    monkeypatch: pytest.MonkeyPatch, text: str, line: int, *, part_in_c: bool
) -> None:
    if not part_in_c:
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    with pytest.raises(yaml.YAMLError, match=f"line {line},"):
        parse_yaml(text)
