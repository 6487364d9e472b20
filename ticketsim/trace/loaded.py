"""Behind the lake: the load of a message, the marts that it is in, the page, and the receipt that counts it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dagster import AssetKey, DagsterInstance

from streaming.lake.commit_search import commit_of
from streaming.lake.event_search import StoredMessage, receipts_of
from streaming.lake.forgotten_runs import read_forgotten_runs
from streaming.lake.reader import Commit, Lake, Snapshot
from ticketsim.trace.hop import Hop
from ticketsim_assets.checks.reconciliation import find_view
from ticketsim_assets.exceptions import NothingToReconcile
from ticketsim_assets.hours.cursor import newest_cursor
from ticketsim_assets.hours.receipts import Receipts, missing_by_type
from ticketsim_assets.hours.run_history import Materialization, first_materialized_after, materializations
from ticketsim_assets.keys import DASHBOARD, RAW_EVENTS
from ticketsim_assets.resources.dbt_lineage import Mart, marts_of, read_manifest
from ticketsim_assets.settings import Settings
from ticketsim_assets.warehouse.event_rows import (
    EventKey,
    Row,
    reconciliation_of,
    rows_of_event,
    rows_of_hour,
    wrong_in_hour,
)
from ticketsim_assets.warehouse.protocol import Reader


@dataclass(frozen=True)
class LoadedMessage:
    """What became of a valid message behind the lake."""

    settings: Settings
    lake: Lake
    snapshot: Snapshot
    message: StoredMessage
    key: EventKey
    instance: DagsterInstance | None
    reader: Reader | None

    def hops(self) -> list[Hop]:
        """Return the hops from the warehouse on."""
        loaded = self._warehouse()
        if not loaded.found:
            return [loaded, self._receipt()]
        marts = self._marts()
        return [loaded, *([marts, self._page(marts)] if marts else []), self._receipt()]

    def _warehouse(self) -> Hop:
        rows = rows_of_event(self.reader, "raw.events", self.key) if self.reader else []
        loads = self._loads
        facts = {"rows": len(rows), "loads": [self._as_facts(load) for load in loads]}
        if not rows:
            return Hop("warehouse", False, None, f"in the lake, not loaded: {self._why_not_loaded()}", facts)
        facts |= {name: rows[0][name] for name in ("topic", "kafka_partition", "kafka_offset")}
        offset = f"offset {rows[0]['kafka_offset']:,}"
        said = f"raw.events, {offset}" if len(rows) == 1 else f"raw.events has it {len(rows)} times"
        if not loads:
            return Hop("warehouse", True, None, f"{said}; Dagster has no record of the load", facts)
        commit = self._commit
        arrived = commit.committed_at if commit else self.message.ingested_at
        first = next((load for load in reversed(loads) if load.at >= arrived), loads[0])
        said += f", by run {first.run_id}"
        if first != loads[0]:
            said += f"; loaded again {loads.index(first)} times, the last time by run {loads[0].run_id}"
        return Hop("warehouse", True, first.at, said, {**facts, "run_id": first.run_id})

    def _why_not_loaded(self) -> str:
        hour, run_id = self.key.hour, self.key.run_id
        if run_id in self._forgotten:
            return f"run {run_id} is forgotten, and its events are left out"
        if hour.start < self.settings.first_hour:
            return f"hour {hour} is before the first partition; set TICKETSIM_FIRST_HOUR earlier"
        cursor = newest_cursor(self.instance) if self.instance else None
        missing = missing_by_type(Receipts(self.snapshot, self._forgotten), hour)
        if missing or (cursor and hour.key in cursor.pending):
            return (
                f"hour {hour} is pending, for it is not complete: {'; '.join(missing) or 'it waits for the next tick'}"
            )
        if self._loads:
            return f"hour {hour} was loaded before it came, or somebody has removed it from the warehouse"
        return f"hour {hour} is complete, and no run has loaded it yet; `ticketsim materialize --due` does"

    def _marts(self) -> Hop | None:
        manifest = read_manifest(self.settings.warehouse)
        if manifest is None or self.reader is None:
            return Hop("marts", None, None, "dbt's project was never parsed here: which marts follow is not known")
        uses = [self._use(self.reader, mart) for mart in marts_of(manifest, self.message.file.event_type)]
        if not uses:
            return None
        own = [use for use in uses if use["holds_rows"]]
        of_hours = [use for use in uses if use["by_hour"]]
        found = all(use["rows"] for use in own) if own else any(use["rows"] for use in of_hours)
        if not found:
            lacking = ", ".join(use["mart"] for use in own if not use["rows"]) or "any mart"
            return Hop("marts", False, None, f"not in {lacking}: {self._why_not_in_marts()}", {"marts": uses})
        built = max((use["built_at"] for use in uses if use["built_at"]), default=None)
        return Hop("marts", True, built, _holding(uses), {"marts": uses})

    def _use(self, reader: Reader, mart: Mart) -> Row:
        own = rows_of_event(reader, mart.table, self.key) if "event_id" in mart.columns else []
        rows = len(own) if mart.holds_rows or own else rows_of_hour(reader, mart.table, self.key, mart.columns)
        built = None if mart.is_view else self._built(mart)
        return {
            "mart": mart.name,
            "holds_rows": mart.holds_rows,
            "by_hour": "hour_start" in mart.columns,
            "rows": rows,
            "own_row": own[0] if own else None,
            "built_at": built.at if built else None,
            "run_id": built.run_id if built else None,
        }

    def _built(self, mart: Mart) -> Materialization | None:
        if self.instance is None:
            return None
        hours = [self.key.hour] if "hour_start" in mart.columns else []
        made = materializations(self.instance, AssetKey(mart.table.split(".")), hours, limit=1)
        return next((each for [each] in made.values()), None)

    def _why_not_in_marts(self) -> str:
        wrong = self._asked(lambda reader, view: wrong_in_hour(reader, view, self.key))
        if wrong:
            return f"hour {self.key.hour} is red, {wrong} comparisons with receipts are wrong; `ticketsim reconcile`"
        return f"dbt has not built hour {self.key.hour} since; `ticketsim materialize --hour` does"

    def _page(self, marts: Hop) -> Hop:
        if not marts.found or marts.at is None:
            return Hop("page", False if marts.found is False else None, None, "not counted on the page")
        first = first_materialized_after(self.instance, DASHBOARD, marts.at) if self.instance else None
        if first is None:
            return Hop("page", False, None, "no page was built since; `ticketsim dashboard` builds it")
        return Hop("page", True, first.at, f"counted on it, by run {first.run_id}", {"run_id": first.run_id})

    def _receipt(self) -> Hop:
        """Return what the receipt says that counts the event; of a receipt, what it says itself."""
        fields = self.message.fields
        counted = str(fields.get("of_event_type", self.message.file.event_type))
        receipts = receipts_of(self.snapshot, self.key.hour, self.key.run_id, self.key.venue_id, counted)
        compared = self._asked(lambda reader, view: reconciliation_of(reader, view, self.key, counted))
        facts: dict[str, Any] = {"event_type": counted, "comparison": compared}
        if not receipts:
            return Hop("receipt", False, None, f"no receipt counts {counted} of hour {self.key.hour} yet", facts)
        receipt = receipts[0].fields
        facts |= {"receipt": receipt["event_id"], "fields": receipt}
        state = compared["state"] if compared else "not compared, for the hour is not loaded"
        difference = f", {compared['difference']}" if compared and compared["difference"] else ""
        said = f"{receipt['event_id']} counts {receipt['event_count']:,} {counted}: {state}{difference}"
        return Hop("receipt", True, receipts[0].kafka_timestamp, said, facts)

    def _asked(self, question: Callable[[Reader, str], Any]) -> Any:
        """Return the answer of the view that compares with receipts; None if there is none yet."""
        try:
            return question(self.reader, find_view(self.reader)) if self.reader else None
        except NothingToReconcile:
            return None

    @cached_property
    def _commit(self) -> Commit | None:
        return commit_of(self.lake, self.snapshot.version, self.message)

    @cached_property
    def _forgotten(self) -> frozenset[str]:
        return read_forgotten_runs(self.lake).ids

    @cached_property
    def _loads(self) -> Sequence[Materialization]:
        if self.instance is None:
            return []
        return materializations(self.instance, RAW_EVENTS, [self.key.hour]).get(self.key.hour.key, [])

    def _as_facts(self, load: Materialization) -> Row:
        run = self.instance.get_run_by_id(load.run_id) if self.instance else None
        state = run.status.value.lower() if run else None
        return {"run_id": load.run_id, "at": load.at, "version": load.version, "run_state": state}


def _holding(uses: Sequence[Row]) -> str:
    """Describe in words which marts have an event's row, and which only figures that it is a part of."""
    with_row = [use["mart"] for use in uses if use["own_row"]]
    others = [use["mart"] for use in uses if use["rows"] and not use["own_row"]]
    said = [f"its row is in {', '.join(with_row)}"] if with_row else []
    return "; ".join([*said, *([f"its hour or venue is in {', '.join(others)}"] if others else [])])
