"""The module as a whole: versions, requirements, errors."""

import importlib.resources
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from helpers import batch_of, fails

import tensorarrow as ta
from tensorarrow import _errors, _requirements, _spec, _version


def test_has_a_version_that_pip_understands():
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev0)?", ta.__version__)
    assert ("@" in _version.JAR_VERSION) is _version.FROM_SOURCE


def test_exports_what_it_documents():
    assert set(ta.__all__) == {
        "TensorArrowError", "__version__", "arrow", "map_tensors", "numpy", "predict", "show",
        "variables",
    }  # fmt: skip
    assert all(getattr(ta, name) is not None for name in ta.__all__)


def test_needs_neither_pyspark_nor_pandas_nor_tensorflow():
    code = (
        "import sys, tensorarrow;"
        "sys.exit(', '.join({'pyspark', 'pandas', 'tensorflow', 'py4j', 'ml_dtypes'}"
        " & set(sys.modules)) or 0)"
    )
    # The folder or jar that holds the package: two levels up, as text since a jar has no folders.
    root = ta.__file__.rsplit("tensorarrow", 1)[0]
    found_there = f"import sys; sys.path.insert(0, {root!r});"

    done = subprocess.run(
        [sys.executable, "-c", found_there + code],
        check=False,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")


# Counts how often Python reads an archive's directory, before and after the archive is replaced.
IN_AN_ARCHIVE = """
import importlib.util, os, shutil, sys, zipfile, zipimport
archive, copy, package = sys.argv[1:]
def pack(archive, *more):
    with zipfile.ZipFile(archive + ".new", "w") as jar:
        for name in os.listdir(package):
            if name.endswith(".py"):
                jar.write(os.path.join(package, name), "tensorarrow/" + name)
        for name in more:
            jar.writestr(name, "")
    os.replace(archive + ".new", archive)
pack(archive)
shutil.copy(archive, copy)
others = archive + ".others"
with zipfile.ZipFile(others, "w") as jar:
    jar.writestr("another.py", "")
    jar.writestr("late.py", "")
sys.path[:0] = [copy, archive, others]
# An importer of each is there, as after any import that looks all along the path.
importlib.util.find_spec("no_such_module")
import tensorarrow
assert tensorarrow.__file__.startswith(copy), tensorarrow.__file__
importers = [i for i in sys.path_importer_cache.values() if isinstance(i, zipimport.zipimporter)]
assert not any("invalidate_caches" in vars(importer) for importer in importers), importers
# As workers do, and only they.
from tensorarrow._archive import cache_zip_directories
cache_zip_directories()
read, count = zipimport._read_directory, []
zipimport._read_directory = lambda path: count.append(path) or read(path)
importlib.invalidate_caches()
if sys.version_info >= (3, 10):  # before that, no directory was read again
    assert set(count) == {copy, archive, others}, count
    count.clear()
importlib.invalidate_caches()
assert not count, count
import another
def fail(path):
    raise zipimport.ZipImportError("no descriptor is left, say")
counting, zipimport._read_directory = zipimport._read_directory, fail
os.utime(others, (1, 1))
importlib.invalidate_caches()
zipimport._read_directory = counting
importlib.invalidate_caches()
import late
count.clear()
pack(archive, "added.py")
importlib.invalidate_caches()
if sys.version_info >= (3, 10):
    import added
    assert set(count) == {archive}, count
os.remove(archive)
importlib.invalidate_caches()
"""


def test_unchanged_archive_is_not_read_again(tmp_path):
    package = tmp_path / "source" / "tensorarrow"
    package.mkdir(parents=True)
    for name, text in source_of_the_module().items():
        (package / name).write_text(text)

    done = subprocess.run(
        [
            sys.executable,
            # Without the path on which the jar of this test may be.
            "-E",
            "-c",
            IN_AN_ARCHIVE,
            str(tmp_path / "module.jar"),
            str(tmp_path / "copy.jar"),
            str(package),
        ],
        check=False,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")


def source_of_the_module():
    """The module's files and their text, from a folder or from the jar."""
    files = importlib.resources.files("tensorarrow").iterdir()
    return {file.name: file.read_text() for file in files if file.name.endswith(".py")}


def test_accepts_columns_of_an_older_jar(monkeypatch):
    monkeypatch.setattr(_spec, "FROM_SOURCE", False)
    monkeypatch.setattr(_spec, "JAR_VERSION", "1.10.3")

    for older in ("1.9.4", "1.10.3-SNAPSHOT", "1.10.3-rc1", "0.11.0"):
        batch = batch_of(pa.array([1.0]), "float64", (), **{"tensorarrow.version": older})
        assert ta.numpy(batch, "x").tolist() == [1.0]


def test_refuses_columns_of_a_later_jar(monkeypatch):
    monkeypatch.setattr(_spec, "FROM_SOURCE", False)
    monkeypatch.setattr(_spec, "JAR_VERSION", "1.2.3")
    other = {"tensorarrow.version": "1.2.4"}

    batch = batch_of(pa.array([1.0]), "float64", (), **other)
    message = fails("TA_VERSION_MISMATCH", ta.numpy, batch, "x")

    assert "1.2.4" in message
    assert "1.2.3" in message
    same = batch_of(pa.array([1.0]), "float64", (), **{"tensorarrow.version": "1.2.3"})
    assert ta.numpy(same, "x").tolist() == [1.0]
    assert ta.numpy(batch_of(pa.array([1.0]), "float64", ()), "x").tolist() == [1.0]


def test_runs_from_source_with_any_jar(monkeypatch):
    monkeypatch.setattr(_spec, "FROM_SOURCE", True)
    batch = batch_of(pa.array([1.0]), "float64", (), **{"tensorarrow.version": "1.2.4"})

    assert ta.numpy(batch, "x").tolist() == [1.0]


def test_refuses_old_pythons_and_warns_of_new_ones(recwarn):
    with pytest.raises(ImportError, match=r"found Python 3\.8; expected Python 3\.9 to 3\.11"):
        _requirements.check_python((3, 8))
    for minor in (9, 10, 11):
        _requirements.check_python((3, minor))
    assert not recwarn.list
    with pytest.warns(RuntimeWarning, match=r"found Python 3\.12; .* 3\.9 to 3\.11"):
        _requirements.check_python((3, 12))


@pytest.mark.parametrize(
    ("package", "old", "new"), [(np, "1.22.4", "1.23.0rc1"), (pa, "13.0.0", "14.0.0.dev1")]
)
def test_refuses_old_packages(package, old, new, monkeypatch):
    name = package.__name__
    monkeypatch.setattr(package, "__version__", old)
    with pytest.raises(ImportError, match=f"found {name} {old}; expected {name} .* or newer"):
        _requirements.check_package(name)
    monkeypatch.setattr(package, "__version__", new)
    _requirements.check_package(name)
    monkeypatch.setattr(package, "__version__", "100.0")
    _requirements.check_package(name)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=f"found no {name}; expected"):
        _requirements.check_package(name)


def test_errors_survive_pickling():
    error = ta.TensorArrowError("TA_UNSUPPORTED", "Cannot do it: found x; expected y")

    copy = pickle.loads(pickle.dumps(error))

    assert (type(copy), copy.code, str(copy)) == (type(error), error.code, str(error))
    assert isinstance(copy, ValueError)


def test_raises_only_codes_that_have_a_meaning_and_a_test():
    source = Path(__file__).parents[2] / "main" / "python" / "tensorarrow"
    raised = set()
    for file in source.glob("*.py"):
        raised |= set(re.findall(r'(?<!")"(TA_\w+)",\s*f?"Cannot', file.read_text()))
    tests = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))

    assert raised == set(_errors.CODES)
    assert not [code for code in raised if f'fails("{code}"' not in tests]
