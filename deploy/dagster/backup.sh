#!/bin/bash
# Dumps Dagster's database into a bucket: runs, events, which hours succeeded at which fingerprint.
#   backup.sh                       dump now; the timer that startup.sh installs does it every night
#   backup.sh restore OBJECT        load a dump, e.g. dagster/20261124T022000Z.dump, into the database
# By hand: set -a; . /run/ticketsim/settings.env; TICKETSIM_COMPOSE=/opt/ticketsim/dagster.yaml /opt/ticketsim/backup.sh
# The data itself is in lake and warehouse: without a dump Dagster would only load every hour again.
set -euo pipefail

METADATA=${METADATA:-http://metadata.google.internal/computeMetadata/v1}
STORAGE=${STORAGE:-https://storage.googleapis.com}
: "${TICKETSIM_BACKUP_URI:?gs://bucket/prefix that dumps go to}"
: "${TICKETSIM_COMPOSE:?the Compose file of this machine}"

bucket=${TICKETSIM_BACKUP_URI#gs://}
bucket=${bucket%%/*}
prefix=${TICKETSIM_BACKUP_URI#gs://"$bucket"}
prefix=${prefix#/}

# storage CURL-ARGUMENTS: calls Cloud Storage as this machine; the token is read from stdin, which no other user sees.
storage() {
    local token
    token=$(curl --silent --show-error --fail --header "Metadata-Flavor: Google" \
        "$METADATA/instance/service-accounts/default/token" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
    curl --silent --show-error --fail --retry 5 --config <(echo "header = \"Authorization: Bearer $token\"") "$@"
}

compose() {
    docker compose --file "$TICKETSIM_COMPOSE" "$@"
}

# escaped TEXT: the text escaped for a URL.
escaped() {
    python3 -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1], safe=""))' "$1"
}

dump=$(mktemp)
trap 'rm -f "$dump"' EXIT
case "${1:-dump}" in
dump)
    compose exec --no-TTY postgres pg_dump --username=dagster --dbname=dagster --format=custom >"$dump"
    object="${prefix:+$prefix/}$(date -u +%Y%m%dT%H%M%SZ).dump"
    storage --output /dev/null --request POST --header "Content-Type: application/octet-stream" --data-binary "@$dump" \
        "$STORAGE/upload/storage/v1/b/$bucket/o?uploadType=media&name=$(escaped "$object")"
    echo "gs://$bucket/$object"
    ;;
restore)
    object=${2:?usage: backup.sh restore OBJECT}
    storage --output "$dump" "$STORAGE/storage/v1/b/$bucket/o/$(escaped "$object")?alt=media"
    # One transaction: a dump that cannot be read changes nothing. Dagster restarts either way.
    trap 'rm -f "$dump"; compose up --detach' EXIT
    compose stop daemon webserver viewer code
    compose exec --no-TTY postgres pg_restore --username=dagster --dbname=dagster --clean --if-exists --single-transaction \
        --no-owner <"$dump"
    ;;
*)
    echo "error: unknown command '$1'; expected nothing, dump, or restore OBJECT" >&2
    exit 2
    ;;
esac
