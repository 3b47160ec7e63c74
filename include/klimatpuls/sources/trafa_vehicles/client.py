"""Fetches Trafikanalys' answers, notices when they changed, and checks what is assumed."""

from __future__ import annotations

import json
import re
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from klimatpuls.contract.releases import Fetched, Poll
from klimatpuls.domain.regions import codes
from klimatpuls.errors import FetchError, KlimatpulsError, SourceFormatError
from klimatpuls.fetch.assumptions import COMMON_FORM, checked
from klimatpuls.sources.trafa_vehicles.answers import (
    FIRST_YEAR,
    FUEL_CODES,
    MEASURES,
    PRODUCT,
    SOURCE_ID,
    TOTAL,
    cells_of,
    day_of,
    document,
    product_of,
    rows_of,
    text_of,
    values_of,
)
from klimatpuls.sources.trafa_vehicles.figures import read_figures

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from klimatpuls.fetch.assumptions import Checked, Verdict
    from klimatpuls.fetch.http import Answer, PoliteSession


MAX_QUESTION: Final = 2_000
"""Characters of an encoded question; the server (IIS) refuses more than 2 048."""
YEARS_PER_QUESTION: Final = 5
NEWEST: Final = f"{PRODUCT}|itrfslut|ar:senaste"
"""The smallest question: one figure of the newest year."""


def fetch(
    session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
) -> Fetched:
    """Fetch the structure, then one answer per county and block of years.

    The workbook has no stable address and is given by hand.

    Raises:
        NotYetPublished: if the mock agencies have nothing as of their day.
        FetchError: if an answer did not come, or is an error with status 200.
    """
    base = base_url.rstrip("/")
    answers = [_ask(session, base, "structure", PRODUCT)]
    try:
        for question in questions(values_of(document(answers[0].body))["ar"]):
            answers.append(_ask(session, base, "data", question))
            document(answers[-1].body)
    except SourceFormatError as error:
        msg = f"{SOURCE_ID}: no figures came: {error}"
        raise FetchError(msg) from error
    return Fetched(
        source=SOURCE_ID,
        dataset=dataset,
        substance=None,
        url=f"{base}/data?query={PRODUCT}",
        parts=tuple(answer.body for answer in answers),
        http={"answers": len(answers), "first": answers[0].facts},
        known_from=answers[0].known_from,
    )


def questions(listed: Iterable[str]) -> Iterator[str]:
    """The queries that together return every municipality, year and fuel.

    Args:
        listed: The years that the structure lists; where it lists none, all years are requested at once.

    Yields:
        Text of the parameter ``query``; never longer than ``MAX_QUESTION`` once encoded.
    """
    years = iter(sorted(year for year in listed if year.isdecimal() and int(year) >= FIRST_YEAR))
    blocks = [f"ar:{','.join(first)}" for first in iter(lambda: list(islice(years, YEARS_PER_QUESTION)), [])]
    for county in codes("county"):
        for block in blocks or ["ar"]:
            question = "|".join([PRODUCT, *MEASURES, block, f"reglan:{county}", "regkom", "drivmedel"])
            if len(urlencode(_parameters(question))) > MAX_QUESTION:
                msg = (
                    f"{SOURCE_ID}: a question of more than {MAX_QUESTION} characters: {question}. Report it."
                )
                raise FetchError(msg)
            yield question


def _ask(session: PoliteSession, base: str, what: str, question: str) -> Answer:
    return session.get(f"{base}/{what}", params=_parameters(question))


def _parameters(question: str) -> dict[str, str]:
    return {"query": question, "lang": "sv"}


def poll(
    session: PoliteSession,
    base_url: str,
    dataset: str,
    substance: str | None,
    *,
    as_of: date,
    validators: Mapping[str, str],
) -> Poll:
    """Read one figure of the newest year and its date; where that fails, what the structure lists."""
    base = base_url.rstrip("/")
    try:
        answer = document(_ask(session, base, "data", NEWEST).body)
    except SourceFormatError:
        answer = {}
    if answer.get("Rows"):
        came, coming = day_of(answer, "ActiveFrom"), day_of(answer, "NextPublishDate")
        year, count = _newest(answer)
        state = f"{count} cars in traffic {year}, in force from {came}, next expected {coming}"
        return Poll(fingerprint=state, detail=state)
    try:
        structure = document(_ask(session, base, "structure", PRODUCT).body)
    except SourceFormatError as error:
        raise FetchError(str(error)) from error
    values = values_of(structure)
    active = day_of(product_of(structure) or {}, "ActiveFrom")
    newest = max(values["ar"], default="none")
    state = f"years to {newest}, {len(values['drivmedel'])} fuels, active from {active}"
    return Poll(fingerprint=state, detail=state)


