"""The dimensions: regions, sectors and substances from reference files, codes from the contract."""

from __future__ import annotations

import json
from typing import Any

from psycopg2.extras import execute_values

from klimatpuls import regions, schema, sectors, substances
from klimatpuls.warehouse.connection import load_sql


def dimension_rows() -> dict[str, list[tuple[Any, ...]]]:
    """Name of the upsert file in ``include/sql/load`` → its rows, parents before their children."""
    return {
        "upsert_region": [
            (r.code, r.name, r.level, r.county_code, r.sort_sv) for r in regions.regions().values()
        ],
        "upsert_sector": [
            (s.code, s.parent_code, s.name_sv, s.name_en, s.is_main, s.sort_order)
            for s in sectors.sectors().values()
        ],
        "upsert_substance": [
            (s.code, s.name_sv, s.name_en, s.is_ghg) for s in substances.substances().values()
        ],
        "upsert_code": [(c.code_list, c.code, c.name_sv, c.name_en, c.sort_order) for c in schema.codes()],
    }


def checksum_text() -> str:
    """The reference rows as text, so that a changed reference file is noticed like a changed view."""
    return json.dumps(dimension_rows(), ensure_ascii=False)


def load_dimensions(cursor: Any) -> None:
    """Insert or update the rows of the dimensions; a row that is in use is never deleted."""
    for name, rows in dimension_rows().items():
        execute_values(cursor, load_sql(f"load/{name}.sql"), rows, page_size=1000)
