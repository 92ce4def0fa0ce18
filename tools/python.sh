#!/bin/sh
# Print the path of a Python that can make the virtual environment.
set -eu

if [ "${1:-}" = "--help" ]; then
    cat <<'HELP'
usage: tools/python.sh

Prints the path of the first Python that is 3.11 or newer and has venv with pip,
out of $PYTHON, python3, and python3.14 down to python3.11. Where there is none,
says what to install and exits with 1.
HELP
    exit 0
fi

without_venv=""
for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    path=$(command -v "$name") || continue
    "$path" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    if "$path" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "$path"
        exit 0
    fi
    without_venv=$path
done

if [ -n "$without_venv" ]; then
    version=$("$without_venv" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "$without_venv has no venv module with pip: on Debian or Ubuntu, install the package python$version-venv." >&2
else
    echo "Python 3.11 or newer was not found: install it, or name it with PYTHON=/path/to/python3." >&2
fi
exit 1
