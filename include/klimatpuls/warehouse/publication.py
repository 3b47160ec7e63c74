"""The step publish: turns validated releases into marts under a new publication, by rows and without DDL.

Facts and results are written under a new ``publication_id`` that readers do not see. One transaction then
sets the states of the releases, the pointer ``mart.current_publication`` and the outbox row, so readers never
wait and never see half a publication. A second publisher waits for the lock and then finds nothing to do.
"""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, fields
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2 import sql

from klimatpuls.contract import catalog, schema
from klimatpuls.contract.causes import OverrideCause, cause_from_json, causes_to_json
from klimatpuls.contract.releases import Release, predecessors
from klimatpuls.domain.defects import Defect, defect_cells
from klimatpuls.domain.method_version import METHOD_VERSION
from klimatpuls.errors import WarehouseError, WrongHomeError
from klimatpuls.statistics.crosschecks import Side
from klimatpuls.statistics.results import EarlierRelease, ResultInputs
from klimatpuls.warehouse import causes as cause_rules
from klimatpuls.warehouse import member_results, register_rows
from klimatpuls.warehouse.code_version import code_sha256
from klimatpuls.warehouse.connection import connect_like, fetch_row, load_sql, named_rows
from klimatpuls.warehouse.facts import SUBSTANCE, mart_key
from klimatpuls.warehouse.frames import read_frame
from klimatpuls.warehouse.result_tables import Before, ResultTables, attempt, not_fresh, read_statuses
from klimatpuls.warehouse.runs import NOT_BY_SUBSTANCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    import pandas as pd
    from psycopg2.extensions import connection as PgConnection
    from psycopg2.extensions import cursor as Cursor

    from klimatpuls.contract.causes import Cause
    from klimatpuls.contract.schema import Fact
    from klimatpuls.statistics.steps import Failure, Result
    from klimatpuls.warehouse.member_results import Reassessed
    from klimatpuls.warehouse.result_tables import TableStatus

EMISSION_DATASET = "smhi_emissions"
LEAD_SUBSTANCE = "ghg"
EMISSION_FACT = "emission"
AVIATION_SUBSTANCES = frozenset({LEAD_SUBSTANCE, "co2"})
"""Substances whose releases include domestic aviation; nearly all of it is carbon dioxide."""
RECONCILED_FACTS = (EMISSION_FACT, "air_pollutant")
DIGEST_LEADS_WITH = frozenset({"network_summary", "region_overview"})
"""Tables a digest cannot do without: it is held back until a publication has them."""
FORMULA_FACTS = frozenset(
    {"population", "population_forecast", "indicator", "national_emission", "ets_plant"}
)
"""Facts the formulas depend on; written first."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """The result of a publication.

    Attributes:
        publication_id: The new publication.
        causes: Why it was made.
        release_ids: Releases published for the first time.
        digest_queued: Whether a digest was put into the outbox.
        rows: Rows written per table of ``mart_data``.
        stale: The result tables that could not be calculated.
    """

    publication_id: int
    causes: tuple[Cause, ...]
    release_ids: tuple[str, ...]
    digest_queued: bool
    rows: Mapping[str, int] = field(default_factory=dict)
    stale: tuple[TableStatus, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    """A release that the publication may show, and the run and years of its facts."""

    release: Release
    origin: str
    run_id: int
    years: tuple[int, ...]
    decided_by: str | None
    decision_reason: str | None

    @property
    def id(self) -> str:
        return self.release.release_id


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What the new publication will show, and what the present one shows.

    Attributes:
        pointer: The row of the present publication.
        present: The result tables of the present publication.
        is_second_try: Whether nothing is new but the code, or a person asked. Then it is published only if a
            table that could not be calculated before now can.
        shown_facts: Fact → the facts id under which the present publication shows it.
        candidates: Every release the publication may show.
        follows: Release id → the id of the release before it in its series, whatever the order of loading.
        current: Series → the candidate that will be current.
        shown: Ids of the releases the present publication shows, withdrawn ones included.
        before: Id → dataset of the releases that are current in it, withdrawn ones included.
        register_sha256: Hash of the registers.
        registers_at: When the registers last changed; they are read as of this moment.
        origin: ``live``, ``archive`` or ``synthetic``.
    """

    pointer: Mapping[str, Any]
    present: Before
    is_second_try: bool
    shown_facts: Mapping[str, int]
    candidates: tuple[_Candidate, ...]
    follows: Mapping[str, str | None]
    current: Mapping[tuple[str, str | None], _Candidate]
    shown: frozenset[str]
    before: Mapping[str, str]
    register_sha256: str
    registers_at: datetime | None
    origin: str

    @property
    def newcomers(self) -> tuple[_Candidate, ...]:
        return tuple(c for c in self.candidates if c.release.state == "validated")

    @property
    def restored(self) -> tuple[_Candidate, ...]:
        return tuple(c for c in self.candidates if c.release.state == "published" and c.id not in self.shown)

    @property
    def withdrawn(self) -> tuple[str, ...]:
        return tuple(sorted(self.shown - {c.id for c in self.candidates}))

    def of(self, datasets: Sequence[str]) -> tuple[_Candidate, ...]:
        return tuple(c for (dataset, _), c in sorted(self.current.items(), key=str) if dataset in datasets)

    def is_shared(self, datasets: Sequence[str]) -> bool:
        """Whether the current releases of these datasets are those already shown."""
        current = {c.id for c in self.of(datasets)}
        shown = {release_id for release_id, dataset in self.before.items() if dataset in datasets}
        return current == shown and bool(current)


