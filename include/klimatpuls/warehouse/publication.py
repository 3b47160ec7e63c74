"""Hop 4: validated releases become marts under a new publication; rows, not DDL.

Everything is computed unseen under a new ``publication_id``; then one transaction sets the states of the
releases, the pointer ``mart.current_publication`` and the outbox row. Readers never wait and never see half
a publication. Two publishers at once: the second waits for the advisory lock, and then finds nothing to do.
"""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
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
from klimatpuls.warehouse.connection import connect_like, load_sql
from klimatpuls.warehouse.facts import SUBSTANCE, mart_key
from klimatpuls.warehouse.frames import read_frame
from klimatpuls.warehouse.result_tables import Before, ResultTables, attempt, not_fresh, read_statuses
from klimatpuls.warehouse.runs import NOT_BY_SUBSTANCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    import pandas as pd
    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.contract.causes import Cause
    from klimatpuls.contract.schema import Fact
    from klimatpuls.statistics.steps import Failure, Result
    from klimatpuls.warehouse.member_results import Reassessed
    from klimatpuls.warehouse.result_tables import TableStatus

EMISSION_DATASET = "smhi_emissions"
LEAD_SUBSTANCE = "ghg"
EMISSION_FACT = "emission"
AVIATION_SUBSTANCES = frozenset({LEAD_SUBSTANCE, "co2"})
"""Substances whose releases show domestic aviation; nearly all of it is carbon dioxide."""
RECONCILED_FACTS = (EMISSION_FACT, "air_pollutant")
DIGEST_LEADS_WITH = frozenset({"network_summary", "region_overview"})
"""Without these a digest has nothing to say: it is held back, and the publication that has them mails it."""
ASKED_FACTS = frozenset({"population", "population_forecast", "indicator", "national_emission"})
"""Facts that formulas read under the publication that is made: they are written before anything else."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """What a publication did.

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
    """A release that the publication may show, with where its facts lie."""

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
    """What the new publication will show, against what the present one shows.

    ``shown`` names the releases the present publication shows, ``before`` gives the dataset of each one that
    is current there; withdrawn ones are still in both. ``follows`` says which candidate each one follows
    upon, whatever the order of loading. ``shown_facts`` says under which facts id the present publication
    shows each fact. ``registers_at`` is the moment of the last change of the registers whose hash
    ``register_sha256`` is: as of it they are read. ``present`` says what the result tables hold now, and
    ``is_second_try`` that nothing is new but the code, or a person asked: then it is published only if a
    table that could not be calculated now can.
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
        """Whether the current releases of these datasets are the ones already shown."""
        now = {c.id for c in self.of(datasets)}
        then = {release_id for release_id, dataset in self.before.items() if dataset in datasets}
        return now == then and bool(now)


def publish(
    conn: PgConnection,
    *,
    as_of: date,
    compute: Callable[[ResultInputs], Iterable[Result]],
    list_address: str | Sequence[str] | None,
    always_ask: bool = False,
    try_again: bool = False,
) -> Published | None:
    """Publish everything validated; does nothing when there is nothing new.

    A result table that cannot be calculated or stored fails alone
    (:mod:`klimatpuls.warehouse.result_tables`). Where nothing is new but the code and a table could not be
    calculated, it is tried again once.

    Args:
        conn: Connection as ``wh_loader`` outside a transaction; this function commits.
        as_of: The day the publication speaks about.
        compute: The formulas: facts and registers in, the tables of ``mart_data`` out, each with its frame.
        list_address: Where the digest goes, one address or several; None queues none.
        always_ask: Whether a person must release every digest (``MAIL_APPROVAL=always``).
        try_again: Whether to calculate once more what could not be calculated, whatever is new.

    Returns:
        What was published, or None when no release came or went, no register is new, and no table that could
        not be calculated now can.

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
    """A second try calculated none of the tables that could not be calculated before."""


def reassess(conn: PgConnection, *, as_of: date, keep_pages: Callable[[], object]) -> Reassessed | None:
    """Reckon the dated statuses anew for a later day, and publish only if one changed.

    Where a release or a register waits for its publication nothing is done: that one reckons them too.

    Args:
        conn: Connection as ``wh_loader`` outside a transaction; this function commits.
        as_of: The day.
        keep_pages: Called before another publication becomes current: the digest of an earlier one is sent as
            it was rendered.

    Returns:
        What changed, or None.
    """
    with _publisher_lock(conn):
        plan = _plan(conn)
        if plan is not None and not plan.is_second_try:
            return None
        return member_results.reassess(conn, as_of=as_of, keep_pages=keep_pages)


