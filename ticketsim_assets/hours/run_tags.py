"""Requests in Dagster's terms: the tags of a run, or an offer for another launcher."""

from collections.abc import Mapping
from typing import Final

from streaming.hour import Hour, hours_between
from ticketsim_assets.dagster_internals import MAX_RETRIES_TAG, PARTITION_TAG, RANGE_END_TAG, RANGE_START_TAG
from ticketsim_assets.hours.cursor import Offer
from ticketsim_assets.hours.due import Request

REASON_TAG: Final = "ticketsim/reason"


def run_tags(request: Request) -> dict[str, str]:
    """Return the tags of a run that materialises all hours of ``request``.

    Dagster does not retry a run that crashed: its requester requests it again, and two owners of retries would load the
    hours twice.
    """
    return {
        RANGE_START_TAG: request.first.key,
        RANGE_END_TAG: request.last.key,
        REASON_TAG: request.reason,
        MAX_RETRIES_TAG: "0",
    }


def partition_range(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the first and the last partition key of a run from its tags; None for a run without partitions."""
    first = tags.get(RANGE_START_TAG) or tags.get(PARTITION_TAG)
    last = tags.get(RANGE_END_TAG) or first
    return (first, last) if first and last else None


def hours_of_tags(tags: Mapping[str, str]) -> list[Hour]:
    """Return the hours of a run over hourly partitions from its tags."""
    ends = partition_range(tags)
    return hours_between(*map(Hour.from_key, ends)) if ends else []


def offer(job_name: str, request: Request) -> Offer:
    """Return ``request`` as an offer, which a client can launch over GraphQL without knowing about hours."""
    return Offer(job_name, request.first.key, request.last.key, request.run_key, run_tags(request))
