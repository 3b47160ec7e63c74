"""The command line ``klimatpuls``: each command reads its options and calls one function of another package.

``EXIT_CODES`` lists the exit codes. A user's mistake ends in one line on standard error, without a traceback.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import closing
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import TyperException

from klimatpuls import clock
from klimatpuls.cli import output, session
from klimatpuls.errors import EXIT_FETCH, EXIT_USAGE, KlimatpulsError, UsageError
from klimatpuls.local import runtime, superset
from klimatpuls.local.home import Home
from klimatpuls.local.run_options import RunRequest
from klimatpuls.local.stack import stop as stop_stack
from klimatpuls.pipeline.context import air_pollutants, contacts_file, registers_folder
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klimatpuls.pipeline.approval import Action

EXIT_INTERRUPTED = 130
EXIT_CODES = (
    "Exit codes: 0 done · 1 bad use or a fault of the project · 2 fetch failed · 3 on hold · "
    "4 wrong home · 5 quarantined · 6 mail · 7 tables not calculated"
)

app = typer.Typer(
    name="klimatpuls",
    help="From a national emission release to the network's mailbox.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog=EXIT_CODES,
)
release_app = typer.Typer(
    no_args_is_help=True, help="Decide on a release: answer a hold, hold, withdraw, restore."
)
mock_app = typer.Typer(
    no_args_is_help=True, help="Mock agencies on this machine: serve an archive, or make one."
)
registers_app = typer.Typer(no_args_is_help=True, help="The network's own registers: check, fill in, import.")
app.add_typer(release_app, name="release")
app.add_typer(registers_app, name="registers")
app.add_typer(mock_app, name="mock")
# The name until 0.1.0.
app.add_typer(mock_app, name="replica", hidden=True, deprecated=True)
source_app = typer.Typer(
    no_args_is_help=True,
    help="One source: write a new one, fetch it alone, check its assumptions, read refused files again.",
)
app.add_typer(source_app, name="source")
backup_app = typer.Typer(invoke_without_command=True)
app.add_typer(backup_app, name="backup")

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home", help="State directory (else KLIMATPULS_HOME, else ./var/live or ./var/synthetic)."
    ),
]
ArchiveOption = Annotated[
    Path | None, typer.Option(help="Archive folder for the mock agencies (else ARCHIVE).")
]
DayOption = Annotated[str | None, typer.Option(help="Day to answer as of, YYYY-MM-DD (else AS_OF).")]
SourceArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A source of the catalogue, such as smhi_emissions.")
]
ReleaseArgument = Annotated[
    str, typer.Argument(help="The release, as `klimatpuls releases` or `klimatpuls status` lists it.")
]
ReasonOption = Annotated[str, typer.Option(help="Why; kept with the release.")]
FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--folder", help="Folder of the registers (else KLIMATPULS_REGISTERS, else include/registers)."
    ),
]


class Role(StrEnum):
    """Login roles of the warehouse."""

    BI_READ = "bi_read"
    WH_LOADER = "wh_loader"
    WH_MAILER = "wh_mailer"


class ContactKind(StrEnum):
    """The two contacts of a member."""

    ELECTED = "elected"
    OFFICIAL = "official"


@app.command()
def run(
    home: HomeOption = None,
    sources: Annotated[
        str | None,
        typer.Option(metavar="auto|live|mock", help="auto, live or mock (else SOURCES, else auto)."),
    ] = None,
    archive: ArchiveOption = None,
    as_of: DayOption = None,
) -> None:
    """Start the stack, run the whole pipeline once, stop the stack (`make run`)."""
    raise typer.Exit(session.run_once(_request(home, sources, archive, as_of), _say))


@app.command()
def up(
    home: HomeOption = None,
    sources: Annotated[
        str | None,
        typer.Option(
            metavar="live|mock", help="live or mock (else SOURCES, else what the state directory remembers)."
        ),
    ] = None,
    archive: ArchiveOption = None,
    as_of: DayOption = None,
) -> None:
    """Start the stack and leave it running; prints the addresses of Airflow and of the caught mail."""
    session.start_and_leave(_request(home, sources, archive, as_of), _say)


@app.command()
def down(home: HomeOption = None) -> None:
    """Stop the stack that `up` left running, in every state directory of ./var unless one is named."""
    stopped = [opened for opened in _homes(home) if any([superset.stop(opened), stop_stack(opened)])]
    _say_each([f"stopped, in {opened.root}" for opened in stopped], "nothing was running")


@app.command()
def bi(home: HomeOption = None) -> None:
    """Start Apache Superset on the warehouse of the stack that is up, with the dashboard Klimatläget."""
    output.print_superset(superset.start(_home(home), _say))


@app.command("bi-down")
def bi_down(home: HomeOption = None) -> None:
    """Stop Superset, in every state directory of ./var unless one is named; the stack stays up."""
    stopped = [opened for opened in _homes(home) if superset.stop(opened)]
    _say_each([f"stopped Superset, in {opened.root}" for opened in stopped], "no Superset was running")


@app.command()
def refresh(home: HomeOption = None) -> None:
    """Run the pipeline once on the running stack, or on one started for this command."""
    raise typer.Exit(session.refresh(_home(home), _say))


@app.command()
def publish(home: HomeOption = None) -> None:
    """Publish what is pending, and retry result tables that could not be calculated."""
    raise typer.Exit(session.publish(_home(home), _say))


@app.command()
def status(home: HomeOption = None) -> None:
    """Show how fresh each dataset is, what waits for a person, and whether the stack runs."""
    with runtime.database(_home(home)) as stack:
        output.print_status(stack)


@app.command()
def ingest(
    file: Annotated[Path, typer.Argument(help="A file of any source, as its agency gives it.")],
    home: HomeOption = None,
) -> None:
    """Process a local file as if it had been fetched.

    The source is recognised from the file. One file is one answer of an agency.
    """
    from klimatpuls.pipeline.snapshot import recognise_file

    given = recognise_file(file)
    raise typer.Exit(session.ingest_file(_home(home), given, _say))


@source_app.command("new")
def source_new(
    source: Annotated[str, typer.Argument(metavar="ID", help="Id of the new source, such as my_source.")],
    pxweb: Annotated[bool, typer.Option("--pxweb", help="A table of a PxWebApi 2 database.")] = False,
) -> None:
    """Write the folder, fixture, test and page of a new source; docs/adding_a_source.md says what to edit."""
    from klimatpuls.operations.new_source import write_source

    for path in write_source(source, "pxweb" if pxweb else "json"):
        _say(str(path))


@source_app.command("fetch")
def source_fetch(source: SourceArgument, home: HomeOption = None) -> None:
    """Fetch, load and validate one source alone; what becomes valid is published."""
    raise typer.Exit(session.fetch_source(_home(home), source, _say))


@source_app.command("retry")
def source_retry(source: SourceArgument, home: HomeOption = None) -> None:
    """Parse the refused files of a source again; no agency is called."""
    raise typer.Exit(session.retry_source(_home(home), source, _say))


@app.command()
def backfill(
    source: SourceArgument,
    day: Annotated[str, typer.Argument(help="Load what was kept by this day (YYYY-MM-DD).")],
    home: HomeOption = None,
) -> None:
    """Load the files of a source that were kept by a past day; no agency is called."""
    raise typer.Exit(session.backfill(_home(home), source, clock.iso_day(day, "DAY"), _say))


@app.command()
def releases(home: HomeOption = None) -> None:
    """List every release the warehouse holds, with years, rows and state."""
    with runtime.database(_home(home)) as stack:
        output.print_releases(stack)


@app.command()
def member(
    region: Annotated[str, typer.Argument(help="Code of a member or applicant, such as 0360.")],
    home: HomeOption = None,
) -> None:
    """Show how a member or applicant stands (internal): criteria, targets, measures, pledges, grants."""
    with runtime.database(_home(home)) as stack:
        output.print_member(stack, region)


@release_app.command("approve")
def approve(
    release_id: ReleaseArgument,
    reason: ReasonOption = "",
    older: Annotated[
        bool,
        typer.Option("--older", help="It is the older of two releases of one day: the other corrects it."),
    ] = False,
    home: HomeOption = None,
) -> None:
    """Publish a release that is on hold; its digest still needs an approval in Airflow.

    Of releases with the same publisher's date and day of retrieval, the one approved later corrects the
    others.
    """
    _decide(home, release_id, "approve", reason, is_older=older)


@release_app.command("reject")
def reject(release_id: ReleaseArgument, reason: ReasonOption = "", home: HomeOption = None) -> None:
    """Reject a release that is on hold or not published yet; what is published does not change."""
    _decide(home, release_id, "reject", reason)


@release_app.command("hold")
def hold(
    release_id: ReleaseArgument,
    reason: Annotated[str, typer.Option(help="Why it must wait; shown to the reviewer.")],
    home: HomeOption = None,
) -> None:
    """Put a release that is not published yet on hold, until it is approved or rejected."""
    _decide(home, release_id, "hold", reason)


@release_app.command("withdraw")
def withdraw(
    release_id: ReleaseArgument,
    reason: Annotated[str, typer.Option(help="Why; kept with the release and shown in the digest.")],
    home: HomeOption = None,
) -> None:
    """Remove a published release from every mart by a new publication; it can be restored."""
    _decide(home, release_id, "withdraw", reason)


@release_app.command("restore")
def restore(
    release_id: ReleaseArgument,
    reason: Annotated[str, typer.Option(help="Why; kept with the release and shown in the digest.")],
    home: HomeOption = None,
) -> None:
    """Publish a withdrawn release again, by a new publication."""
    _decide(home, release_id, "restore", reason)


def _decide(
    home: Path | None, release_id: str, action: Action, reason: str, *, is_older: bool = False
) -> None:
    raise typer.Exit(session.decide(_home(home), release_id, action, reason, _say, is_older=is_older))


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="Older release, or a part of its name that only it has.")],
    new: Annotated[str, typer.Argument(help="Newer release, or a part of its name that only it has.")],
    region: Annotated[
        list[str] | None, typer.Option(help="Region codes to show in full, such as 0360.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Show what changed between two published releases: years, the nation, the largest movers."""
    with runtime.database(_home(home)) as stack:
        output.print_diff(stack, old, new, region or [])


