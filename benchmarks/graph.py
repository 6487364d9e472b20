"""The benchmark of the graph's cost per hour: ``python -m benchmarks.graph``.

In one run: bare ``dbt build`` of an hour, the same hour through Dagster's command line and through GraphQL and the
daemon (both load it and compare it with its receipts as well), an hour with a day and with a year of history behind it,
and a backfill of 720 hours in one run. All contestants take turns, and the fastest turn of each counts.

The day and the month are simulated and written as a compacted lake has them (see ``simulated_lake``), and loaded by the
graph itself. The year is that month, copied eleven times into the past (see ``older_months``).
"""

import hashlib
import operator
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import dagster as dg
import duckdb
import typer
from dagster_graphql import DagsterGraphQLClient, DagsterGraphQLClientError
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from benchmarks.older_months import MONTH, copy_into_the_past
from benchmarks.simulated_lake import simulate_into
from benchmarks.target import print_ratio_at_most
from streaming.hour import Hour, hours_between
from streaming.lake.reader import Lake
from ticketsim.stack.dagster_home import make_instance
from ticketsim.stack.ports import free_port
from ticketsim_assets.assets.dbt_models import window_arguments
from ticketsim_assets.hours.due import Request
from ticketsim_assets.hours.run_tags import run_tags
from ticketsim_assets.keys import HOURLY_JOB
from ticketsim_assets.settings import Settings
from ticketsim_assets.warehouse.factory import warehouse_target

#: The most that an hour through the daemon may take of bare dbt's, one behind a year of one behind a day's, and a
#: month's of an hour's.
OF_DBT: Final = 4.0
OF_DAY: Final = 1.3
OF_HOUR: Final = 12.0

START: Final = datetime(2026, 10, 1, tzinfo=UTC)
DAY: Final = timedelta(days=1)
OLDER_MONTHS: Final = 11

#: To launch a month, Dagster writes an event for each asset and hour: minutes, on SQLite.
_PATIENCE_S: Final = 3600

_DBT: Final = Path(__file__).parents[1] / "dbt"


