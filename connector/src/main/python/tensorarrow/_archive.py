"""The jar as an archive of Python modules."""

from __future__ import annotations

import os
import sys
import zipimport
from functools import partial
from typing import Any


def keep_directories() -> None:
    """Has Python read the directory of a jar with this package again only if it is another jar.

    Spark's workers call ``importlib.invalidate_caches()`` when a task begins, and from Python 3.10
    on each importer of an archive then reads its whole directory, of which the jar has thousands
    of files: a fifth of a second for each task. A worker may have several copies of the jar on its
    path, whichever of them the package came from.
    """
    importers = [
        importer
        for importer in list(sys.path_importer_cache.values())
        if isinstance(importer, zipimport.zipimporter) and hasattr(importer, "invalidate_caches")
    ]
    jars = {
        importer.archive
        for importer in importers
        if not importer.prefix and importer.find_spec("tensorarrow") is not None
    }
    for importer in importers:
        if importer.archive in jars:
            reread = importer.invalidate_caches
            own = partial(_if_changed, importer.archive, [_state(importer.archive)], reread)
            # Of this one importer, in place of its class's.
            importer.invalidate_caches = own  # type: ignore[method-assign]


def _if_changed(archive: str, known: list[Any], reread: Any) -> None:
    state = _state(archive)
    if state != known[0]:
        known[0] = state
        reread()


def _state(archive: str) -> tuple[int, ...] | None:
    """Returns what tells one file from another at its place; None if there is none."""
    try:
        found = os.stat(archive)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size
