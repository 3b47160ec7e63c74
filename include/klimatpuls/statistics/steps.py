"""Formulas as named steps: parameters name what a step needs, and a failed step fails only what needs it.

The parameters of a step are named after the inputs (*roots*) and steps that it needs, so the dependencies
follow from the code alone. A step made with :meth:`Steps.table` gives the rows of a table; one made with
:meth:`Steps.shared` gives a value that several tables need. Pure.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any, Final, TypeVar

from klimatpuls.errors import WarehouseError, explain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pandas as pd

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_Formula = TypeVar("_Formula", bound="Callable[..., Any]")


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        name: Name of the step; of one that gives a table, the table's.
        make: The formula; called with what it needs, by name.
        needs: Roots and steps it is calculated from: the names of its parameters.
        is_table: Whether it gives the rows of a table.
    """

    name: str
    make: Callable[..., Any]
    needs: tuple[str, ...]
    is_table: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a step failed.

    Attributes:
        step: The step or root that failed first; the others failed because they need it.
        error_class: Name of its Python exception.
        message: The message of the exception, and where in the code it was raised.
        error: The exception itself.
    """

    step: str
    error_class: str
    message: str
    error: BaseException = field(compare=False, repr=False)

    @classmethod
    def of(cls, step: str, error: BaseException) -> Failure:
        """Make the failure of an exception.

        Args:
            step: The step or root that raised it.
            error: The exception.

        Example: ``KeyError("x")`` in ``network.py`` → ``KeyError``, ``'x' (network.py:210, per_capita)``.
        """
        files = [(Path(frame.filename).resolve(), frame) for frame in extract_tb(error.__traceback__)]
        ours = [
            frame
            for file, frame in files
            if file.is_relative_to(_PACKAGE) and file != Path(__file__).resolve()
        ]
        place = f" ({Path(ours[-1].filename).name}:{ours[-1].lineno}, {ours[-1].name})" if ours else ""
        return cls(step, type(error).__name__, explain(error) + place, error)


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one table.

    Attributes:
        table: The table.
        needs: Every root and step that it needs, directly or through another.
        frame: Its rows; None where it failed.
        failure: Why it failed; None where it did not.
    """

    table: str
    needs: frozenset[str]
    frame: pd.DataFrame | None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps from inputs to tables.

    Attributes:
        roots: Names of the inputs.
        steps: Name → step, in the order of calculation; a step follows what it needs.
    """

    roots: frozenset[str]
    steps: dict[str, Step] = field(default_factory=dict)

    def shared(self, make: _Formula) -> _Formula:
        """Decorate a function whose value several tables need; it is calculated once."""
        self._add(make.__name__.strip("_"), make, is_table=False)
        return make

    def table(self, name: str) -> Callable[[Callable[..., pd.DataFrame]], Callable[..., pd.DataFrame]]:
        """Decorate a function that gives the rows of a table.

        Args:
            name: The table.
        """

        def decorate(make: Callable[..., pd.DataFrame]) -> Callable[..., pd.DataFrame]:
            self._add(name, make, is_table=True)
            return make

        return decorate

    def _add(self, name: str, make: Callable[..., Any], *, is_table: bool) -> None:
        needs = tuple(inspect.signature(make).parameters)
        if unknown := [need for need in needs if need not in self.roots and need not in self.steps]:
            msg = f"step {name} needs {', '.join(unknown)}, which is neither a root nor an earlier step"
            raise ValueError(msg)
        if name in self.roots or name in self.steps:
            msg = f"two steps, or a step and a root, are called {name}"
            raise ValueError(msg)
        self.steps[name] = Step(name, make, needs, is_table)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables, in the order in which they are calculated."""
        return tuple(step.name for step in self.steps.values() if step.is_table)

    def needs(self, name: str) -> frozenset[str]:
        """Every root and step that a step needs, directly or through another."""
        found: set[str] = set()
        for need in self.steps[name].needs if name in self.steps else ():
            found |= {need, *self.needs(need)}
        return frozenset(found)

    def run(self, roots: Mapping[str, object], unread: Mapping[str, Failure]) -> Iterator[Result]:
        """Calculate the tables one by one; an exception fails only the tables that need its step.

        Args:
            roots: Root → its value.
            unread: Root → why it has no value.

        Yields:
            One result per table, in order.

        Raises:
            WarehouseError: if the warehouse could not be read: then no formula has failed.
        """
        values: dict[str, Any] = dict(roots)
        failures: dict[str, Failure] = dict(unread)
        for name in self.tables:
            self._calculate(name, values, failures)
            failure = failures.get(name)
            yield Result(name, self.needs(name), None if failure else values[name], failure)

    def _calculate(self, name: str, values: dict[str, Any], failures: dict[str, Failure]) -> None:
        """Put the value of a step into ``values``, or its failure into ``failures``."""
        if name in values or name in failures:
            return
        step = self.steps[name]
        for need in step.needs:
            self._calculate(need, values, failures)
        lacking = next((failures[need] for need in step.needs if need in failures), None)
        if lacking is not None:
            failures[name] = lacking
            return
        try:
            values[name] = step.make(**{need: values[need] for need in step.needs})
        except WarehouseError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a formula raises fails its tables alone
            failures[name] = Failure.of(name, error)
