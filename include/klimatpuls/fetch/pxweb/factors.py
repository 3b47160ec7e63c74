"""The factor of every cell of a table: from the unit that its texts state, or proved by its figures.

A unit may stand in the unit field of the measure, in the label of a value, in the label of the measure or in
the title. Two places that contradict each other are refused. Where no place states one, the figures must
leave no doubt: a nation's figure whose size is known, or gases that add up to all gases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd

from klimatpuls.domain.regions import codes as region_codes
from klimatpuls.fetch.pxweb import units as px_units
from klimatpuls.fetch.pxweb.client import CONTENTS_VARIABLE, REGION_VARIABLE, TIME_VARIABLE, refuse, some

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from klimatpuls.contract.catalog import PxTable
    from klimatpuls.fetch.pxweb.client import Cube, Dimension
    from klimatpuls.fetch.pxweb.units import Unit

ALL_GASES: Final = "ghg"
GASES: Final = ("co2", "ch4", "n2o", "hfc", "pfc", "sf6")
SUM_SHARE: Final = 0.1
"""How far the gases' sum may be from all gases, as a share of the gas that is looked at: a wrong unit of that
gas alone would move the sum by at least nine tenths of it."""


@dataclass(frozen=True, slots=True)
class StatedUnit:
    """A unit and where it is stated."""

    unit: Unit
    place: str


def stated_unit(cube: Cube, measure: str, table: PxTable, source_id: str) -> StatedUnit | None:
    """The unit that a table states for all its cells; None where it leaves that to the labels of its values.

    Args:
        cube: The table or an answer of it.
        measure: Code of the measure.
        table: What the catalogue says about the table.
        source_id: The source, for messages.

    Raises:
        SourceFormatError: if the unit field holds an unknown unit, or two places contradict each other.
    """
    contents = cube.dimension(CONTENTS_VARIABLE)
    in_field = contents.units.get(measure, "")
    unit = px_units.read_unit(in_field, table.quantity)
    if unit is None and not px_units.says_nothing(in_field):
        refuse(
            source_id,
            "wrong_unit",
            f"expected a unit of {table.quantity}{_recorded(table)}, found {in_field!r} ({measure})",
        )
    places = {
        "unit field": unit,
        "label of the measure": px_units.find_unit(contents.labels[measure], table.quantity),
        "title": px_units.find_unit(cube.label, table.quantity),
    }
    stated = [StatedUnit(found, place) for place, found in places.items() if found is not None]
    if len({one.unit.factor for one in stated}) > 1:
        texts = "; ".join(f"{one.unit.text!r} in the {one.place}" for one in stated)
        refuse(source_id, "wrong_unit", f"the table contradicts itself about its unit: {texts}")
    return stated[0] if stated else None


def label_units(dimension: Dimension, table: PxTable) -> dict[str, Unit]:
    """Publisher's code → the unit that its label states; codes whose labels state none are left out."""
    found = {code: px_units.find_unit(dimension.labels[code], table.quantity) for code in dimension.codes}
    return {code: unit for code, unit in found.items() if unit is not None}


def _recorded(table: PxTable) -> str:
    return f" ({table.unit!r} in the {table.unit_place} when it was recorded)" if table.unit else ""


def add_factors(cube: Cube, frame: pd.DataFrame, measure: str, table: PxTable, source_id: str) -> None:
    """Add the columns ``factor``, ``unit`` and ``is_equivalents`` to the cells of an answer.

    The factor is missing where no unit is stated; ``unit`` holds the words it follows from;
    ``is_equivalents`` says whether these speak of CO2 equivalents.

    Raises:
        SourceFormatError: if a unit is unknown, or two places contradict each other.
    """
    general = stated_unit(cube, measure, table, source_id)
    frame["factor"] = float(general.unit.factor) if general else float("nan")
    frame["unit"] = f"{general.unit.text!r} in the {general.place}" if general else ""
    frame["is_equivalents"] = general is not None and general.unit.is_equivalents
    for name in table.wanted:
        dimension = cube.dimension(name)
        units = label_units(dimension, table)
        if units:
            _add_label_factors(frame, dimension, name, units, source_id)
        speaking = [
            code
            for code in dimension.codes
            if px_units.speaks_of_equivalents(f"{code.replace('_', ' ')} {dimension.labels[code]}")
        ]
        if speaking:
            frame["is_equivalents"] |= frame[dimension.name].isin(speaking)


def _add_label_factors(
    frame: pd.DataFrame, dimension: Dimension, name: str, units: Mapping[str, Unit], source_id: str
) -> None:
    """Fill in the factors that the labels of a variable's values state; ``name`` is ours of the variable."""
    factors = frame[dimension.name].map({code: float(unit.factor) for code, unit in units.items()})
    differs = factors.notna() & frame["factor"].notna() & (factors != frame["factor"])
    if differs.any():
        code = str(frame.loc[differs, dimension.name].iloc[0])
        other = str(frame.loc[differs, "unit"].iloc[0])
        refuse(
            source_id,
            "wrong_unit",
            f"the table contradicts itself about its unit: {dimension.labels[code]!r} ({name} {code}), "
            f"but {other}",
        )
    frame["factor"] = frame["factor"].fillna(factors)
    texts = {code: f"{unit.text!r} in the label of {name}" for code, unit in units.items()}
    labels = pd.Series(
        [texts.get(code, "") for code in frame[dimension.name]], index=frame.index, dtype="str"
    )
    frame["unit"] = frame["unit"].where(frame["unit"] != "", labels)


