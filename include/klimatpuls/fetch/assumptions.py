"""What a source takes for granted about its agency, held against what the agency answers. Pure.

Every module of ``klimatpuls.sources`` has a function ``check`` that asks the agency the smallest questions
that prove its assumptions and yields one :class:`Checked` per assumption. ``klimatpuls source check`` prints
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["holds", "differs", "fails"]
"""``holds``: as recorded. ``differs``: another form than recorded, which the parser reads all the same.
``fails``: the next run would refuse the answer or lose figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One assumption about an agency, and what the agency answered.

    Attributes:
        assumption: What is assumed, one sentence that a new operator understands.
        answer: What the agency said, short: a code, a unit, a date, an error.
        verdict: See :data:`Verdict`.
        action: What to do where the verdict is not ``holds``; else an empty text.
    """

    assumption: str
    answer: str
    verdict: Verdict
    action: str = ""
