"""Traces a published number to the cell of the publisher's file that it comes from.

Reads ``mart`` as any reader may (``mart.lineage``, ``mart.release_file``, ``mart.source_row``) and the kept
raw bytes. Sums and ratios are computed again from their inputs, and every cell is read from its file: a trace
that shows no disagreement has found none.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from klimatpuls.contract import catalog, schema
from klimatpuls.contract.lineage import REGISTER, SOURCE, parse_input
from klimatpuls.domain import regions
from klimatpuls.domain.sectors import DOMESTIC_AVIATION
from klimatpuls.errors import KlimatpulsError, UsageError
from klimatpuls.fetch.snapshots import SnapshotStore
from klimatpuls.files.values import number_from_text
from klimatpuls.operations.recalculate import RULES, Inputs, NotDeclaredError
from klimatpuls.operations.tracing import Cell, File, Step, Trace
from klimatpuls.sources.protocol import has_sheets, read_sheet, source_module
from klimatpuls.statistics import series, trading
from klimatpuls.statistics.series import OUTSIDE_TRADING
from klimatpuls.statistics.standing import STATUS_COLUMNS
from klimatpuls.warehouse.connection import load_sql
from klimatpuls.warehouse.mart_rows import (
    compare,
    find_row,
    has_column,
    nearest,
    read_keys,
    read_rows,
    read_set,
    read_values,
)
from klimatpuls.warehouse.result_tables import table_behind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from psycopg2.extensions import cursor as Cursor

    from klimatpuls.contract.lineage import Input
    from klimatpuls.contract.schema import Fact, Mart
    from klimatpuls.fetch.snapshots import Snapshot
    from klimatpuls.sources.protocol import Sheet
    from klimatpuls.statistics.series import Boundary
    from klimatpuls.warehouse.mart_rows import Condition, Row

EMISSION_MARTS: Final = ("emission", "emission_by_release")
_BY_KEY: Final = (
    ("target_id", "target_progress"),
    ("boundary", "boundary_series"),
    ("release_id", "emission_by_release"),
    ("sector_code", "emission"),
    ("year", "emission"),
)
_NO_REGISTER: Final = frozenset({"release", "publication", "target_progress", "release_gate"})
"""Marts with texts and dates that no register of the network holds, or that say where they come from."""
_OF_STORED_STEP: Final = frozenset(STATUS_COLUMNS)
_SECTOR_LIST: Final = "sector_list:"
_OWN_SERIES: Final = "own_series:"


@dataclass(frozen=True, kw_only=True)
class Question:
    """Which numbers to trace.

    Attributes:
        region_code: The region.
        mart: The mart; None lets the keys decide.
        column: Its column; None for every column with a lineage.
        keys: Columns of the mart → their values, as text.
    """

    region_code: str
    mart: str | None = None
    column: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether only a region is named."""
        return self.mart is None and not self.keys

    @property
    def chosen_mart(self) -> str:
        """The named mart, else the one that has the keys."""
        if self.mart is not None:
            return self.mart
        if "measure_id" in self.keys:
            return "measure_effect" if "year" in self.keys else "measure"
        return next(mart for key, mart in _BY_KEY if key in self.keys)


@dataclass(frozen=True, kw_only=True)
class _Lineage:
    kind: str
    section: int | None
    formula_sv: str
    formula_en: str
    inputs: tuple[Input, ...]
    method_version: str


def find_region(text: str) -> str:
    """Return the code of a region from its code or name.

    Raises:
        UsageError: if there is no such region; names the nearest ones.
    """
    if text[:1].isdigit():
        return regions.region(text).code
    return regions.code_for(text)


def trace(cursor: Cursor, snapshots: Path, question: Question) -> Trace:
    """Trace numbers to their files.

    Args:
        cursor: Cursor as ``bi_read`` in a transaction.
        snapshots: Folder of the raw bytes.
        question: Which numbers.

    Returns:
        The trace.

    Raises:
        UsageError: if the question fits no row or several; lists the values to choose from.
        SnapshotError: if kept bytes are missing or damaged.
    """
    return Tracer(cursor, snapshots).answer(question)


