"""The sensors: follow the lake and Kafka, and rebuild the page after every run."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import dagster as dg

from simulator.events import EventType
from streaming.kafka.offsets import TopicOffsets, consumer_lag, offsets_of_topic, topic_offsets
from ticketsim_assets.assets.jobs import dashboard_job, hourly_job, quarantine_job
from ticketsim_assets.automation.lake_tick import run_tick
from ticketsim_assets.automation.orphaned_runs import end_orphaned_runs
from ticketsim_assets.checks.offsets_check import last_state
from ticketsim_assets.checks.quarantine_rate import newest_rates
from ticketsim_assets.checks.stream_checks import evaluate_rates, lag_warnings
from ticketsim_assets.hours.cursor import KafkaCursor, LakeCursor
from ticketsim_assets.hours.due import Request
from ticketsim_assets.hours.run_history import has_crashed
from ticketsim_assets.hours.run_tags import run_tags
from ticketsim_assets.keys import HOURLY_JOB, KAFKA_KEYS, QUARANTINE_JOB
from ticketsim_assets.resources.resources import LakeResource
from ticketsim_assets.settings import Settings

#: A lag that begins or ends is reported at once; one that stays as it is, so that the check does not look forgotten.
LAG_REPORT_INTERVAL: Final = timedelta(minutes=10)


def _run_request(job_name: str, request: Request) -> dg.RunRequest:
    return dg.RunRequest(run_key=request.run_key, job_name=job_name, tags=run_tags(request))


def lake_sensor(settings: Settings) -> dg.SensorDefinition:
    """Build the sensor that follows the lake."""

    @dg.sensor(
        name="lake",
        jobs=[hourly_job, quarantine_job],
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Follows the lake's versions: reports rows and complete hours, and asks for hours that are due.",
    )
    def follow(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SensorResult | dg.SkipReason:
        return _follow_lake(context, lake, settings)

    return follow


def _follow_lake(
    context: dg.SensorEvaluationContext, lake: LakeResource, settings: Settings
) -> dg.SensorResult | dg.SkipReason:
    """Run one tick, after ending orphaned runs; see `ticketsim_assets.hours.evaluation`."""
    for run_id in end_orphaned_runs(context.instance, of_code_server=True):
        context.log.warning(f"run {run_id} was reported as ended: its process is gone")
    opened = lake.open()
    if not opened.exists():
        return dg.SkipReason(f"There is no lake at {opened.root} yet. Start the stream: `ticketsim stream`.")
    watched, verdict = run_tick(
        settings,
        context.instance,
        opened,
        LakeCursor.from_json(context.cursor),
        first_loads=settings.trigger == "dagster",
        debounce=settings.reload_after,
    )
    for problem in verdict.problems:
        context.log.error(problem)
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


def kafka_sensor(settings: Settings) -> dg.SensorDefinition:
    """Build the sensor that follows the topics."""

    @dg.sensor(
        name="kafka",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Observes the topics' end offsets and how far the stream is behind; warns of lag and of garbage.",
    )
    def follow(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SensorResult | dg.SkipReason:
        return _follow_kafka(context, lake, settings)

    return follow


def _follow_kafka(
    context: dg.SensorEvaluationContext, lake: LakeResource, settings: Settings
) -> dg.SensorResult | dg.SkipReason:
    """Observe the eight topics, if the broker answers, and the newest commits, if any came since the last tick."""
    now, opened = datetime.now(UTC), lake.open()
    cursor = KafkaCursor.from_json(context.cursor)
    events: list[dg.AssetObservation | dg.AssetCheckEvaluation] = []
    offsets = topic_offsets(settings.bootstrap)
    snapshot = opened.snapshot() if opened.exists() else None
    if offsets is not None:
        state = last_state(context.instance)
        events += topic_observations(offsets, state.next_offsets)
        lags = lag_warnings(opened, snapshot, state, offsets, now, threshold=settings.lag_warning)
        lagging = [verdict.check.asset_key.path[-1] for verdict in lags if not verdict.passed]
        if lagging != cursor.lagging or now.timestamp() - cursor.lag_reported_at > LAG_REPORT_INTERVAL.total_seconds():
            events += [verdict.as_evaluation() for verdict in lags]
            cursor.lagging, cursor.lag_reported_at = lagging, now.timestamp()
    if snapshot is not None and snapshot.version != cursor.version:
        rates = newest_rates(opened, snapshot, now)
        events.append(evaluate_rates(rates, settings.quarantine_warning).as_evaluation())
        cursor.version = snapshot.version
    if not events:
        return dg.SkipReason(f"No broker answers at {settings.bootstrap}. Start it: `ticketsim broker start`.")
    return dg.SensorResult(asset_events=events, cursor=cursor.to_json())


def topic_observations(
    offsets: Mapping[str, TopicOffsets], committed: Mapping[str, int]
) -> Iterator[dg.AssetObservation]:
    """Return one observation per topic: messages so far and those that the lake does not hold yet.

    Args:
        offsets: the log's offsets per ``topic/partition``.
        committed: the lake's next offset per ``topic/partition``.
    """
    for name, key in KAFKA_KEYS.items():
        of_topic = offsets_of_topic(offsets, EventType(name).topic)
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
    description="Rebuilds the page after a run that ended well.",
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
    description="Rebuilds the page after a red run as well: its badge must show red.",
    monitored_jobs=[hourly_job],
    request_job=dashboard_job,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def dashboard_after_failure(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
    """Rebuild the page after a red run as well: its badge must show red. One that was killed is about to run again."""
    if has_crashed(context.dagster_run):
        return dg.SkipReason("the run was killed, and shows nothing")
    return _dashboard_request(context)
