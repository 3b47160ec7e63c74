"""Reads YAML files of this project: plain values, names and lists only."""

from __future__ import annotations

from typing import Any


def parse_yaml(text: str) -> Any:
    """Parse a YAML text.

    Args:
        text: Content of a file.

    Raises:
        yaml.YAMLError: if it is no YAML or holds more than plain values; the message names the line.
    """
    import yaml

    # The loader in C, if installed, takes an eighth of the time, and every process reads YAML.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are safe
