"""The sensors: follow the lake and Kafka, and rebuild the page after every run."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from simulator.events import EventType
from streaming.lag import TopicOffsets, consumer_lag, topic_offsets
from ticketsim_assets.due import RELOAD_DEBOUNCE, Request
from ticketsim_assets.jobs import dashboard_job, hourly_job, quarantine_job
from ticketsim_assets.keys import HOURLY_JOB, KAFKA_KEYS, QUARANTINE_JOB
from ticketsim_assets.lake_watch import watch
from ticketsim_assets.offsets_check import last_state, verify_offsets
from ticketsim_assets.resources import LakeResource
from ticketsim_assets.settings import Settings
from ticketsim_assets.watch_cursor import WatchCursor

REASON_TAG = "ticketsim/reason"


def range_tags(request: Request) -> dict[str, str]:
    """Tags of a run that materialises all hours of ``request`` at once."""
    return {
        ASSET_PARTITION_RANGE_START_TAG: request.first.key,
        ASSET_PARTITION_RANGE_END_TAG: request.last.key,
        REASON_TAG: request.reason,
    }


def _run_request(job_name: str, request: Request) -> dg.RunRequest:
    return dg.RunRequest(run_key=request.run_key, job_name=job_name, tags=range_tags(request))


@dg.sensor(
    name="lake",
    jobs=[hourly_job, quarantine_job],
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Follows the lake's versions: reports rows and complete hours, and asks for hours that are due.",
)
def lake_sensor(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SensorResult | dg.SkipReason:
    """One look at the lake; see `ticketsim_assets.lake_watch`."""
    opened, settings = lake.open(), Settings()
    if not opened.exists():
        return dg.SkipReason(f"There is no lake at {opened.root} yet. Start the stream: `ticketsim stream`.")
    offsets = topic_offsets(settings.bootstrap)
    verdict = verify_offsets(context.instance, opened, opened.snapshot())
    for problem in verdict.problems:
        context.log.error(problem)
    watched = watch(
        opened,
        context.instance,
        WatchCursor.from_json(context.cursor),
        now=datetime.now(UTC),
        first_hour=settings.first_hour,
        lateness=settings.lateness,
        lag=None if offsets is None else consumer_lag(offsets, verdict.state.next_offsets),
        first_loads=settings.trigger == "dagster",
        debounce=RELOAD_DEBOUNCE,
    )
    for note in watched.notes:
        context.log.info(note)
    return dg.SensorResult(
        asset_events=watched.reports,
        run_requests=[
            *(_run_request(HOURLY_JOB, request) for request in watched.hourly),
            *(_run_request(QUARANTINE_JOB, request) for request in watched.quarantine),
        ],
        cursor=watched.cursor.to_json(),
    )


@dg.sensor(
    name="kafka",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Observes the topics' end offsets and how far the stream is behind.",
)
def kafka_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Observe the eight topics, if the broker answers."""
    bootstrap = Settings().bootstrap
    offsets = topic_offsets(bootstrap)
    if offsets is None:
        return dg.SkipReason(f"No broker answers at {bootstrap}. Start it: `ticketsim broker start`.")
    return dg.SensorResult(asset_events=list(topic_observations(offsets, last_state(context.instance).next_offsets)))


def topic_observations(
    offsets: Mapping[str, TopicOffsets], committed: Mapping[str, int]
) -> Iterator[dg.AssetObservation]:
    """One observation per topic: messages so far and those that the lake does not hold yet.

    Args:
        offsets: the log's offsets per ``topic/partition``.
        committed: the lake's next offset per ``topic/partition``.
    """
    for name, key in KAFKA_KEYS.items():
        topic = EventType(name).topic
        of_topic = {place: log for place, log in offsets.items() if place.rsplit("/", 1)[0] == topic}
        yield dg.AssetObservation(
            key,
            metadata={
                "end_offset": sum(log.end for log in of_topic.values()),
                "partitions": len(of_topic),
                "lag": consumer_lag(of_topic, committed),
            },
        )


def _dashboard_request(context: dg.RunStatusSensorContext) -> dg.RunRequest:
    return dg.RunRequest(run_key=f"dashboard/{context.dagster_run.run_id}")


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    name="dashboard_after_success",
    monitored_jobs=[hourly_job, quarantine_job],
    request_job=dashboard_job,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def dashboard_after_success(context: dg.RunStatusSensorContext) -> dg.RunRequest:
    """Rebuild the page after a run that ended well."""
    return _dashboard_request(context)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.FAILURE,
    name="dashboard_after_failure",
    monitored_jobs=[hourly_job],
    request_job=dashboard_job,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def dashboard_after_failure(context: dg.RunStatusSensorContext) -> dg.RunRequest:
    """Rebuild the page after a red run as well: its badge must show red."""
    return _dashboard_request(context)
