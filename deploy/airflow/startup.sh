# Airflow's machine.
# shellcheck shell=bash

# derive_secrets: the files that Airflow reads, built from the two passwords.
derive_secrets() {
    local secrets="$RUN/secrets"
    (
        umask 022
        # A password may hold any character.
        python3 -c 'import sys, urllib.parse
print("postgresql+psycopg2://airflow:" + urllib.parse.quote(sys.stdin.read().rstrip("\n"), safe="") + "@postgres/airflow")' \
            <"$secrets/airflow-postgres-password" >"$secrets/sql-alchemy-conn"
        python3 -c 'import json, sys; print(json.dumps({"admin": sys.stdin.read().rstrip("\n")}))' \
            <"$secrets/airflow-admin-password" >"$secrets/passwords.json"
    )
}

main() {
    prepare
    fetch_secret airflow-postgres-password
    fetch_secret airflow-fernet-key
    fetch_secret airflow-jwt-secret
    fetch_secret airflow-admin-password
    derive_secrets
    start_docker
    start airflow
}

# Tests read the functions without running them.
[ -n "${ONLY_FUNCTIONS:-}" ] || main