def publish(
    conn: PgConnection,
    *,
    as_of: date,
    compute: Callable[[ResultInputs], Iterable[Result]],
    list_address: str | Sequence[str] | None,
    always_ask: bool = False,
    try_again: bool = False,
) -> Published | None:
    """Publish everything validated; does nothing if nothing is new.

    A result table that cannot be calculated or stored stops no other
    (:mod:`klimatpuls.warehouse.result_tables`). If only the code is new, tables that could not be calculated
    are tried again once.

    Args:
        conn: Connection as ``wh_loader`` outside a transaction; this function commits.
        as_of: The date the results are calculated for.
        compute: The formulas: take facts and registers, return the tables of ``mart_data`` with their frames.
        list_address: One or several recipients of the digest; None queues none.
        always_ask: Whether a person must release every digest (``MAIL_APPROVAL=always``).
        try_again: Whether to try failed tables again although the code is the same.

    Returns:
        What was published. None if no release came or went, no register changed, and no failed table could be
        calculated.

    Raises:
        WrongHomeError: if the warehouse is stamped with another origin than the releases have.
        WarehouseError: if an earlier release could not be read.
    """
    with _publisher_lock(conn):
        plan = _plan(conn, try_again=try_again)
        if plan is None:
            return None
        try:
            publication_id, facts, tables = _build(conn, plan, as_of, compute)
        except _NothingHealedError:
            with conn, conn.cursor() as cursor:
                values = {**plan.pointer, "code_sha256": code_sha256()}
                cursor.execute(load_sql("write/record_second_try.sql"), values)
            return None
        with conn, conn.cursor() as cursor:
            causes = cause_rules.find_causes(
                cursor,
                pointer=plan.pointer,
                newcomers=plan.newcomers,
                restored=plan.restored,
                withdrawn=plan.withdrawn,
                current=plan.current,
                candidates=plan.candidates,
                before=plan.before,
                publication_id=publication_id,
                register_sha256=plan.register_sha256,
                stale=not_fresh(tables.statuses),
                healed=not_fresh(plan.present.statuses) - not_fresh(tables.statuses),
            )
            queued = _switch(
                cursor,
                plan,
                publication_id,
                facts,
                tables,
                causes,
                as_of,
                list_address,
                always_ask=always_ask,
            )
    return Published(
        publication_id=publication_id,
        causes=tuple(causes),
        release_ids=tuple(c.id for c in plan.newcomers),
        digest_queued=queued,
        rows=tables.rows,
        stale=tables.stale,
    )


class _NothingHealedError(Exception):
    """A second try calculated none of the tables that failed before."""


def reassess(conn: PgConnection, *, as_of: date, keep_pages: Callable[[], object]) -> Reassessed | None:
    """Calculate the dated statuses for a later day, and publish only if one changed.

    Does nothing while a release or a register waits for publication, which calculates the statuses too.

    Args:
        conn: Connection as ``wh_loader`` outside a transaction; this function commits.
        as_of: The day.
        keep_pages: Called before another publication becomes current, to render a digest that is still due.

    Returns:
        What changed, or None.
    """
    with _publisher_lock(conn):
        plan = _plan(conn)
        if plan is not None and not plan.is_second_try:
            return None
        return member_results.reassess(conn, as_of=as_of, keep_pages=keep_pages)


