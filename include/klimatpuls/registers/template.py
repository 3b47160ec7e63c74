"""The workbook a member fills in: one sheet per register, Swedish headers, a first sheet that explains."""

from __future__ import annotations

from typing import Final

from klimatpuls.registers.checking import REGISTERS, Register
from klimatpuls.registers.sheets import add_guide, add_register, columns_of, new_workbook, workbook_bytes

FILLED_IN: Final[tuple[Register, ...]] = tuple(
    REGISTERS[name] for name in ("targets", "climate_plans", "measures", "pledges", "evidence", "own_series")
)
"""The registers that a member fills in itself."""


def build_template() -> bytes:
    """The workbook that a member fills in; ``klimatpuls registers import`` reads it back.

    Returns:
        The bytes of an xlsx file; equal schemas give equal bytes.
    """
    book = new_workbook()
    add_guide(book, FILLED_IN)
    for register in FILLED_IN:
        add_register(book, register.title, list(columns_of(register).values()))
    return workbook_bytes(book)
