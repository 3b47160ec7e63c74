"""Prints the results of commands: summaries, lists and differences, for a person at a terminal."""

from __future__ import annotations

import json
import math
import shutil
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from klimatpuls.contract.causes import (
    DaysCause,
    DecisionCause,
    OverrideCause,
    RecalculatedCause,
    RegisterCause,
    ReleaseCause,
    StandingCause,
    cause_from_json,
)
from klimatpuls.errors import UsageError
from klimatpuls.local import runtime
from klimatpuls.operations.tracing import render_lines, to_json
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pandas as pd
    from psycopg2.extensions import cursor as Cursor

    from klimatpuls.contract.catalog import Source
    from klimatpuls.contract.causes import Cause
    from klimatpuls.local.refresh import Outcome, SourceOutcome
    from klimatpuls.local.stack import Stack
    from klimatpuls.local.superset import Superset
    from klimatpuls.operations.check_sources import Place
    from klimatpuls.operations.trace import Question

MOVERS_SHOWN = 10
ROWS = "read = loaded + rejected"
FEW = 8
"""Most values of a key that an overview lists in full."""
NATION = "00"
COMMAND = "klimatpuls" if shutil.which("klimatpuls") else ".venv/bin/klimatpuls"
"""The command as the user can type it."""
NARROWEST = 80
"""Least width of a table, columns."""
WIDTH_OF_A_FILE = 160
"""Width of a table if the output is no terminal, columns."""


def say_loudly(notice: str, say: Callable[[str], None]) -> None:
    """Print a notice in a frame."""
    bar = "!" * min(100, len(notice) + 4)
    for line in (bar, f"! {notice}", bar):
        say(line)


def print_summary(stack: Stack, outcome: Outcome) -> None:
    """Print what was fetched, validated, published, calculated and mailed, and where the results are."""
    console = _console()
    table = _table("Sources", "source", "state", ROWS, "what happened", right=(ROWS,))
    for one in outcome.sources:
        table.add_row(one.source, one.state, _rows_of(one), one.detail)
    console.print(table)
    calls = ", ".join(f"{host} {count}" for host, count in outcome.calls.items())
    to_mock = " (to the mock agencies instead)" if calls and stack.home.config.sources == "mock" else ""
    console.print(f"HTTP calls: {calls or 'none'}{to_mock}", highlight=False)
    _print_publication(console, outcome)
    mails = ", ".join(f"{count} {state}" for state, count in sorted(outcome.mails.items()))
    console.print(f"Mail: {mails or 'none'}")
    _print_places(stack, outcome)
    for problem in outcome.problems:
        console.print(problem, style="bold red", markup=False, highlight=False)


def _rows_of(one: SourceOutcome) -> str:
    """The numbers of rows of a source; empty if nothing was loaded."""
    if not one.rows_loaded + one.rows_rejected:
        return ""
    read = one.rows_loaded + one.rows_rejected
    return f"{read:,} = {one.rows_loaded:,} + {one.rows_rejected:,}".replace(",", " ")


def _print_publication(console: Console, outcome: Outcome) -> None:
    if outcome.publication is None:
        console.print("Publication: none, nothing new")
        return
    console.print(
        f"Publication: {outcome.publication['publication_id']}, as of {outcome.publication['as_of_date']}"
    )
    for cause in map(cause_from_json, outcome.publication["causes"]):
        console.print(f"  · {_cause_line(cause)}", markup=False, highlight=False)


