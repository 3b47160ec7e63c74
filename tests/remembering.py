"""A publication's results, reckoned once for the same inputs: formulas are pure, and tests publish often.

What is remembered is what :func:`klimatpuls.results.each_result` gave for the same inputs, so a
test sees the same frames as without it; only the seconds differ.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from klimatpuls import results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from klimatpuls.results import ResultInputs

KEPT = 40
"""How many sets of results are kept; the oldest goes first."""


_each_result = results.each_result


def reckon(inputs: ResultInputs) -> dict[str, pd.DataFrame]:
    """The formulas themselves, without a memory."""
    return dict(_each_result(inputs))


def remembering(folder: Path) -> Callable[[ResultInputs], list[tuple[str, pd.DataFrame]]]:
    """The function with a memory, and a folder that the workers of a session have in common for it."""
    known: dict[str, dict[str, pd.DataFrame]] = {}

    def build_once(inputs: ResultInputs) -> list[tuple[str, pd.DataFrame]]:
        content = hashlib.sha256()
        for part in _parts(inputs):
            content.update(part)
        key = content.hexdigest()
        if key not in known:
            if len(known) >= KEPT:
                del known[next(iter(known))]
            known[key] = _kept(folder / key, inputs)
        return [(name, frame.copy()) for name, frame in known[key].items()]

    return build_once


def _kept(file: Path, inputs: ResultInputs) -> dict[str, pd.DataFrame]:
    """What another worker has reckoned of the same inputs, or we now for both."""
    if file.exists():
        return dict(pickle.loads(file.read_bytes()))
    made = reckon(inputs)
    own = file.with_name(f"{file.name}.{os.getpid()}")
    own.write_bytes(pickle.dumps(made))
    own.rename(file)
    return made


def _parts(value: Any) -> Iterator[bytes]:
    """The content of a value, piece by piece."""
    if isinstance(value, pd.DataFrame):
        yield repr([*value.columns]).encode()
        yield repr(value.to_dict("split")["data"]).encode() if value.size < 2000 else _hash(value)
    elif isinstance(value, results.EarlierRelease):
        yield repr((value.release_id, value.years)).encode()
        yield from _parts(value.read())
    elif is_dataclass(value) and not isinstance(value, type):
        yield type(value).__name__.encode()
        for field in fields(value):
            yield from _parts(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for key in sorted(value, key=repr):
            yield repr(key).encode()
            yield from _parts(value[key])
    elif isinstance(value, list | tuple):
        yield str(len(value)).encode()
        for item in value:
            yield from _parts(item)
    else:
        yield f"{type(value).__name__}:{value!r};".encode()


def _hash(frame: pd.DataFrame) -> bytes:
    return bytes(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
