"""The tags of our DAGs, from one list."""

from __future__ import annotations

from enum import StrEnum


class Layer(StrEnum):
    """The pipeline step that a DAG belongs to."""

    POLL = "layer:poll"
    INGEST = "layer:ingest"
    REVIEW = "layer:review"
    PUBLISH = "layer:publish"
    REPORT = "layer:report"
    REGISTERS = "layer:registers"
    WATCH = "layer:watch"


def source_tag(source_id: str) -> str:
    """Return the tag of everything that belongs to one source."""
    return f"source:{source_id}"
