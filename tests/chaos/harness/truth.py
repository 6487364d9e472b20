"""The invariants of every test: offsets without gap or overlap, and events equal to their receipts.

Written against the data, not against the product's own check, which is asked as well.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from harness.kafka import held
from harness.stream import Stream, Violation
from simulator.digest import digest_of
from simulator.events import FIELDS, EventType, hour_start_us
from simulator.run import Summary
from streaming.lake.schema import LAKE_SCHEMA
from ticketsim_assets.checks.offsets import OffsetState, OffsetVerdict, check_offsets

_ROWS = """
create view lake as from nothing union all by name from read_parquet(
    $files, hive_partitioning = true,
    hive_types = {'event_type': varchar, 'event_date': date, 'event_hour': int}, union_by_name = true
)
"""

_OFFSETS = """
select topic, kafka_partition, min(kafka_offset), max(kafka_offset) + 1, count(*), count(distinct kafka_offset)
from lake where not exists ({ended}) group by all order by all
"""

_ENDED_LOGS = """
select topic, kafka_partition, count(*) from lake where exists ({ended}) group by all
"""

#: Whether a row belongs to a log that a recorded loss has ended.
_ENDED = """
select 1 from losses
where losses.topic = lake.topic and losses.kafka_partition = lake.kafka_partition
    and lake.ingested_at < losses.resumed_at
"""

_DIFFERENCES = """
with receipts as (
    select distinct run_id, venue_id, hour_start as hour, of_event_type as event_type, event_count, duration_us
    from lake where event_type = 'hour_closed'
),
events as (
    select distinct run_id, venue_id, date_trunc('hour', event_time) as hour, event_type, event_id,
        epoch_us(event_time) - epoch_us(started_at) as duration_us
    from lake where event_type not in ('hour_closed', 'quarantine')
),
counted as (
    select run_id, venue_id, hour, event_type, count(*) as event_count, sum(duration_us)::bigint as duration_us
    from events group by all
)
select run_id, venue_id, hour, event_type, receipts.event_count, counted.event_count
from receipts full outer join counted using (run_id, venue_id, hour, event_type)
where list_contains(?, run_id) and (
    coalesce(receipts.event_count, -1) <> coalesce(counted.event_count, 0)
    or receipts.duration_us <> coalesce(counted.duration_us, 0)
)
order by all
"""

#: Each message once, as it was sent: a copy that differs in any field is another one.
_MESSAGES = f"""
select distinct {", ".join(f"epoch_us({f.name}) as {f.name}" if f.kind == "time" else f.name for f in FIELDS)}
from lake where event_type <> 'quarantine' and list_contains(?, run_id)
"""

_SENT = "select event_type, count(distinct event_id) from lake where run_id = ? group by all"


def open_rows(stream: Stream) -> duckdb.DuckDBPyConnection:
    """Return the lake's rows as the view ``lake``."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    files = DeltaTable(str(stream.table)).file_uris()
    connection.register("losses", _losses(stream))
    # Files of an earlier release lack columns that the contract has gained since.
    connection.register("nothing", LAKE_SCHEMA.empty_table())
    connection.execute(_ROWS.replace("$files", str([uri.removeprefix("file://") for uri in files])))
    return connection


def _losses(stream: Stream) -> pa.Table:
    if (stream.lake / "losses").exists():
        return DeltaTable(str(stream.lake / "losses")).to_pyarrow_table()
    empty = {"topic": pa.string(), "kafka_partition": pa.int32(), "resumed_at": pa.timestamp("us", tz="UTC")}
    return pa.schema(list(empty.items())).empty_table()


def offsets_of(stream: Stream) -> dict[tuple[str, int], int]:
    """Return the next offset of each topic and partition, zeros too; the lake has lost nothing so far."""
    with open_rows(stream) as rows:
        found = {(topic, p): end for topic, p, _, end, *_ in rows.execute(_OFFSETS.format(ended=_ENDED)).fetchall()}
    return {
        (topic, int(p)): found.get((topic, int(p)), 0)
        for topic, p in (name.rsplit("/", 1) for name in held(stream.bootstrap))
    }


