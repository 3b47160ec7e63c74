"""Turns bytes from outside into rows, in a process of its own (:mod:`klimatpuls.files.isolation`).

The functions take names and bytes and return plain values. Rows are text for COPY, so the process that loads
them does not import pandas.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klimatpuls.contract import catalog
from klimatpuls.errors import SourceFormatError
from klimatpuls.fetch.snapshots import SnapshotStore
from klimatpuls.sources.protocol import source_module
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.loader import Rows, frame_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import pandas as pd

    from klimatpuls.contract.releases import Parsed

DUPLICATE_KEY = "duplicate_key"
LOST_CELLS = "lost_cells"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A release that was read from a file and is ready to be loaded.

    Attributes:
        release_id: Its name.
        content_sha256: Hash of its content.
        fact: Name of the fact its rows are of.
        unit: Unit as the publisher writes it.
        gwp_set: The set of warming potentials, if the release states it.
        published_date: The publisher's own date.
        years: Years it covers, ascending.
        notes: Notes for the operator, one sentence each.
        losses: Notes on parts that are missing while the rest was read.
        rows: The facts.
        rejects: The rejected cells.
    """

    release_id: str
    content_sha256: str
    fact: str
    unit: str
    gwp_set: str | None
    published_date: date
    years: tuple[int, ...]
    notes: tuple[str, ...]
    losses: tuple[str, ...]
    rows: Rows
    rejects: Rows


def read_snapshot(
    source_id: str,
    store: str,
    manifest_path: str,
    dataset: str,
    substance: str | None,
    run_id: int,
    came_back_on: date | None = None,
) -> Read:
    """Read a kept snapshot: its rows with every cell accounted for, and the hash of its content.

    Args:
        source_id: Catalogue id of the source.
        store: Folder of the kept bytes.
        manifest_path: The snapshot's manifest inside it.
        dataset: Catalogue id of the dataset.
        substance: Our substance code, or None.
        run_id: The source run that loads the rows; a column of each of them.
        came_back_on: Day on which the content came back after other content, or None; see
            :func:`klimatpuls.contract.releases.content_sha256`.

    Raises:
        SourceFormatError: if the bytes do not fit the contract, or the parser lost cells or repeated a key.
        SnapshotError: if the kept bytes are missing or damaged.
    """
    from klimatpuls.contract.value_ranges import refuse_impossible  # pandas, as below

    kept = SnapshotStore(Path(store))
    snapshot = kept.read(manifest_path)
    module = source_module(catalog.source(source_id))
    parsed = refuse_impossible(module.parse(kept.read_parts(snapshot), dataset, substance))
    parsed = replace(parsed, notes=(*notes_of_question(snapshot.http), *parsed.notes))
    return prepare(parsed, run_id, snapshot.sha256, came_back_on=came_back_on)


def notes_of_question(http: Mapping[str, object]) -> tuple[str, ...]:
    """Return the notes of a manifest on how an answer was fetched: limits, another table, missing areas."""
    notes = http.get("notes")
    return tuple(map(str, notes)) if isinstance(notes, list | tuple) else ()


def prepare(parsed: Parsed, run_id: int, sha256: str, *, came_back_on: date | None = None) -> Read:
    """Prepare a parsed release for loading.

    Args:
        parsed: The rows of a release.
        run_id: The source run that loads them.
        sha256: Hash of the snapshot they were read from.
        came_back_on: Day on which the content came back after other content, or None.

    Raises:
        SourceFormatError: ``lost_cells`` if rows and rejects are not as many as the cells that were read,
            ``duplicate_key`` if two rows have the same key.
        ContractError: if the columns differ from the contract.
    """
    from klimatpuls.contract import releases  # pandas, which the loading process does not import

    what = name_of_file(parsed.dataset, parsed.substance, sha256)
    found = len(parsed.rows) + len(parsed.rejects)
    if parsed.rows_read != found:
        msg = (
            f"{what}: {parsed.rows_read} cells were read, but {len(parsed.rows)} rows and "
            f"{len(parsed.rejects)} rejected cells came out. This is a fault of the parser, not of the file: "
            "nothing was loaded; report it."
        )
        raise SourceFormatError(msg, rule=LOST_CELLS)
    fact = releases.fact_of(parsed.dataset)
    fact.check_frame(parsed.rows.columns)
    _check_key(parsed.rows, fact.key, what)
    named = parsed if came_back_on is None else replace(parsed, published_date=came_back_on)
    content = releases.content_sha256(named, came_back=came_back_on is not None)
    release_id = releases.release_id(parsed, content)
    constants: dict[str, Any] = {"run_id": run_id, "release_id": release_id}
    if fact.by_substance:
        constants["substance"] = parsed.substance
    return Read(
        release_id=release_id,
        content_sha256=content,
        fact=fact.name,
        unit=parsed.unit,
        gwp_set=parsed.gwp_set,
        published_date=parsed.published_date,
        years=tuple(map(int, parsed.years)),
        notes=tuple(dict.fromkeys(map(str, (*parsed.notes, *parsed.losses)))),
        losses=tuple(map(str, parsed.losses)),
        rows=frame_rows(parsed.rows, constants),
        rejects=frame_rows(
            parsed.rejects,
            {
                "run_id": run_id,
                "snapshot_sha256": sha256,
                "dataset": parsed.dataset,
                "substance": parsed.substance or runs.NOT_BY_SUBSTANCE,
            },
        ),
    )


def name_of_file(dataset: str, substance: str | None, sha256: str) -> str:
    """Return how messages name a file. Example: ``smhi_emissions ghg (file 1f3a90bc)``."""
    return f"{dataset} {substance} (file {sha256[:8]})" if substance else f"{dataset} (file {sha256[:8]})"


def _check_key(rows: pd.DataFrame, key: tuple[str, ...], what: str) -> None:
    repeated = rows.duplicated(list(key))
    if not repeated.any():
        return
    findings = [
        f"row {row['sheet_row']}: {', '.join(f'{name} {row[name]}' for name in key)} came before"
        for row in rows[repeated].head(10).to_dict("records")
    ]
    msg = (
        f"{what}: {int(repeated.sum())} rows repeat the key of another row ({findings[0]}). Nothing was "
        "loaded: which of the two is right cannot be told from the file."
    )
    raise SourceFormatError(msg, rule=DUPLICATE_KEY, findings=findings)
