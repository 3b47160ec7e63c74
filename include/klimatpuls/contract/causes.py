"""Why a publication was made: the types behind the JSON column ``causes`` of ``mart.publication``.

The causes are written at the moment of publication, so that the digest, the terminal and a later reader give
the same reasons. One type per kind; :func:`cause_from_json` and :func:`causes_to_json` are the only places
that know the JSON. Tonnes are tonnes CO2e.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Final, Literal

PUBLISHED_TOTAL: Final = "published_total"


@dataclass(frozen=True, kw_only=True)
class NationRevision:
    """The nation's total of one year in two releases.

    ``international_t``: tonnes of international transport that the publisher began to count for the year;
    they are in neither value. None where it did not.
    """

    year: int
    old_t: float
    new_t: float
    international_t: float | None = None


@dataclass(frozen=True, kw_only=True)
class MunicipalityRevision:
    """A municipality's total of one year in two releases."""

    region_code: str
    region_name: str
    year: int
    old_t: float
    new_t: float


@dataclass(frozen=True, kw_only=True)
class ReleaseCause:
    """A new release: the first of its kind, in place of ``replaces``, or an earlier one loaded afterwards.

    Attributes:
        release_id: The release.
        dataset: Catalogue id of its dataset.
        substance: Its substance, ``all`` where there is none.
        published_date: The publisher's date, ISO.
        is_current: Whether its figures are shown now; a release loaded afterwards can be older.
        first: Whether no release of its dataset and substance was shown before.
        replaces: The release that was current before it; None where it takes no release's place.
        new_years: Years that the release before did not have.
        vanished_years: Years that only the release before has.
        nation: What was revised for the nation.
        largest_movers: The municipalities whose figures were revised most.
        moved_share_pct: Share of the municipal yearly totals that moved by more than 5 percent.
        boundary: What the revised values are sums of; causes written before this was recorded are of the
            published total.
    """

    kind: ClassVar = "release"
    release_id: str
    dataset: str
    substance: str
    published_date: str
    is_current: bool = True
    first: bool
    replaces: str | None = None
    new_years: tuple[int, ...] = ()
    vanished_years: tuple[int, ...] = ()
    boundary: str = PUBLISHED_TOTAL
    nation: tuple[NationRevision, ...] = ()
    largest_movers: tuple[MunicipalityRevision, ...] = ()
    moved_share_pct: float | None = None


@dataclass(frozen=True, kw_only=True)
class OverrideCause:
    """A release on hold was approved by a person, who is not named in a mail."""

    kind: ClassVar = "override"
    release_id: str
    dataset: str | None = None
    decided_by: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class DecisionCause:
    """A person withdrew a published release, or restored a withdrawn one; nobody is named in a mail.

    Attributes:
        kind: Whether it was withdrawn or restored.
        release_id: The release.
        dataset: Catalogue id of its dataset.
        substance: Its substance, ``all`` where there is none.
        moves_current: Whether current figures changed by it.
        current: The release whose figures count from now on, or None where there is none.
        decided_by: Who decided.
        reason: Why, in the words of who decided.
    """

    kind: Literal["withdrawn", "restored"]
    release_id: str
    dataset: str
    substance: str
    moves_current: bool
    current: str | None
    decided_by: str | None = None
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class StandingCause:
    """A member's own target changed its status; ``old`` is None where it had none."""

    kind: ClassVar = "standing"
    region_code: str
    target_id: str
    old: str | None = None
    new: str | None = None


@dataclass(frozen=True, kw_only=True)
class RegisterCause:
    """The network's own registers changed, or were read for the first time."""

    kind: ClassVar = "register"
    first: bool


@dataclass(frozen=True, kw_only=True)
class DaysCause:
    """Days passed and changed dated statuses: how many of criteria, measures and pledges."""

    kind: ClassVar = "status_changed"
    criterion: int
    measure_status: int
    pledge_status: int


@dataclass(frozen=True, kw_only=True)
class RecalculatedCause:
    """Result tables that could not be calculated in the publication before are calculated again."""

    kind: ClassVar = "recalculated"
    tables: tuple[str, ...]


Cause = (
    ReleaseCause
    | OverrideCause
    | DecisionCause
    | StandingCause
    | RegisterCause
    | DaysCause
    | RecalculatedCause
)
_TYPES: Final[Mapping[str, type[Cause]]] = {
    "release": ReleaseCause,
    "withdrawn": DecisionCause,
    "restored": DecisionCause,
    "override": OverrideCause,
    "standing": StandingCause,
    "register": RegisterCause,
    "status_changed": DaysCause,
    "recalculated": RecalculatedCause,
}
_PARTS: Final[Mapping[str, type[NationRevision | MunicipalityRevision]]] = {
    "nation": NationRevision,
    "largest_movers": MunicipalityRevision,
}


def cause_from_json(stored: Mapping[str, Any]) -> Cause:
    """The cause that a JSON object describes.

    Args:
        stored: One element of the column; keys that no type knows are left out.

    Raises:
        ValueError: if its kind is unknown.
    """
    kind = stored["kind"]
    if kind not in _TYPES:
        msg = f"a publication's cause of an unknown kind: {kind!r}; known are {', '.join(_TYPES)}"
        raise ValueError(msg)
    names = {field.name for field in fields(_TYPES[kind])}
    return _TYPES[kind](**{name: _value(name, value) for name, value in stored.items() if name in names})


def _value(name: str, value: Any) -> Any:
    if name in _PARTS:
        return tuple(_PARTS[name](**part) for part in value)
    return tuple(sorted(value)) if isinstance(value, list) else value


def causes_to_json(causes: Iterable[Cause]) -> list[dict[str, Any]]:
    """The causes as the column holds them."""
    return [{"kind": cause.kind, **asdict(cause)} for cause in causes]