def _cause_line(cause: Cause) -> str:
    """Return why a publication was made, for the summary of a refresh."""
    match cause:
        case ReleaseCause():
            return _release_line(cause)
        case RegisterCause():
            return "registers read for the first time" if cause.first else "registers changed"
        case StandingCause():
            return f"standing of {cause.region_code}, target {cause.target_id}: {cause.old} → {cause.new}"
        case DaysCause():
            counts = (
                f"{cause.criterion} criteria, {cause.measure_status} measures, {cause.pledge_status} pledges"
            )
            return f"days passed: {counts} changed their status"
        case RecalculatedCause():
            return f"calculated again: {', '.join(cause.tables)}"
        case OverrideCause():
            return f"{cause.release_id} was on hold and approved by {cause.decided_by}"
        case DecisionCause():
            line = f"{cause.release_id} was {cause.kind} by {cause.decided_by}: {cause.reason}"
            return f"{line}; current: {cause.current or 'none'}" if cause.moves_current else line


def _release_line(cause: ReleaseCause) -> str:
    line = f"release {cause.release_id}"
    if cause.replaces:
        line += f" in place of {cause.replaces}"
    if cause.replaces and cause.new_years:
        line += f"; new years {_years(cause.new_years)}"
    if cause.vanished_years:
        line += f"; vanished years {_years(cause.vanished_years)}"
    return line


def _years(years: Sequence[int]) -> str:
    return ", ".join(map(str, years))


def _print_places(stack: Stack, outcome: Outcome) -> None:
    root = stack.home.root
    places = {"Home": root}
    if outcome.publication is not None:
        report = root / "reports" / str(outcome.publication["publication_id"])
        places |= {"Digest": report / "digest.html", "Caught mail": root / "mail"}
        places |= {"Site": root / "site" / "index.html"}
    if any(one.state in {"validated", "held", "quarantined"} for one in outcome.sources):
        places["Validation pages"] = root / "data_docs"
    _print_lines(*(f"{name}: {place}" for name, place in places.items()))


def print_seconds(timings: Mapping[str, float], steps: Mapping[str, float], total: float) -> None:
    """Print the seconds of every part, and in total."""
    table = _table("Seconds", "part", "s", right=("s",))
    parts = {f"stack: {part}": seconds for part, seconds in timings.items() if part != "total"}
    for part, seconds in {**parts, **steps}.items():
        table.add_row(part, f"{seconds:.1f}")
    table.add_row("whole command", f"{total:.1f}", style="bold")
    _console().print(table)


def print_addresses(stack: Stack) -> None:
    """Print the addresses of a running stack's pages, and how to log in."""
    from klimatpuls.local.services import AIRFLOW_USER, password_file

    addresses = stack.addresses
    _print_lines(
        f"Airflow      http://127.0.0.1:{addresses.airflow}  (user {AIRFLOW_USER}, "
        f"password in {password_file(stack.home)})",
        f"Caught mail  http://127.0.0.1:{addresses.mail_page}",
        f"Warehouse    {COMMAND} dsn --role bi_read",
        f"Next         {COMMAND} refresh    Stop: make down",
    )


def print_superset(superset: Superset) -> None:
    """Print the address of a running Superset's dashboard, and how to log in."""
    from klimatpuls.local.superset import USER

    _print_lines(
        f"Klimatläget  {superset.dashboard_url}",
        f"Login        user {USER}, password in {superset.password_file}",
        "Stop         make bi-down",
    )


STATUS_PARTS: Final = {
    "Releases that wait (klimatpuls release approve|reject|hold ID)": "waiting_releases",
    "Result tables that could not be calculated (klimatpuls publish tries again)": "stale_tables",
    "Mail that needs a person": "troubled_mail",
}
"""Title → query in ``read``: printed after the status of the data."""


def print_status(stack: Stack) -> None:
    """Print how fresh each dataset is, and what needs a person."""
    _print_rows("Data status", _rows(stack, "bi_read", "checks/dashboard/data_status.sql"))
    for title, name in STATUS_PARTS.items():
        _print_rows(title, _rows(stack, "wh_loader", f"read/{name}.sql"))
    if runtime.attach(stack.home) is not None:
        print_addresses(stack)
    else:
        _console().print("The stack is not running (make up).")


def print_releases(stack: Stack) -> None:
    """Print every release of the warehouse."""
    _print_rows("Releases", _rows(stack, "wh_loader", "read/list_releases.sql"))


