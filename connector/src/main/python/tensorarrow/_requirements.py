"""Says in plain words when Python or a package is too old, before anything fails in odd ways."""

from __future__ import annotations

import re
import sys
import warnings
from importlib import import_module

PYTHON = (3, 9)
# The newest Python that PySpark 3.5 itself is made for.
PYTHON_TESTED = (3, 11)
PACKAGES = {"pyarrow": (14, 0), "numpy": (1, 23)}


def check() -> None:
    """Raises ImportError where this module can't work; warns where it is not tested."""
    check_python(sys.version_info[:2])
    for package in PACKAGES:
        check_package(package)


def check_python(version: tuple[int, ...]) -> None:
    if version < PYTHON:
        raise ImportError(
            f"Cannot import tensorarrow: found Python {_dotted(version)};"
            f" expected Python {_dotted(PYTHON)} to {_dotted(PYTHON_TESTED)}"
        )
    if version > PYTHON_TESTED:
        warnings.warn(
            f"tensorarrow found Python {_dotted(version)}; PySpark 3.5 is made for"
            f" {_dotted(PYTHON)} to {_dotted(PYTHON_TESTED)}, and so is tensorarrow",
            RuntimeWarning,
            stacklevel=2,
        )


def check_package(package: str) -> None:
    minimum = PACKAGES[package]
    advice = f"expected {package} {_dotted(minimum)} or newer: pip install '{package}>="
    advice += f"{_dotted(minimum)}' for the driver and for the executors"
    try:
        found: str = import_module(package).__version__
    except ImportError as missing:
        raise ImportError(f"Cannot import tensorarrow: found no {package}; {advice}") from missing
    if tuple(int(part) for part in re.findall(r"\d+", found)[:2]) < minimum:
        raise ImportError(f"Cannot import tensorarrow: found {package} {found}; {advice}")


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)