@contextmanager
def _publisher_lock(conn: PgConnection) -> Iterator[None]:
    """Let one publisher work at a time, across processes and machines; others wait."""
    with conn, conn.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('klimatpuls publish'))")
    try:
        yield
    finally:
        # A closed connection has lost the lock; an error here would hide the one that closed it.
        if not conn.closed:
            conn.rollback()
            with conn, conn.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext('klimatpuls publish'))")


def _plan(conn: PgConnection, *, try_again: bool = False) -> _Plan | None:
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/current_publication.sql"))
        (pointer,) = named_rows(cursor)
        cursor.execute(load_sql("read/publishable_releases.sql"))
        candidates = tuple(map(_candidate, named_rows(cursor)))
        cursor.execute(load_sql("read/current_releases.sql"), pointer)
        shown = named_rows(cursor)
        cursor.execute(load_sql("read/shown_facts.sql"), pointer)
        shown_facts = dict(cursor.fetchall())
        cursor.execute(load_sql("read/register_sha256.sql"))
        register_sha256, registers_at = fetch_row(cursor)
        present = Before(
            publication_id=pointer["publication_id"],
            results_id=pointer["results_id"],
            statuses=read_statuses(cursor, pointer["publication_id"]),
        )
    if not candidates and not shown:
        return None
    unchanged = (
        all(c.release.state == "published" for c in candidates)
        and {c.id for c in candidates} == {row["release_id"] for row in shown}
        and register_sha256 == pointer["register_sha256"]
        and pointer["method_version"] == METHOD_VERSION
    )
    is_tried = pointer["code_sha256"] == code_sha256() and not try_again
    if unchanged and (is_tried or not not_fresh(present.statuses)):
        return None
    return _Plan(
        pointer=pointer,
        present=present,
        is_second_try=unchanged,
        shown_facts=shown_facts,
        candidates=candidates,
        follows={
            name: earlier.release_id if earlier else None
            for name, earlier in predecessors(c.release for c in candidates).items()
        },
        current={c.release.series: c for c in _by_age(candidates)},
        shown=frozenset(row["release_id"] for row in shown),
        before={row["release_id"]: row["dataset"] for row in shown if row["is_current"]},
        register_sha256=register_sha256,
        registers_at=registers_at,
        origin=_single_origin(candidates, pointer["origin"]),
    )


def _candidate(row: Mapping[str, Any]) -> _Candidate:
    release = {column.name: row[column.name] for column in fields(Release)}
    if release["substance"] == NOT_BY_SUBSTANCE:
        release["substance"] = None
    return _Candidate(
        release=Release(**release),
        origin=row["origin"],
        run_id=row["run_id"],
        years=tuple(row["years"]),
        decided_by=row["decided_by"],
        decision_reason=row["decision_reason"],
    )


def _by_age(candidates: Iterable[_Candidate]) -> list[_Candidate]:
    """Oldest first: by (published_date, known_from, approval_number)."""
    return sorted(candidates, key=lambda c: c.release.sort_key)


def _single_origin(candidates: Sequence[_Candidate], stamped: str | None) -> str:
    origins = {c.origin for c in candidates} | ({stamped} if stamped else set())
    if len(origins) > 1:
        msg = (
            f"this warehouse would hold figures of more than one origin: {', '.join(sorted(origins))}. "
            "Nothing was published. Use a home of its own (KLIMATPULS_HOME) for each origin."
        )
        raise WrongHomeError(msg)
    return origins.pop()