class _publisher_lock:  # noqa: N801  (reads as a verb in the with statement)
    """One publisher at a time, across processes and machines; the next one waits here."""

    def __init__(self, conn: PgConnection) -> None:
        self._conn = conn

    def __enter__(self) -> None:
        with self._conn, self._conn.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtext('klimatpuls publish'))")

    def __exit__(self, *_: object) -> None:
        if self._conn.closed:
            # The lock ended with its session; an error here would hide the one that ended it.
            return
        self._conn.rollback()
        with self._conn, self._conn.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('klimatpuls publish'))")


def _plan(conn: PgConnection, *, try_again: bool = False) -> _Plan | None:
    with conn, conn.cursor() as cursor:
        pointer = _one_row(cursor, "read/current_publication.sql")
        candidates = tuple(_candidates(cursor))
        cursor.execute(load_sql("read/current_releases.sql"), pointer)
        shown = list(_named_rows(cursor))
        cursor.execute(load_sql("read/shown_facts.sql"), pointer)
        shown_facts = dict(cursor.fetchall())
        cursor.execute(load_sql("read/register_sha256.sql"))
        register_sha256, registers_at = cursor.fetchone()
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
        current=_current(candidates),
        shown=frozenset(row["release_id"] for row in shown),
        before={row["release_id"]: row["dataset"] for row in shown if row["is_current"]},
        register_sha256=register_sha256,
        registers_at=registers_at,
        origin=_single_origin(candidates, pointer["origin"]),
    )


def _candidates(cursor: Any) -> Iterator[_Candidate]:
    cursor.execute(load_sql("read/publishable_releases.sql"))
    for row in _named_rows(cursor):
        substance = None if row["substance"] == NOT_BY_SUBSTANCE else row["substance"]
        yield _Candidate(
            release=Release(
                release_id=row["release_id"],
                dataset=row["dataset"],
                substance=substance,
                published_date=row["published_date"],
                known_from=row["known_from"],
                approval_number=row["approval_number"],
                state=row["state"],
            ),
            origin=row["origin"],
            run_id=row["run_id"],
            years=tuple(row["years"]),
            decided_by=row["decided_by"],
            decision_reason=row["decision_reason"],
        )


def _current(candidates: Sequence[_Candidate]) -> dict[tuple[str, str | None], _Candidate]:
    """The newest release of each series: greatest (published_date, known_from, approval_number)."""
    current: dict[tuple[str, str | None], _Candidate] = {}
    for candidate in sorted(candidates, key=lambda c: c.release.sort_key):
        current[candidate.release.series] = candidate
    return current


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

    The server copies facts, and every result that is there, while the next is reckoned here. What is
    compared of releases, and earlier releases, pass over a connection of their own: that work is done once
    per release, whatever becomes of this publication.
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
        asked = [fact for fact in schema.facts() if fact.name in ASKED_FACTS]
        unasked = [fact for fact in schema.facts() if fact.name not in ASKED_FACTS]
        facts, rows = _current_facts(cursor, plan, publication_id, asked)
        with other.cursor() as reading:
            inputs = None if lead is None else _inputs(cursor, reading, plan, facts, lead, as_of)
            # From here to the last result the first connection is the thread's.
            copying = beside.submit(_current_facts, cursor, plan, publication_id, unasked)
            writing: list[Future[None]] = []
            try:
                with other:
                    compared = _compare_releases(reading, plan)
                for result in () if inputs is None else compute(inputs):
                    writing.append(beside.submit(tables.write, result))
            except BaseException:
                beside.shutdown(wait=False, cancel_futures=True)
                conn.cancel()
                raise
        for mine, theirs in zip((facts, rows), copying.result(), strict=True):
            mine |= theirs
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


def _begin(cursor: Any, plan: _Plan, as_of: date) -> int:
    """Enter the publication that is made; returns its id."""
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
    return int(cursor.fetchone()[0])


