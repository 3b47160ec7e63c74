"""What a source assumes about its agency, compared with what the agency answers. Pure.

The function ``check`` of every source fetches the smallest answers that prove its assumptions and yields one
:class:`Checked` per assumption. ``klimatpuls source check`` prints them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Verdict = Literal["holds", "differs", "fails"]
"""``holds``: as recorded. ``differs``: another form than recorded, which the parser reads as well.
``fails``: the next run would refuse the answer or lose figures."""

COMMON_FORM: Final = "none: the parser reads this form too"
"""The action where another form changes no figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One assumption about an agency, and what the agency answered.

    Attributes:
        assumption: What is assumed, one sentence that a new operator understands.
        answer: What the agency answered, short: a code, a unit, a date, an error.
        verdict: See :data:`Verdict`.
        action: What to do where the verdict is not ``holds``; else an empty text.
    """

    assumption: str
    answer: str
    verdict: Verdict
    action: str = ""


def checked(assumption: str, answer: str, verdict: Verdict = "holds", action: str = "") -> Checked:
    """The result for one assumption; ``action`` is left out where the assumption holds."""
    is_held = verdict == "holds"
    return Checked(assumption=assumption, answer=answer, verdict=verdict, action="" if is_held else action)
