"""The runner of the stream: it starts the query, watches it, restarts it after a failure, and stops it cleanly."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from tenacity.nap import sleep_using_event
from tenacity.stop import stop_any, stop_when_event_set
from upath import UPath

from streaming.exceptions import BrokerUnreachable, DataLost, TurnGivenUp
from streaming.kafka.offsets import accepts_connections
from streaming.kafka.topic_config import unsuitable_settings
from streaming.kafka.topic_ids import remember_topics, require_same_topics, topic_ids
from streaming.lake.create_table import ensure_table, missing_columns
from streaming.lake.reader import Lake
from streaming.locks.commit_queue import others_wait, take_turn
from streaming.locks.stream_lease import create_lease
from streaming.query.batch_log import Batch, BatchLog
from streaming.query.clock import Clock, not_before, system_clock
from streaming.query.error_mapping import QueryFailed, map_error, mapped_errors
from streaming.query.gap_recorder import GapRecorder, find_unrecorded_gaps
from streaming.query.job import read_kafka, start_query, validated
from streaming.query.start_position import abandon_checkpoint, can_resume, set_aside_incomplete, survey_without_loss
from streaming.spark.session import submitted_or_own_session
from streaming.storage import absolute

log = logging.getLogger("streaming")

#: The stream's name in messages to processes that are refused or wait.
_NAME: Final = "ticketsim stream"

#: Failures in a row, without a batch between them, after which the stream gives up: waits of 1, 2, 4, 8 and 16 s.
MAX_ATTEMPTS: Final = 6

#: How long a clean stop waits for the batch that is being written; seconds.
STOP_TIMEOUT_S: Final = 60.0

_POLL_S: Final = 0.25

#: How often the broker's topic ids are checked; seconds.
_TOPICS_CHECK_S: Final = 10.0

#: Where a stream resumes.
#:
#: * ``checkpoint``: from its checkpoint, or from what the lake holds if there is none
#: * ``lake``: from what the lake holds; the checkpoint is set aside, whatever it looks like
#: * ``accepting_loss``: from what the lake holds, and messages that are gone from Kafka are first recorded as lost
StartFrom = Literal["checkpoint", "lake", "accepting_loss"]


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """The configuration of a stream."""

    bootstrap: str  #: Kafka's bootstrap servers
    lake: str  #: root of the lake, a directory or ``gs://bucket/prefix``
    checkpoint: UPath  #: the query's own folder
    trigger: timedelta | None  #: interval between batches; None: read what is available now, then stop
    spark: Mapping[str, str] = field(default_factory=dict)  #: on top of ``streaming.spark.session.DEFAULTS``
    start_from: StartFrom = "checkpoint"
    clock: Clock = system_clock  #: stamps ``ingested_at``


@dataclass(frozen=True, slots=True)
class StreamSummary:
    """A summary of what a stream committed while it ran."""

    rows: int
    quarantined: int  #: of rows
    batches: int
    seconds: float  #: from the first query's start to the end, Spark's own start not counted


def run_stream(
    config: StreamConfig,
    on_batch: Callable[[Batch], None] | None = None,
    stop: threading.Event | None = None,
) -> StreamSummary:
    """Run the stream until everything is read (no trigger), or until ``stop`` is set.

    Args:
        config: The stream to run.
        on_batch: Callback for each committed batch, in order.
        stop: Event that stops the stream cleanly, set by a signal handler or thread: the running batch is committed.

    Raises:
        StreamingError: The stream cannot start, or failed for good; the message says why and what to do.
    """
    run = _Run(config, on_batch, stop or threading.Event())
    with mapped_errors(config.lake, config.checkpoint):
        return run.until_the_end()


class _Run:
    """One call of ``run_stream``."""

    def __init__(self, config: StreamConfig, on_batch: Callable[[Batch], None] | None, stop: threading.Event) -> None:
        self._config = config
        self._on_batch = on_batch
        self._stop = stop
        self._lake = Lake(absolute(config.lake))
        self._batches: list[Batch] = []
        self._checkpoint_abandoned = False

    def until_the_end(self) -> StreamSummary:
        # Everything that needs no JVM is refused before one is started.
        lease = create_lease(self._lake.root, _NAME)
        lease.require_free(self._stop)
        if self._stop.is_set():
            return self._summary(0.0)
        missing_columns(self._lake)
        config = self._config
        # A broker that is started again takes as long as Spark, and is waited for beside it.
        broker_is_away = not accepts_connections(config.bootstrap)
        if not broker_is_away:
            self._refuse_early()
        if self._stop.is_set():
            return self._summary(0.0)
        # Mapped while the session lives: the text of Spark's exceptions comes from the JVM.
        mapped = mapped_errors(config.lake, config.checkpoint)
        with submitted_or_own_session(self._lake.root, config.spark) as spark:
            if broker_is_away:
                self._refuse_early()
            lease.await_expiry(self._stop)
            if self._stop.is_set():
                return self._summary(0.0)
            with lease.held(spark), mapped:
                started = time.monotonic()
                ended = False
                while not ended and not self._stop.is_set():
                    ended = self._turn(spark)
                seconds = time.monotonic() - started
        return self._summary(seconds)

    def _turn(self, spark: SparkSession) -> bool:
        """Write until another process waits for its turn to commit; True if the stream is finished.

        On a local disk maintenance and reprocessing of the quarantine get their turn between two batches.
        """
        try:
            turn = take_turn(spark, self._lake.root, _NAME, on_progress=log.info, stop=self._stop)
        except TurnGivenUp:
            return True
        try:
            ensure_table(spark, self._lake)
            if self._config.start_from != "checkpoint" and not self._checkpoint_abandoned:
                self._retrying(lambda: self._abandon_checkpoint(spark))
                self._checkpoint_abandoned = True
            batch_log = BatchLog(self._lake, self._config.checkpoint, self._config.bootstrap)
            return bool(self._retrying(lambda: self._attempt(spark, batch_log)))
        finally:
            turn.release()

    def _retrying(self, attempt: Callable[[], bool | None]) -> bool | None:
        """Retry ``attempt`` with growing pauses until it returns; the number of failures in a row is limited."""
        retrying = Retrying(
            retry=retry_if_exception_type((BrokerUnreachable, QueryFailed)),
            wait=wait_exponential(multiplier=1, max=30),
            stop=stop_any(stop_after_attempt(MAX_ATTEMPTS), stop_when_event_set(self._stop)),
            sleep=sleep_using_event(self._stop),
            before_sleep=_say_why,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except (BrokerUnreachable, QueryFailed):
            if self._stop.is_set():
                return None
            raise

    def _attempt(self, spark: SparkSession, batch_log: BatchLog) -> bool:
        """Run one query; True if it ended by itself or was stopped, False if it should be restarted.

        Raises:
            QueryFailed: The query failed before it committed a batch.
        """
        committed_before = len(self._batches)
        gaps = self._gap_recorder(spark)
        gaps.record_unrecorded()
        resumption = survey_without_loss(self._config.bootstrap, self._lake)
        remember_topics(self._lake.root, resumption.resumed_ids)
        if not can_resume(self._config.checkpoint, resumption, self._lake):
            set_aside_incomplete(self._config.checkpoint)
            gaps.record_all()
        rows = validated(
            read_kafka(spark, self._config.bootstrap, resumption.starting_offsets()),
            not_before(resumption.losses.resumed_at, self._config.clock),
        )
        try:
            query = start_query(rows, self._lake, self._config.checkpoint, self._config.trigger)
            try:
                return self._watch(query, batch_log, gaps)
            finally:
                self._report(batch_log, query, gaps)
        except (PySparkException, Py4JError, OSError) as error:
            failure = map_error(error, self._config.lake, self._config.checkpoint)
            if isinstance(failure, DataLost):
                survey_without_loss(self._config.bootstrap, self._lake)  # names topic and offsets
            if not isinstance(failure, QueryFailed) or len(self._batches) == committed_before:
                raise failure from error
            log.warning("the query failed after a batch and is restarted: %s", failure)
            return False

    def _watch(self, query: StreamingQuery, batch_log: BatchLog, gaps: GapRecorder) -> bool:
        """Report batches until ``query`` ends; on request stop it, between two batches if the batch ends soon.

        Returns:
            Whether the stream is finished; False if it only gives way to another process.
        """
        next_check = time.monotonic() + _TOPICS_CHECK_S
        patient_until, committed = time.monotonic() + STOP_TIMEOUT_S, len(self._batches)
        while not query.awaitTermination(_POLL_S):  # type: ignore[arg-type]  # seconds, pyspark takes fractions
            self._report(batch_log, query, gaps)
            # However many others wait, each turn of the stream gets a batch done, if there is one.
            had_a_turn = len(self._batches) > committed or query.status["message"].startswith("Waiting for")
            gives_way = (had_a_turn or time.monotonic() > patient_until) and others_wait(self._lake.root)
            if self._stop.is_set() or gives_way:
                self._stop_after_batch(query, batch_log, gaps)
                return self._stop.is_set()
            if time.monotonic() > next_check:
                try:
                    self._require_same_topics()
                except BrokerUnreachable as error:
                    log.warning("%s", error)  # the query itself decides how long it tolerates that
                next_check = time.monotonic() + _TOPICS_CHECK_S
        return True

    def _stop_after_batch(self, query: StreamingQuery, batch_log: BatchLog, gaps: GapRecorder) -> None:
        deadline = time.monotonic() + STOP_TIMEOUT_S
        committed = len(self._batches)
        while query.isActive and query.status["isTriggerActive"] and time.monotonic() < deadline:
            time.sleep(_POLL_S / 5)
            self._report(batch_log, query, gaps)
            if len(self._batches) > committed:
                break
        query.stop()

    def _require_same_topics(self) -> None:
        require_same_topics(self._lake.root, topic_ids(self._config.bootstrap))

    def _gap_recorder(self, spark: SparkSession) -> GapRecorder:
        config = self._config
        return GapRecorder(spark, config.bootstrap, self._lake, config.checkpoint, config.clock)

    def _abandon_checkpoint(self, spark: SparkSession) -> None:
        gaps = self._gap_recorder(spark)
        gaps.record_unrecorded()
        gaps.record_all()
        accepting = spark if self._config.start_from == "accepting_loss" else None
        abandon_checkpoint(self._config.bootstrap, self._lake, self._config.checkpoint, accepting)

    def _refuse_early(self) -> None:
        """Refuse what can be refused without Spark, once the broker answers; all is checked again under the lease."""
        self._retrying(self._compare_with_kafka)
        self._warn_of_topics()

    def _compare_with_kafka(self) -> None:
        config = self._config
        if config.start_from == "accepting_loss":
            topic_ids(config.bootstrap)
            return
        unrecorded = find_unrecorded_gaps(config.bootstrap, self._lake, config.checkpoint, config.clock)
        resumption = survey_without_loss(config.bootstrap, self._lake, unrecorded)
        for loss in resumption.losses:
            log.info("recorded loss: %s", loss)
        if config.start_from == "checkpoint":
            can_resume(config.checkpoint, resumption, self._lake)

    def _warn_of_topics(self) -> None:
        """Warn of topics that others have created with settings that do not suit."""
        try:
            for sentence in unsuitable_settings(self._config.bootstrap):
                log.warning("%s", sentence)
        except BrokerUnreachable as error:
            log.warning("%s", error)

    def _report(self, batch_log: BatchLog, query: StreamingQuery, gaps: GapRecorder) -> None:
        batches = batch_log.new_batches(query)
        gaps.record_after(batches)
        for batch in batches:
            self._batches.append(batch)
            log.info("%s", batch)
            if self._on_batch:
                self._on_batch(batch)

    def _summary(self, seconds: float) -> StreamSummary:
        return StreamSummary(
            rows=sum(batch.rows for batch in self._batches),
            quarantined=sum(batch.quarantined for batch in self._batches),
            batches=len(self._batches),
            seconds=round(seconds, 3),
        )


def _say_why(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    pause = state.next_action.sleep if state.next_action else 0.0
    log.warning("%s Attempt %d of %d follows in %.0f s.", error, state.attempt_number + 1, MAX_ATTEMPTS, pause)
