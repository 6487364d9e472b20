#!/bin/sh
# Check, before anything is downloaded, that this machine has a Python and a Java that Ticketsim runs on.
# Prints the path of the Python on stdout; otherwise one sentence on stderr, and exits 1.
set -u

oldest_python=11 # of Python 3; pyproject.toml says the same
newest_python=13
oldest_java=17

fail() {
    echo "error: $1" >&2
    exit 1
}

# Each candidate is run: a pyenv shim or a system's stub may exist without a Python behind it.
python='' unsupported='' without_venv=''
for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
    [ -n "$candidate" ] || continue
    found=$("$candidate" -c 'import sys; print(sys.executable); print("%d %d" % sys.version_info[:2])' 2>/dev/null) || continue
    executable=$(echo "$found" | sed -n 1p)
    version=$(echo "$found" | sed -n 2p)
    major=${version% *} minor=${version#* }
    if [ "$major" -ne 3 ] || [ "$minor" -lt "$oldest_python" ] || [ "$minor" -gt "$newest_python" ]; then
        unsupported="${unsupported:+$unsupported, }$candidate is $major.$minor"
    elif ! "$executable" -c 'import ensurepip, venv' 2>/dev/null; then
        without_venv="$candidate (3.$minor) cannot create virtual environments: install its package python3.$minor-venv (Debian and Ubuntu: apt-get install python3.$minor-venv)"
    else
        python=$executable
        break
    fi
done
if [ -z "$python" ]; then
    [ -z "$without_venv" ] || fail "$without_venv, or set PYTHON to another Python 3.$oldest_python to 3.$newest_python."
    fail "Python 3.$oldest_python to 3.$newest_python is needed, but ${unsupported:-there is no Python that runs}: install one (Debian: apt-get install python3 python3-venv) or set PYTHON to its path."
fi

java=${JAVA_HOME:+$JAVA_HOME/bin/}java
cure="install Java $oldest_java or 21 (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME."
answer=$("$java" -version 2>&1) || fail "Java $oldest_java or newer is needed, but $java does not run: $cure"
release=$(echo "$answer" | sed -n 's/.*version "\(1\.\)\{0,1\}\([0-9][0-9]*\).*/\2/p' | sed -n 1p)
[ -n "$release" ] || fail "Java $oldest_java or newer is needed, but the version of $java is unknown: $cure"
[ "$release" -ge "$oldest_java" ] || fail "Java $oldest_java or newer is needed, but $java is version $release: $cure"

echo "$python"