def _build(
    conn: PgConnection,
    plan: _Plan,
    as_of: date,
    compute: Callable[[ResultInputs], Iterable[Result]],
) -> tuple[int, dict[str, int], ResultTables]:
    """Write facts and results under a new publication id that nothing points at yet.

    A thread copies facts and finished results over the first connection while the next result is calculated.
    Release comparisons and earlier releases use a second connection. Comparisons commit independently, so
    they survive if the publication is rolled back.
    """
    lead = plan.current.get((EMISSION_DATASET, LEAD_SUBSTANCE))
    with (
        conn,
        conn.cursor() as cursor,
        closing(connect_like(conn)) as other,
        ThreadPoolExecutor(max_workers=1, thread_name_prefix="facts") as beside,
    ):
        publication_id = _begin(cursor, plan, as_of)
        tables = ResultTables(cursor, publication_id, plan.present, [c.id for c in plan.candidates])
        first = [fact for fact in schema.facts() if fact.name in FORMULA_FACTS]
        others = [fact for fact in schema.facts() if fact.name not in FORMULA_FACTS]
        facts, rows = _current_facts(cursor, plan, publication_id, first)
        with other.cursor() as second:
            inputs = None if lead is None else _inputs(cursor, second, plan, facts, lead, as_of)
            # From here to the last result only the thread uses the first connection.
            copying = beside.submit(_current_facts, cursor, plan, publication_id, others)
            writing: list[Future[None]] = []
            try:
                with other:
                    compared = _compare_releases(second, plan)
                for result in () if inputs is None else compute(inputs):
                    writing.append(beside.submit(tables.write, result))
            except BaseException:
                beside.shutdown(wait=False, cancel_futures=True)
                conn.cancel()
                raise
        other_facts, other_rows = copying.result()
        facts |= other_facts
        rows |= other_rows
        for written in writing:
            written.result()
        for table, failure in compared.items():
            tables.note(table, failure, "formula_failed", "stale", plan.present.results_id or None)
        member_results.write(
            cursor,
            tables,
            publication_id,
            as_of=as_of,
            registers_at=plan.registers_at,
            release_ids=[c.id for c in plan.candidates],
        )
        if plan.is_second_try and not_fresh(plan.present.statuses) <= not_fresh(tables.statuses):
            raise _NothingHealedError
        tables.finish()
        tables.rows = {**rows, **tables.rows}
        return publication_id, facts, tables


def _begin(cursor: Cursor, plan: _Plan, as_of: date) -> int:
    """Insert the row of the new publication; returns its id."""
    cursor.execute(load_sql("write/stamp_origin.sql"), {"origin": plan.origin})
    cursor.execute(
        load_sql("write/insert_publication.sql"),
        {
            "previous_publication_id": plan.pointer["publication_id"],
            "origin": plan.origin,
            "as_of_date": as_of,
            "method_version": METHOD_VERSION,
            "register_sha256": plan.register_sha256,
            "registers_at": plan.registers_at,
            "code_sha256": code_sha256(),
        },
    )
    return int(fetch_row(cursor)[0])


def _inputs(
    cursor: Cursor, second: Cursor, plan: _Plan, facts: Mapping[str, int], lead: _Candidate, as_of: date
) -> ResultInputs:
    """The inputs of the formulas; ``second`` reads earlier releases when a formula needs them."""
    lead_facts = _facts_of(cursor, lead)
    at = plan.registers_at

    def fact_frame(fact: str, query: str) -> pd.DataFrame:
        return read_frame(cursor, f"read/{query}.sql", {"facts_id": facts.get(fact, 0)})

    def earlier_releases(candidates: Iterable[_Candidate]) -> tuple[EarlierRelease, ...]:
        return tuple(EarlierRelease(c.id, c.years, partial(_read_late, second, c)) for c in candidates)

    readers: dict[str, Callable[[], Any]] = {
        "population": lambda: fact_frame("population", "population_facts"),
        "boundaries": lambda: register_rows.read_boundaries(cursor, at),
        "own_series": lambda: register_rows.read_own_series(cursor, at),
        "groups": lambda: register_rows.read_groups(cursor, at, as_of),
        "members": lambda: register_rows.read_members(cursor, at),
        "stated_member_count": lambda: register_rows.read_stated_member_count(cursor, at, as_of),
        "targets": lambda: register_rows.read_targets(cursor, at),
        "official_figures": lambda: register_rows.read_official_figures(cursor, at),
        "defects": lambda: _defects(cursor, plan, lead, lead_facts),
        "kolada": lambda: _side(cursor, plan, facts, "indicator", "kolada"),
        "inventory": lambda: _side(cursor, plan, facts, "national_emission", "scb_national_emissions"),
        "national": lambda: fact_frame("national_emission", "national_sector_facts"),
        "population_forecast": lambda: _by_region_and_year(
            fact_frame("population_forecast", "population_forecast_facts")
        ),
        "trading_plants": lambda: register_rows.read_trading(cursor, at, facts.get("ets_plant", 0)),
        "references": lambda: register_rows.read_references(cursor, at),
        "stored": lambda: _stored_standings(cursor, plan, lead),
    }
    # An input that cannot be read fails only the tables that need it.
    attempts = {name: attempt(cursor, name, read) for name, read in readers.items()}
    return ResultInputs(
        as_of=as_of,
        current=(lead.id, lead_facts),
        earlier=earlier_releases(_earlier(plan, lead)),
        donors=earlier_releases(_donors(plan, lead)),
        published_date=lead.release.published_date,
        known_from={c.id: c.release.known_from for c in (*_earlier(plan, lead), lead)},
        unread={name: failure for name, (_, failure) in attempts.items() if failure is not None},
        **{name: value for name, (value, _) in attempts.items()},
    )


