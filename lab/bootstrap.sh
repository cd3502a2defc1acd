#!/bin/sh
# Make .venv with the pinned Python dependencies, on a machine that may have nothing but sh and make.
# Runs pip only when the dependencies in pyproject.toml or constraints.txt changed. Everything else is `python -m lab`'s work.
set -eu
cd "$(dirname "$0")/.."

stop() { echo "Stopped: $*" >&2; exit 1; }

apt_install() {
    command -v apt-get >/dev/null || stop "Install these with your package manager, then run again: $*"
    [ "$(id -u)" = 0 ] || stop "Python packages are missing. Type: sudo apt-get install $*"
    apt-get update -qq || stop "This machine cannot read its package lists. Type: apt-get update"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
        stop "Packages could not be installed. Type: apt-get install $*"
}

find_python() {
    for name in python3.11 python3.12 python3.13 python3; do
        if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
}

stamp=.venv/.installed
wanted=$({ sed -n '/^\[project/,/^\[tool/p' pyproject.toml; cat constraints.txt; } | sha256sum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi

# The .venv that is there waits aside until the new one is complete: programs in it know the path that it was made at, so
# the new one cannot be built elsewhere. Without network, or interrupted, everything is as it was.
put_back() {
    [ -e .venv.before ] || [ -L .venv.before ] || return 0
    rm -rf .venv
    mv .venv.before .venv
}
put_back # a run before this one was killed
trap put_back EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

python=$(find_python)
if [ -z "$python" ]; then
    apt_install python3 python3-venv
    python=$(find_python)
    # Ubuntu 22.04 has Python 3.10 as python3, and 3.11 beside it.
    [ -n "$python" ] || { apt_install python3.11 python3.11-venv; python=$(find_python); }
    [ -n "$python" ] || stop "Python 3.11 or newer is needed, and this distribution's packages have none."
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    apt_install "$version"
fi

echo "Python: making .venv with the versions of constraints.txt (about a minute, once)"
if [ -e .venv ] || [ -L .venv ]; then
    mv .venv .venv.before
fi
"$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt '.[test]' ||
    stop "Python packages could not be installed. See whether this machine reaches PyPI: .venv/bin/pip download six"
rm -rf build dpuk_node.egg-info
echo "$wanted" > "$stamp"
# Under another name first: what is half removed must never be put back.
rm -rf .venv.old
if [ -e .venv.before ] || [ -L .venv.before ]; then
    mv .venv.before .venv.old
    rm -rf .venv.old
fi