MEMBER_PARTS: Final = {
    "The four criteria, internal status": "member_criteria",
    "Own targets, and measures against the gap": "member_targets",
    "Measures overdue or stale": "member_late_measures",
    "Pledges": "member_pledges",
    "Grants of Klimatklivet that no measure names": "member_grants",
}
"""Title → query in ``read``: printed for a member after its counts."""


def print_member(stack: Stack, region_code: str) -> None:
    """Print the internal status of one member or applicant, for the member and the secretariat.

    Raises:
        UsageError: if the register holds no confirmed member and no applicant of this code.
    """
    values = {"region_code": region_code}
    headings, counts = _rows(stack, "wh_loader", "read/member_overview.sql", values)
    if not counts:
        msg = (
            f"{region_code} is neither a confirmed member nor an applicant in the current publication; "
            'list them with: klimatpuls sql "TABLE mart.member_overview"'
        )
        raise UsageError(msg)
    _print_rows("Where it stands", (headings, counts))
    for title, name in MEMBER_PARTS.items():
        _print_rows(title, _rows(stack, "wh_loader", f"read/{name}.sql", values))


def print_diff(stack: Stack, old: str, new: str, region_codes: Sequence[str]) -> None:
    """Print what changed between two published releases, without international transport.

    Args:
        stack: A stack whose database runs.
        old: Older release, or a part of its name.
        new: Newer release, or a part of its name.
        region_codes: Regions to print in full.

    Raises:
        UsageError: if a name fits no published release of emissions or several, the substances of the two
            differ, or a region is unknown.
    """
    from klimatpuls.domain import regions
    from klimatpuls.statistics import revisions

    for code in region_codes:
        regions.region(code)
    with runtime.reading(stack, "bi_read") as cursor:
        before, after = _find_release(cursor, old), _find_release(cursor, new)
        _check_same_substance(before, after)
        sides = [revisions.without_international(_totals(cursor, name)) for name in (before, after)]
    difference = revisions.diff_releases(*sides)
    years = revisions.compare_years(_years_of(difference, "old_tco2e"), _years_of(difference, "new_tco2e"))
    console = _console()
    console.print(f"{before} → {after}", highlight=False)
    for name, chosen in (
        ("common", years.common),
        ("vanished", years.vanished),
        ("appeared", years.appeared),
    ):
        console.print(f"Years {name}: {_years(chosen) or 'none'}", highlight=False)
    totals = difference[difference["sector_code"] == "all"]
    municipal = totals[totals["region_code"].str.len() == 4]
    _print_cells("Nation, all but international transport", totals[totals["region_code"] == NATION])
    for code in region_codes:
        _print_cells(
            f"{regions.region(code).name}, all but international transport",
            totals[totals["region_code"] == code],
        )
    movers = revisions.find_largest_movers(municipal, count=MOVERS_SHOWN)
    _print_cells("Largest movers among municipalities", movers)


def _find_release(cursor: Cursor, part: str) -> str:
    cursor.execute(load_sql("read/find_release.sql"), {"part": part})
    found = [release_id for (release_id,) in cursor.fetchall()]
    exact = [release_id for release_id in found if release_id == part]
    if len(exact or found) != 1:
        listed = ", ".join(found) if found else "none"
        msg = (
            f"{part!r} must name one published release of emissions; it fits: {listed} (klimatpuls releases)"
        )
        raise UsageError(msg)
    return str((exact or found)[0])


def _check_same_substance(before: str, after: str) -> None:
    """Refuse two releases of different substances: their difference is no revision."""
    old, new = (release_id.split("-")[:2] for release_id in (before, after))
    if old != new:
        msg = (
            f"{before} and {after} are of different substances ({old[1]}, {new[1]}); name two of the same "
            "(klimatpuls releases)"
        )
        raise UsageError(msg)