def _read_late(second: Cursor, candidate: _Candidate) -> pd.DataFrame:
    """The facts of an earlier release, read while a formula runs; a failure is not the formula's fault."""
    try:
        return _facts_of(second, candidate)
    except psycopg2.Error as error:
        msg = f"release {candidate.id} could not be read: {str(error).strip()}; nothing was published"
        raise WarehouseError(msg) from error


def _compare_releases(second: Cursor, plan: _Plan) -> dict[str, Failure]:
    """Write what is calculated once per release; returns the marts for which that failed, and why."""
    steps = {
        "reconciliation": lambda: _reconcile_releases(second, plan.candidates),
        "revision": lambda: _revise_releases(second, plan),
    }
    failures = {mart: attempt(second, mart, make)[1] for mart, make in steps.items()}
    return {mart: failure for mart, failure in failures.items() if failure is not None}


def _earlier(plan: _Plan, lead: _Candidate) -> list[_Candidate]:
    series = _by_age(c for c in plan.candidates if c.release.series == lead.release.series)
    return [c for c in series if c.release.sort_key < lead.release.sort_key]


def _donors(plan: _Plan, lead: _Candidate) -> list[_Candidate]:
    """Releases that may have the domestic aviation that another lacks, oldest first."""
    return _by_age(
        c
        for c in plan.candidates
        if c.release.dataset == lead.release.dataset and c.release.substance in AVIATION_SUBSTANCES
    )


def _facts_of(cursor: Cursor, candidate: _Candidate) -> pd.DataFrame:
    return read_frame(
        cursor, "read/release_main_emissions.sql", {"run_id": candidate.run_id, "release_id": candidate.id}
    )


def _current_facts(
    cursor: Cursor, plan: _Plan, publication_id: int, wanted: Sequence[Fact]
) -> tuple[dict[str, int], dict[str, int]]:
    """Give the publication the current rows of facts: shared if they are shown already, else copied.

    Returns:
        Fact → the publication that wrote its rows, for facts with a current release; and fact → number of
        rows copied.
    """
    facts: dict[str, int] = {}
    rows: dict[str, int] = {}
    for fact in wanted:
        datasets = catalog.datasets_of(fact.name)
        current = plan.of(datasets)
        if fact.name in plan.shown_facts and plan.is_shared(datasets):
            facts[fact.name] = plan.shown_facts[fact.name]
        elif current:
            cursor.execute("SELECT ops.create_facts_partition(%s, %s)", (fact.name, publication_id))
            (partition,) = fetch_row(cursor)
            rows[fact.name] = _write_facts(cursor, fact, partition, publication_id, current)
            cursor.execute("SELECT ops.attach_facts_partition(%s, %s)", (fact.name, publication_id))
            facts[fact.name] = publication_id
    return facts, rows