@app.command()
def trace(
    region: Annotated[str, typer.Argument(help="Code or name of a region, such as 0360 or Tierp.")],
    year: Annotated[str | None, typer.Option(help="Year of the number.")] = None,
    sector: Annotated[str | None, typer.Option(help="Sector code: a published emission.")] = None,
    boundary: Annotated[
        str | None, typer.Option(help="Boundary: its value of a year, linked ones too.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Target id: where it stands, and why.")] = None,
    measure: Annotated[
        str | None, typer.Option(help="Measure id: its cost, or its effect in a year.")
    ] = None,
    release: Annotated[
        str | None, typer.Option(help="A release, or a part of its name that only it has (else the current).")
    ] = None,
    mart: Annotated[
        str | None, typer.Option(help="Any other table of mart (else what the keys say).")
    ] = None,
    column: Annotated[str | None, typer.Option(help="One column (else every number of the row).")] = None,
    where: Annotated[
        list[str] | None, typer.Option(help="Another key as NAME=VALUE, such as first_year=2015.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
    home: HomeOption = None,
) -> None:
    """Trace a published number to formula, release, file and cell; with a region alone, list the choices."""
    from klimatpuls.operations.trace import Question, find_region

    opened = _home(home)
    named = {
        "year": year,
        "sector_code": sector,
        "boundary": boundary,
        "target_id": target,
        "measure_id": measure,
        "release_id": release,
        **_pairs(where or []),
    }
    question = Question(
        region_code=find_region(region),
        mart=mart,
        column=column,
        keys={name: value for name, value in named.items() if value is not None},
    )
    with runtime.database(opened) as stack:
        is_sound = output.print_trace(stack, question, as_json=as_json)
    if not is_sound:
        raise typer.Exit(EXIT_USAGE)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT on the schema mart.")], home: HomeOption = None
) -> None:
    """Query the warehouse as bi_read; writes CSV to standard output."""
    with runtime.database(_home(home)) as stack:
        output.write_csv(stack, query, sys.stdout.buffer)


@app.command()
def site(home: HomeOption = None) -> None:
    """Build the static site of the current publication, with the PDF of every region (SITE_PDFS)."""
    from contextlib import closing
    from dataclasses import replace

    from klimatpuls.local import runtime
    from klimatpuls.pipeline.context import site_options
    from klimatpuls.pipeline.site import write_site
    from klimatpuls.warehouse.connection import connect

    opened, options = _home(home), site_options(os.environ)
    with (
        runtime.database(opened) as stack,
        closing(connect(runtime.warehouse_dsn(stack, "bi_read"))) as conn,
    ):
        context = replace(runtime.run_context(opened, stack.as_of), site_options=options)
        built = write_site(conn, context)
    if built is None:
        msg = "no emissions are published yet, so there is nothing to show; run `make run` first"
        raise UsageError(msg)
    _say(f"the site lies in {built.folder}: {built.files} files, {built.written} of them new")


@app.command()
def export(
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder to write; an earlier export in it is replaced whole.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Write every table of the current publication as CSV and Parquet, with datapackage.json."""
    from klimatpuls.operations.export import export as write

    opened = _home(home)
    with runtime.database(opened) as stack:
        done = write(runtime.warehouse_dsn(stack, "bi_read"), to or opened.root / "export")
    _say(
        f"publication {done.edition.publication_id} ({done.edition.origin}, as of "
        f"{done.edition.as_of_date}) lies in {done.folder}: {len(done.edition.files)} files, "
        f"{done.rows} rows, {done.size / 1e6:.1f} MB"
    )


@app.command()
def retention(home: HomeOption = None) -> None:
    """Delete what KLIMATPULS_KEEP no longer keeps; raw bytes and releases are never deleted."""
    from klimatpuls.operations.retention import Keep, clean_up

    keep, opened = Keep.from_environ(os.environ), _home(home)
    folders = (opened.root / "airflow" / "logs", opened.logs)
    with (
        runtime.database(opened) as stack,
        closing(connect(runtime.warehouse_dsn(stack, "wh_loader"))) as conn,
    ):
        _say(str(clean_up(conn, runtime.run_context(opened, stack.as_of), keep, folders)))


@app.command()
def dsn(
    role: Annotated[Role, typer.Option(help="Role to connect as.")] = Role.BI_READ, home: HomeOption = None
) -> None:
    """Print the address of the running warehouse for another program; it holds a password."""
    stack = runtime.attach(_home(home))
    if stack is None:
        msg = "the database is not running: start it with `make up` (klimatpuls up), then ask again"
        raise UsageError(msg)
    typer.echo(runtime.warehouse_dsn(stack, role.value))


@app.command()
def migrate() -> None:
    """Bring the warehouse of WAREHOUSE_ADMIN_DSN up to date: for containers, not for the embedded stack."""
    from klimatpuls.warehouse.migrate import LOGIN_ROLES
    from klimatpuls.warehouse.migrate import migrate as run_migrations

    names = ["WAREHOUSE_ADMIN_DSN", *(f"{role.upper()}_PASSWORD" for role in LOGIN_ROLES)]
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        msg = f"set {', '.join(missing)} in the environment"
        raise UsageError(msg)
    _check_mail()
    passwords = {role: os.environ[f"{role.upper()}_PASSWORD"] for role in LOGIN_ROLES}
    version = run_migrations(os.environ["WAREHOUSE_ADMIN_DSN"], passwords)
    _say(f"the warehouse is at {version}")


@backup_app.callback(invoke_without_command=True)
def backup(
    context: typer.Context,
    to: Annotated[
        Path | None, typer.Option("--to", help="File to write (else one in this folder, by origin and time).")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Write warehouse, raw bytes, digests and validation pages into one file; no password is in it."""
    from klimatpuls.local import backup as backups

    if context.invoked_subcommand is not None:
        return
    opened, now = _home(home), clock.utc_now()
    file = to or backups.default_file(opened, now)
    with runtime.database(opened) as stack:
        manifest = backups.make_backup(stack, file, now)
    _say(
        f"{file}: origin {manifest.origin}, publication {manifest.publication_id}, "
        f"{len(manifest.files)} files, {file.stat().st_size / 1e6:.1f} MB, "
        f"warehouse digest {manifest.warehouse_digest[:16]}"
    )


@backup_app.command("restore")
def backup_restore(
    file: Annotated[Path, typer.Argument(help="A file that `klimatpuls backup` wrote.")],
    home: Annotated[
        Path | None,
        typer.Option("--home", help="The new state directory, missing or empty (else the default one)."),
    ] = None,
) -> None:
    """Restore a backup into a new state directory with new passwords; the folder must be empty."""
    from klimatpuls.local import backup as backups

    restored, manifest = backups.restore(file, home, _say)
    _say(
        f"{restored.root} holds publication {manifest.publication_id} of origin {manifest.origin} again, "
        f"as backed up at {manifest.made_at}; warehouse digest {manifest.warehouse_digest[:16]}"
    )


@registers_app.command("check")
def registers_check(folder: FolderOption = None) -> None:
    """Read every register and explain every mistake by file, row, column and remedy; check mail addresses."""
    from klimatpuls.registers.checking import check_folder
    from klimatpuls.registers.contacts import read_contacts
    from klimatpuls.registers.reading import RegisterError

    today = clock.stockholm_date(clock.utc_now())
    checked = check_folder(_registers(folder), today)
    mistakes = list(checked.mistakes)
    if contacts := contacts_file(os.environ):
        try:
            read_contacts(contacts, checked, today)
        except RegisterError as error:
            mistakes += error.mistakes
    if mistakes:
        raise RegisterError(mistakes)
    _check_mail()
    rows = sum(map(len, checked.records.values()))
    _say(f"{len(checked.records)} registers with {rows} rows, no mistake")


@registers_app.command("template")
def registers_template(file: Annotated[Path, typer.Argument(help="The workbook to write (.xlsx).")]) -> None:
    """Write the workbook that a member fills in."""
    from klimatpuls.registers.template import build_template

    _refuse_other_than_xlsx(file)
    file.write_bytes(build_template())
    _say(f"a workbook to fill in lies in {file}; bring it back with: klimatpuls registers import {file}")


@registers_app.command("export")
def registers_export(
    file: Annotated[Path, typer.Argument(help="The workbook to write (.xlsx).")] = Path(
        "Klimatpuls register.xlsx"
    ),
    with_contacts: Annotated[
        bool, typer.Option("--with-contacts", help="Also the contacts (KLIMATPULS_CONTACTS): personal data.")
    ] = False,
    folder: FolderOption = None,
) -> None:
    """Write the secretariat's workbook: every register as it is in force, in Swedish."""
    from klimatpuls.pipeline.context import contacts_file
    from klimatpuls.registers.desk import export

    contacts = contacts_file(os.environ) if with_contacts else None
    if with_contacts and contacts is None:
        msg = "--with-contacts: name the file of contacts in the setting KLIMATPULS_CONTACTS"
        raise UsageError(msg)
    _refuse_other_than_xlsx(file)
    if file.exists():
        msg = f"{file} exists already and may hold changes; import it, then move it away or name another file"
        raise UsageError(msg)
    body = export(_registers(folder), contacts=contacts, today=clock.stockholm_date(clock.utc_now()))
    file.touch(mode=0o600 if with_contacts else 0o644)
    file.write_bytes(body)
    _say(f"the registers lie in {file}; bring changes back with: klimatpuls registers import '{file}'")
    if with_contacts:
        _say(f"warning: {file} holds personal data (contacts); delete it when you are done")


@registers_app.command("import")
def registers_import(
    file: Annotated[
        Path,
        typer.Argument(help="The secretariat's workbook, one a member filled in, or a CSV of one register."),
    ],
    register: Annotated[
        str | None, typer.Option(help="Which register a CSV is about (else by its name or columns).")
    ] = None,
    apply: Annotated[
        bool,
        typer.Option("--apply", help="Write what the secretariat's workbook changes (else only show it)."),
    ] = False,
    folder: FolderOption = None,
) -> None:
    """Bring filled-in rows into the reviewed files, all or none; review the difference like any change.

    Changes of the secretariat's workbook are only shown without --apply. What a member filled in is written.
    """
    from klimatpuls.pipeline.context import contacts_file
    from klimatpuls.registers.desk_import import plan_import
    from klimatpuls.registers.importing import import_file
    from klimatpuls.registers.marking import write_marked_copy
    from klimatpuls.registers.reading import RegisterError

    today = clock.stockholm_date(clock.utc_now())
    try:
        plan = plan_import(file, _registers(folder), contacts=contacts_file(os.environ), today=today)
        imported = () if plan else import_file(file, _registers(folder), register=register, today=today)
    except RegisterError as error:
        if file.exists() and (copy := write_marked_copy(file, error.mistakes)):
            _say(f"every mistake is marked in {copy}")
        raise
    if plan is not None:
        for line in plan.lines():
            _say(line)
        if apply:
            plan.apply()
        if plan.changes:
            _say(plan.outcome(is_written=apply))
        return
    _say_each([str(done) for done in imported], "nothing is filled in")


@registers_app.command("import-plans")
def registers_import_plans(
    file: Annotated[Path, typer.Argument(help="Klimatkollen's collection of climate plans (CSV).")],
    folder: FolderOption = None,
) -> None:
    """Bring a collection of climate plans into the register; entries of a region's own are kept."""
    from klimatpuls.registers.plans import import_plans

    done, found = import_plans(file, _registers(folder), clock.stockholm_date(clock.utc_now()))
    _say(f"the collection holds {found}")
    _say(str(done))


@registers_app.command("forget")
def registers_forget(
    region: Annotated[str, typer.Argument(help="Code of the member, such as 0360.")],
    kind: Annotated[ContactKind | None, typer.Option(help="One of its contacts (else both).")] = None,
    reason: Annotated[
        str, typer.Option(help="Why, without naming anybody; kept with the note.")
    ] = "on request",
    home: HomeOption = None,
) -> None:
    """Delete a member's contacts, in the warehouse and in their file; only that it was done is kept."""
    from klimatpuls.operations.contacts import forget

    with (
        runtime.database(_home(home)) as stack,
        closing(connect(runtime.warehouse_dsn(stack, "wh_mailer"))) as conn,
    ):
        deleted, in_file = forget(
            conn, region, kind=kind.value if kind else None, reason=reason, path=contacts_file(os.environ)
        )
    _say(f"{region}: {deleted} contacts deleted in the warehouse, {in_file} rows in the file of contacts")


@source_app.command("check")
def source_check(
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Sources of the catalogue (else all).")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Ask the agencies, not the mock agencies.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The table as Markdown, for a report.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Ask each agency the smallest questions that prove our assumptions; ends with 2 if one fails.

    Needs no database and changes nothing: the first command on a new machine is
    `klimatpuls source check --live`.
    """
    from klimatpuls.contract import catalog
    from klimatpuls.local import source_check

    asked = [catalog.source(name) for name in sources] if sources else list(catalog.SOURCES.values())
    with (
        source_check.at_the_agencies()
        if live
        else source_check.at_what_a_home_asks(_home_to_ask(home)) as place
    ):
        is_sound = output.print_checks(asked, place, as_markdown=markdown)
    if not is_sound:
        raise typer.Exit(EXIT_FETCH)


@mock_app.command("serve")
def mock_serve(
    archive: Annotated[Path, typer.Option(help="Archive folder.")],
    as_of: Annotated[str | None, typer.Option(help="Day to answer as of, YYYY-MM-DD.")] = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 chooses a free one.")] = 0,
) -> None:
    """Answer as the agencies do, from an archive folder, until stopped."""
    from klimatpuls.mock_agencies import server

    words = ["--archive", str(archive), "--port", str(port)]
    raise typer.Exit(server.main([*words, "--as-of", as_of] if as_of else words))


@mock_app.command("make-archive")
def mock_make_archive(
    folder: Annotated[Path, typer.Argument(help="Folder to write; made when missing.")],
    seed: Annotated[int | None, typer.Option(help="Another seed gives other figures.")] = None,
) -> None:
    """Write a synthetic archive folder: the same seed and KLIMATPULS_AIR_POLLUTANTS give the same bytes."""
    from klimatpuls.mock_agencies.archive import DEFAULT_SEED, make_archive

    seed = DEFAULT_SEED if seed is None else seed
    made = make_archive(folder, seed, pollutants=air_pollutants(os.environ))
    _say(f"a SYNTHETIC archive lies in {made}")


def _request(home: Path | None, sources: str | None, archive: Path | None, as_of: str | None) -> RunRequest:
    """The options of a run; an option overrides its environment variable."""
    options = {
        "SOURCES": sources,
        "ARCHIVE": str(archive) if archive else None,
        "AS_OF": as_of,
        "KLIMATPULS_HOME": str(home) if home else None,
    }
    given = {name: value for name, value in options.items() if value is not None}
    return RunRequest.from_environ({**os.environ, **given})


def _home(home: Path | None) -> Home:
    """The state directory of a command: the one that is named, else the default one of `make run`."""
    named = home or (Path(os.environ["KLIMATPULS_HOME"]) if os.environ.get("KLIMATPULS_HOME") else None)
    if named is None:
        return runtime.find_home(runtime.PROJECT / "var")
    if (named / "config.json").is_file():
        return Home(named)
    msg = f"{named} is no state directory: run `make run` first, or name one with --home or KLIMATPULS_HOME"
    raise UsageError(msg)


def _home_to_ask(home: Path | None) -> Home:
    try:
        return _home(home)
    except UsageError as error:
        msg = f"{error}; with --live the agencies are asked, and no state directory is needed"
        raise UsageError(msg) from None


def _pairs(words: list[str]) -> dict[str, str]:
    """Keys given as NAME=VALUE."""
    for word in words:
        if "=" not in word:
            msg = f"--where takes NAME=VALUE, such as first_year=2015, not {word!r}"
            raise UsageError(msg)
    return {name.strip(): value.strip() for name, _, value in (word.partition("=") for word in words)}


def _refuse_other_than_xlsx(file: Path) -> None:
    if file.suffix.casefold() != ".xlsx":
        msg = f"{file} must end in .xlsx"
        raise UsageError(msg)


def _check_mail() -> None:
    """Check the mail settings of this process, if it has any.

    Raises:
        UsageError: if no mail could be sent with them; names the setting, repeats no address and no password.
    """
    from klimatpuls.report.mailer import parse_connection

    if connection := os.environ.get("AIRFLOW_CONN_SMTP_DEFAULT"):
        parse_connection(connection)


def _registers(folder: Path | None) -> Path:
    """The folder of the registers: named, else that of the setting, else the project's own."""
    return folder or registers_folder(os.environ)


def _homes(home: Path | None) -> list[Home]:
    """The state directory that is named, else all of ./var."""
    is_named = home is not None or bool(os.environ.get("KLIMATPULS_HOME"))
    return [_home(home)] if is_named else runtime.existing_homes(runtime.PROJECT / "var")


def _say(line: str) -> None:
    typer.echo(line)


def _say_each(lines: Sequence[str], otherwise: str) -> None:
    for line in lines or [otherwise]:
        _say(line)


def main() -> None:
    """Run the command line; turn errors into one line and an exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that lacks a letter shows "?" in its place
            stream.reconfigure(errors="replace")
    try:
        code = app(standalone_mode=False)
    except KlimatpulsError as error:
        typer.echo(f"klimatpuls: {error}", err=True)
        code = error.exit_code
    except TyperException as error:
        typer.echo(f"klimatpuls: {error.format_message()}", err=True)
        code = EXIT_USAGE
    except (KeyboardInterrupt, typer.Abort):
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        code = EXIT_USAGE
    if code == EXIT_INTERRUPTED:  # typer makes this code of a KeyboardInterrupt and raises nothing
        typer.echo("klimatpuls: interrupted; what it started stops within seconds", err=True)
    sys.exit(code or 0)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
