#!/bin/sh
# Runs a command with secrets in its environment: VARIABLE_FROM=/run/secrets/x becomes VARIABLE, the file's content.
# Dagster and Airflow read their passwords from the environment; Compose hands secrets over as files.
set -eu

for name in $(env | sed -n 's/^\([A-Z][A-Z0-9_]*\)_FROM=.*/\1/p'); do
    file=$(printenv "${name}_FROM")
    [ -r "$file" ] || { echo "error: ${name}_FROM is $file, which cannot be read: see deploy/vm.sh" >&2; exit 1; }
    # An empty file is a secret that is not set.
    if [ -s "$file" ]; then
        export "$name=$(cat "$file")"
    fi
    unset "${name}_FROM"
done
exec "$@"