def _write_facts(
    cursor: Cursor, fact: Fact, partition: str, facts_id: int, current: Sequence[_Candidate]
) -> int:
    """Copy the rows of the current releases into a partition; returns how many."""
    columns = [*fact.names, *([SUBSTANCE[0]] if fact.by_substance else [])]
    is_shared = len(catalog.datasets_of(fact.name)) > 1
    name = "emission_facts" if fact.name == EMISSION_FACT else "facts" if is_shared else "facts_of_release"
    statement = sql.SQL(load_sql(f"write/build_{name}.sql")).format(
        current_rows=sql.Identifier("mart_data", partition),
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        key=sql.SQL(", ").join(map(sql.Identifier, mart_key(fact))),
        rows=sql.Identifier("core", fact.table),
    )
    if not is_shared:
        values = [{"facts_id": facts_id, "run_id": c.run_id, "release_id": c.id} for c in current]
        return sum(_count(cursor, statement, value) for value in values)
    return _count(
        cursor,
        statement,
        {
            "facts_id": facts_id,
            "run_ids": [c.run_id for c in current],
            "release_ids": [c.id for c in current],
            "fall_back": list(catalog.fall_back_datasets(fact.name)),
        },
    )


def _count(cursor: Cursor, statement: sql.Composed, values: Mapping[str, Any]) -> int:
    cursor.execute(statement, values)
    return int(cursor.rowcount)


def _by_region_and_year(frame: pd.DataFrame) -> dict[tuple[str, int], float]:
    """(region_code, year) → the third column, such as inhabitants."""
    return {
        (str(code), int(year)): float(count) for code, year, count in frame.itertuples(index=False, name=None)
    }


def _stored_standings(cursor: Cursor, plan: _Plan, lead: _Candidate) -> pd.DataFrame | None:
    """Stored results of the release before the lead, if another method calculated them (methods section 7).

    Only under the same registers; else a corrected target would look like a change of method.
    """
    earlier = _earlier(plan, lead)
    if not earlier:
        return None
    frame = read_frame(
        cursor,
        "read/stored_standings.sql",
        {
            "release_id": earlier[-1].id,
            "method_version": METHOD_VERSION,
            "register_sha256": plan.register_sha256,
        },
    )
    return None if frame.empty else frame


def _defects(
    cursor: Cursor, plan: _Plan, lead: _Candidate, facts: pd.DataFrame
) -> list[tuple[str, str, int]]:
    """Cells of the current release that have an error listed in the register."""
    cursor.execute(load_sql("read/known_defects.sql"), {"registers_at": plan.registers_at})
    known = [Defect(**{**row, "years": tuple(row["years"])}) for row in named_rows(cursor)]
    release = lead.release
    about = [d for d in known if d.is_about(release.dataset, release.substance, release.published_date)]
    return defect_cells(about, facts)


def _side(cursor: Cursor, plan: _Plan, facts: Mapping[str, int], fact: str, dataset: str) -> Side | None:
    """The current release of a dataset as one side of a cross-check; None where there is none."""
    candidate = plan.current.get((dataset, None))
    if candidate is None or fact not in facts:
        return None
    frame = read_frame(cursor, f"read/{fact}_facts.sql", {"facts_id": facts[fact]})
    if frame.empty:
        return None
    return Side(release_id=candidate.id, published_date=candidate.release.published_date, facts=frame)


def _reconcile_releases(cursor: Cursor, candidates: Sequence[_Candidate]) -> None:
    """Write the sums of every release of emissions or pollutants that has none yet."""
    for fact in map(schema.fact, RECONCILED_FACTS):
        datasets = catalog.datasets_of(fact.name)
        releases = {c.id: c for c in candidates if c.release.dataset in datasets}
        statement = sql.SQL(load_sql("write/build_reconciliation.sql")).format(
            rows=sql.Identifier("core", fact.table), value=sql.Identifier("f", fact.values[0].name)
        )
        cursor.execute(load_sql("read/unreconciled_releases.sql"), {"release_ids": list(releases)})
        for (release_id,) in cursor.fetchall():
            cursor.execute(statement, {"run_id": releases[release_id].run_id, "release_id": release_id})


def _revise_releases(cursor: Cursor, plan: _Plan) -> None:
    """Write what changed between consecutive releases of emissions, once per pair."""
    run_ids = {c.id: c.run_id for c in plan.candidates if c.release.dataset == EMISSION_DATASET}
    pairs = [(name, earlier) for name in run_ids if (earlier := plan.follows[name]) is not None]
    cursor.execute(
        load_sql("read/missing_revision_pairs.sql"),
        {"to_release_ids": [to for to, _ in pairs], "from_release_ids": [of for _, of in pairs]},
    )
    missing = cursor.fetchall()
    for to_release_id, from_release_id in missing:
        values = {
            "to_release_id": to_release_id,
            "to_run_id": run_ids[to_release_id],
            "from_release_id": from_release_id,
            "from_run_id": run_ids[from_release_id],
        }
        cursor.execute(load_sql("write/build_revision.sql"), values)
    if missing:
        cursor.execute("SELECT ops.analyze_revision()")