def overview(cursor: Cursor, region_code: str) -> list[tuple[str, int, dict[str, list[str]]]]:
    """Return what can be traced of a region: mart, number of rows, and the values of its other keys.

    Args:
        cursor: Cursor as ``bi_read`` in a transaction.
        region_code: The region.
    """
    found = []
    for name in dict.fromkeys(mart for mart, _ in _read_lineages(cursor)):
        mart = schema.mart(name)
        if not has_column(mart, "region_code") or "release_id" in mart.key:
            continue  # a mart of every release reads one partition each, and repeats the current ones
        count, keys = read_keys(cursor, mart, {"region_code": region_code})
        if count:
            found.append((name, count, keys))
    return found


def _read_lineages(cursor: Cursor) -> dict[tuple[str, str], _Lineage]:
    """Return (mart, column) → formula and inputs, from the warehouse."""
    cursor.execute(load_sql("trace/lineage.sql"))
    return {
        (mart, column): _Lineage(
            kind=kind,
            section=section,
            formula_sv=formula_sv,
            formula_en=formula_en,
            inputs=tuple(parse_input(text) for text in inputs),
            method_version=version,
        )
        for mart, column, kind, section, formula_sv, formula_en, inputs, version in cursor.fetchall()
    }


class Tracer:
    """Answers questions about numbers, and reads everything once.

    Args:
        cursor: Cursor as ``bi_read``, in one transaction.
        snapshots: Folder of the raw bytes.
    """

    def __init__(self, cursor: Cursor, snapshots: Path) -> None:
        self._cursor = cursor
        self._store = SnapshotStore(snapshots)
        self._folder = snapshots
        self._steps: dict[tuple[Any, ...], Step] = {}
        self._sheets: dict[str, Sheet] = {}
        self._frames: dict[tuple[Any, ...], pd.DataFrame] = {}
        self._files: dict[str, File] = {}
        self._known: dict[str, File] = {}
        self._cells: dict[tuple[str, str], dict[tuple[str, int], tuple[float, int]]] = {}
        self._lineages = _read_lineages(cursor)
        self._releases: list[tuple[str, tuple[int, ...]]] = [
            (release_id, tuple(years)) for release_id, years in self._query("emission_releases")
        ]
        self._donors: list[tuple[str, tuple[int, ...]]] = [
            (release_id, tuple(years)) for release_id, years in self._query("aviation_releases")
        ]
        self._not_calculated: dict[str, str] = dict(self._query("not_calculated"))
        self._parsed: dict[str, pd.DataFrame] = {}
        self._known_files: dict[str, list[tuple[Any, ...]]] = {}
        for release_id, *about in self._query("files"):
            self._known_files.setdefault(release_id, []).append(tuple(about))

    def answer(self, question: Question) -> Trace:
        """Trace the numbers of a question; arguments, result and errors as for :func:`trace`."""
        self._steps, self._files = {}, {}
        mart = self._mart(question.chosen_mart)
        keys = dict(question.keys)
        if mart.name in ("emission", "emission_wide_by_sector"):
            keys.setdefault("substance", "ghg")
        if "release_id" in keys:
            keys["release_id"] = self._release_named(keys["release_id"])
        if has_column(mart, "region_code"):
            keys["region_code"] = question.region_code
        try:
            row = find_row(self._cursor, mart, keys)
        except UsageError as error:
            if why := self._not_calculated.get(table_behind(mart.name)):
                msg = f"{error}; this publication did not calculate the table: {why}"
                raise UsageError(msg) from None
            raise
        columns = [column for name, column in self._lineages if name == mart.name]
        if question.column is not None:
            columns = [self._column(mart, question.column)]
        steps = [
            self._number(mart, column, row, is_asked=True) for column in columns if row[column] is not None
        ]
        if not steps:
            why = f" (status {row['status']})" if row.get("status") else ""
            msg = f"mart.{mart.name} has nothing in {', '.join(columns)} of this row{why}"
            raise UsageError(msg)
        name = regions.region(question.region_code).name
        chosen = ", ".join(f"{key} {row[key]}" for key in mart.key if key != "region_code")
        return Trace(
            title=f"{question.region_code} {name}, mart.{mart.name}: {chosen or 'one row'}",
            steps=steps,
            files=dict(sorted(self._files.items())),
            publication_id=int(row["publication_id"]),
        )

    def _query(self, name: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        self._cursor.execute(load_sql(f"trace/{name}.sql"), values)
        found: list[tuple[Any, ...]] = self._cursor.fetchall()
        return found

    def _mart(self, name: str) -> Mart:
        known = sorted({mart for mart, _ in self._lineages})
        if name not in known:
            msg = f"mart.{name} has no numbers to trace{nearest(name, known)}; there are {', '.join(known)}"
            raise UsageError(msg)
        return schema.mart(name)

    def _release_named(self, part: str) -> str:
        """Return the release with this part of a name; the text itself where none or several have it."""
        fitting = [release_id for release_id in self._known_files if part in release_id]
        return fitting[0] if len(fitting) == 1 else part

    def _column(self, mart: Mart, name: str) -> str:
        known = [column for one, column in self._lineages if one == mart.name]
        if name not in known:
            msg = f"mart.{mart.name} has no number {name!r}{nearest(name, known)}; it has {', '.join(known)}"
            raise UsageError(msg)
        return name

    # ------------------------------------------------------------------------- from a number to its inputs

    def _number(self, mart: Mart, column: str, row: Row, *, is_asked: bool = False) -> Step:
        """Return one number of one row, with its inputs; one of whole sets is recalculated if asked for."""
        key = (mart.name, column, *(str(row[name]) for name in mart.key))
        about = self._lineages.get((mart.name, column))
        if key in self._steps:
            known = self._steps[key]
            if is_asked and about is not None and known.recomputed is None:
                known.recomputed = self._recalculate(mart, column, row, about)
            return known
        release_id = row.get("release_id")
        step = Step(
            what=f"mart.{mart.name}.{column}",
            which={name: str(row[name]) for name in mart.key},
            value=row[column],
            unit=_unit_of(mart, column, row),
            release_id=release_id,
        )
        self._steps[key] = step
        if release_id is not None:
            self._file(release_id)
        if about is not None:
            step.formula_sv, step.formula_en = about.formula_sv, about.formula_en
            step.section, step.method_version = about.section, about.method_version
        self._say_where(step, mart, column, row)
        stored = _stored_note(mart, column, row)
        step.note = "; ".join(filter(None, (step.note, stored, self._not_calculated_note(mart))))
        if about is not None and not stored:
            step.inputs = [
                *step.inputs,
                *(one for part in about.inputs for one in self._input(part, mart, row)),
            ]
            if step.recomputed is None and (is_asked or not any(part.is_set for part in about.inputs)):
                step.recomputed = self._recalculate(mart, column, row, about)
        return step

    def _say_where(self, step: Step, mart: Mart, column: str, row: Row) -> None:
        """Add the cell of the file, the sum or the register that a number comes from."""
        about = self._lineages.get((mart.name, column))
        if mart.name in EMISSION_MARTS:
            step.cell = self._cell(row["release_id"], row["region_code"], row["sector_code"], row["year"])
        elif mart.name == "boundary_series":
            self._explain_boundary(step, row["region_code"], row["boundary"], row["year"], row["release_id"])
            step.note = ", ".join([row["status"], *row["flags"]])
        elif about is not None and about.kind == SOURCE and not about.inputs:
            step.cell = self._source_cell(mart, column, row)
        elif mart.name == "criteria_summary":
            step.note = f"stored by the last publication of {row['as_of_date']}"
        elif mart.name not in _NO_REGISTER and (about is None or about.kind == REGISTER):
            step.note = _register_note(mart, row)

    def _not_calculated_note(self, mart: Mart) -> str:
        why = self._not_calculated.get(table_behind(mart.name))
        return "" if why is None else f"this publication did not calculate the table: {why}"

    def _recalculate(self, mart: Mart, column: str, row: Row, about: _Lineage) -> float | None:
        """Return the number again, from the rows that its lineage declares.

        None where there is no rule, and for a number that was stored: its inputs are no longer those shown.
        """
        rule = RULES.get((mart.name, column))
        is_stored = _stored_note(mart, column, row) or table_behind(mart.name) in self._not_calculated
        if rule is None or is_stored or row[column] is None:
            return None

        def read(name: str) -> pd.DataFrame:
            declared = [one for one in about.inputs if name in (one.mart, f"{one.mart}.{one.column}")]
            if not declared:
                msg = f"lineage of mart.{mart.name}.{column} does not declare {name}"
                raise NotDeclaredError(msg)
            # Several columns of the same rows are one set of rows.
            distinct = {replace(one, column=""): one for one in declared if one.is_about(row)}
            frames = [self._frame(one, mart, row) for one in distinct.values()]
            return _joined(frames, schema.mart(declared[0].mart))

        inputs = Inputs(
            row=row,
            read=read,
            releases=[release_id for release_id, _ in self._releases],
            donors=[release_id for release_id, _ in self._donors],
        )
        value = rule(inputs, column)
        return None if value is None else float(value)

    def _frame(self, part: Input, own: Mart, row: Row) -> pd.DataFrame:
        """Return the rows of an input; a whole set is read once."""
        mart = schema.mart(part.mart)
        if part.is_own_row and part.mart == own.name:
            return pd.DataFrame([row])
        if part.mart == "boundary_series" and _is_of_register(row) and not part.is_set:
            return _as_series(self._own_boundary(part, row), row)
        if not part.is_set:
            return pd.DataFrame(self._found(part, mart, row))
        chosen = tuple((one.column, one.relation, str(one.value(row))) for one in part.conditions)
        key = (part.mart, chosen)
        if key not in self._frames:
            self._frames[key] = read_set(self._cursor, mart, [compare(mart, *one) for one in chosen])
        return self._frames[key]

    def _input(self, part: Input, own: Mart, row: Row) -> Iterator[Step]:
        """Yield the steps of an input of a row."""
        if not part.is_about(row):
            return
        mart = schema.mart(part.mart)
        if part.is_set:
            yield self._set(part, row)
        elif part.is_own_row and part.mart == own.name:
            if row.get(part.column) is not None:
                yield self._number(own, part.column, row)
        elif part.mart == "boundary_series" and _is_of_register(row):
            yield from self._own_boundary(part, row)
        else:
            for found in self._found(part, mart, row):
                if found[part.column] is not None:
                    yield self._number(mart, part.column, found)

    def _set(self, part: Input, row: Row) -> Step:
        chosen = {one.column: str(one.value(row)) for one in part.conditions}
        key = (part.mart, part.column, "*", *sorted(chosen.items()))
        if key not in self._steps:
            self._steps[key] = Step(
                what=f"mart.{part.mart}.{part.column}",
                which=chosen,
                note="every row of it; name a row to trace it",
            )
            for release_id in self._releases_of(part, row):
                self._file(release_id)
        return self._steps[key]

    def _releases_of(self, part: Input, row: Row) -> list[str]:
        """Return the releases of a whole set of rows."""
        mart = schema.mart(part.mart)
        if part.mart in ("boundary_series", "emission_by_release"):
            own = [one.value(row) for one in part.conditions if one.column == "release_id"]
            return [str(one) for one in own] or [name for name, _ in self._releases]
        if not has_column(mart, "release_id"):
            return []
        keys = {one.column: str(one.value(row)) for one in part.conditions if one.value(row) is not None}
        return read_values(self._cursor, mart, "release_id", keys)

    def _found(self, part: Input, mart: Mart, row: Row) -> list[Row]:
        """Return the rows of another mart that an input names; none where the row has no value for it."""
        conditions: list[Condition] = []
        named = {one.column for one in part.conditions}
        for one in part.conditions:
            value = one.value(row)
            if value is None:
                return []
            conditions.append(compare(mart, one.column, one.relation, str(value)))
        for key in mart.key:
            if key not in named and row.get(key) is not None:
                conditions.append(compare(mart, key, "=", str(row[key])))
        rows = read_rows(self._cursor, mart, conditions)
        if part.in_territory:
            rows = [found for found in rows if found["sector_code"] in series.TERRITORIAL_SECTORS]
        if not part.in_trend:
            return rows
        published = dict(self._releases).get(str(row.get("release_id")), ())
        return [
            found
            for found in rows
            if found["year"] in published and series.KNOWN_DEFECT not in found["flags"]
        ]

    # ----------------------------------------------------------------------------------------- boundaries

    def _explain_boundary(self, step: Step, region: str, boundary: str, year: int, release_id: str) -> None:
        chosen = trading.WITHOUT_AVIATION if boundary == OUTSIDE_TRADING else series.BOUNDARIES[boundary]
        place = [name for name, _ in self._releases].index(release_id)
        if year in self._releases[place][1]:
            step.recomputed, step.inputs = self._sum(place, region, chosen, year)
        else:
            self._link(step, place, region, chosen, year)
        if boundary == OUTSIDE_TRADING and step.recomputed is not None:
            plants = self._plants(region, year)
            step.inputs = [*step.inputs, plants]
            step.recomputed -= plants.value

    def _plants(self, region: str, year: int) -> Step:
        """Return the verified emissions of a municipality's plants."""
        mart = schema.mart("ets_plant")
        chosen = [compare(mart, "region_code", "=", region), compare(mart, "year", "=", str(year))]
        found = [row for row in read_rows(self._cursor, mart, chosen) if row["verified_tco2e"] is not None]
        return Step(
            what="verified emissions of the plants in emissions trading",
            which={"region_code": region, "year": str(year)},
            value=sum(row["verified_tco2e"] for row in found),
            unit="t CO2e",
            sign="−",
            inputs=[self._number(mart, "verified_tco2e", row) for row in found],
        )

    def _link(self, step: Step, place: int, region: str, boundary: Boundary, year: int) -> None:
        """Explain a year that only an older release has: its value there times the ratio of the releases."""
        older = [at for at in range(place - 1, -1, -1) if year in self._releases[at][1]]
        if not older:
            return
        old = older[0]
        common = sorted(set(self._releases[place][1]) & set(self._releases[old][1]))
        ratios = {}
        for one in common:
            below, above = (
                self._sum(old, region, boundary, one)[0],
                self._sum(place, region, boundary, one)[0],
            )
            if below > 0:
                ratios[one] = above / below
        if not ratios:
            return
        value = self._whole(old, region, boundary, year)
        factor = float(np.interp(year, list(ratios), list(ratios.values())))
        nearest = [max((one for one in ratios if one < year), default=None)]
        nearest.append(min((one for one in ratios if one > year), default=None))
        step.inputs = [
            value,
            Step(
                what="ratio new/old, straight in time between the nearest common years",
                which={"year": str(year)},
                value=factor,
                sign="×",
                inputs=[
                    Step(
                        what="ratio new/old",
                        which={"year": str(one)},
                        value=ratios[one],
                        inputs=[
                            self._whole(place, region, boundary, one),
                            self._whole(old, region, boundary, one, sign="÷"),
                        ],
                    )
                    for one in nearest
                    if one is not None
                ],
            ),
        ]
        step.recomputed = value.value * factor

    def _whole(self, place: int, region: str, boundary: Boundary, year: int, sign: str = "") -> Step:
        """Return a boundary's value in one release."""
        release_id = self._releases[place][0]
        key = ("boundary", release_id, region, boundary.code, year, sign)
        if key not in self._steps:
            value, inputs = self._sum(place, region, boundary, year)
            self._steps[key] = Step(
                what=f"boundary {boundary.code}",
                which={"year": str(year), "release_id": release_id},
                value=value,
                unit="t CO2e",
                sign=sign,
                release_id=release_id,
                inputs=inputs,
            )
        return self._steps[key]

    def _sum(self, place: int, region: str, boundary: Boundary, year: int) -> tuple[float, list[Step]]:
        """Return the sum of a boundary in a release, and its sectors; see :mod:`.statistics.series`."""
        release_id = self._releases[place][0]
        steps = [self._sector(release_id, region, code, year, "+") for code in boundary.plus]
        steps += [
            self._sector(release_id, region, code, year, "−")
            for code in boundary.minus
            if code != DOMESTIC_AVIATION
        ]
        if boundary.without_aviation:
            steps += self._aviation(release_id, region, year)
        total = sum(step.value if step.sign == "+" else -step.value for step in steps)
        return float(total), steps

    def _sector(self, release_id: str, region: str, sector: str, year: int, sign: str = "") -> Step:
        key = ("sector", release_id, region, sector, year, sign)
        if (sector, year) not in self._release_cells(release_id, region):
            msg = (
                f"release {release_id} has no {sector} of {region} in {year}, on which the number rests; "
                f"ask for a year that the region has in that release (klimatpuls trace {region})"
            )
            raise UsageError(msg)
        if key not in self._steps:
            self._steps[key] = Step(
                what="emissions",
                which={"region_code": region, "sector_code": sector, "year": str(year)},
                value=self._release_cells(release_id, region)[sector, year][0],
                unit="t CO2e",
                sign=sign,
                release_id=release_id,
                cell=self._cell(release_id, region, sector, year),
            )
        return self._steps[key]

    def _aviation(self, release_id: str, region: str, year: int) -> list[Step]:
        """Return domestic aviation as the release shows it, or its tonnes in another release that does."""
        if self._shows_aviation(release_id, region, year):
            return [self._sector(release_id, region, DOMESTIC_AVIATION, year, "−")]
        offers = [
            # The nearest year, of two equally near the earlier; the newest release that has it.
            (abs(one - year), one, -place, donor)
            for place, (donor, years) in enumerate(self._donors)
            for one in years
            if self._shows_aviation(donor, region, one)
        ]
        if not offers:
            return []
        _, nearest, _, donor = min(offers)
        aviation = self._sector(donor, region, DOMESTIC_AVIATION, nearest)
        transport = self._sector(release_id, region, series.TRANSPORT, year)
        is_capped = aviation.value > transport.value
        return [
            Step(
                what="domestic aviation, its tonnes in another release"
                + (", at most all of transport" if is_capped else ""),
                which={"year": str(year)},
                value=min(aviation.value, transport.value),
                unit="t CO2e",
                sign="−",
                inputs=[aviation, transport] if is_capped else [aviation],
            )
        ]

    def _shows_aviation(self, release_id: str, region: str, year: int) -> bool:
        return (DOMESTIC_AVIATION, year) in self._release_cells(release_id, region)

    def _own_boundary(self, part: Input, row: Row) -> Iterator[Step]:
        """Yield the values of a boundary of the register: a list of sectors, or values from its owner."""
        years = [one for one in part.conditions if one.column == "year"]
        wanted = [(one.relation, one.value(row)) for one in years]
        name = str(row["boundary"])
        if name.startswith(_OWN_SERIES):
            mart = schema.mart("own_series")
            chosen = compare(mart, "series_id", "=", name.removeprefix(_OWN_SERIES))
            for found in read_rows(self._cursor, mart, [chosen]):
                if _is_wanted(found["year"], wanted):
                    yield self._number(mart, "value", found)
            return
        mart = schema.mart("sector_list")
        chosen = compare(mart, "list_id", "=", name.removeprefix(_SECTOR_LIST))
        for found in read_rows(self._cursor, mart, [chosen]):
            boundary = series.Boundary(name, tuple(found["sector_codes"]))
            place = [one for one, _ in self._releases].index(row["release_id"])
            for year in self._releases[place][1]:
                if _is_wanted(year, wanted):
                    yield self._whole(place, str(row["region_code"]), boundary, year)

    # ---------------------------------------------------------------------------------------------- files

    def _release_cells(self, release_id: str, region: str) -> dict[tuple[str, int], tuple[float, int]]:
        """(sector, year) → value and sheet row of one region in one release of emissions."""
        key = (release_id, region)
        if key not in self._cells:
            values = {"fact": "emission", "release_id": release_id, "region_code": region}
            self._cells[key] = {
                (found["sector_code"], int(found["year"])): (float(found["emissions"]), sheet_row)
                for sheet_row, found in self._query("source_row", values)
            }
        return self._cells[key]

    def _cell(self, release_id: str, region: str, sector: str, year: int) -> Cell:
        _, sheet_row = self._release_cells(release_id, region)[sector, year]
        sheet = self._sheet(release_id)
        content = sheet.cell(sheet_row, year)
        return Cell(
            release_id=release_id,
            row=sheet_row,
            sheet=sheet.name,
            column=sheet.columns[year],
            content=str(content),
            number=number_from_text(content) if isinstance(content, str) else float(content),
        )

    def _source_cell(self, mart: Mart, column: str, row: Row) -> Cell | None:
        """Return the row of the answer that a fact of another source was read from, as it is read now."""
        if mart.fact is None:
            return None
        fact, release_id = schema.fact(mart.fact), row["release_id"]
        values = {"fact": fact.name, "release_id": release_id, "region_code": row.get("region_code")}
        for sheet_row, found in self._query("source_row", values):
            if all(str(found[key]) == str(row[key]) for key in fact.key):
                if not any(has_sheets(catalog.source_of(name)) for name in catalog.datasets_of(fact.name)):
                    value = self._read_again(release_id, fact, row).get(column)
                    return Cell(release_id=release_id, row=sheet_row, content=str(value), number=value)
                sheet, year = self._sheet(release_id), row["year"]
                content = str(sheet.cell(sheet_row, year))  # in the unit of the sheet
                place = (sheet.name, sheet.columns[year])
                return Cell(
                    release_id=release_id, row=sheet_row, sheet=place[0], column=place[1], content=content
                )
        return None

    def _read_again(self, release_id: str, fact: Fact, row: Row) -> Mapping[str, Any]:
        """Return the fact with the keys of a row, from the kept answer parsed again; empty if it is gone."""
        if release_id not in self._parsed:
            snapshot, parts = self._bodies(release_id)
            module = source_module(catalog.source(snapshot.source))
            self._parsed[release_id] = module.parse(parts, snapshot.dataset, snapshot.substance).rows
        chosen = self._parsed[release_id]
        for key in fact.key:
            chosen = chosen[chosen[key].astype(str) == str(row[key])]
        found = chosen.to_dict("records")
        return {str(name): _plain(value) for name, value in found[0].items()} if len(found) == 1 else {}

    def _sheet(self, release_id: str) -> Sheet:
        """Returns the table of a release's kept file."""
        if release_id not in self._sheets:
            self._file(release_id)
            snapshot, (body,) = self._bodies(release_id)
            self._sheets[release_id] = read_sheet(catalog.source(snapshot.source), body, snapshot.substance)
        return self._sheets[release_id]

    def _file(self, release_id: str) -> None:
        """Note the file that a release was read from; its bytes are compared with their hash."""
        if release_id not in self._known:
            snapshot, _ = self._bodies(release_id)
            (sha256, _, published, url, retrieved_at, size, _), *others = self._known_files[release_id]
            self._known[release_id] = File(
                release_id=release_id,
                sha256=sha256,
                url=url,
                published_date=published,
                retrieved_at=retrieved_at,
                size_bytes=size,
                kept=tuple(str(self._folder / place) for place in self._store.places(snapshot)),
                same_content=tuple(other[0] for other in others),
            )
        self._files[release_id] = self._known[release_id]

    def _bodies(self, release_id: str) -> tuple[Snapshot, tuple[bytes, ...]]:
        """Return the kept answer that a release was read from, whole and undamaged."""
        files = self._known_files.get(release_id, [])
        if not files or not files[0][1]:
            msg = f"mart.release_file does not say which file {release_id} was read from"
            raise KlimatpulsError(msg)
        snapshot = self._store.read(files[0][-1])
        return snapshot, self._store.read_parts(snapshot)


def _joined(frames: Sequence[pd.DataFrame], mart: Mart) -> pd.DataFrame:
    """Return the rows of several inputs of a mart; an empty frame has its columns too."""
    known = [frame for frame in frames if not frame.empty]
    if not known:
        return pd.DataFrame(columns=[column.name for column in mart.columns])
    if len(known) == 1:
        return known[0]
    return pd.concat(known, ignore_index=True).drop_duplicates(list(mart.key), ignore_index=True)


def _is_wanted(year: int, wanted: Sequence[tuple[str, Any]]) -> bool:
    return all(
        value is not None and (year >= int(value) if relation == ">=" else year == int(value))
        for relation, value in wanted
    )


def _is_of_register(row: Row) -> bool:
    """Whether a row is about a boundary of the register, which ``mart.boundary_series`` does not hold."""
    return str(row.get("boundary", "")).startswith((_SECTOR_LIST, _OWN_SERIES))


def _as_series(values: Iterator[Step], row: Row) -> pd.DataFrame:
    """Return the values of such a boundary as rows of ``mart.boundary_series``."""
    return pd.DataFrame(
        {
            "region_code": row["region_code"],
            "boundary": row["boundary"],
            "year": int(step.which["year"]),
            "emissions_tco2e": step.value,
            "status": series.OBSERVED,
            "flags": [],
            "release_id": step.release_id or "",
        }
        for step in values
    )


def _unit_of(mart: Mart, column: str, row: Row) -> str:
    """Return the unit of a number; of one whose unit stands in its row, that one."""
    unit = next(one.unit or "" for one in mart.columns if one.name == column)
    return str(row.get("unit") or "") if unit == "see unit" else unit


def _plain(value: Any) -> Any:
    """Return a number of a frame as Python's own; None for a missing one."""
    if value is None or pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def _stored_note(mart: Mart, column: str, row: Row) -> str:
    """Return by whom a number was stored that cannot be calculated again from what is held; else nothing."""
    if (
        mart.name == "standing_change"
        and column in _OF_STORED_STEP
        and row["stored_publication_id"] is not None
    ):
        return (
            f"stored by publication {row['stored_publication_id']}, with another version of the methods; "
            "it is not calculated again"
        )
    if mart.name == "release_gate":
        return f"measured when release {row['release_id']} was validated, and stored then"
    return ""


def _register_note(mart: Mart, row: Row) -> str:
    """Return which entry of a register the number comes from, and its document."""
    parts = [f"the register behind mart.{mart.name} says so"]
    if row.get("decided_on") is not None:
        parts.append(
            f"decided on {row['decided_on']}{' by ' + row['decided_by'] if row.get('decided_by') else ''}"
        )
    if row.get("document_url"):
        parts.append(str(row["document_url"]))
    return ", ".join(parts)
