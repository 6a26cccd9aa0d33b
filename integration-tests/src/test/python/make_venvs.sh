#!/usr/bin/env bash
# Makes the virtual environments of the integration tests, once; again when a requirement changes.
#
#   make_venvs.sh DIRECTORY [NAME...]
#
# makes DIRECTORY/oldest and DIRECTORY/newest, or those named, and DIRECTORY/spark with the PySpark
# that all see. With DIRECTORY/newest comes DIRECTORY/classes/spark.jsa, an archive of Spark's
# classes, with which a small PySpark program takes about a quarter less CPU time.
# The Python is $PYTHON, else the first of python3.11, python3.10 and python3.9 that works. If
# $PYTHON_OLDEST, or a python3.9 on the path, is another one, DIRECTORY/oldest is made with it.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
target=$(cd "$1" && pwd)
names=("${@:2}")
[ ${#names[@]} -gt 0 ] || names=(oldest newest)

# A name on the path says little: it may be a version manager's placeholder, or lack venv.
works() {
  "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 11))' \
    > /dev/null 2>&1
}

choose_python() {
  if [ -n "${PYTHON:-}" ]; then
    works "$PYTHON" && echo "$PYTHON" && return
    echo "PYTHON=$PYTHON does not run, is not Python 3.9 to 3.11, or lacks venv." >&2
    exit 1
  fi
  for candidate in python3.11 python3.10 python3.9; do
    works "$candidate" && echo "$candidate" && return
  done
  echo "Found no Python 3.9 to 3.11 with venv on the path; install one (on Debian also" \
    "python3-venv), or name it in the environment variable PYTHON." >&2
  exit 1
}

# Runs a function, unless it ran before with the same inputs.
once() {
  local name=$1 inputs=$2
  shift 2
  local stamp="$target/$name.stamp"
  if [ -d "$target/$name" ] && [ "$(cat "$stamp" 2> /dev/null)" = "$inputs" ]; then
    return
  fi
  rm -rf "${target:?}/$name" "$stamp"
  "$@"
  echo "$inputs" > "$stamp"
}

describe() {
  "$1" -c 'import sys; print(sys.executable, sys.version)'
  cat "${@:2}"
}

pip_install() {
  local python=$1
  shift
  "$python" -m pip install --quiet --disable-pip-version-check --no-warn-script-location "$@"
}

make_spark() {
  pip_install "$1" --no-deps --target "$target/spark" -r "$here/requirements-spark.txt"
}

make_venv() {
  local name=$1 python=$2
  "$python" -m venv "$target/$name"
  pip_install "$target/$name/bin/python" -r "$here/requirements-$name.txt"
  local site
  site=$("$target/$name/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  echo "$target/spark" > "$site/spark.pth"
}

make_classes() {
  local work="$target/classes"
  mkdir "$work"
  # Written when the driver's JVM ends, for which the launcher waits.
  if ! ARCHIVE_WORK="$work" SPARK_HOME="$target/spark/pyspark" \
    SPARK_LOCAL_IP=127.0.0.1 SPARK_LOCAL_DIRS="$work" \
    PYSPARK_PYTHON="$target/newest/bin/python" PYSPARK_DRIVER_PYTHON="$target/newest/bin/python" \
    "$target/spark/pyspark/bin/spark-submit" --master 'local[2]' \
    --driver-java-options "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ArchiveClassesAtExit=$work/spark.jsa -Xlog:cds*=off" \
    "$here/archive_classes.py" > "$work/output.log" 2>&1; then
    cat "$work/output.log" >&2
    exit 1
  fi
}

java_version() {
  "${JAVA_HOME:+$JAVA_HOME/bin/}java" -version 2>&1
}

make_environment() {
  local name=$1 used=$python
  [ "$name" = oldest ] && used=$oldest_python
  once "$name" "$(describe "$used" "$here/requirements-$name.txt")" make_venv "$name" "$used"
  "$target/$name/bin/python" -c 'import sys, numpy, pyarrow; print(f"environment {sys.argv[1]}:",
    "Python %d.%d.%d," % sys.version_info[:3], f"pyarrow {pyarrow.__version__},",
    f"numpy {numpy.__version__}")' "$name"
  if [ "$name" = newest ]; then
    once classes "$(java_version; describe "$target/newest/bin/python" "$here/archive_classes.py" \
      "$here"/requirements-{newest,spark}.txt)" make_classes
  fi
}

python=$(choose_python)
oldest_python=${PYTHON_OLDEST:-python3.9}
if ! works "$oldest_python"; then
  # A version manager may have one that is not on the path.
  for candidate in "$(pyenv root 2> /dev/null)"/versions/3.9.*/bin/python3.9; do
    works "$candidate" && oldest_python=$candidate
  done
fi
if [[ " ${names[*]} " = *" oldest "* ]] && ! works "$oldest_python"; then
  echo "Python 3.9 is not tested: $oldest_python does not run here; PYTHON_OLDEST can name one."
  oldest_python=$python
fi

once spark "$(cat "$here/requirements-spark.txt")" make_spark "$python"
# At the same time: they mostly wait for downloads.
running=()
for name in "${names[@]}"; do
  make_environment "$name" &
  running+=($!)
done
for process in "${running[@]}"; do
  wait "$process"
done
