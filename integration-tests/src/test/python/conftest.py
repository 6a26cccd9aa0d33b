r"""Sessions of the integration checks.

The build runs the files ``it_*.py`` with pytest, in processes that are started as users start them:
by ``spark-submit`` (see ``run_checks.py``), or by ``python``. One check alone, in the environments
that the build has made:

    mvn -B -ntp -Pfast verify -Dtest=NoSuchTest -Dsurefire.failIfNoSpecifiedTests=false \
        -Dit.test='PySpark*IT' -Dit.check=test_limits_end_running_functions

or, without Maven, with the jar that was built last:

    integration-tests/target/python/newest/bin/python -m pytest \
        integration-tests/src/test/python/it_scalar.py -k test_limits_end_running_functions
"""

import os
import shutil
import sys
from pathlib import Path

import helpers as it
import pytest
from pyspark import cloudpickle

DAEMON = Path(__file__).with_name("daemon")


def pytest_configure():
    """Fills in what the build says of where its files are, where pytest was started by hand."""
    if "IT_WORK" in os.environ:
        return
    target = it.REPOSITORY / "integration-tests/target"
    jars = it.REPOSITORY.glob("connector/target/tensorarrow-*.jar")
    jar = str(max(jars, key=lambda file: file.stat().st_mtime))
    work = target / "work/pytest"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    os.environ.update(
        IT_WORK=str(work),
        IT_NATIVES=str(target / "natives"),
        PYSPARK_PYTHON=sys.executable,
        PYSPARK_SUBMIT_ARGS=f"--master local[2] --jars {jar} --py-files {jar} pyspark-shell",
        PYTHONPATH=str(DAEMON),
        SPARK_LOCAL_IP="127.0.0.1",
        SPARK_LOCAL_DIRS=str(work / "local"),
    )
    sys.path += [jar, str(DAEMON)]


@pytest.fixture(autouse=True, scope="module")
def _pickled_by_value(request):
    """Sends functions of these modules to workers as a script's are: workers can't import them."""
    modules = [request.module, it]
    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    yield
    for module in modules:
        cloudpickle.unregister_pickle_by_value(module)


@pytest.fixture(scope="session")
def sessions():
    """Opens sessions, one at a time, and closes the last."""
    opened = it.Sessions()
    yield opened
    opened.close()


@pytest.fixture
def spark(request, sessions):
    """A session with the check's settings; the check has to give back all that it used of it."""
    settings = {}
    for marker in request.node.iter_markers("settings"):
        settings = {**marker.args[0], **settings}
    session = sessions.open(settings)
    yield session
    it.check_nothing_is_left(session)


@pytest.fixture
def conf(spark):
    """Sets settings that a session may change, until the check has ended."""
    changed = []

    def set_until_the_end(key, value):
        changed.append(key)
        spark.conf.set(key, value)

    yield set_until_the_end
    for key in changed:
        spark.conf.unset(key)


@pytest.fixture(params=["true", "false"], ids=["adaptive", "static"])
def adaptive(request, conf):
    """Runs a check with and without adaptive execution."""
    conf("spark.sql.adaptive.enabled", request.param)


@pytest.fixture
def work():
    """The directory that this process may write to."""
    return Path(os.environ["IT_WORK"])


@pytest.fixture
def no_tensorflow(spark):
    """Makes sure that no check before has loaded TensorFlow, or its absence would say nothing."""
    assert not it.has_tensorflow(it.jvm_pid(spark)), "run this before checks that ask for tensors"
