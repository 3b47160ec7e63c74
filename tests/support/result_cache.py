"""Caches the results of publications by their inputs, because tests publish the same inputs often.

The cached frames are those of :func:`klimatpuls.statistics.results.each_result`, which is pure: a test sees
the same frames as without the cache.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from klimatpuls.statistics import results
from klimatpuls.statistics.steps import Result
from support.frames import frames_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from klimatpuls.statistics.results import ResultInputs

MAX_CACHED = 40
"""How many sets of results are kept in memory; the oldest is dropped first."""


_each_result = results.each_result
_STEPS = dict(results.STEPS.steps)


def calculate(inputs: ResultInputs) -> dict[str, pd.DataFrame]:
    """The results without the cache."""
    return frames_of(_each_result(inputs))


def cached_results(folder: Path) -> Callable[[ResultInputs], list[Result]]:
    """``each_result`` with a cache in memory and in a folder that the workers of a session share.

    Nothing is cached if an input could not be read or a test replaced a formula.
    """
    cached: dict[str, dict[str, pd.DataFrame]] = {}

    def build_once(inputs: ResultInputs) -> list[Result]:
        if inputs.unread or results.STEPS.steps != _STEPS:
            return list(_each_result(inputs))
        content = hashlib.sha256()
        for part in _parts(inputs):
            content.update(part)
        key = content.hexdigest()
        if key not in cached:
            if len(cached) >= MAX_CACHED:
                del cached[next(iter(cached))]
            made = _read_or_calculate(folder / key, inputs)
            if any(result.failure for result in made):
                return made
            cached[key] = frames_of(made)
        return [Result(name, results.STEPS.needs(name), frame.copy()) for name, frame in cached[key].items()]

    return build_once


def _read_or_calculate(file: Path, inputs: ResultInputs) -> list[Result]:
    """The results from the shared folder, calculated first if no worker has done so."""
    if file.exists():
        return list(pickle.loads(file.read_bytes()))
    made = list(_each_result(inputs))
    if not any(result.failure for result in made):
        own = file.with_name(f"{file.name}.{os.getpid()}")
        own.write_bytes(pickle.dumps(made))
        own.rename(file)
    return made


def _parts(value: Any) -> Iterator[bytes]:
    """The content of a value as pieces of bytes, for its hash."""
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
