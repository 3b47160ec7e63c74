"""YAML as the files of this project hold it: plain values, names and lists, nothing that runs."""

from __future__ import annotations

from typing import Any


def parse_yaml(text: str) -> Any:
    """The values a YAML text holds.

    Args:
        text: Content of a file.

    Raises:
        yaml.YAMLError: if it is no YAML or asks for more than plain values, with the line.
    """
    import yaml

    # The loader in C, where the library has it, takes an eighth of the time, and every process reads YAML.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)  # noqa: S506 - either loader is a safe one
