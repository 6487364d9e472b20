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
UNITS=${UNITS:-/etc/systemd/system}
DATA_DISK=${DATA_DISK:-/dev/disk/by-id/google-data}
DOCKER_ROOT=${DOCKER_ROOT:-/var/lib/docker}

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

# hold_docker: Docker does not start, whoever asks for it, before its data disk is mounted and the files in $RUN are written.
# systemd would start it early in each boot: on an empty folder of the boot disk, and containers without their secrets.
hold_docker() {
    mkdir -p "$UNITS/docker.service.d"
    cat >"$UNITS/docker.service.d/ticketsim.conf" <<UNIT
# Written by deploy/vm.sh, which starts Docker itself at every boot.
[Unit]
ConditionPathIsMountPoint=$DOCKER_ROOT
ConditionPathExists=$RUN/ready
UNIT
    systemctl daemon-reload
}

# mount_data_disk: Docker's folder, and so all named volumes, lie on the data disk, which outlives the machine.
mount_data_disk() {
    local found=0
    if ! mountpoint --quiet "$DOCKER_ROOT"; then
        # A disk without a file system (2) is new. One that has one, or that cannot be read, is never formatted.
        blkid --probe "$DATA_DISK" >/dev/null || found=$?
        case $found in
        0) ;;
        2) mkfs.ext4 -q -m 0 -L data "$DATA_DISK" ;;
        *) fail "the data disk $DATA_DISK cannot be read (blkid: $found); it is not formatted." ;;
        esac
        mkdir -p "$DOCKER_ROOT"
        mount -o discard,defaults "$DATA_DISK" "$DOCKER_ROOT"
    fi
    # Space that was added to the disk, also since it was mounted. A disk that cannot grow still serves.
    resize2fs "$DATA_DISK" || echo "warning: the file system on $DATA_DISK cannot be enlarged." >&2
}

# install_docker: Debian's own packages; unattended-upgrades patches them.
install_docker() {
    command -v docker >/dev/null && docker compose version >/dev/null 2>&1 && return
    export DEBIAN_FRONTEND=noninteractive
    apt-get update --quiet
    # apt's own timers may hold the lock during the first boot.
    apt-get install --quiet --yes --no-install-recommends -o DPkg::Lock::Timeout=300 \
        docker.io docker-cli docker-compose ca-certificates curl python3 unattended-upgrades
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

# start_docker: from here on Docker may start; what is written by then is all that containers need.
start_docker() {
    : >"$RUN/ready"
    systemctl start docker
    docker info >/dev/null || fail "Docker does not run: systemctl status docker says why."
    # A machine that has its images starts without the registry.
    log_in_to_registry || echo "warning: the registry takes no login; only images that are here already can be started." >&2
}

# start IMAGE: takes the Compose file from the image, so that both are of one release, and starts its services.
start() {
    local image compose="$HOME_ON_DISK/$1.yaml"
    image="$(setting IMAGES)/$1:$(setting RELEASE)"
    mkdir -p "$HOME_ON_DISK"
    docker pull --quiet "$image" || docker image inspect "$image" >/dev/null ||
        fail "image $image is neither in the registry nor on this machine: docs/cloud.md, step 5, builds and pushes it."
    docker run --rm --network none --entrypoint cat "$image" /opt/deploy/compose.yaml >"$compose.unfinished"
    mv "$compose.unfinished" "$compose"
    docker compose --env-file "$RUN/settings.env" --file "$compose" up --detach --remove-orphans --quiet-pull
    # Images of releases before the last one.
    docker image prune --all --force --filter until=720h >/dev/null
}

# prepare: everything before secrets; `start_docker` comes after them.
prepare() {
    hold_docker
    mount_data_disk
    install_docker
    write_settings
}
