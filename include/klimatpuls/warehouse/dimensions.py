"""The dimensions: regions, sectors and substances from reference files, codes from the contract."""

from __future__ import annotations

import csv
import json
from importlib import resources
from typing import TYPE_CHECKING, Any

from psycopg2.extras import execute_values

from klimatpuls.contract import lineage, schema
from klimatpuls.domain import regions, sectors, substances
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor


def dimension_rows() -> dict[str, list[tuple[Any, ...]]]:
    """Name of the upsert file in ``include/sql/write`` → its rows, parents before their children."""
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
        "upsert_sector_quality": [_quality_row(row) for row in _reference("sector_quality")],
        "upsert_region_change": [
            tuple(value or None for value in row.values()) for row in _reference("region_changes")
        ],
        "upsert_lineage": [
            (o.mart, o.column, o.kind, o.methods_section, list(o.inputs), o.formula_sv, o.formula_en)
            for o in lineage.lineages()
        ],
        "upsert_code": [(c.code_list, c.code, c.name_sv, c.name_en, c.sort_order) for c in schema.codes()],
    }


_QUALITY_NOTES = {
    True: (
        "1 bra, 2 vissa osäkerheter, 3 osäkert; ju finare geografi, desto osäkrare",
        "1 good, 2 some uncertainty, 3 uncertain; the finer the geography, the less certain",
    ),
    False: (
        "Sektorns klass har inte gått att läsa; den finns i RUS kvalitetsbeskrivning",
        "The class of the sector could not be read; it stands in RUS' description of quality",
    ),
}
_QUALITY_SOURCE = "Länsstyrelserna, RUS: metod- och kvalitetsbeskrivning av den nationella emissionsdatabasen"


def _quality_row(row: dict[str, str]) -> tuple[Any, ...]:
    sector, *classes = row.values()
    numbers = [int(number) if number else None for number in classes]
    return (sector, *numbers, *_QUALITY_NOTES[numbers[0] is not None], _QUALITY_SOURCE)


def _reference(name: str) -> list[dict[str, str]]:
    text = resources.files("klimatpuls.domain").joinpath(f"reference/{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def checksum_text() -> str:
    """The reference rows as text, so that a changed reference file is noticed like a changed view."""
    return json.dumps(dimension_rows(), ensure_ascii=False)


def load_dimensions(cursor: Cursor) -> None:
    """Insert or update the rows of the dimensions, and count them; a row that is in use is never deleted."""
    cursor.execute(load_sql("write/clear_lineage.sql"))
    for name, rows in dimension_rows().items():
        execute_values(cursor, load_sql(f"write/{name}.sql"), rows, page_size=1000)
    cursor.execute(load_sql("write/analyze_dimensions.sql"))