class _Roots:
    """Reads the inputs of the formulas; one that cannot be read fails what rests on it and no more."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self.values: dict[str, Any] = {}
        self.unread: dict[str, Failure] = {}

    def read(self, name: str, make: Callable[[], Any]) -> None:
        self.values[name], failure = attempt(self._cursor, name, make)
        if failure is not None:
            self.unread[name] = failure


def _inputs(
    cursor: Any, reading: Any, plan: _Plan, facts: Mapping[str, int], lead: _Candidate, as_of: date
) -> ResultInputs:
    """What the results are reckoned from; earlier releases are read when asked for, by ``reading``."""
    lead_facts = _facts_of(cursor, lead)
    at = plan.registers_at
    ids = {"facts_id": facts.get("population", 0)}
    national_ids = {"facts_id": facts.get("national_emission", 0)}
    roots = _Roots(cursor)
    roots.read("population", lambda: read_frame(cursor, "read/population_facts.sql", ids))
    roots.read("boundaries", lambda: register_rows.read_boundaries(cursor, at))
    roots.read("own_series", lambda: register_rows.read_own_series(cursor, at))
    roots.read("groups", lambda: register_rows.read_groups(cursor, at, as_of))
    roots.read("members", lambda: register_rows.read_members(cursor, at))
    roots.read("targets", lambda: register_rows.read_targets(cursor, at))
    roots.read("defects", lambda: _defects(cursor, plan, lead, lead_facts))
    roots.read("kolada", lambda: _side(cursor, plan, facts, "indicator", "kolada"))
    roots.read("inventory", lambda: _side(cursor, plan, facts, "national_emission", "scb_national_emissions"))
    roots.read("national", lambda: read_frame(cursor, "read/national_sector_facts.sql", national_ids))
    roots.read("population_forecast", lambda: _population_forecast(cursor, facts))
    roots.read("stored", lambda: _stored_standings(cursor, plan, lead))
    return ResultInputs(
        as_of=as_of,
        current=(lead.id, lead_facts),
        earlier=tuple(
            EarlierRelease(c.id, c.years, partial(_read_late, reading, c)) for c in _earlier(plan, lead)
        ),
        donors=tuple(
            EarlierRelease(c.id, c.years, partial(_read_late, reading, c)) for c in _donors(plan, lead)
        ),
        published_date=lead.release.published_date,
        known_from={c.id: c.release.known_from for c in (*_earlier(plan, lead), lead)},
        unread=roots.unread,
        **roots.values,
    )


def _read_late(reading: Any, candidate: _Candidate) -> pd.DataFrame:
    """The facts of an earlier release, read in the midst of a formula: a failure is not the formula's."""
    try:
        return _facts_of(reading, candidate)
    except psycopg2.Error as error:
        msg = f"release {candidate.id} could not be read: {str(error).strip()}; nothing was published"
        raise WarehouseError(msg) from error


def _compare_releases(reading: Any, plan: _Plan) -> dict[str, Failure]:
    """Write down what is reckoned once per release; returns the marts for which that failed."""
    steps = {
        "reconciliation": lambda: _reconcile_releases(reading, plan.candidates),
        "revision": lambda: _revise_releases(reading, plan),
    }
    tried = {mart: attempt(reading, mart, make)[1] for mart, make in steps.items()}
    return {mart: failure for mart, failure in tried.items() if failure is not None}


def _earlier(plan: _Plan, lead: _Candidate) -> list[_Candidate]:
    same = [c for c in plan.candidates if c.release.series == lead.release.series]
    older = [c for c in same if c.release.sort_key < lead.release.sort_key]
    return sorted(older, key=lambda c: c.release.sort_key)


def _donors(plan: _Plan, lead: _Candidate) -> list[_Candidate]:
    """Every release that may show the domestic aviation another lacks, oldest first."""
    gases = [
        c
        for c in plan.candidates
        if c.release.dataset == lead.release.dataset and c.release.substance in AVIATION_SUBSTANCES
    ]
    return sorted(gases, key=lambda c: c.release.sort_key)


def _facts_of(cursor: Any, candidate: _Candidate) -> pd.DataFrame:
    return read_frame(
        cursor, "read/release_main_emissions.sql", {"run_id": candidate.run_id, "release_id": candidate.id}
    )