def _newest(answer: Mapping[str, Any]) -> tuple[str, str]:
    """Year and figure of the one row of an answer, as they are written."""
    found: dict[str, str] = {}
    for row in rows_of(answer):
        for cell in cells_of(row):
            found.setdefault(str(cell.get("Column")), str(cell.get("Value") or cell.get("Name")))
    return found.get("ar", "of no stated year"), found.get("itrfslut", "no figure of")


_REPORT: Final = "compare the answer with https://www.trafa.se/sidor/oppen-data-api/ and report it"
_COUNTY: Final = "09"
"""Gotland: one municipality, the smallest question about all of a county."""


def check(session: PoliteSession, base_url: str, *, as_of: date) -> Iterator[Checked]:
    """Fetch the structure and one county and year, and compare the answers with what is assumed.

    No error is raised: a call that fails is a result ``fails``.
    """
    base = base_url.rstrip("/")
    try:
        structure = document(_ask(session, base, "structure", PRODUCT).body)
        years = sorted(year for year in values_of(structure)["ar"] if year.isdecimal())
        yield checked(
            f"the structure of {PRODUCT} lists the years",
            f"{years[0]} to {years[-1]}" if years else "no year",
            "holds" if years else "differs",
            "none: all years are requested at once",
        )
        year = years[-1] if years else str(as_of.year - 2)
        question = "|".join([PRODUCT, *MEASURES, f"ar:{year}", f"reglan:{_COUNTY}", "regkom", "drivmedel"])
        answer = document(_ask(session, base, "data", question).body)
        yield from _check_answer(answer, question)
    except KlimatpulsError as error:
        yield checked("the interface answers questions about cars", str(error), "fails", "see the answer")
        return
    try:
        without = question.replace(f"|reglan:{_COUNTY}", "")
        found = rows_of(document(_ask(session, base, "data", without).body))
        summary = f"{len(found)} rows"
    except KlimatpulsError as error:
        found, summary = [], str(error)
    yield checked(
        "a question about municipalities has rows only when it names a county",
        summary,
        "differs" if found else "holds",
        "none: the county is always named",
    )


def _check_answer(answer: Mapping[str, Any], question: str) -> Iterator[Checked]:
    rows = rows_of(answer)
    try:
        found = read_figures([b"{}", json.dumps({**answer, "Errors": None}).encode()])
        verdict: Verdict = "holds" if found.rows else "fails"
        summary = (
            f"{len(rows)} rows, {len(found.rows)} figures; {'; '.join(found.notes) or 'nothing unusual'}"
        )
    except SourceFormatError as error:
        verdict, summary = "fails", str(error)
    yield checked(f"'{question}' returns the cars of a municipality by fuel", summary, verdict, _REPORT)
    cells = [cell for row in rows for cell in cells_of(row)]
    names = {text_of(cell.get("Name")) for cell in cells if cell.get("Column") == "regkom"}
    is_code = any(re.fullmatch(r"\d{4}", name) for name in names)
    yield checked(
        "Name holds the code of a municipality, Value its name",
        f"Name: {', '.join(sorted(names)) or 'none'}",
        "holds" if is_code else "differs" if cells else "fails",
        COMMON_FORM if cells else _REPORT,
    )
    fuels = {text_of(cell.get("Name")): text_of(cell.get("Value")) for cell in cells
             if cell.get("Column") == "drivmedel"}  # fmt: skip
    unknown = sorted(fuels.keys() - FUEL_CODES.keys())
    yield checked(
        f"the fuels are {', '.join(FUEL_CODES)}",
        f"{len(fuels)} fuels" + "".join(f", unknown {code} {fuels[code]}" for code in unknown),
        "holds" if fuels and TOTAL in fuels and not unknown else "differs" if fuels else "fails",
        "an unknown fuel is in the total only: add it to klimatpuls/sources/trafa_vehicles/answers.py"
        if fuels
        else _REPORT,
    )
    came = day_of(answer, "ActiveFrom")
    yield checked(
        "the answer says from when it is in force (ActiveFrom)",
        f"{came or answer.get('ActiveFrom')}, next {day_of(answer, 'NextPublishDate')}",
        "holds" if came else "differs",
        "none: the structure's day is taken, else the end of the year",
    )
