#!/bin/bash
# The shared part of all start-up scripts. Terraform puts it in front of deploy/<machine>/startup.sh; Google runs both at
# every boot, so each step is idempotent.
#
# Settings are attributes of the machine: ticketsim-lake-uri becomes TICKETSIM_LAKE_URI in the file that Compose reads.
# Secrets come from Secret Manager into memory (/run), never onto a disk, into an image or into a Compose file.
set -euo pipefail

METADATA=${METADATA:-http://metadata.google.internal/computeMetadata/v1}
SECRET_MANAGER=${SECRET_MANAGER:-https://secretmanager.googleapis.com/v1}
RUN=${RUN:-/run/ticketsim}
HOME_ON_DISK=${HOME_ON_DISK:-/opt/ticketsim}

# metadata PATH: the value at PATH of the metadata server.
metadata() {
    curl --silent --show-error --fail --retry 5 --retry-connrefused --header "Metadata-Flavor: Google" "$METADATA/$1"
}

# field A.B: this field of the JSON object on stdin.
field() {
    python3 -c 'import functools, json, sys
print(functools.reduce(lambda found, key: found[key], sys.argv[1].split("."), json.load(sys.stdin)))' "$1"
}

# fail SENTENCE: exits with an error, which the serial console and Cloud Logging show.
fail() {
    echo "error: $1" >&2
    exit 1
}

# mount_data_disk: Docker's folder, and so all named volumes, lie on the data disk, which outlives the machine.
mount_data_disk() {
    local device=/dev/disk/by-id/google-data
    mountpoint --quiet /var/lib/docker && return
    # A disk without a file system is new. A disk that has one is never formatted.
    blkid "$device" >/dev/null || mkfs.ext4 -q -m 0 -L data "$device"
    mkdir -p /var/lib/docker
    mount -o discard,defaults "$device" /var/lib/docker
    # Space that was added to the disk.
    resize2fs "$device" 2>/dev/null
}

# install_docker: Debian's own packages; unattended-upgrades patches them.
install_docker() {
    command -v docker >/dev/null && docker compose version >/dev/null 2>&1 && return
    export DEBIAN_FRONTEND=noninteractive
    apt-get update --quiet
    apt-get install --quiet --yes --no-install-recommends \
        docker.io docker-cli docker-compose ca-certificates curl python3 unattended-upgrades
    systemctl enable --now docker
}

# write_settings: writes the file from which Compose fills its ${TICKETSIM_...}.
write_settings() {
    local name value
    umask 077
    mkdir -p "$RUN/secrets"
    : >"$RUN/settings.env.unfinished"
    for name in $(metadata instance/attributes/ | sed -n 's/^ticketsim-//p'); do
        value=$(metadata "instance/attributes/ticketsim-$name")
        case $value in
        *$'\n'* | *"'"*) fail "invalid attribute ticketsim-$name: it has a line break or a quote in it; a setting is one line." ;;
        esac
        name=${name//-/_}
        echo "TICKETSIM_${name^^}='$value'" >>"$RUN/settings.env.unfinished"
    done
    echo "TICKETSIM_SECRETS='$RUN/secrets'" >>"$RUN/settings.env.unfinished"
    mv "$RUN/settings.env.unfinished" "$RUN/settings.env"
}

# setting NAME: the value of ${TICKETSIM_<NAME>}, which must be set.
setting() {
    local found
    found=$(sed -n "s/^TICKETSIM_$1='\(.*\)'\$/\1/p" "$RUN/settings.env")
    [ -n "$found" ] || fail "this machine has no attribute for TICKETSIM_$1; terraform/main.tf sets them."
    echo "$found"
}

# fetch_secret NAME [optional]: the newest version of secret <prefix>-NAME, as file $RUN/secrets/NAME.
fetch_secret() {
    local token project answer status file="$RUN/secrets/$1"
    token=$(metadata instance/service-accounts/default/token | field access_token)
    project=$(metadata project/project-id)
    answer=$(mktemp)
    # The token is read from stdin: every process can see a command line.
    status=$(echo "header = \"Authorization: Bearer $token\"" |
        curl --silent --show-error --retry 5 --config - --output "$answer" --write-out '%{http_code}' \
            "$SECRET_MANAGER/projects/$project/secrets/$(setting PREFIX)-$1/versions/latest:access")
    # Containers run as users of their own: the file is readable for all, its folder only for root.
    if [ "$status" = 200 ]; then
        (umask 022 && field payload.data <"$answer" | base64 --decode >"$file")
    elif [ "$status" = 404 ] && [ "${2:-}" = optional ]; then
        (umask 022 && : >"$file")
    else
        rm -f "$answer"
        fail "secret $(setting PREFIX)-$1 cannot be read (HTTP $status): give it a version, and this machine's account access."
    fi
    rm -f "$answer"
    [ -s "$file" ] || [ "${2:-}" = optional ] || fail "secret $(setting PREFIX)-$1 is empty."
}

# log_in_to_registry: with the machine's own account, for as long as its token lives.
log_in_to_registry() {
    local images
    images=$(setting IMAGES)
    metadata instance/service-accounts/default/token | field access_token |
        docker login --username oauth2accesstoken --password-stdin "https://${images%%/*}"
}

# start IMAGE: takes the Compose file from the image, so that both are of one release, and starts its services.
start() {
    local image compose="$HOME_ON_DISK/$1.yaml"
    image="$(setting IMAGES)/$1:$(setting RELEASE)"
    mkdir -p "$HOME_ON_DISK"
    docker pull --quiet "$image"
    docker run --rm --network none --entrypoint cat "$image" /opt/deploy/compose.yaml >"$compose.unfinished"
    mv "$compose.unfinished" "$compose"
    docker compose --env-file "$RUN/settings.env" --file "$compose" up --detach --remove-orphans --quiet-pull
    # Images of releases before the last one.
    docker image prune --all --force --filter until=720h >/dev/null
}

# prepare: everything before the first container.
prepare() {
    mount_data_disk
    install_docker
    write_settings
    log_in_to_registry
}
