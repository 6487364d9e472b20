#!/bin/sh
# Writes Kafka's configuration from the environment, formats its storage the first time, and starts Kafka.
set -eu

: "${ADVERTISED_HOST:?the name or address by which clients reach this machine}"

configuration=$(mktemp -d)
sed -e "s|@ADVERTISED_HOST@|$ADVERTISED_HOST|" -e "s|@INTERNAL_HOST@|$INTERNAL_HOST|" \
    -e "s|@CLIENTS_PORT@|$CLIENTS_PORT|g" -e "s|@INTERNAL_PORT@|$INTERNAL_PORT|g" \
    -e "s|@CONTROLLER_PORT@|$CONTROLLER_PORT|g" -e "s|@DATA@|$KAFKA_DATA/log|" \
    "$KAFKA_HOME/server.properties" >"$configuration/server.properties"

kafka() {
    # shellcheck disable=SC2086  # several options in one variable
    exec java $JAVA_OPTIONS "-Dlog4j2.configurationFile=$KAFKA_HOME/log4j2.xml" -cp "$KAFKA_HOME/libs/*" "$@"
}

# Formatting writes this file last.
if [ ! -e "$KAFKA_DATA/log/meta.properties" ]; then
    id=$(kafka kafka.tools.StorageTool random-uuid | tail -n 1)
    # An id that begins with a dash would look like an option.
    (kafka kafka.tools.StorageTool format --ignore-formatted "--cluster-id=$id" -c "$configuration/server.properties")
fi
kafka kafka.Kafka "$configuration/server.properties"
