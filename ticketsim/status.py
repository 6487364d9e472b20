"""The state of every station, read without starting, changing or waiting for any of them."""

import contextlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from upath import UPath

from simulator.events import TOPICS
from streaming.hour import Hour
from streaming.kafka.offsets import TopicOffsets, lag_per_topic, offsets_of_topic, reachable_offsets
from streaming.lake.committed_offsets import next_offsets
from streaming.lake.forgotten_runs import read_forgotten_runs
from streaming.lake.layout import QUARANTINE
from streaming.lake.losses import read_losses
from streaming.lake.offset_gaps import read_gaps
from streaming.lake.reader import Lake
from streaming.locks.commit_queue import turn_holder
from streaming.locks.jvm_lock import Holder
from streaming.locks.stream_lease import lease_holder
from ticketsim.records import home_of_instance, open_instance
from ticketsim_assets.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from ticketsim_assets.hours.cursor import LakeCursor

#: Pending hours whose reason is looked up: each costs about 20 ms.
_EXPLAINED: Final = 5

#: Due hours that are checked for loads since the last tick: each costs a few milliseconds.
_CHECKED: Final = 100

#: Dagster's daemon sends a heartbeat every 30 s.
_DAEMON_SILENT_S: Final = 90.0

State = Literal["runs", "there", "absent", "stopped", "broken"]


@dataclass(frozen=True, slots=True)
class Station:
    """One station: its state, the facts by name, and a line for people."""

    state: State
    said: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def stations(settings: Settings, now: datetime) -> dict[str, Station]:
    """Return the state of every station from the broker to the page, in the order of the data.

    Args:
        settings: Settings, with the location of the stations.
        now: Current time, for ages.
    """
    lake = Lake(settings.lake)
    offsets = _or_default(lambda: reachable_offsets(settings.bootstrap), None)
    return {
        "broker": _facts_or_error(lambda: _broker(settings, offsets)),
        "stream": _facts_or_error(lambda: _stream(settings, lake, offsets, now)),
        "lake": _facts_or_error(lambda: _lake(lake)),
        "dagster": _facts_or_error(lambda: _dagster(settings, lake, now)),
        "warehouse": _facts_or_error(lambda: _warehouse(settings, now)),
        "dashboard": _facts_or_error(lambda: _dashboard(settings, now)),
    }


def _facts_or_error(look: Callable[[], Station]) -> Station:
    try:
        return look()
    except Exception as error:  # noqa: BLE001  a broken station must not hide the others
        return Station("broken", f"{type(error).__name__}: {error}", {"error": str(error)})


def _or_default(look: Callable[[], Any], otherwise: Any) -> Any:
    with contextlib.suppress(Exception):
        return look()
    return otherwise


def _broker(settings: Settings, offsets: Mapping[str, TopicOffsets] | None) -> Station:
    if offsets is None:
        there = settings.broker_dir.exists()
        said = f"no broker with the eight topics at {settings.bootstrap}; `ticketsim broker start` starts it"
        return Station("stopped" if there else "absent", said, {"bootstrap": settings.bootstrap})
    messages = _messages(offsets)
    return Station(
        "runs",
        f"{settings.bootstrap}, {len(TOPICS)} topics with {len(offsets)} partitions, {messages:,} messages",
        {
            "bootstrap": settings.bootstrap,
            "topics": {topic: _messages(offsets_of_topic(offsets, topic)) for topic in TOPICS},
            "messages": messages,
        },
    )


def _messages(offsets: Mapping[str, TopicOffsets]) -> int:
    return sum(log.end - log.earliest for log in offsets.values())


