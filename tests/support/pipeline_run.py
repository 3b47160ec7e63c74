"""The pipeline's steps without Airflow, and small synthetic archives to run them on."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from klimatpuls.contract import catalog
from klimatpuls.contract.catalog import SOURCES
from klimatpuls.contract.releases import Fetched
from klimatpuls.domain import regions, sectors, substances
from klimatpuls.fetch.http import open_session
from klimatpuls.fetch.snapshots import SnapshotStore
from klimatpuls.mock_agencies import workbook
from klimatpuls.mock_agencies.archive import make_archive
from klimatpuls.mock_agencies.server import MockAgencies, MockServer
from klimatpuls.pipeline import load, publish, snapshot, sync_registers, validate
from klimatpuls.pipeline.context import RunContext
from klimatpuls.sources import smhi_emissions
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.contract.catalog import Source
    from klimatpuls.contract.releases import Parsed
    from klimatpuls.pipeline.validate import ValidationResult
    from klimatpuls.warehouse.publication import Published

LIST_ADDRESS = "list@example.org"
FURTHER_FOLDERS = ("eu_ets", "kolada", "naturvardsverket", "trafa")
"""Folders of sources that the small archive leaves out."""
ENERGY = "energy.csv"
SMALL_YEARS = (1990, 2015, 2020, 2021, 2023, 2024)
"""Six years of the bundled archive: the first one, the publisher's gaps, and enough years for a trend."""
SECTORS_SHOWN = len(sectors.main_codes()) + 1
"""The main sectors and their sum."""
CELLS_A_YEAR = len(regions.regions()) * SECTORS_SHOWN
SMALL_CELLS = CELLS_A_YEAR * len(SMALL_YEARS)
"""Figures of a release of the small archive."""


def refresh(conn: PgConnection, dsn: str, archive: Path, context: RunContext) -> Published | None:
    """Fetch every source from a mock server as of the context's day, and publish what is new."""
    with MockServer(MockAgencies(archive, context.as_of)) as server:
        for source in map(unthrottled, SOURCES.values()):
            run_id = begin(conn, source, context)
            with open_session(source, server.url + source.mock_path) as session:
                taken = snapshot.take_snapshots(conn, source, session, context, run_id=run_id)
            if taken.state == "fetched":
                load.load_run(conn, source, taken.run_id, context)
                validate.validate_run(conn, dsn, source, taken.run_id, context)
    sync_registers.sync_registers(conn, context.registers)
    return publish.publish_validated(conn, context, LIST_ADDRESS)


def begin(conn: PgConnection, source: Source, context: RunContext) -> int:
    """Start a source run; returns its id."""
    with conn:
        return runs.start_run(
            conn, source=source.id, origin=context.origin, as_of=context.as_of, orchestrator_run=None
        ).run_id


def take(
    dsn: str, context: RunContext, dataset: str, parts: Sequence[bytes], substance: str | None = None
) -> ValidationResult:
    """Snapshot, load and validate the bytes of a release.

    If it is not publishable, nothing may be published. Whatever the verdict, the bytes must be kept. The
    default substance is the first one of the dataset.
    """
    source = catalog.source_of(dataset)
    fetched = Fetched(
        source=source.id,
        dataset=dataset,
        substance=substance or source.dataset(dataset).substances[0],
        url=source.live_base_url,
        parts=tuple(parts),
    )
    with closing(connect(dsn)) as conn:
        run_id = begin(conn, source, context)
        kept = snapshot._put(source, fetched, context)
        assert snapshot._enter(conn, source, kept, run_id)
        load.load_run(conn, source, run_id, context)
        result = validate.validate_run(conn, dsn, source, run_id, context)
        if not result.publishable:
            assert publish.publish_validated(conn, context, LIST_ADDRESS) is None
    store = SnapshotStore(context.snapshots)
    assert store.read_parts(store.read(kept.manifest_path)) == fetched.parts
    return result


def context_of(home: Path, day: date) -> RunContext:
    """The context of a run on synthetic data, at nine on a day."""
    now = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    return RunContext(home=home, origin="synthetic", as_of=day, now=now)


def unthrottled(source: Source) -> Source:
    """The source without a rate limit, which a mock server does not need."""
    return replace(source, calls_per_window=())


def sheet_rows(parsed: Parsed, day: date, factor: float = 1.0) -> list[list[Any]]:
    """Rows of a workbook: the main sectors of a release with another date and every figure multiplied."""
    rows: list[list[Any]] = workbook.preamble(str(parsed.substance), day, parsed.years)
    codes = [code for code in dict.fromkeys(parsed.rows["sector_code"]) if "." not in code]
    places = pd.MultiIndex.from_product([codes, workbook.region_order()])
    wide = parsed.rows.pivot_table(index=["sector_code", "region_code"], columns="year", values="emissions")
    rows += [
        [*workbook.sector_names(code), *workbook.region_names(region), *figures]
        for (code, region), figures in zip(
            places, (wide.loc[places] * factor).to_numpy().tolist(), strict=True
        )
    ]
    return rows


def make_archives(folder: Path) -> None:
    """Write the bundled archive as ``whole``, and two extracts of it with a tenth of the rows.

    ``small`` has the main sectors of all gases in ``SMALL_YEARS`` and SCB's tables but energy; ``every`` also
    has the newest year of energy, and all other sources. Both have every area: the gates count them.
    """
    whole = make_archive(folder / "whole")
    small = folder / "small"
    shutil.copytree(whole / "scb", small / "scb", ignore=shutil.ignore_patterns(ENERGY))
    (small / "smhi").mkdir()
    for path in sorted((whole / "smhi").glob("GGT*.xlsx")):
        (small / "smhi" / path.name).write_bytes(few_rows(path, "ghg"))
    every = folder / "every"
    shutil.copytree(small, every)
    shutil.copy(whole / "scb" / ENERGY, every / "scb")
    _keep_rows(every / "scb" / ENERGY, "year", lambda years: {max(years)})
    for name in FURTHER_FOLDERS:
        shutil.copytree(whole / name, every / name)
    _keep_rows(every / "kolada" / "data.csv", "period", lambda years: years & set(map(str, SMALL_YEARS)))


def few_rows(path: Path, substance: str) -> bytes:
    """An extract of a workbook: ``SMALL_YEARS`` and main sectors only."""
    parsed = smhi_emissions.parse([path.read_bytes()], "smhi_emissions", substance)
    years = tuple(year for year in parsed.years if year in SMALL_YEARS)
    few = replace(parsed, years=years, rows=parsed.rows[parsed.rows["year"].isin(years)])
    name = substances.substance(substance).name_sv
    return workbook.build_workbook(sheet_rows(few, parsed.published_date), sheet_name=name)


def _keep_rows(path: Path, column: str, choose: Callable[[set[str]], set[str]]) -> None:
    """Keep only the rows of a CSV file with the chosen values of a column."""
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    rows[rows[column].isin(choose({*rows[column]}))].to_csv(path, index=False)
