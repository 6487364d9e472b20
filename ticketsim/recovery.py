"""Report of ``ticketsim stream --recover`` and ``--accept-loss``, shown before they change anything."""

from typing import Any

from rich.table import Table

from streaming.query.checkpoint import CheckpointFit
from streaming.query.partition_positions import PartitionPosition, Resumption
from ticketsim.output import console, say


def show(resumption: Resumption, fit: CheckpointFit, *, without_record: int, accept_loss: bool) -> None:
    """Print, per topic and partition, what lake and Kafka hold, where the stream resumes, and what is lost."""
    table = Table("topic", "part.", "lake holds", "Kafka holds", "resumes at", "lost")
    for place in resumption.places:
        table.add_row(place.topic, str(place.partition), _lake(place), _kafka(place), _resumes_at(place), _lost(place))
    console.print(table)
    if without_record:
        say(f"Kafka holds no record at {without_record:,} offsets between those of the lake: they will be recorded.")
    for sentence in _sentences(resumption, fit, accept_loss=accept_loss):
        say(sentence)


def describe(resumption: Resumption, fit: CheckpointFit, *, without_record: int, dry_run: bool) -> dict[str, Any]:
    """Convert the report to plain data."""
    return {
        "needed": bool(resumption.lost or without_record) or not (fit.usable or _fresh(resumption, fit)),
        "dry_run": dry_run,
        "checkpoint": fit.why,
        "lost": len(resumption.lost),
        "offsets_without_record": without_record,
        "partitions": [
            {
                "topic": place.topic,
                "partition": place.partition,
                "lake_next": place.lake,
                "kafka_earliest": place.kafka.earliest if place.kafka else None,
                "kafka_end": place.kafka.end if place.kafka else None,
                "resumes_at": place.resumes_at,
                "lost": place.lost,
                "first_lost": place.first_lost,
                "end_lost": place.end_lost,
                "why": place.why,
            }
            for place in resumption.places
        ],
        "recorded_losses": [str(loss) for loss in resumption.losses],
    }


def _fresh(resumption: Resumption, fit: CheckpointFit) -> bool:
    """Return whether the lake is empty and no complete checkpoint contradicts it."""
    return not resumption.committed and not fit.complete


def _sentences(resumption: Resumption, fit: CheckpointFit, *, accept_loss: bool) -> list[str]:
    known = [f"recorded loss: {loss}" for loss in resumption.losses]
    if resumption.lost and accept_loss:
        said = (
            f"The losses of {len(resumption.lost)} partitions will be recorded in the lake, the checkpoint set aside."
        )
        return [*known, said]
    if resumption.lost:
        return [*known, "Messages are lost: only --accept-loss resumes from here."]
    if fit.usable and accept_loss:
        return [*known, f"Nothing to recover: {fit.why}. The stream resumes from it."]
    if fit.usable:
        said = f"{_capitalized(fit.why)}. It is set aside all the same, and the stream resumes there; nothing is lost."
        return [*known, said]
    if _fresh(resumption, fit):
        return [
            *known,
            "Nothing to recover: the lake is still empty. The stream starts at the first message.",
        ]
    return [*known, f"{_capitalized(fit.why)}. The stream resumes where the lake ends; nothing is lost."]


def _capitalized(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def _lake(place: PartitionPosition) -> str:
    return f"up to {place.lake - 1:,}" if place.lake else "nothing"


def _kafka(place: PartitionPosition) -> str:
    if place.kafka is None:
        return "no such partition"
    if place.kafka.end == place.kafka.earliest:
        return f"nothing, next {place.kafka.end:,}"
    return f"{place.kafka.earliest:,} to {place.kafka.end - 1:,}"


def _resumes_at(place: PartitionPosition) -> str:
    return "-" if place.kafka is None else f"{place.resumes_at:,}"


def _lost(place: PartitionPosition) -> str:
    if not place.lost:
        return "-"
    end = "?" if place.end_lost is None else f"{place.end_lost - 1:,}"
    return f"{place.first_lost:,} to {end}: {place.why}"
