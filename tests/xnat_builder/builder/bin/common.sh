# What setup.sh and update.sh look for first: a JDK, and a repository that Maven can leave notes in.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
fail() { printf 'BUILD FAILED\nError: %s\n' "$1"; exit 70; }
"${JAVA_HOME:-/nowhere}/bin/java" -version >/dev/null 2>&1 || fail "JAVA_HOME is not set to a JDK"
[ -w "$here/plugin-resources/repository" ] || fail "$here/plugin-resources/repository is not writable"
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$here:$here/plugin-resources/webapp/xnat/WEB-INF/python"