def _stream(settings: Settings, lake: Lake, offsets: Mapping[str, TopicOffsets] | None, now: datetime) -> Station:
    holder, turn = lease_holder(lake.root), turn_holder(lake.root)
    facts: dict[str, Any] = {
        "holder": _as_facts(holder),
        "turn": _as_facts(turn),
        "checkpoint": str(settings.checkpoint),
        "batch": _newest_batch(settings.checkpoint),
        "lag": _lag(lake, offsets),
    }
    said = [str(holder) if holder else "no stream is running; `ticketsim stream` starts one"]
    if turn and (holder is None or turn.pid != holder.pid):
        said.append(f"{turn} has its turn to commit")
    if lake.exists():
        version = lake.snapshot().version
        [newest] = lake.commits(version - 1, version)
        facts |= {"last_commit": newest.committed_at.isoformat(), "last_commit_age_s": _age(newest.committed_at, now)}
        said.append(f"newest commit {_ago(newest.committed_at, now)}")
    said.append("lag unknown" if facts["lag"] is None else f"lag {sum(facts['lag'].values()):,} messages")
    behind = {topic: lag for topic, lag in (facts["lag"] or {}).items() if lag}
    said += [f"{topic} {lag:,}" for topic, lag in behind.items()]
    there = lake.exists() or settings.checkpoint.exists()
    return Station("runs" if holder else "stopped" if there else "absent", "; ".join(said), facts)


def _lag(lake: Lake, offsets: Mapping[str, TopicOffsets] | None) -> dict[str, int] | None:
    if offsets is None:
        return None
    return lag_per_topic(offsets, next_offsets(lake, read_losses(lake), read_gaps(lake)))


def _newest_batch(checkpoint: UPath) -> int | None:
    """Return the number of the newest committed batch of the checkpoint."""
    return max((int(path.name) for path in (checkpoint / "commits").glob("*") if path.name.isdigit()), default=None)


def _lake(lake: Lake) -> Station:
    if not lake.exists():
        return Station("absent", f"no lake at {lake.root} yet", {"path": lake.root})
    snapshot = lake.snapshot()
    files = snapshot.files()
    rows, size = sum(file.rows for file in files), sum(file.bytes for file in files)
    quarantined = snapshot.rows_by_type().get(QUARANTINE, 0)
    hours = sorted(snapshot.hours())
    losses = [str(loss) for loss in read_losses(lake)]
    forgotten = sorted(read_forgotten_runs(lake).ids)
    spans = f"{len(hours)} hours, {hours[0]} to {hours[-1]}" if hours else "no hours"
    return Station(
        "there",
        f"version {snapshot.version}: {rows:,} rows in {len(files):,} files, {size / 1e6:,.1f} MB; {spans}; "
        f"{quarantined:,} rows in quarantine"
        + (f"; {len(losses)} losses recorded" if losses else "")
        + (f"; {len(forgotten)} runs forgotten" if forgotten else ""),
        {
            "path": lake.root,
            "version": snapshot.version,
            "rows": rows,
            "files": len(files),
            "bytes": size,
            "quarantined": quarantined,
            "losses": losses,
            "forgotten_runs": forgotten,
            "hours": len(hours),
            "first_hour": str(hours[0]) if hours else None,
            "last_hour": str(hours[-1]) if hours else None,
        },
    )


def _dagster(settings: Settings, lake: Lake, now: datetime) -> Station:
    home = home_of_instance(settings)
    with open_instance(settings) as instance:
        if instance is None:
            return Station("absent", f"no instance at {home} yet", {"home": str(home)})
        from ticketsim_assets.hours.cursor import newest_cursor  # noqa: PLC0415  imports Dagster

        runs = Counter(run.status.value for run in instance.get_runs(limit=1_000))
        beats = instance.get_daemon_heartbeats()
        beat = max((each.timestamp for each in beats.values()), default=0.0)
        cursor = newest_cursor(instance)
        due = _due(instance, cursor)
    alive = now.timestamp() - beat < _DAEMON_SILENT_S
    pending = _pending(lake, cursor)
    facts = {
        "home": str(home),
        "daemon": alive,
        "runs": dict(runs),
        "due_hours": due,
        "pending_hours": pending,
    }
    said = [
        "the daemon is running" if alive else "no daemon is running",
        "runs: " + (", ".join(f"{count} {status.lower()}" for status, count in runs.most_common()) or "none"),
        f"{len(due)} hours due, {len(pending)} pending",
        *(f"{hour}: {why}" for hour, why in list(pending.items())[:_EXPLAINED] if why),
    ]
    return Station("runs" if alive else "stopped", "; ".join(said), facts)


