#!/bin/sh
# The emulator of BigQuery needs Python 3.13: prints the path of one, or one sentence on stderr and exits 1.
# $1: uv, which may have one of its own.
set -u

# Each candidate is run: a pyenv shim may exist without a Python behind it.
for candidate in "${BIGQUERY_EMULATOR_PYTHON:-}" python3.13 python3 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13.*/bin/python3 \
    "$("$1" python find --managed-python 3.13 2>/dev/null)"; do
    [ -n "$candidate" ] || continue
    "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null || continue
    "$candidate" -c 'import sys; print(sys.executable)'
    exit 0
done
echo "error: Python 3.13 is needed for the emulator of BigQuery: install one (\`$1 python install 3.13\`, or pyenv) or" \
    "set BIGQUERY_EMULATOR_PYTHON to its path." >&2
exit 1
