"""The jar as an archive of Python modules."""

from __future__ import annotations

import os
import sys
import zipimport
from functools import partial
from typing import Any


def keep_directory(loader: Any) -> None:
    """Has Python read the archive's directory again only if the archive is another one.

    Spark's workers call ``importlib.invalidate_caches()`` when a task begins, and from Python 3.10
    on each importer of an archive then reads its whole directory, of which the jar has thousands
    of files: a fifth of a second for each task.

    Args:
        loader: what loaded this package; nothing is done if it did not come from an archive.
    """
    if not isinstance(loader, zipimport.zipimporter):
        return
    for importer in list(sys.path_importer_cache.values()):
        if isinstance(importer, zipimport.zipimporter) and importer.archive == loader.archive:
            reread = getattr(importer, "invalidate_caches", None)
            if reread is not None:
                state = _state(importer.archive)
                # Of this one importer, in place of its class's.
                own = partial(_if_changed, importer.archive, [state], reread)
                importer.invalidate_caches = own  # type: ignore[method-assign]


def _if_changed(archive: str, known: list[Any], reread: Any) -> None:
    state = _state(archive)
    if state != known[0]:
        known[0] = state
        reread()


def _state(archive: str) -> tuple[int, int, int] | None:
    """Returns what tells one file from another at its place; None if there is none."""
    try:
        found = os.stat(archive)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
