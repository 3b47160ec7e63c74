"""The 30 substances of the national emission database, by our lower-case code.

``ghg`` is SMHI's ``GGT``, all greenhouse gases in CO2 equivalents. ``expected_unit`` is set where it is
known; for every air pollutant the unit is read from the workbook and never assumed.

Source: the selection list of the database's site; labels as in its workbooks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from klimatpuls.domain.reference_tables import read_reference
from klimatpuls.domain.regions import plain_name
from klimatpuls.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Substance:
    """One substance.

    Attributes:
        code: Our code, lower case.
        smhi_code: The code SMHI's addresses use; case matters there.
        name_sv: Label in SMHI's workbooks.
        name_en: English name.
        is_ghg: Whether its figures are CO2 or CO2 equivalents.
        expected_unit: Unit its workbooks must state, or None where none is known.
    """

    code: str
    smhi_code: str
    name_sv: str
    name_en: str
    is_ghg: bool
    expected_unit: str | None


@lru_cache(maxsize=1)
def substances() -> Mapping[str, Substance]:
    """All substances by our code."""
    return MappingProxyType(
        {
            row["substance"]: Substance(
                code=row["substance"],
                smhi_code=row["smhi_code"],
                name_sv=row["name_sv"],
                name_en=row["name_en"],
                is_ghg=row["is_ghg"] == "true",
                expected_unit=row["expected_unit"] or None,
            )
            for row in read_reference("substances")
        }
    )


def substance(code: str) -> Substance:
    """The substance with this code.

    Raises:
        UsageError: if there is none.
    """
    try:
        return substances()[code]
    except KeyError:
        msg = f"no substance {code!r}; there are {', '.join(substances())}"
        raise UsageError(msg) from None


def air_pollutants() -> tuple[str, ...]:
    """Codes of the substances other than greenhouse gases, in the order of the reference table."""
    return tuple(code for code, entry in substances().items() if not entry.is_ghg)


def by_label(label: str) -> Substance | None:
    """The substance whose workbooks carry this label, such as ``Växthusgaser totalt``, or None."""
    wanted = plain_name(label)
    return next((entry for entry in substances().values() if plain_name(entry.name_sv) == wanted), None)
