"""Topics of a broker, deleted and made again: empty, with other ids."""

import time
from collections.abc import Collection

from confluent_kafka.admin import AdminClient

from simulator.topics import create_topics


def make_anew(bootstrap: str, topics: Collection[str]) -> None:
    """Delete those of ``topics`` that are there, and make whatever of the eight is missing."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    present = [topic for topic in admin.list_topics(timeout=10).topics if topic in topics]
    for deleted in admin.delete_topics(present, operation_timeout=30).values() if present else ():
        deleted.result()
    deadline = time.monotonic() + 30
    while set(topics) & set(admin.list_topics(timeout=10).topics):
        assert time.monotonic() < deadline, "the old topics are still there after 30 s"
        time.sleep(0.1)
    create_topics(bootstrap, 3)
