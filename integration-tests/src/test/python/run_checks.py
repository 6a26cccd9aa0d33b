"""Runs pytest in a process that spark-submit starts: its arguments are pytest's."""

import sys

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(sys.argv[1:]))
