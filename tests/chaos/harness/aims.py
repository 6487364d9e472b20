"""Aimed kills: what appears on disk says what the stream is doing at that moment."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

from .stream import Process, Stream, wait_until


class Moment(StrEnum):
    """What the stream is doing when it is killed."""

    READ = "read"  #: the batch is planned: a new entry in the checkpoint's offsets
    WRITE = "write"  #: its rows are being written: a new Parquet file that no commit names yet
    COMMIT = "commit"  #: the commit has just been made: a new entry in Delta's log
    LOG_CHECKPOINT = "log checkpoint"  #: Delta sums its log up: a checkpoint file, or the beginnings of one
    CHECKPOINT = "checkpoint"  #: Spark notes that the batch is done: a new entry in commits, or the beginnings of one


class Victim(StrEnum):
    """Who is killed, by kill -9."""

    JVM = "jvm"
    PYTHON = "python"
    BROKER = "broker"
    BOTH = "broker and jvm"


#: What a checkpoint consists of.
PARTS = ("commits", "metadata", "offsets", "sources")


@dataclass(frozen=True)
class Kill:
    """One kill of a schedule."""

    moment: Moment
    victim: Victim
    delay_ms: float  #: from the sign of the moment to the kill
    lost: tuple[str, ...] = ()  #: parts of the checkpoint that are deleted before the next start

    def __str__(self) -> str:
        lost = f", then {'+'.join(self.lost)} of the checkpoint lost" if self.lost else ""
        return f"{self.victim} {self.delay_ms:.0f} ms into {self.moment}{lost}"


def _deck(rng: random.Random) -> list[Kill]:
    """Return every moment for the JVM, one each for the others, and two with a lost checkpoint and half a batch."""

    def kill(moment: Moment, victim: Victim, lost: tuple[str, ...] = ()) -> Kill:
        # Half of them at once, where the window is narrow; the others anywhere in the time that a batch takes.
        return Kill(moment, victim, rng.choice((0.0, rng.uniform(0, 500))), lost)

    kills = [kill(moment, Victim.JVM) for moment in Moment]
    kills += [kill(rng.choice(list(Moment)), victim) for victim in (Victim.PYTHON, Victim.BROKER, Victim.BOTH)]
    kills += [kill(rng.choice((Moment.READ, Moment.WRITE)), Victim.JVM, PARTS)]
    some = tuple(sorted(rng.sample(PARTS, rng.randint(1, len(PARTS) - 1))))
    kills += [kill(rng.choice((Moment.WRITE, Moment.COMMIT)), Victim.JVM, some)]
    rng.shuffle(kills)
    return kills


def schedule(seed: int) -> Iterator[Kill]:
    """Yield kills without end, the same for the same seed; every ten hold every moment and every victim."""
    rng = random.Random(seed)  # noqa: S311  # a schedule, not a secret
    while True:
        yield from _deck(rng)


def first_kills(seed: int, kills: int) -> list[Kill]:
    return list(islice(schedule(seed), kills))


def await_moment(moment: Moment, stream: Stream, process: Process) -> None:
    """Return at the next sign of ``moment``."""
    look = _SIGNS[moment]
    known = look(stream)
    wait_until(lambda: bool(look(stream) - known), f"a sign of {moment}", process.require_alive, every_s=0.0005)


def _planned(stream: Stream) -> set[str]:
    return _names(stream.checkpoint / "offsets", lambda name: name.isdigit())


def _written(stream: Stream) -> set[str]:
    return {str(path) for path in stream.table.glob("event_type=*/*/*/*.parquet")}


def _committed(stream: Stream) -> set[str]:
    return _names(stream.table / "_delta_log", lambda name: name.endswith(".json") and name[:1].isdigit())


def _summed_up(stream: Stream) -> set[str]:
    return _names(stream.table / "_delta_log", lambda name: ".checkpoint" in name)


def _noted(stream: Stream) -> set[str]:
    return _names(stream.checkpoint / "commits", lambda name: True)


def _names(folder: Path, wanted: Callable[[str], bool]) -> set[str]:
    try:
        return {path.name for path in folder.iterdir() if wanted(path.name)}
    except FileNotFoundError:
        return set()


_SIGNS: dict[Moment, Callable[[Stream], set[str]]] = {
    Moment.READ: _planned,
    Moment.WRITE: _written,
    Moment.COMMIT: _committed,
    Moment.LOG_CHECKPOINT: _summed_up,
    Moment.CHECKPOINT: _noted,
}