@dataclass(frozen=True, slots=True)
class Home:
    """A folder with a lake of whole hours, and the graph on top of it."""

    root: Path
    length: timedelta
    port: int

    @property
    def settings(self) -> Settings:
        """The settings of this home."""
        return Settings(home=self.root)

    @property
    def hours(self) -> list[Hour]:
        """All hours of the home."""
        return hours_between(Hour(START), Hour(START + self.length - timedelta(hours=1)))

    @property
    def environment(self) -> dict[str, str]:
        """The environment of all of its processes; only the benchmark requests hours."""
        return {
            **os.environ,
            **warehouse_target(self.settings).dbt_environment(),
            "TICKETSIM_HOME": str(self.root),
            "TICKETSIM_BOOTSTRAP": "127.0.0.1:9",
            "TICKETSIM_TRIGGER": "airflow",
            "TICKETSIM_FIRST_HOUR": (START - (OLDER_MONTHS + 1) * MONTH).isoformat(),
            "DAGSTER_HOME": str(self.settings.dagster_home),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }

    def simulate(self) -> None:
        """Simulate the lake."""
        messages = simulate_into(Lake(self.settings.lake), "stable", START, len(self.hours))
        print(f"{len(self.hours)} hours of `stable`: {messages:,} messages", flush=True)

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """Open Dagster's instance until the block is left."""
        make_instance(self.settings.dagster_home)
        with dg.DagsterInstance.from_config(str(self.settings.dagster_home)) as instance:
            yield instance

    @contextmanager
    def dagster(self) -> Iterator[None]:
        """Run `dagster dev` with its daemon until the block is left."""
        make_instance(self.settings.dagster_home)
        command = [sys.executable, "-m", "dagster", "dev", "-m", "ticketsim_assets.definitions"]
        with (self.root / "dagster.log").open("ab") as log:
            process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(self.port)],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                self._until_served()
                yield
            finally:
                process.terminate()
                process.wait()

    @retry(retry=retry_if_result(operator.not_), wait=wait_fixed(1), stop=stop_after_delay(180))
    def _until_served(self) -> bool:
        """Wait until the webserver answers, which it does once the code location is loaded."""
        try:
            self._graphql().get_run_status("nothing")
        except DagsterGraphQLClientError as error:
            return error.args[0] == "RunNotFoundError"
        return False

    def _graphql(self) -> DagsterGraphQLClient:
        return DagsterGraphQLClient("127.0.0.1", self.port, timeout=_PATIENCE_S)

    def by_daemon(self, first: Hour, last: Hour) -> None:
        """Launch a run of the hourly job over GraphQL and wait until it has succeeded."""
        client = self._graphql()
        request = Request(first, last, run_key="", reason="by_hand")
        run_id = client.submit_job_execution(HOURLY_JOB, tags=run_tags(request))
        while (status := client.get_run_status(run_id)) is not dg.DagsterRunStatus.SUCCESS:
            if status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED):
                sys.exit(f"run {run_id} has status {status.value}; see {self.root / 'dagster.log'}")
            time.sleep(0.1)

    def by_command_line(self, hour: Hour) -> None:
        """Materialise the same assets with Dagster's command line."""
        selection = "key:raw/events or group:staging or group:marts"
        module = ("-m", "ticketsim_assets.definitions")
        self._run("dagster", "asset", "materialize", "--select", selection, "--partition", hour.key, *module)

    def bare_dbt(self, hour: Hour) -> None:
        """Build and test the models of ``hour``, which is loaded, without Dagster."""
        window = dg.TimeWindow(hour.start, hour.end)
        self._run("dbt", "build", "--exclude-resource-type", "unit_test", *window_arguments(window))

    def _run(self, command: str, *arguments: str) -> None:
        executable = Path(sys.executable).with_name(command)
        done = subprocess.run(
            [executable, *arguments], env=self.environment, cwd=_DBT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{command} exited with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")

    def digest(self) -> str:
        """Return a digest of all rows of all tables of the warehouse, whatever their order."""
        found = hashlib.sha256()
        with duckdb.connect(self.settings.warehouse_path, read_only=True) as connection:
            for (table,) in connection.execute(
                "select table_schema || '.' || table_name from information_schema.tables "
                "where table_type = 'BASE TABLE' order by all"
            ).fetchall():
                rows = connection.execute(f"select count(*), bit_xor(hash(t)) from {table} as t").fetchall()  # noqa: S608
                found.update(repr((table, rows)).encode())
        return found.hexdigest()[:16]


def seconds(work: Callable[[], None]) -> float:
    """Return the seconds that ``work`` takes, by the clock."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def take_turns(contestants: dict[str, Callable[[], None]], turns: int) -> dict[str, float]:
    """Return the seconds of each contestant's fastest turn."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(turns):
        for name, work in contestants.items():
            taken[name].append(seconds(work))
    for name, all_turns in taken.items():
        print(f"{name:<36} {min(all_turns):>7.1f} s   of {', '.join(f'{turn:.1f}' for turn in all_turns)}", flush=True)
    return {name: min(all_turns) for name, all_turns in taken.items()}


def main(
    turns: Annotated[int, typer.Option(help="How often each takes its turn; the fastest counts.")] = 3,
    days: Annotated[int, typer.Option(help="Days of the backfill.")] = 30,
) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="ticketsim-benchmark-") as scratch, ExitStack() as stack:
        day = Home(Path(scratch) / "day", DAY, free_port())
        month = Home(Path(scratch) / "month", days * DAY, free_port())
        for home in (day, month):
            home.simulate()
            stack.enter_context(home.dagster())
        hour = day.hours[-1]
        day.by_daemon(day.hours[0], day.hours[-1])
        fastest = take_turns(
            {
                "bare dbt build, an hour": lambda: day.bare_dbt(hour),
                "dagster asset materialize, an hour": lambda: day.by_command_line(hour),
                "GraphQL and daemon, an hour": lambda: day.by_daemon(hour, hour),
            },
            turns,
        )
        of_hour = fastest["GraphQL and daemon, an hour"]
        print_ratio_at_most("daemon / bare dbt", of_hour / fastest["bare dbt build, an hour"], OF_DBT)

        backfill = seconds(lambda: month.by_daemon(month.hours[0], month.hours[-1]))
        before = month.digest()
        again = seconds(lambda: month.by_daemon(month.hours[0], month.hours[-1]))
        if month.digest() != before:
            sys.exit("the second backfill has changed the warehouse")
        print(f"{len(month.hours)} hours in one run: {backfill:.1f} s; again {again:.1f} s, digest {before} both times")
        print_ratio_at_most(f"{len(month.hours)} hours / an hour", backfill / of_hour, OF_HOUR)

        with month.instance() as instance:
            copy_into_the_past(month.settings, instance, month.hours, OLDER_MONTHS)
        last = month.hours[-1]
        behind = take_turns(
            {
                "an hour with a day behind it": lambda: day.by_daemon(hour, hour),
                "an hour with a year behind it": lambda: month.by_daemon(last, last),
            },
            turns,
        )
        ratio = behind["an hour with a year behind it"] / behind["an hour with a day behind it"]
        print_ratio_at_most("year / day", ratio, OF_DAY)


if __name__ == "__main__":
    typer.run(main)
