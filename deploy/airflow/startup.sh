# Airflow's machine.
# shellcheck shell=bash

# derive_secrets: what Airflow wants to read, made from the two passwords.
derive_secrets() {
    local secrets="$RUN/secrets"
    (
        umask 022
        # @uri: a password may hold any character.
        jq --raw-input --raw-output --slurp '"postgresql+psycopg2://airflow:" + (rtrimstr("\n") | @uri) + "@postgres/airflow"' \
            "$secrets/airflow-postgres-password" >"$secrets/sql-alchemy-conn"
        jq --raw-input --slurp '{admin: rtrimstr("\n")}' "$secrets/airflow-admin-password" >"$secrets/passwords.json"
    )
}

main() {
    prepare
    fetch_secret airflow-postgres-password
    fetch_secret airflow-fernet-key
    fetch_secret airflow-jwt-secret
    fetch_secret airflow-admin-password
    derive_secrets
    start airflow
}

# Tests read the functions without running them.
[ -n "${ONLY_FUNCTIONS:-}" ] || main
