# Kafka's machine: the broker, its topics and their browser; and the simulator, which is light and has no machine of its own.
# shellcheck shell=bash

main() {
    prepare
    start_docker
    start kafka
    start simulator
}

# Tests read the functions without running them.
[ -n "${ONLY_FUNCTIONS:-}" ] || main