def rows_of_ended_logs(stream: Stream) -> dict[tuple[str, int], int]:
    """Return how many rows of each topic and partition belong to logs that a recorded loss has ended."""
    with open_rows(stream) as rows:
        return {(topic, p): count for topic, p, count in rows.execute(_ENDED_LOGS.format(ended=_ENDED)).fetchall()}


def require_all_offsets(stream: Stream) -> None:
    """Check that every offset that Kafka holds is in the lake once, and no other."""
    expected = {
        tuple(name.rsplit("/", 1)): (log.earliest, log.end, *[log.end - log.earliest] * 2)
        for name, log in held(stream.bootstrap).items()
        if log.end > log.earliest
    }
    with open_rows(stream) as rows:
        present = rows.execute(_OFFSETS.format(ended=_ENDED)).fetchall()
    found = {(topic, str(p)): tuple(rest) for topic, p, *rest in present}
    if found != expected:
        wrong = {name: (found.get(name), expected.get(name)) for name in {*found, *expected}}
        wrong = {name: both for name, both in wrong.items() if both[0] != both[1]}
        raise Violation(f"(first, end, rows, distinct) in the lake and as Kafka holds them differ: {wrong}")


def require_receipts(stream: Stream, sent: Sequence[Summary], undigested: Collection[str] = ()) -> None:
    """Check that the lake holds exactly what the receipts count, per run, venue, hour and type.

    Args:
        stream: Whose lake it is.
        sent: All runs.
        undigested: Ids of those whose receipts were sent without a digest.
    """
    with open_rows(stream) as rows:
        if differences := rows.execute(_DIFFERENCES, [[summary.run_id for summary in sent]]).fetchall():
            raise Violation(f"run, venue, hour, type, receipt, events: {differences[:8]}")
        if differences := list(_wrong_digests(rows, [summary.run_id for summary in sent], undigested)):
            raise Violation(f"run, venue, hour, type, digest of the receipt, of the events: {differences[:8]}")
        for summary in sent:
            found = dict(rows.execute(_SENT, [summary.run_id]).fetchall())
            wanted = {str(name): count for name, count in summary.events.items() if count}
            if found != wanted:
                raise Violation(f"run {summary.run_id} sent {wanted}, the lake holds {found}")


def _wrong_digests(
    rows: duckdb.DuckDBPyConnection, run_ids: Sequence[str], undigested: Collection[str]
) -> Iterator[tuple[Any, ...]]:
    """Yield the receipts whose digest is not that of the events: some field of some event has changed on its way."""
    found = rows.execute(_MESSAGES, [list(run_ids)])
    names = [name for name, *_ in found.description]
    receipts, events = [], defaultdict(list)
    for values in found.fetchall():
        message = dict(zip(names, values, strict=True))
        if message["event_type"] == EventType.HOUR_CLOSED:
            receipts.append(message)
        else:
            hour = hour_start_us(message["event_time"])
            events[message["run_id"], message["venue_id"], hour, message["event_type"]].append(message)
    for receipt in receipts:
        cell = receipt["run_id"], receipt["venue_id"], receipt["hour_start"], receipt["of_event_type"]
        digest = None if receipt["run_id"] in undigested else digest_of(receipt, events[cell])
        if digest != receipt["digest"]:
            yield *cell, receipt["digest"], digest


def verdict(stream: Stream, state: OffsetState | None = None) -> OffsetVerdict:
    """Return the verdict of the product's own check."""
    lake = stream.opened
    found = check_offsets(lake, lake.snapshot(), state or OffsetState())
    if not found.sound:
        raise Violation(f"the offsets check is red: {found.problems}")
    return found


def require_truth(stream: Stream, sent: Sequence[Summary], undigested: Collection[str] = ()) -> None:
    """Check offsets, receipts and the product's own check; for ``undigested`` see ``require_receipts``."""
    require_all_offsets(stream)
    require_receipts(stream, sent, undigested)
    verdict(stream)


def holds_everything(stream: Stream) -> bool:
    """Return whether the lake holds all that Kafka holds; what is neither a gap nor in flight is a violation."""
    try:
        require_all_offsets(stream)
    except Exception:  # noqa: BLE001  # not yet, or no table yet
        return False
    verdict(stream)
    return True