def _totals(cursor: Cursor, release_id: str) -> pd.DataFrame:
    from klimatpuls.warehouse.frames import read_frame

    return read_frame(cursor, "read/release_for_diff.sql", {"release_id": release_id})


def _years_of(difference: pd.DataFrame, column: str) -> list[int]:
    return sorted({int(year) for year in difference.loc[difference[column].notna(), "year"]})


def _print_cells(title: str, cells: pd.DataFrame) -> None:
    from klimatpuls.domain import regions

    numbers = ("year", "old t", "new t", "difference t", "%")
    table = _table(title, "region", *numbers, "change", right=numbers)
    for row in cells.to_dict("records"):
        table.add_row(
            regions.region(str(row["region_code"])).name,
            str(row["year"]),
            *(_tonnes(float(row[name])) for name in ("old_tco2e", "new_tco2e", "difference_tco2e")),
            "" if math.isnan(row["difference_pct"]) else f"{row['difference_pct']:+.2f}",
            str(row["change"]),
        )
    _console().print(table)


def _tonnes(value: float) -> str:
    """Whole tonnes with spaces between thousands; empty for a missing value."""
    return "" if math.isnan(value) else f"{value:,.0f}".replace(",", " ")


def print_checks(sources: Sequence[Source], place: Place, *, as_markdown: bool) -> bool:
    """Print the assumptions about sources and what the agencies answer; returns whether all hold or differ.

    Args:
        sources: The sources to ask, one after the other; standard error shows which.
        place: Which agencies to ask.
        as_markdown: Print the table as Markdown.
    """
    from klimatpuls.operations.check_sources import check_sources  # imports every parser's libraries

    waiting = Console(stderr=True, soft_wrap=True)

    def announced() -> Iterable[Source]:
        for source in sources:
            waiting.print(f"asking {source.id} at {place.base_urls[source.conn_id]}", highlight=False)
            yield source

    rows = [
        (source.id, found.assumption, found.answer, found.verdict, found.action)
        for source, found in check_sources(announced(), place)
    ]
    heads = ("source", "assumption", "answer", "verdict", "what to do")
    verdicts = [verdict for *_, verdict, _ in rows]
    if as_markdown:
        _write_markdown(heads, rows)
    else:
        _print_verdicts(heads, rows)
        counts = ", ".join(f"{verdicts.count(one)} {one}" for one in ("holds", "differs", "fails"))
        _console().print(f"{len(rows)} assumptions: {counts}", highlight=False)
    return "fails" not in verdicts


