"""Archives of Python modules: the jar, and what Spark puts on a worker's path."""

from __future__ import annotations

import os
import sys
import zipimport
from collections.abc import Callable
from functools import partial


def cache_zip_directories() -> None:
    """Makes Python read an archive's directory again only if the file has changed.

    Spark's workers call ``importlib.invalidate_caches()`` when a task begins. From Python 3.10 to
    3.12 each importer then reads its archive's directory again, and there is an importer for each
    package that was imported from an archive: with Spark's own and the jar, tens of thousands of
    entries, a fifth of a second for each task. What is imported stays the same.
    """
    for importer in list(sys.path_importer_cache.values()):
        if (
            isinstance(importer, zipimport.zipimporter)
            and hasattr(importer, "invalidate_caches")
            and "invalidate_caches" not in vars(importer)
        ):
            cached = partial(_if_changed, importer.archive, [], importer.invalidate_caches)
            # Of this one importer, in place of its class's.
            importer.invalidate_caches = cached  # type: ignore[method-assign]


def _if_changed(archive: str, known: list[object], reread: Callable[[], None]) -> None:
    # Which file the importer read first is not known, so it is read once more.
    state = _state(archive)
    if known != [state]:
        reread()
        # If it could not be read, the next task tries again, as it would without this cache.
        was_read = archive in zipimport._zip_directory_cache  # type: ignore[attr-defined]
        known[:] = [state] if was_read else []


def _state(archive: str) -> tuple[int, ...] | None:
    """Returns the identity of the file at a path; None if there is none."""
    try:
        stat = os.stat(archive)
    except OSError:
        return None
    return stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size
