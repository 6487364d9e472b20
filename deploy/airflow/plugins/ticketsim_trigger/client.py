"""A client of the few parts of Dagster's GraphQL API that we need, with the standard library alone.

The API is https://docs.dagster.io/api/graphql. Two quirks of it are handled here: an error in Dagster's own code is
returned as HTTP 500 whose body is the usual JSON, and `launchRun` accepts partitions that do not exist.
"""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from ticketsim_trigger.exceptions import (
    AskedElsewhere,
    DagsterRefused,
    DagsterUnreachable,
    SensorStopped,
    UnknownPartition,
)

#: The sensor that follows the lake; its cursor holds what is offered.
SENSOR: Final = "lake"

RUN_KEY_TAG: Final = "dagster/run_key"

ASKED_BY_TAG: Final = "ticketsim/asked_by"

SUCCEEDED: Final = "SUCCESS"

ENDED: Final = frozenset({SUCCEEDED, "FAILURE", "CANCELED"})

#: Dagster's statuses of runs that have not ended.
LIVE: Final = ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "SUSPENDED", "CANCELING")

#: A launch takes up to a second; a webserver that is loading its code location answers late.
_TIMEOUT_S: Final = 30.0

_REPOSITORIES: Final = """
query { repositoriesOrError { __typename
  ... on RepositoryConnection { nodes { name location { name } sensors { name } } }
  ... on PythonError { message } } }
"""

_SENSOR_STATE: Final = """
query ($selector: SensorSelector!) { sensorOrError(sensorSelector: $selector) { __typename
  ... on Sensor { sensorState { status
    newest: ticks(limit: 1) { timestamp }
    finished: ticks(limit: 1, statuses: [SUCCESS, SKIPPED]) { timestamp skipReason }
    failed: ticks(limit: 1, statuses: [FAILURE]) { timestamp error { message } }
    typeSpecificData { ... on SensorData { lastCursor } } } }
  ... on PythonError { message } } }
"""

_PARTITIONS: Final = """
query ($selector: PipelineSelector!) { pipelineOrError(params: $selector) { __typename
  ... on Pipeline { partitionKeysOrError { partitionKeys } }
  ... on Error { message } } }
"""

_RUNS: Final = """
query ($filter: RunsFilter!) { runsOrError(filter: $filter) { __typename
  ... on Runs { results { runId status tags { key value } } }
  ... on Error { message } } }
"""

_LAUNCH: Final = """
mutation ($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename
  ... on LaunchRunSuccess { run { runId } }
  ... on Error { message }
  ... on RunConfigValidationInvalid { errors { message } } } }
"""


@dataclass(frozen=True, slots=True)
class Offer:
    """A run that Dagster offers; which hours it covers is Dagster's concern."""

    job: str
    first: str  #: partition key
    last: str  #: partition key
    run_key: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SensorTick:
    """The sensor's last tick; times in seconds since the Unix epoch, by Dagster's clock."""

    begun_at: float  #: start of the newest tick; 0 if there was none
    finished_at: float  #: start of the newest tick that succeeded or was skipped; 0 if there was none
    offers: tuple[Offer, ...]
    problem: str | None = None  #: why the newest tick failed, if it did


@dataclass(frozen=True, slots=True)
class Run:
    """A run of Dagster."""

    run_id: str
    status: str
    hours: str  #: first and last partition key, or nothing


