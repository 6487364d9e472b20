"""Messages in quarantine as the page has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ticketsim_assets.dashboard.hours import hours_since_epoch
from ticketsim_assets.warehouse.protocol import Reader

QUARANTINE_TABLE: Final = "marts.agg_quarantine_hourly"


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Messages that break the contract; whose they are is not known."""

    reasons: tuple[str, ...] = ()
    hours: Sequence[int] = ()  #: since the epoch, in order; for each of them, in the same place:
    reason_at: Sequence[int] = ()  #: the position of the rule that is broken
    messages: Sequence[int] = ()  #: how many came in that hour and break it

    @property
    def columns(self) -> Mapping[str, Sequence[int]]:
        """The columns of the page's table."""
        return {"hour": self.hours, "reason": self.reason_at, "messages": self.messages}


def read_quarantine(reader: Reader) -> Quarantine:
    """Read the messages by the hour in which they came and the rule that they break; none without the mart."""
    if not reader.has(QUARANTINE_TABLE):
        return Quarantine()
    rows: Sequence[Sequence[Any]] = reader.execute(
        f"""
        select hour_start, reason, sum(messages) from {reader.named(QUARANTINE_TABLE)}
        group by hour_start, reason order by hour_start, reason
        """  # noqa: S608 constants of this package
    ).fetchall()
    reasons = tuple(sorted({reason for _, reason, _ in rows}))
    return Quarantine(
        reasons,
        [hours_since_epoch(hour) for hour, _, _ in rows],
        [reasons.index(reason) for _, reason, _ in rows],
        [int(messages) for _, _, messages in rows],
    )
