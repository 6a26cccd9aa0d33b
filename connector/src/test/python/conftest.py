"""Finds the module that is tested."""

import sys
from pathlib import Path

import numpy as np
import pytest

try:
    import tensorarrow
except ModuleNotFoundError:
    sys.path.insert(0, str(Path(__file__).parents[2] / "main" / "python"))
    import tensorarrow


def pytest_report_header():
    """Says which module is tested: the packaged one, or that of the source folder."""
    return f"tensorarrow {tensorarrow.__version__} from {tensorarrow.__file__}"


@pytest.fixture
def random():
    return np.random.default_rng(20)
