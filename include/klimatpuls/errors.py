"""Errors for the person who must act, each with the exit code of the command that fails.

A message names the source, the release, the row or cell, what was expected, what was found and what to
do. The exit codes are documented in ``docs/operations.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_DONE = 0
EXIT_USAGE = 1
EXIT_FETCH = 2
EXIT_HOLD = 3
EXIT_WRONG_HOME = 4
EXIT_QUARANTINE = 5
EXIT_MAIL = 6
EXIT_STALE = 7


def explain(error: BaseException) -> str:
    """The message of an exception in one line, with the table if the database names one.

    Args:
        error: The exception.

    Example: a UniqueViolation → ``duplicate key value … (table mart_data.measure_coverage, constraint
    measure_coverage_pkey)``.
    """
    message = " ".join(str(error).split()) or "no message"
    diag = getattr(error, "diag", None)
    table = getattr(diag, "table_name", None)
    if table is None:
        return message
    named = [f"table {getattr(diag, 'schema_name', None)}.{table}"]
    named += [
        f"{kind} {name}" for kind in ("column", "constraint") if (name := getattr(diag, f"{kind}_name", None))
    ]
    return f"{message} ({', '.join(named)})"


class KlimatpulsError(Exception):
    """Base of every error the project raises on purpose; ``exit_code`` is the exit code of the command."""

    exit_code = EXIT_USAGE


class UsageError(KlimatpulsError):
    """The command or a setting was used wrongly; nothing was done."""

    exit_code = EXIT_USAGE


class FetchError(KlimatpulsError):
    """A source could not be fetched; what was published stays as it was."""

    exit_code = EXIT_FETCH


class NotYetPublished(FetchError):  # noqa: N818 - a state of the source, not an error
    """The source has published nothing yet as of the day; a state, not a failure."""


class OnHoldError(KlimatpulsError):
    """A release waits for a person's decision."""

    exit_code = EXIT_HOLD


class WarehouseError(KlimatpulsError):
    """The warehouse could not be read or written; the whole publication waits for the next run."""


class WrongHomeError(KlimatpulsError):
    """The state directory holds figures of another origin than the requested ones."""

    exit_code = EXIT_WRONG_HOME


class QuarantinedError(KlimatpulsError):
    """A release was refused; its bytes and findings are kept."""

    exit_code = EXIT_QUARANTINE


class SourceFormatError(QuarantinedError, ValueError):
    """The bytes do not match the source's contract.

    Attributes:
        rule: Short stable name of the rule that was broken, such as ``header_not_found``.
        findings: One line per thing found, at most ten, each naming its row or cell.
    """

    def __init__(self, message: str, *, rule: str, findings: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.rule = rule
        self.findings = tuple(findings)[:10]

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the keyword arguments when pickled; an exception keeps only its positional ones."""
        return _format_error, (type(self), str(self), self.rule, self.findings)


def _format_error(
    kind: type[SourceFormatError], message: str, rule: str, findings: Sequence[str]
) -> SourceFormatError:
    return kind(message, rule=rule, findings=findings)


class SiteError(KlimatpulsError):
    """Pages of the site could not be made; they keep their last files, and all others are new."""


class MailError(KlimatpulsError):
    """The digest could not be handed to the mail server."""

    exit_code = EXIT_MAIL
