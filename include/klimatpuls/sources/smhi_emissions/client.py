"""Fetches SMHI's workbook, notices when it changed, and checks what is assumed about it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from klimatpuls.contract.releases import Fetched
from klimatpuls.domain import regions, sectors, substances
from klimatpuls.domain.units import plain_unit
from klimatpuls.errors import FetchError, SourceFormatError
from klimatpuls.fetch.assumptions import checked
from klimatpuls.fetch.http import StatusError, poll_file
from klimatpuls.files import isolation
from klimatpuls.files.archive_safety import looks_like
from klimatpuls.sources.smhi_emissions.parser import UNKNOWN_SUBSECTOR, parse
from klimatpuls.sources.smhi_emissions.sheet import KEY_WORDS, SOURCE, find_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from klimatpuls.contract.releases import Poll
    from klimatpuls.fetch.assumptions import Checked
    from klimatpuls.fetch.http import PoliteSession


PATH: Final = "/api/getexcelfile/"
GONE_STATUS: Final = frozenset({404, 410})


def fetch(
    session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
) -> Fetched:
    """Fetch the newest workbook of one substance; the service offers no older one.

    Raises:
        UsageError: if there is no such substance.
        NotYetPublished: if the mock agencies have nothing published as of their day.
        FetchError: if no complete answer with status 200 came.
    """
    address, query = _address(base_url, substance or "")
    try:
        answer = session.get(address, params=query)
    except StatusError as error:
        if error.status not in GONE_STATUS:
            raise
        msg = (
            f"{SOURCE} {substance} as of {as_of.isoformat()}: the workbook's address is gone ({error}). It "
            "is undocumented and may have moved: download the workbook by hand and run "
            "'klimatpuls ingest FILE'."
        )
        raise FetchError(msg) from error
    return Fetched(
        source=SOURCE,
        dataset=dataset,
        substance=substance,
        url=answer.url,
        parts=(answer.body,),
        http=answer.facts,
        known_from=answer.known_from,
    )


def poll(
    session: PoliteSession,
    base_url: str,
    dataset: str,
    substance: str | None,
    *,
    as_of: date,
    validators: Mapping[str, str],
) -> Poll:
    """Request the workbook only if it changed.

    It is not known which headers the service sends. With an ETag or a date it answers 304 without a body;
    without them the two megabytes of a workbook are read, and their hash is the fingerprint.
    """
    return poll_file(session, *_address(base_url, substance or ""), validators)


def check(session: PoliteSession, base_url: str, *, as_of: date) -> Iterator[Checked]:
    """Fetch the workbook of all greenhouse gases and compare it with what :func:`parse` assumes.

    One call of about 2 MB: the service knows no smaller answer that shows every area.
    """
    address, query = _address(base_url, "ghg")
    assumption = f"{PATH}?county=0&municipality=0&sub={query['sub']} answers with a workbook"
    try:
        answer = session.get(address, params=query)
    except FetchError as error:
        action = (
            "open the address in a browser; if it has moved, download the workbook by hand and run "
            "'klimatpuls ingest FILE'"
        )
        yield checked(assumption, str(error), "fails", action)
        return
    if not answer.body.startswith(b"PK"):
        action = "see what the address shows in a browser; a run refuses this answer"
        yield checked(assumption, looks_like(answer.body), "fails", action)
        return
    kind = answer.headers.get("Content-Type", "no content type")
    yield checked(assumption, f"{len(answer.body):,} bytes, {kind}")
    validators = [name for name in ("ETag", "Last-Modified") if answer.headers.get(name)]
    yield checked(
        "ETag or Last-Modified says whether the workbook changed (not recorded so far)",
        ", ".join(validators) or "neither: every poll reads the whole workbook",
        "holds" if validators else "differs",
        "none needed: 2 MB per poll",
    )
    try:
        yield from isolation.run_isolated(check_workbook_form, answer.body, as_of, what=SOURCE)
    except SourceFormatError as error:
        yield checked(
            "the workbook has the layout that is read",
            f"{error.rule}: {error}",
            "fails",
            "a run refuses this workbook: report the message, the parser must learn the new form",
        )


def check_workbook_form(body: bytes, as_of: date) -> tuple[Checked, ...]:
    """Compare a workbook of all greenhouse gases with every assumption about its form.

    Args:
        body: The workbook.
        as_of: The day that the publisher's date and the newest year are compared with.

    Raises:
        SourceFormatError: as :func:`parse`.
    """
    _, _, table, preamble, notes = find_table(body, SOURCE, "ghg")
    parsed = parse((body,), SOURCE, "ghg")
    newest, lag = max(parsed.years), as_of.year - max(parsed.years)
    own_forms = [note for note in parsed.notes if "publisher's date" in note or "heading" in note]
    found = set(parsed.rows["region_code"])
    main = set(sectors.main_codes()) | {"all"}
    unknown = parsed.rejects["reason"].eq(UNKNOWN_SUBSECTOR).sum()
    bad = len(parsed.rejects) - int(unknown)
    renamed = [note for note in parsed.notes if "sector" in note]
    return (
        _checked(
            f"one sheet, header {', '.join(KEY_WORDS)} in row 7, years in row 6",
            f"header in row {table.header_row + 1}" + (f"; {'; '.join(notes)}" if notes else ""),
            as_recorded=table.header_row == 6 and not notes,
        ),
        _checked(
            "row 1 says 'Rapportnamn: Länsrapport, YYYY-MM-DD', which is the release's date",
            "; ".join(own_forms) or preamble.published_date.isoformat(),
            as_recorded=not own_forms,
            is_right=preamble.published_date <= as_of + timedelta(days=1),
        ),
        _checked(
            "the unit is 'Enhet: ton/år'",
            f"Enhet: {preamble.unit}",
            as_recorded=plain_unit(preamble.unit) == plain_unit(parsed.unit),
        ),
        _checked(
            "years are sparse, from 1990, the newest two or three years before today",
            f"{len(parsed.years)} years, {min(parsed.years)} to {newest}",
            as_recorded=min(parsed.years) == 1990 and 1 <= lag <= 3,
            is_right=newest <= as_of.year,
        ),
        _checked(
            "every column beside the four is a year",
            "; ".join(table.notes) or "so it is",
            as_recorded=not table.notes,
        ),
        _checked(
            f"the {len(main) - 1} main sectors and their sum are there",
            f"{len(main & set(parsed.rows['sector_code']))} of {len(main)}",
            is_right=main <= set(parsed.rows["sector_code"]),
        ),
        _checked(
            "every sector is spelled as in an earlier release",
            "; ".join(renamed) or f"{parsed.rows['sector_code'].nunique()} sectors, all known",
            as_recorded=not renamed,
        ),
        _checked(
            "names without codes: the nation, 21 counties, 290 municipalities",
            f"{len(found)} of {len(regions.codes())} areas",
            is_right=found == set(regions.codes()),
        ),
        _checked(
            "every cell is a number, none is empty",
            f"{len(parsed.rows):,} numbers, {bad} cells that are none",
            is_right=bad == 0,
        ),
    )


def _checked(assumption: str, answer: str, *, as_recorded: bool = True, is_right: bool = True) -> Checked:
    if not is_right:
        action = "a run refuses or holds this workbook: look at it, then tell the publisher"
        return checked(assumption, answer, "fails", action)
    action = "none needed: it is read as well; note it in docs/sources/smhi_emissions.md"
    return checked(assumption, answer, "holds" if as_recorded else "differs", action)


def _address(base_url: str, substance: str) -> tuple[str, dict[str, str]]:
    """Address and query of a substance's workbook."""
    query = {"county": "0", "municipality": "0", "sub": substances.substance(substance).smhi_code}
    return f"{base_url.rstrip('/')}{PATH}", query