def _current_facts(
    cursor: Any, plan: _Plan, publication_id: int, wanted: Sequence[Fact]
) -> tuple[dict[str, int], dict[str, int]]:
    """Bring the current rows of facts under the publication: those shown already, or written anew.

    Returns:
        Fact → the publication that wrote its rows, without those that have no current release; and the
        number of rows of those written anew.
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
            (partition,) = cursor.fetchone()
            rows[fact.name] = _write_facts(cursor, fact, partition, publication_id, current)
            cursor.execute("SELECT ops.attach_facts_partition(%s, %s)", (fact.name, publication_id))
            facts[fact.name] = publication_id
    return facts, rows


def _write_facts(
    cursor: Any, fact: Fact, partition: str, facts_id: int, current: Sequence[_Candidate]
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


def _count(cursor: Any, statement: Any, values: Mapping[str, Any]) -> int:
    cursor.execute(statement, values)
    return int(cursor.rowcount)


def _population_forecast(cursor: Any, facts: Mapping[str, int]) -> dict[tuple[str, int], float]:
    """(region_code, year) → inhabitants of the current forecast; empty where none is held."""
    frame = read_frame(
        cursor,
        "read/population_forecast_facts.sql",
        {"facts_id": facts.get("population_forecast", 0)},
    )
    return {
        (str(code), int(year)): float(count) for code, year, count in frame.itertuples(index=False, name=None)
    }


def _stored_standings(cursor: Any, plan: _Plan, lead: _Candidate) -> pd.DataFrame | None:
    """What was stored of the release before the lead, where other formulas reckoned it (methods section 7).

    Only under the same registers: a target that was corrected since would pass for a change of method.
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


def _defects(cursor: Any, plan: _Plan, lead: _Candidate, facts: pd.DataFrame) -> list[tuple[str, str, int]]:
    """The cells of the current release that the register knows to be wrong and that still show it."""
    cursor.execute(load_sql("read/known_defects.sql"), {"registers_at": plan.registers_at})
    known = [Defect(**{**row, "years": tuple(row["years"])}) for row in _named_rows(cursor)]
    release = lead.release
    about = [d for d in known if d.is_about(release.dataset, release.substance, release.published_date)]
    return defect_cells(about, facts)


def _side(cursor: Any, plan: _Plan, facts: Mapping[str, int], fact: str, dataset: str) -> Side | None:
    """The current release of a dataset as one side of a cross-check; None where there is none."""
    candidate = plan.current.get((dataset, None))
    if candidate is None or fact not in facts:
        return None
    frame = read_frame(cursor, f"read/{fact}_facts.sql", {"facts_id": facts[fact]})
    if frame.empty:
        return None
    return Side(release_id=candidate.id, published_date=candidate.release.published_date, facts=frame)


def _reconcile_releases(cursor: Any, candidates: Sequence[_Candidate]) -> None:
    """Write down the sums of every release of emissions or pollutants that has not had them yet."""
    for fact in map(schema.fact, RECONCILED_FACTS):
        datasets = catalog.datasets_of(fact.name)
        releases = {c.id: c for c in candidates if c.release.dataset in datasets}
        statement = sql.SQL(load_sql("write/build_reconciliation.sql")).format(
            rows=sql.Identifier("core", fact.table), value=sql.Identifier("f", fact.values[0].name)
        )
        cursor.execute(load_sql("read/unreconciled_releases.sql"), {"release_ids": list(releases)})
        for (release_id,) in cursor.fetchall():
            cursor.execute(statement, {"run_id": releases[release_id].run_id, "release_id": release_id})


def _revise_releases(cursor: Any, plan: _Plan) -> None:
    """Write down what moved between releases of emissions that follow upon each other, once per pair."""
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
    cursor: Any,
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
    """Queue the digest of the current publication when another one of its day stood in its way.

    At most one digest a day is sent; what came later that day is told the day after, not lost.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        as_of: The run's day.
        list_address: Where the digest goes, one address or several.
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
    cursor: Any,
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


def _one_row(cursor: Any, name: str) -> dict[str, Any]:
    cursor.execute(load_sql(name))
    return next(_named_rows(cursor))


def _named_rows(cursor: Any) -> Iterator[dict[str, Any]]:
    names = [column.name for column in cursor.description]
    for row in cursor.fetchall():
        yield dict(zip(names, row, strict=True))
