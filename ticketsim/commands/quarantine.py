"""``ticketsim quarantine``: list, show and reprocess messages that violate the contract."""

import base64
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketsim.help import command_group
from ticketsim.output import JsonOption, console, emit_json, log_to_terminal, printable, say

if TYPE_CHECKING:
    from streaming.contract.quarantine import Message, Refused, Selection
    from streaming.contract.reprocess import Reprocessed

quarantine_app = command_group(
    "quarantine", "List, show and reprocess the messages of the lake that violate the contract."
)

LakeOption = Annotated[str | None, typer.Option("--lake", help="Root of the lake.", show_default="settings")]
ReasonOption = Annotated[
    str | None, typer.Option("--reason", help="Only this reason: 'bad_value:line', or all of 'bad_value'.")
]
TopicOption = Annotated[str | None, typer.Option("--topic", help="Only this topic, or the topic of this event type.")]
FromOption = Annotated[str | None, typer.Option("--from", help="First hour of arrival, e.g. 2026-11-20T03:00 (UTC).")]
ToOption = Annotated[str | None, typer.Option("--to", help="Last hour of arrival, included.")]

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be moved, and move nothing.")]


@quarantine_app.command()
def ls(
    *,
    reason: ReasonOption = None,
    topic: TopicOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the reasons with their messages, first and last arrival, and number of hours."""
    from streaming.contract.quarantine import summarize

    found = summarize(_lake(lake).snapshot(), _selection(reason, topic, from_, to))
    if as_json:
        emit_json({"messages": sum(each.messages for each in found), "reasons": [_as_json(each) for each in found]})
    elif found:
        rows = [
            (
                each.reason,
                f"{each.messages:,}",
                _time(each.first_arrival),
                _time(each.last_arrival),
                str(each.hours),
            )
            for each in found
        ]
        _print_table(("reason", "messages", "first arrival (UTC)", "last arrival (UTC)", "hours"), rows)
    else:
        console.print("no quarantined messages")


@quarantine_app.command()
def show(
    *,
    reason: ReasonOption = None,
    topic: TopicOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Number of messages, the newest first.")] = 10,
    shown: Annotated[int, typer.Option("--bytes", min=1, help="Number of bytes of each to show.")] = 400,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show messages with their bytes; unprintable characters are escaped."""
    from streaming.contract.quarantine import newest_messages

    messages = newest_messages(_lake(lake).snapshot(), _selection(reason, topic, from_, to), limit)
    if as_json:
        emit_json({"messages": [_message_as_json(message, shown) for message in messages]})
        return
    for message in messages:
        say(
            f"{message.reason}  {message.topic}/{message.partition} offset {message.offset}  "
            f"{_time(message.arrived_at)}  {_size(message.value)}",
            style="bold",
        )
        say(f"  {beginning(message.value, shown)}")
    if not messages:
        console.print("no quarantined messages")


@quarantine_app.command()
def reprocess(
    *,
    reason: ReasonOption = None,
    topic: TopicOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    dry_run: DryRunOption = False,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move messages that are now valid into their event type, in one commit; wait for a running stream to pause."""
    from streaming.contract.quarantine import revalidate

    opened, selection = _lake(lake), _selection(reason, topic, from_, to)
    verdicts = revalidate(opened.snapshot(), selection)
    moved: dict[tuple[str, str], int] = dict(verdicts.valid)
    version = None
    if moved and not dry_run:
        done = _reprocess(opened.root, selection)
        moved, version = dict(done.moved), done.version
    if as_json:
        emit_json(
            {
                "dry_run": dry_run,
                "examined": verdicts.examined,
                "moved": sum(moved.values()),
                "moved_by": [
                    {"reason": was, "event_type": now, "messages": count} for (was, now), count in _sorted(moved)
                ],
                "kept": verdicts.refused.total(),
                "kept_by": dict(verdicts.refused.most_common()),
                "version": version,
            }
        )
        return
    rows = [(was, now, f"{count:,}") for (was, now), count in _sorted(moved)]
    if rows:
        _print_table(("was", "is now", "messages"), rows)
    what = "would be moved" if dry_run else "moved"
    say(
        f"{verdicts.examined:,} messages checked, {sum(moved.values()):,} {what}, "
        f"{verdicts.refused.total():,} still violate the contract"
    )


@quarantine_app.command("replay", hidden=True)
def replay(
    *,
    reason: ReasonOption = None,
    topic: TopicOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    dry_run: DryRunOption = False,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deprecated alias of ``reprocess`` since 0.2; removed in the next release."""
    say("`ticketsim quarantine replay` is now `ticketsim quarantine reprocess`; release 0.3 removes the old name.")
    reprocess(reason=reason, topic=topic, from_=from_, to=to, dry_run=dry_run, lake=lake, as_json=as_json)


def beginning(value: bytes | None, shown: int) -> str:
    """Return the first ``shown`` bytes of a message as text without control characters."""
    if value is None:
        return "(no value)"
    safe = printable(value[:shown].decode("utf-8", errors="backslashreplace"))
    return f"{safe}... ({len(value) - shown:,} bytes more)" if len(value) > shown else safe


def _reprocess(lake_root: str, selection: "Selection") -> "Reprocessed":
    from streaming.lake.reader import Lake
    from streaming.maintenance import ReprocessQuarantine, run_in_turn
    from streaming.spark.session import submitted_or_own_session

    log_to_terminal("streaming")
    with console.status("starting Spark") as status, submitted_or_own_session(lake_root) as spark:
        status.update("moving the messages")
        result: Reprocessed = run_in_turn(
            spark, Lake(lake_root), ReprocessQuarantine(selection), on_progress=status.update
        )
        return result


def _lake(root: str | None) -> Any:
    from streaming.lake.reader import Lake
    from streaming.storage import usable
    from ticketsim_assets.settings import read_settings

    return Lake(usable(root, "--lake") if root else read_settings().lake)


def _selection(reason: str | None, topic: str | None, first: str | None, last: str | None) -> "Selection":
    from streaming.contract.quarantine import Selection
    from ticketsim_assets.assets.partitions import parse_hour

    return Selection(reason, topic, parse_hour(first) if first else None, parse_hour(last) if last else None)


def _sorted(moved: dict[tuple[str, str], int]) -> list[tuple[tuple[str, str], int]]:
    return Counter(moved).most_common()


def _print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _time(time: Any) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}"


def _size(value: bytes | None) -> str:
    return "null" if value is None else f"{len(value):,} bytes"


def _as_json(refused: "Refused") -> dict[str, Any]:
    return {
        "reason": refused.reason,
        "messages": refused.messages,
        "first_arrival": refused.first_arrival.isoformat(),
        "last_arrival": refused.last_arrival.isoformat(),
        "hours": refused.hours,
    }


def _message_as_json(message: "Message", shown: int) -> dict[str, Any]:
    return {
        "reason": message.reason,
        "topic": message.topic,
        "partition": message.partition,
        "offset": message.offset,
        "arrived_at": message.arrived_at.isoformat(),
        "bytes": None if message.value is None else len(message.value),
        "text": beginning(message.value, shown),
        "base64": None if message.value is None else base64.b64encode(message.value[:shown]).decode(),
    }