def settle_units(cells: pd.DataFrame, table: PxTable, source_id: str) -> list[str]:
    """Fill in the factors of cells that state no unit, where the figures themselves leave no doubt.

    Returns:
        One sentence for each unit that is not stated as recorded.

    Raises:
        SourceFormatError: if the figures do not show the unit, so that a figure could be wrong.
    """
    is_silent = cells["factor"].isna()
    notes = _unit_notes(cells[~is_silent], table)
    doubtful = _doubtful(cells, table)
    if is_silent.any():
        cells["factor"] = cells["factor"].fillna(table.factor)
        if not doubtful or is_silent[_nation(cells, table).index].any():
            notes.append(_prove_by_nation(cells, table, source_id))
    if doubtful:
        notes.append(_prove_by_sum(cells, doubtful, source_id))
    return notes


def _unit_notes(cells: pd.DataFrame, table: PxTable) -> list[str]:
    recorded = f"{table.unit!r} in the {table.unit_place}"
    notes = []
    for unit, factor in cells.groupby("unit")["factor"].first().items():
        is_as_recorded = px_units.plain(str(unit)).startswith(px_units.plain(recorded)) and table.unit
        if not is_as_recorded:
            expected = f"recorded was {recorded}" if table.unit else "none was recorded"
            notes.append(f"the unit is {unit} ({expected}); values are multiplied by {factor:g}")
    return notes


def _doubtful(cells: pd.DataFrame, table: PxTable) -> list[str]:
    """Gases whose figures may not be CO2 equivalents, or whose unit is not stated."""
    for wanted in table.wanted.values():
        if wanted.in_equivalents:
            in_doubt = cells["factor"].isna() | (
                ~cells["is_equivalents"] & cells[wanted.column].isin(wanted.in_equivalents)
            )
            return sorted(set(cells.loc[in_doubt, wanted.column]) - {"ghg"})
    return []


def _nation(cells: pd.DataFrame, table: PxTable) -> pd.DataFrame:
    """The cells of the nation whose size is known; where the nation has no row, all municipalities' cells."""
    places = dict(table.nation.where)
    is_region = places.pop(REGION_VARIABLE, None)
    chosen = cells
    for column, value in places.items():
        chosen = chosen[chosen[column] == value]
    if table.nation.to_year is not None:
        chosen = chosen[chosen[TIME_VARIABLE].astype(int) <= table.nation.to_year]
    if is_region is None:
        return chosen
    nation = chosen[chosen[REGION_VARIABLE] == is_region]
    return nation if len(nation) else chosen[chosen[REGION_VARIABLE].isin(region_codes("municipality"))]


def _prove_by_nation(cells: pd.DataFrame, table: PxTable, source_id: str) -> str:
    """Tell the unit of a table that states none by the size of the nation's figures.

    Raises:
        SourceFormatError: if they are not there, or not of the size they have in our unit.
    """
    chosen = _nation(cells, table)
    by_year = (chosen["value"] * chosen["factor"]).groupby(chosen[TIME_VARIABLE])
    sums = by_year.sum(min_count=1).dropna()
    is_whole = (
        REGION_VARIABLE not in chosen or by_year.size().isin((1, len(region_codes("municipality")))).all()
    )
    low, high = table.nation.low, table.nation.high
    if not is_whole or sums.empty or not sums.between(low, high).all():
        found = some([f"{year}: {value:,.0f}" for year, value in sums.items()]) or "none"
        refuse(
            source_id,
            "wrong_unit",
            f"the table states no unit, and its figures do not show it: the nation was expected between "
            f"{low:,.0f} and {high:,.0f} every year, found {found}",
        )
    return (
        f"the table states no unit: read as {table.quantity} times {table.factor:g}, since the nation then "
        f"lies between {low:,.0f} and {high:,.0f} in every year, and in no other unit"
    )


def _prove_by_sum(cells: pd.DataFrame, gases: Sequence[str], source_id: str) -> str:
    """Make sure of gases whose unit is in doubt: with the others they add up to all gases.

    For each of them the year is looked at in which it is largest: had it another unit, the sum would be off
    by at least nine tenths of it.

    Raises:
        SourceFormatError: if they do not add up, or a gas is not there.
    """
    total = cells[cells["sector_code"] == "total"]
    amounts = total.assign(tonnes=total["value"] * total["factor"]).pivot_table(
        index=TIME_VARIABLE, columns="substance", values="tonnes"
    )
    whole = amounts.reindex(columns=[ALL_GASES, *GASES]).dropna()
    gap = (whole[[*GASES]].sum(axis=1) - whole[ALL_GASES]).abs()
    for gas in gases:
        in_order = whole[gas].abs().sort_values(ascending=False)
        size = in_order.iloc[0] if len(in_order) else 0.0
        off_by = gap[in_order.index[0]] if len(in_order) else float("inf")
        if off_by > SUM_SHARE * size:
            refuse(
                source_id,
                "wrong_unit",
                f"nothing says that the figures of {gas} are CO2 equivalents, and the gases do not add up to "
                f"all gases: in the year in which {gas} is largest ({size:,.0f} t) the sum is off by "
                f"{off_by:,.0f} t",
            )
    return (
        f"nothing says that the figures of {some(gases)} are in CO2 equivalents, or in which unit; they "
        "were taken, since the gases add up to all gases"
    )
