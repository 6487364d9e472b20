"""Kafka to the lake: the Spark job, the lake's layout and the readers that need no JVM."""
