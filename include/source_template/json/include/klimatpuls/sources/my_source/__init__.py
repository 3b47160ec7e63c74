"""my_source: what the file looks like, when it changes, and which oddities are handled."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from klimatpuls.contract.releases import Fetched, Parsed
from klimatpuls.errors import SourceFormatError
from klimatpuls.fetch.assumptions import Checked
from klimatpuls.fetch.http import poll_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from klimatpuls.contract.releases import Poll
    from klimatpuls.fetch.http import PoliteSession

SOURCE_ID = "my_source"
PATH = "/values.json"
RECOGNISES = "JSON with the keys published and my_source"


def fetch(
    session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
) -> Fetched:
    """Returns the newest file."""
    answer = session.get(f"{base_url}{PATH}")
    return Fetched(
        source=SOURCE_ID,
        dataset=dataset,
        substance=substance,
        url=answer.url,
        parts=(answer.body,),
        http=answer.facts,
        known_from=answer.known_from,
    )


def poll(
    session: PoliteSession,
    base_url: str,
    dataset: str,
    substance: str | None,
    *,
    as_of: date,
    validators: Mapping[str, str],
) -> Poll:
    """Requests the file only if it changed."""
    return poll_file(session, f"{base_url}{PATH}", {}, validators)


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Returns one row per region and year.

    Raises:
        SourceFormatError: if the file is not the expected JSON.
    """
    document = _document(parts[0])
    frame = pd.DataFrame(document[SOURCE_ID], columns=["region_code", "year", "my_source_count"])
    frame["sheet_row"] = range(len(frame))
    is_missing = frame["my_source_count"].isna()
    rows = frame[~is_missing].astype(
        {"region_code": "str", "year": "int64", "my_source_count": "int64", "sheet_row": "int64"}
    )
    rejects = pd.DataFrame(
        {
            "sheet_row": frame["sheet_row"],
            "column_name": "my_source_count",
            "raw_value": "",
            "reason": "missing value",
        }
    )[is_missing]
    return Parsed(
        dataset=dataset,
        substance=substance,
        unit="count",
        published_date=date.fromisoformat(document["published"]),
        years=tuple(sorted(rows["year"].unique().tolist())),
        rows=rows.reset_index(drop=True),
        rejects=rejects.reset_index(drop=True),
        rows_read=len(frame),
    )


def recognise(body: bytes) -> tuple[str, str | None] | None:
    """Returns the dataset of a file given by hand; None if it is not a file of this source."""
    try:
        _document(body)
    except SourceFormatError:
        return None
    return SOURCE_ID, None


def check(session: PoliteSession, base_url: str, *, as_of: date) -> Iterator[Checked]:
    """Yields each assumption about the agency, compared with its answer."""
    parsed = parse([session.get(f"{base_url}{PATH}").body], SOURCE_ID, None)
    yield Checked(
        assumption="the file states the day of its figures and has rows",
        answer=f"{len(parsed.rows)} rows of {parsed.published_date}",
        verdict="holds" if len(parsed.rows) else "fails",
        action="" if len(parsed.rows) else "Compare the file with the agency's page.",
    )


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError as error:
        msg = f"{SOURCE_ID}: expected JSON ({error}). What to do: open the address in a browser."
        raise SourceFormatError(msg, rule="not_json") from error
    expected = {"published", SOURCE_ID}
    if not isinstance(document, dict) or set(document) != expected:
        found = sorted(document) if isinstance(document, dict) else type(document).__name__
        msg = f"{SOURCE_ID}: expected {sorted(expected)}, found {found}. What to do: compare with the page."
        raise SourceFormatError(msg, rule="unexpected_keys")
    return document
