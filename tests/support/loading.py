"""Parsed releases and refused cells written into the warehouse without the pipeline's steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from klimatpuls.contract import catalog, schema
from klimatpuls.warehouse.loader import FactLoader, copy_rejects, frame_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.contract.releases import Parsed


def load_facts(conn: PgConnection, run_id: int, releases: Sequence[tuple[str, Parsed]]) -> dict[str, int]:
    """Fill and attach the partitions of one source run; rows per release id. The caller commits."""
    loader = FactLoader(conn, run_id)
    loaded: dict[str, int] = {}
    for release_id, parsed in releases:
        fact = schema.fact(catalog.dataset(parsed.dataset).fact)
        fact.check_frame(parsed.rows.columns)
        constants: dict[str, Any] = {"run_id": run_id, "release_id": release_id}
        if fact.by_substance:
            constants["substance"] = parsed.substance
        loaded[release_id] = loader.add(release_id, fact.name, frame_rows(parsed.rows, constants))
    loader.finish()
    return loaded


def load_rejects(conn: PgConnection, run_id: int, snapshot: dict[str, Any], rejects: pd.DataFrame) -> int:
    """Write the refused cells of some bytes; returns how many. The caller commits."""
    return copy_rejects(conn, frame_rows(rejects, {"run_id": run_id, **snapshot}))
