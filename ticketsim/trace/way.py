"""The way of one message, put together from all stations."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from streaming.exceptions import UnknownEvent
from streaming.kafka.offsets import reachable_offsets
from streaming.lake.event_search import EventName, FoundMessages, find_messages
from streaming.lake.reader import Lake, Snapshot
from ticketsim.output import say
from ticketsim.records import open_instance
from ticketsim.trace.arrival import arrivals, produced
from ticketsim.trace.hop import Trace
from ticketsim.trace.loaded import LoadedMessage
from ticketsim_assets.exceptions import WarehouseBusy
from ticketsim_assets.settings import Settings
from ticketsim_assets.warehouse.event_rows import EventKey
from ticketsim_assets.warehouse.factory import create_warehouse
from ticketsim_assets.warehouse.protocol import Reader
from ticketsim_assets.warehouse.wait_policy import NO_WAIT


def trace_event(settings: Settings, name: EventName) -> Trace:
    """Follow an event from its venue to the page and to the receipt that counts it.

    Args:
        settings: Where the stations are.
        name: The event.

    Raises:
        NoLake: There is no lake yet.
        UnknownEvent: No station knows the event, or several events have its id.
    """
    lake = Lake(settings.lake)
    snapshot = lake.snapshot()
    found = find_messages(snapshot, name)
    _require_one(found, name, snapshot)
    offsets = reachable_offsets(settings.bootstrap)
    before = [produced(found, name), *arrivals(lake, snapshot, settings.bootstrap, offsets, found)]
    if not found.valid:
        return Trace(name, None, None, None, None, tuple(before))
    first = found.valid[0]
    key = EventKey(*first.identity, name.event_id, first.file.hour)
    with open_instance(settings) as instance, _reader(settings) as reader:
        after = LoadedMessage(settings, lake, snapshot, first, key, instance, reader).hops()
    return Trace(name, key.run_id, key.venue_id, first.file.event_type, key.hour, (*before, *after))


def _require_one(found: FoundMessages, name: EventName, snapshot: Snapshot) -> None:
    identities = sorted({message.identity for message in found.valid})
    if len(identities) > 1:
        listed = "; ".join(f"--run {run_id} --venue {venue_id}" for run_id, venue_id in identities)
        raise UnknownEvent(f"{len(identities)} events have the id {name.event_id!r}. Choose one: {listed}.")
    if found.valid or found.quarantined or 0 < name.number <= (found.newest_number or 0):
        return
    newest = found.newest_number
    known = f"the newest receipt of its venue has the number {newest:,}" if newest else "and nothing of its venue"
    raise UnknownEvent(
        f"No station knows the event {name.event_id!r}: the lake {snapshot.root} has no message with this id, {known}. "
        "Check the id; what the stream has not read yet is found once it has (`ticketsim status` shows its lag)."
    )


@contextmanager
def _reader(settings: Settings) -> Iterator[Reader | None]:
    """Open the warehouse that runs write, or the copy for readers while a run has it; None if there is none."""
    if settings.warehouse == "duckdb" and not settings.warehouse_path.exists():
        yield None
        return
    warehouse = create_warehouse(settings, NO_WAIT)
    with ExitStack() as stack:
        try:
            reader = stack.enter_context(warehouse.reading())
        except WarehouseBusy:
            say("a run has the warehouse: its copy for readers is read, which is as the run before left it")
            reader = stack.enter_context(warehouse.published())
        yield reader