def _due(instance: "DagsterInstance", cursor: "LakeCursor | None") -> list[str]:
    """Return the hours that were due at the last tick and have not been loaded successfully since."""
    from ticketsim_assets.hours.run_history import is_loaded  # noqa: PLC0415
    from ticketsim_assets.keys import RAW_EVENTS  # noqa: PLC0415

    due = cursor.due if cursor else {}
    checked = sorted(due, reverse=True)[:_CHECKED]
    loaded = {key for key in checked if is_loaded(instance, RAW_EVENTS, Hour.from_key(key), due[key])}
    return sorted(due.keys() - loaded)


def _pending(lake: Lake, cursor: "LakeCursor | None") -> dict[str, str]:
    """Return the pending hours by key, the first few with the receipts that they lack."""
    if cursor is None or not cursor.pending or not lake.exists():
        return {}
    from ticketsim_assets.hours.receipts import Receipts, missing_by_type  # noqa: PLC0415

    receipts = Receipts(lake.snapshot(), read_forgotten_runs(lake).ids)
    reasons = {}
    for number, key in enumerate(sorted(cursor.pending)):
        explained = number < _EXPLAINED
        reasons[key] = "; ".join(missing_by_type(receipts, Hour.from_key(key))) if explained else ""
    return reasons


def _warehouse(settings: Settings, now: datetime) -> Station:
    from ticketsim_assets.checks.reconciliation import find_view, read_reconciliation  # noqa: PLC0415
    from ticketsim_assets.exceptions import NothingToReconcile  # noqa: PLC0415
    from ticketsim_assets.warehouse.factory import warehouse_target  # noqa: PLC0415
    from ticketsim_assets.warehouse.wait_policy import NO_WAIT  # noqa: PLC0415

    if settings.warehouse == "bigquery":
        place: dict[str, Any] = {"place": str(warehouse_target(settings))}
        copied = ""
    else:
        path = settings.readers_path
        if not path.exists():
            return Station("absent", f"no copy for readers at {path} yet", {"path": str(path)})
        made = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        place = {"path": str(path), "copied_age_s": _age(made, now)}
        copied = f"; copied {_ago(made, now)}"
    # The readers' copy: runs lock the warehouse itself, and status never waits.
    with warehouse_target(settings).open(NO_WAIT).published() as reader:
        try:
            found = read_reconciliation(reader)
        except NothingToReconcile:
            return Station("there", "no hours are loaded", {**place, "hours": 0})
        [(hours, newest)] = reader.execute(
            f"select count(distinct hour_start), max(hour_start) from {reader.named(find_view(reader))}"  # noqa: S608 a constant
        ).fetchall()
    facts = {
        **place,
        "hours": hours,
        "newest_hour": str(Hour.containing(newest.replace(tzinfo=UTC))),
        "proved": found.proved,
        "counted": found.counted,
        "unproved": found.unproved,
        "wrong": found.wrong,
        "wrong_figures": found.figures.wrong,
    }
    figures = f", {found.figures.wrong:,} figures of the marts wrong" if found.figures.wrong else ""
    return Station(
        "broken" if found.state == "wrong" else "there",
        f"{hours:,} hours, the newest {facts['newest_hour']}: {found.proved:,} proved, "
        f"{found.counted:,} counted, {found.unproved:,} unproved, {found.wrong:,} wrong{figures}{copied}",
        facts,
    )


def _dashboard(settings: Settings, now: datetime) -> Station:
    path = settings.dashboard_path
    if not path.exists():
        return Station("absent", f"no page at {path} yet", {"path": str(path)})
    built = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return Station(
        "there",
        f"{path}, built {_ago(built, now)}",
        {"path": str(path), "built": built.isoformat(timespec="seconds"), "age_s": _age(built, now)},
    )


def _as_facts(holder: Holder | None) -> dict[str, Any] | None:
    if holder is None:
        return None
    return {"pid": holder.pid, "name": holder.name, "since": holder.since, "alive": holder.lives}


def _age(moment: datetime, now: datetime) -> float:
    return round((now - moment).total_seconds(), 1)


def _ago(moment: datetime, now: datetime) -> str:
    import humanfriendly  # noqa: PLC0415

    return f"{humanfriendly.format_timespan(max(0, round(_age(moment, now))), max_units=2)} ago"
