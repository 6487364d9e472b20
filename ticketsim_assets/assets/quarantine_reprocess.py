"""The job that reprocesses quarantined messages that are valid now, as `ticketsim quarantine reprocess` does."""

import dagster as dg

from streaming.contract.quarantine import Selection, revalidate
from streaming.maintenance import ReprocessQuarantine
from ticketsim_assets.assets.maintenance import POOL
from ticketsim_assets.assets.partitions import parse_hour
from ticketsim_assets.keys import REPROCESS_JOB
from ticketsim_assets.resources.resources import LakeResource
from ticketsim_assets.resources.spark import LakeSpark


class ReprocessConfig(dg.Config):
    """The messages to reprocess; by default all."""

    reason: str | None = None  #: ``bad_value:line``, or ``bad_value`` for all of that kind
    topic: str | None = None  #: or the event type that it carries
    first_hour: str | None = None  #: of arrival, like 2026-11-20T03:00
    last_hour: str | None = None  #: included


@dg.op(pool=POOL)
def move_valid_messages(
    context: dg.OpExecutionContext, config: ReprocessConfig, lake: LakeResource, spark: LakeSpark
) -> None:
    """Revalidate the quarantine by today's contract and move what is valid, in one commit."""
    hours = [parse_hour(text) if text else None for text in (config.first_hour, config.last_hour)]
    selection, opened = Selection(config.reason, config.topic, *hours), lake.open()
    verdicts = revalidate(opened.snapshot(), selection)
    if verdicts.valid:
        spark.run(context, ReprocessQuarantine(selection))
    else:
        context.log.info(f"none of {verdicts.examined} messages is valid now: nothing to do")
    context.add_output_metadata(
        {
            "examined": verdicts.examined,
            "moved": verdicts.valid.total(),
            "moved_by": dg.MetadataValue.table(
                [
                    dg.TableRecord({"reason": was, "event_type": now, "messages": count})
                    for (was, now), count in verdicts.valid.most_common()
                ],
                dg.TableSchema(
                    [dg.TableColumn("reason"), dg.TableColumn("event_type"), dg.TableColumn("messages", "int")]
                ),
            ),
            "kept_by": dict(verdicts.refused),
            "delta_version": opened.snapshot().version,
        }
    )


@dg.job(name=REPROCESS_JOB, executor_def=dg.in_process_executor)
def reprocess_job() -> None:
    """Moves quarantined messages that are valid now into their event type."""
    move_valid_messages()