def _print_verdicts(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = _table(None, *heads, whole=("source", "verdict"))
    table.show_lines = True
    for row in rows:
        table.add_row(*map(escape, row), style=_STYLES[row[heads.index("verdict")]])
    _console().print(table)


_STYLES: Final = {"holds": "", "differs": "yellow", "fails": "bold red"}


def _write_markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    lines = [heads, ["---"] * len(heads)]
    lines += [[" ".join(cell.split()).replace("|", "\\|") for cell in row] for row in rows]
    _print_lines(*(f"| {' | '.join(line)} |" for line in lines))


def print_trace(stack: Stack, question: Question, *, as_json: bool) -> bool:
    """Print a number and its origin, step by step; for a region alone, what can be traced.

    Returns:
        False if a file or the inputs of a number contradict it.

    Raises:
        UsageError: if the question fits no number; the error lists the choices.
        SnapshotError: if kept bytes are missing or damaged.
    """
    from klimatpuls.operations import trace

    console = _console()
    with runtime.reading(stack, "bi_read") as cursor:
        if question.is_open:
            _print_overview(console, question.region_code, trace.overview(cursor, question.region_code))
            return True
        found = trace.trace(cursor, runtime.run_context(stack.home, stack.as_of).snapshots, question)
    wrong = found.disagreements()
    if as_json:
        text = json.dumps(to_json(found), ensure_ascii=False, indent=2, default=str)
        console.out(text, highlight=False)
        return not wrong
    _print_lines(*render_lines(found))
    for line in wrong:
        console.print(f"DOES NOT AGREE: {line}", style="bold red", markup=False, highlight=False)
    return not wrong


def _print_overview(
    console: Console, region_code: str, found: Sequence[tuple[str, int, Mapping[str, Sequence[str]]]]
) -> None:
    from klimatpuls.domain import regions

    title = f"{region_code} {regions.region(region_code).name}: what can be traced"
    table = _table(title, "mart", "rows", "keys", right=("rows",), whole=("mart",))
    for mart, count, keys in found:
        shown = "; ".join(
            f"{key}: {_first_few(values)}" for key, values in keys.items() if key != "region_code"
        )
        table.add_row(mart, str(count), shown)
    console.print(table)
    _print_lines(
        f"{COMMAND} trace {region_code} --sector all --year 2024",
        f"{COMMAND} trace {region_code} --boundary territorial --year 1990",
        f"{COMMAND} trace {region_code} --target TARGET [--column gap_tco2e]",
        f"{COMMAND} trace {region_code} --sector all --year 1990 --release RELEASE",
        f"{COMMAND} trace {region_code} --mart MART [--column COLUMN] [--where KEY=VALUE]",
    )


def _first_few(values: Sequence[str]) -> str:
    """A list of values; the middle of a long one is left out."""
    if len(values) <= FEW:
        return ", ".join(values)
    return f"{', '.join(values[: FEW // 2])} … {', '.join(values[-FEW // 2 :])} ({len(values)})"


def write_csv(stack: Stack, query: str, output: BinaryIO) -> None:
    """Write the rows of a query, read as ``bi_read``, as CSV with a header line.

    Raises:
        UsageError: if the query is empty or fails, in the server's words, or the answer cannot be written.
    """
    import psycopg2

    asked = query.strip().rstrip(";")
    if not asked:
        msg = 'the query is empty; ask for example "SELECT * FROM mart.release"'
        raise UsageError(msg)
    with runtime.reading(stack, "bi_read") as cursor:
        try:
            # The role may read the marts and nothing else. A query may end in a comment: hence \n.
            cursor.copy_expert(f"COPY ({asked}\n) TO STDOUT (FORMAT csv, HEADER)", output)
            output.flush()
        except psycopg2.Error as error:
            if cursor.connection.closed:
                raise
            msg = f"the query failed: {str(error).strip()}"
            raise UsageError(msg) from None
        except BrokenPipeError:
            raise
        except OSError as error:
            msg = f"the answer could not be written: {error.strerror}"
            raise UsageError(msg) from None


def _rows(
    stack: Stack, role: str, name: str, values: Mapping[str, Any] | None = None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    with runtime.reading(stack, role) as cursor:
        cursor.execute(load_sql(name), values)
        return [column.name for column in cursor.description or ()], cursor.fetchall()


def _print_rows(title: str, found: tuple[list[str], Iterable[tuple[Any, ...]]]) -> None:
    headings, rows = found
    rows = list(rows)
    if not rows:
        _console().print(f"{title}: none")
        return
    # A release's name is copied by users, so it stays on one line however narrow the terminal is.
    table = _table(title, *headings, whole=("release_id",))
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    _console().print(table)


def _table(title: str | None, *headings: str, right: Sequence[str] = (), whole: Sequence[str] = ()) -> Table:
    """An empty table; the columns of ``right`` are numbers, those of ``whole`` stay on one line."""
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(
            heading,
            justify="right" if heading in right else "left",
            overflow="fold",
            no_wrap=heading in whole,
        )
    return table


def _print_lines(*lines: str) -> None:
    """Print lines as they are, without wrapping or colours."""
    console = _console()
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _console() -> Console:
    terminal = shutil.get_terminal_size((WIDTH_OF_A_FILE, 50))
    return Console(width=max(terminal.columns, NARROWEST), soft_wrap=False)