def _switch(
    cursor: Cursor,
    plan: _Plan,
    publication_id: int,
    facts: Mapping[str, int],
    tables: ResultTables,
    causes: Sequence[Cause],
    as_of: date,
    list_address: str | Sequence[str] | None,
    *,
    always_ask: bool,
) -> bool:
    current_ids = {c.id for c in plan.current.values()}
    cursor.execute(load_sql("write/publish_releases.sql"), {"release_ids": [c.id for c in plan.candidates]})
    cursor.executemany(
        load_sql("write/insert_publication_release.sql"),
        [
            {
                "publication_id": publication_id,
                "release_id": c.id,
                "is_current": c.id in current_ids,
                "earlier_release_id": plan.follows[c.id],
            }
            for c in plan.candidates
        ],
    )
    values = {
        "publication_id": publication_id,
        "previous_publication_id": plan.pointer["publication_id"],
        "as_of_date": as_of,
        "origin": plan.origin,
        "causes": json.dumps(causes_to_json(causes), ensure_ascii=False),
    }
    cursor.executemany(
        load_sql("write/insert_publication_facts.sql"),
        [
            {"publication_id": publication_id, "fact": fact, "facts_id": facts_id}
            for fact, facts_id in facts.items()
        ],
    )
    cursor.execute(load_sql("write/close_publication.sql"), values)
    cursor.execute(load_sql("write/switch_publication.sql"), values)
    if cursor.rowcount != 1:
        msg = (
            f"publication {publication_id} was built on publication {plan.pointer['publication_id']}, "
            "which is no longer the current one; nothing was switched"
        )
        raise RuntimeError(msg)
    cursor.execute("SELECT ops.analyze_publication()")
    lead_is_there = (EMISSION_DATASET, LEAD_SUBSTANCE) in plan.current
    if list_address is None or not lead_is_there:
        return False
    if not_fresh(tables.statuses) & DIGEST_LEADS_WITH:
        if cause_rules.deserve_digest(causes):
            cursor.execute(load_sql("write/hold_digest.sql"), values)
        return False
    return _enqueue(cursor, publication_id, causes, as_of, list_address, always_ask=always_ask)


def enqueue_missed_digest(
    conn: PgConnection, *, as_of: date, list_address: str | Sequence[str], always_ask: bool = False
) -> bool:
    """Queue the digest that was not sent because another publication of its day had one already.

    At most one digest a day is sent, so the news of a later publication is sent the day after.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        as_of: The run's day.
        list_address: One or several recipients.
        always_ask: Whether a person must release every digest.

    Returns:
        Whether one was queued.
    """
    with conn, conn.cursor() as cursor:
        values = {"as_of_date": as_of, "recipients": _recipients(list_address)}
        cursor.execute(load_sql("read/missed_digest.sql"), values)
        missed = cursor.fetchall()
        queued = [
            _enqueue(
                cursor,
                publication_id,
                list(map(cause_from_json, causes)),
                as_of,
                recipient,
                always_ask=always_ask,
            )
            for publication_id, causes, recipient in missed
        ]
    return any(queued)


def _enqueue(
    cursor: Cursor,
    publication_id: int,
    causes: Sequence[Cause],
    as_of: date,
    list_address: str | Sequence[str],
    *,
    always_ask: bool,
) -> bool:
    """Put a digest into the outbox for each recipient without one of the day, if its causes deserve one."""
    if not cause_rules.deserve_digest(causes):
        return False
    ask = always_ask or any(isinstance(cause, OverrideCause) for cause in causes)
    queued = 0
    for recipient in _recipients(list_address):
        cursor.execute(
            load_sql("write/enqueue_digest.sql"),
            {
                "publication_id": publication_id,
                "as_of_date": as_of,
                "recipient": recipient,
                "approval": "asked" if ask else "not_needed",
            },
        )
        queued += cursor.rowcount
    return bool(queued)


def _recipients(list_address: str | Sequence[str]) -> list[str]:
    return [list_address] if isinstance(list_address, str) else list(list_address)