class DagsterClient:
    """A client of one Dagster webserver."""

    def __init__(self, url: str) -> None:
        """Talk to the webserver at ``url``, which ends before ``/graphql``."""
        self.url = url.rstrip("/")

    def ask(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a GraphQL document and return the ``data`` of the response.

        Raises:
            DagsterUnreachable: There is no response, or it is not Dagster's.
            DagsterRefused: The response is an error.
        """
        body = json.dumps({"query": document, "variables": dict(variables or {})}).encode()
        request = urllib.request.Request(  # noqa: S310 the address is configured, not a user's
            f"{self.url}/graphql", data=body, headers={"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                text = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                text = error.read()
        except (OSError, http.client.HTTPException) as error:
            raise DagsterUnreachable(f"Dagster does not answer at {self.url}: {error}. Is its webserver up?") from error
        try:
            said = json.loads(text)
            errors, data = said.get("errors"), said.get("data")
        except (ValueError, AttributeError):
            raise DagsterUnreachable(f"what answers at {self.url} is not Dagster: {text[:200]!r}") from None
        if errors:
            raise DagsterRefused(f"Dagster at {self.url} reports: {'; '.join(str(e.get('message')) for e in errors)}")
        if not isinstance(data, dict):
            raise DagsterUnreachable(f"what answers at {self.url} is not Dagster: {text[:200]!r}")
        return data

    def last_tick(self) -> SensorTick:
        """Return the result of the sensor's last tick.

        Raises:
            SensorStopped: The sensor is turned off.
            AskedElsewhere: The sensor launches first loads itself.
            DagsterUnreachable, DagsterRefused: See `ask`.
        """
        selector = {**self._repository, "sensorName": SENSOR}
        state = self._only("Sensor", self.ask(_SENSOR_STATE, {"selector": selector})["sensorOrError"])["sensorState"]
        if state["status"] != "RUNNING":
            raise SensorStopped(f"sensor {SENSOR!r} of {self.url} is {state['status']}. Turn it on in Dagster.")
        begun, finished, failed = (_timestamp(state[name]) for name in ("newest", "finished", "failed"))
        cursor = (state["typeSpecificData"] or {}).get("lastCursor")
        offered = json.loads(cursor)["offered"] if cursor else []
        if offered is None:
            raise AskedElsewhere(
                f"Dagster at {self.url} requests first loads itself. Set TICKETSIM_TRIGGER=airflow in its environment."
            )
        problem = state["failed"][0]["error"]["message"] if failed > finished else None
        return SensorTick(begun, finished, tuple(Offer(**each) for each in offered), problem)

    def runs(self, tags: Mapping[str, str], statuses: Iterable[str] = ()) -> list[Run]:
        """Return the runs that have all of ``tags`` and one of ``statuses`` (or any status), newest first."""
        wanted: dict[str, Any] = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
        if statuses := list(statuses):
            wanted["statuses"] = statuses
        return self._runs(wanted)

    def runs_by_id(self, run_ids: Iterable[str]) -> list[Run]:
        """Return those of the runs ``run_ids`` that Dagster knows."""
        return self._runs({"runIds": list(run_ids)})

    def launch(self, offer: Offer, asked_by: str) -> str:
        """Launch the run that was offered, and return its id.

        Raises:
            UnknownPartition: The first or last hour of its range is not a partition of the job.
            DagsterUnreachable, DagsterRefused: See `ask`.
        """
        job = {**self._repository, "pipelineName": offer.job}
        found = self._only("Pipeline", self.ask(_PARTITIONS, {"selector": job})["pipelineOrError"])
        keys = set(found["partitionKeysOrError"].get("partitionKeys", ()))
        if unknown := {offer.first, offer.last} - keys:
            raise UnknownPartition(
                f"job {offer.job!r} of {self.url} has no partition {', '.join(sorted(unknown))}. "
                "Was TICKETSIM_FIRST_HOUR changed?"
            )
        tags = {**offer.tags, RUN_KEY_TAG: offer.run_key, ASKED_BY_TAG: asked_by}
        params = {
            "selector": job,
            "runConfigData": {},
            "mode": "default",
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        }
        return str(self._only("LaunchRunSuccess", self.ask(_LAUNCH, {"params": params})["launchRun"])["run"]["runId"])

    def run_url(self, run_id: str) -> str:
        """Return the address of the run in Dagster's UI."""
        return f"{self.url}/runs/{run_id}"

    @cached_property
    def _repository(self) -> dict[str, str]:
        """The code location that has the sensor, as GraphQL selectors name it."""
        answer = self._only("RepositoryConnection", self.ask(_REPOSITORIES)["repositoriesOrError"])
        for node in answer["nodes"]:
            if SENSOR in {sensor["name"] for sensor in node["sensors"]}:
                return {"repositoryName": node["name"], "repositoryLocationName": node["location"]["name"]}
        raise DagsterUnreachable(
            f"Dagster at {self.url} has not loaded the code location with sensor {SENSOR!r} (yet)."
        )

    def _runs(self, wanted: Mapping[str, Any]) -> list[Run]:
        results = self._only("Runs", self.ask(_RUNS, {"filter": wanted})["runsOrError"])["results"]
        return [Run(run["runId"], run["status"], _hours(run["tags"])) for run in results]

    def _only(self, wanted: str, answer: dict[str, Any]) -> dict[str, Any]:
        """Return ``answer`` if it has the GraphQL type ``wanted``; raise what other types report."""
        if answer["__typename"] == wanted:
            return answer
        details = [answer.get("message"), *(error["message"] for error in answer.get("errors", ()))]
        said = "; ".join(str(detail) for detail in details if detail)
        raise DagsterRefused(f"Dagster at {self.url} reports {answer['__typename']}: {said}")


def _timestamp(ticks: list[dict[str, Any]]) -> float:
    return float(ticks[0]["timestamp"]) if ticks else 0.0


def _hours(tags: Iterable[Mapping[str, str]]) -> str:
    by_key = {tag["key"]: tag["value"] for tag in tags}
    ends = [by_key.get(f"dagster/asset_partition_range_{end}") for end in ("start", "end")]
    return " to ".join(dict.fromkeys(end for end in ends if end))
