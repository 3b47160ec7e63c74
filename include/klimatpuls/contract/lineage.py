"""Where a published number comes from: the formula and the inputs of every column of the marts. Pure.

A mart that shows a fact copies its numbers. For every other column with a number ``lineage.csv`` says whether
it is copied from a publisher's file (``source``), from a register of the network (``register``) or calculated
here (``reckoned``), by which section of docs/methods.md, and from which other columns. It becomes
``mart.lineage`` with the next migration; ``klimatpuls trace`` follows it from a number down to the cells of
the files.

An input reads ``mart.column``, with what chooses its rows in brackets:

* ``target_progress.level_tco2e``: the same row, where the mart is the row's own.
* ``boundary_series.emissions_tco2e[year=base_year]``: the row with that year; keys that are not named and
  that both marts have (region, boundary, target …) are those of the row at hand.
* ``[year>='2015',in_trend]``: a literal in quotes; ``=``, ``!=``, ``>=`` and ``<=``; ``in_trend`` keeps the
  values that may carry a trend (published by the current release, no known defect), ``in_territory`` the main
  sectors of a territorial total.
* ``{sector_code='all'}change_part…``: an input of rows of which that is true.
* ``…]*``: a whole set of rows, named and not opened one by one.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from klimatpuls.contract import schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SOURCE: Final = "source"
REGISTER: Final = "register"
CALCULATED: Final = "reckoned"
KINDS: Final = (SOURCE, REGISTER, CALCULATED)
IN_TREND: Final = "in_trend"
IN_TERRITORY: Final = "in_territory"

_NUMBERS: Final = frozenset({"smallint", "integer", "bigint", "double precision"})
_INPUT = re.compile(r"(?:\{([^}]*)\})?(\w+)\.(\w+)(?:\[([^\]]*)\])?(\*)?")
_CONDITION = re.compile(r"(\w+)(>=|<=|!=|=)(?:'([^']*)'|(\w+))")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a row.

    Attributes:
        column: The column it is about.
        relation: ``=``, ``!=``, ``>=`` or ``<=``.
        literal: The value to compare with; None where it is that of ``other``.
        other: Column of the row at hand that gives the value.
    """

    column: str
    relation: str
    literal: str | None = None
    other: str | None = None

    def value(self, row: Mapping[str, Any]) -> Any:
        """What to compare with; None where the row at hand has none."""
        return self.literal if self.other is None else row.get(self.other)


@dataclass(frozen=True, slots=True)
class Input:
    """A column of a mart that a number is made from; see the module's docstring.

    Attributes:
        mart: The mart.
        column: Its column.
        conditions: Which rows of it.
        guard: What must hold for the row at hand for this to be an input.
        in_trend: Whether only values that may carry a trend are taken.
        in_territory: Whether only the main sectors of a territorial total are taken.
        is_own_row: Whether no rows were asked for by name.
        is_set: Whether it is a whole set of rows, not opened one by one.
    """

    mart: str
    column: str
    conditions: tuple[Condition, ...] = ()
    guard: tuple[Condition, ...] = ()
    in_trend: bool = False
    in_territory: bool = False
    is_own_row: bool = True
    is_set: bool = False

    def is_about(self, row: Mapping[str, Any]) -> bool:
        """Whether it is an input of the row at hand."""
        return all(
            (str(row.get(one.column)) == one.value(row)) == (one.relation == "=") for one in self.guard
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """How the numbers of one column come about.

    Attributes:
        mart: The mart.
        column: The column.
        kind: ``source``, ``register`` or ``reckoned``.
        methods_section: Section of docs/methods.md; None where a number is copied as it is.
        inputs: What it is made from, as text.
        formula_sv: How, in Swedish.
        formula_en: How, in English.
    """

    mart: str
    column: str
    kind: str
    methods_section: int | None
    inputs: tuple[str, ...]
    formula_sv: str
    formula_en: str


def parse_input(text: str) -> Input:
    """Read one input as the module's docstring describes it.

    Raises:
        ValueError: if it is not written so.

    Example: ``emission.emissions_tco2e[year=last_year]`` → mart emission, the row's ``last_year``.
    """
    found = _INPUT.fullmatch(text.strip())
    if found is None:
        msg = f"{text!r} is no input; expected mart.column, or mart.column[key=column,key='literal']"
        raise ValueError(msg)
    guard, mart, column, chosen, star = found.groups()
    words = [word.strip() for word in (chosen or "").split(",") if word.strip()]
    return Input(
        mart=mart,
        column=column,
        conditions=tuple(_condition(word) for word in words if word not in (IN_TREND, IN_TERRITORY)),
        guard=tuple(_condition(word) for word in (guard or "").split(",") if word),
        in_trend=IN_TREND in words,
        in_territory=IN_TERRITORY in words,
        is_own_row=chosen is None and star is None,
        is_set=star is not None,
    )


def _condition(text: str) -> Condition:
    found = _CONDITION.fullmatch(text.strip())
    if found is None:
        msg = f"{text!r} is no condition; expected key=column or key='literal', with =, !=, >= or <="
        raise ValueError(msg)
    column, relation, literal, other = found.groups()
    return Condition(column, relation, literal, other)


@lru_cache
def lineages() -> tuple[Lineage, ...]:
    """Every entry of ``lineage.csv``, one per column, in its order; then old names, and columns of facts."""
    text = resources.files("klimatpuls.contract").joinpath("lineage.csv").read_text(encoding="utf-8")
    stated = [
        Lineage(
            mart=row["mart_name"],
            column=column,
            kind=row["kind"],
            methods_section=int(row["methods_section"]) if row["methods_section"] else None,
            inputs=tuple(part.strip() for part in row["inputs"].split(";") if part.strip()),
            formula_sv=row["formula_sv"],
            formula_en=row["formula_en"],
        )
        for row in csv.DictReader(text.splitlines())
        for column in row["column_names"].split()
    ]
    stated += _old_names(stated)
    return (*stated, *_copied({(entry.mart, entry.column) for entry in stated}))


def _old_names(stated: Sequence[Lineage]) -> list[Lineage]:
    """The lineage of every column under an old name: that of the column that replaces it."""
    known = {(entry.mart, entry.column): entry for entry in stated}
    return [
        replace(known[mart.name, str(column.replaced_by)], column=column.name)
        for mart in schema.marts()
        for column in mart.columns
        if (mart.name, column.replaced_by) in known
    ]


def _copied(stated: set[tuple[str, str]]) -> Iterator[Lineage]:
    """Yields the numbers that marts copy from a publisher's file and for which nothing else is stated."""
    for mart in schema.marts():
        if mart.fact is None:
            continue
        values = {column.name for column in schema.fact(mart.fact).values if column.type in _NUMBERS}
        for column in mart.columns:
            if column.name in values and (mart.name, column.name) not in stated:
                yield Lineage(
                    mart=mart.name,
                    column=column.name,
                    kind=SOURCE,
                    methods_section=None,
                    inputs=(),
                    formula_sv="Som utgivaren anger det i utgåvans fil.",
                    formula_en="As the publisher states it in the file of the release.",
                )
