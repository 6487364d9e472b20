# Dagster's machine.
# shellcheck shell=bash

# install_backup: every night a dump of the database goes to the bucket.
install_backup() {
    local image
    image="$(setting IMAGES)/dagster:$(setting RELEASE)"
    docker run --rm --network none --entrypoint cat "$image" /opt/deploy/backup.sh >"$HOME_ON_DISK/backup.sh"
    chmod +x "$HOME_ON_DISK/backup.sh"
    cat >"$UNITS/ticketsim-backup.service" <<UNIT
[Unit]
Description=Dump Dagster's database into a bucket
# A dump that was missed while the machine was off waits for the start-up script.
After=docker.service google-startup-scripts.service

[Service]
Type=oneshot
EnvironmentFile=$RUN/settings.env
Environment=TICKETSIM_COMPOSE=$HOME_ON_DISK/dagster.yaml
ExecStart=$HOME_ON_DISK/backup.sh
UNIT
    cat >"$UNITS/ticketsim-backup.timer" <<UNIT
[Unit]
Description=Dump Dagster's database every night

[Timer]
OnCalendar=*-*-* 02:20:00 UTC
Persistent=true

[Install]
WantedBy=timers.target
UNIT
    systemctl daemon-reload
    systemctl enable --now ticketsim-backup.timer
}

main() {
    prepare
    fetch_secret dagster-postgres-password
    fetch_secret alert-url optional
    start_docker
    start dagster
    install_backup
}

# Tests read the functions without running them.
[ -n "${ONLY_FUNCTIONS:-}" ] || main
