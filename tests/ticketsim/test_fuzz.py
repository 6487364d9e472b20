"""The command line under odd options, settings and files: never a traceback, a hang or a process left behind."""

import importlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.core import TyperGroup

from ticketsim import cli
from ticketsim_assets.settings import Settings

pytestmark = pytest.mark.slow

#: A command that has something to do may do it for so long, and then has to obey SIGTERM.
LIMIT_S, OBEYS_S = 5.0, 4.0

#: All calls together; on a busy machine there are fewer of them.
BUDGET_S = 20.0

#: How each is called without options that are odd; the others start a stack, Spark or Dagster.
COMMANDS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("simulate",): ("--hours", "0.05", "--to", "file:messages"),
    ("replay",): ("--to", "file:messages"),
    ("plan",): ("--scenario", "stable", "--max-sellers", "1", "--max-scanners", "1"),
    ("scenarios",): (),
    ("status",): (),
    ("reconcile",): (),
    ("trace",): ("run-venue-1",),
    ("latency",): (),
    ("dashboard",): (),
    ("doctor",): (),
    ("data-studio",): (),
    ("quarantine", "ls"): (),
    ("quarantine", "show"): (),
    ("broker", "status"): (),
    ("broker", "stop"): (),
    ("broker", "start"): (),
    ("broker", "topics"): (),
}

#: What most commands import: each example is a fork of this process, and does not import it again.
PRELOADED = (
    "simulator.planning.search",
    "simulator.replay",
    "simulator.workers",
    "streaming.contract.quarantine",
    "ticketsim.doctor",
    "ticketsim.explanation",
    "ticketsim.latency",
    "ticketsim.status",
    "ticketsim.trace.way",
    "ticketsim_assets.assets.partitions",
    "ticketsim_assets.dashboard.page",
    "ticketsim_assets.warehouse.duckdb_warehouse",
)

#: Of these the graph's or the broker's tests say what they do: here they would wait for a person or a browser.
LEFT_OUT = frozenset({"--help", "--open", "--debug"})

ODD = st.one_of(
    st.sampled_from(
        [
            *("", " ", "0", "-1", "1", "2", "1e-300", "1e300", "nan", "inf", "-inf", "9" * 30, "1e3", "0x1", "True"),
            *("now", "2026-06-01", "2026-06-01T00:30", "0001-01-01", "9999-12-31T23:59:59.999999", "+10000-01-01"),
            *("-", "--", "~", "~nobody-of-this-name", ".", "/", "/dev/null", "/dev/full", "/proc/self/mem", "é 日本"),
            *("file:", "file:/dev/null/x", "file:.", "kafka://", "kafka://h", "kafka://127.0.0.1:9", "gs://", "s3://b"),
            *(
                "[/bold]",
                "[red]",
                "\x1b[31m",
                "a\nb",
                "a%b",
                "x" * 300,
                "5m",
                "-5m",
                "1e400h",
                "duplicates=2",
                "late=1",
            ),
            *("odd.toml", "odd.json", "odd.bytes", "empty", "folder", "missing.json", "original", "festival"),
        ]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(str),
)

TOML = st.builds(
    "{0} = {1}\n[{2}]\ndistribution = '{3}'\nmean = {1}\n".format,
    st.sampled_from(["sellers", "scanners", "bus_rate_by_hour", "name", "unknown", "\ufeffsellers"]),
    st.sampled_from(["1", "0", "-1", "1e-300", "nan", "inf", "[]", "[1e-300]", "'x'", "1979-05-27", "", "{}"]),
    st.sampled_from(["scan_minutes", "minutes_between_buses", "buy_minutes", "x"]),
    st.sampled_from(["normal", "exponential", "constant", "x"]),
)

JSON = st.sampled_from(
    [
        *("", "{", "[]", "null", "{}", '{"events": 1}', '{"events": []}', "[" * 2000, '"\\ud800"', "\ufeff{}"),
        '{"sellerLines": 1, "scannerLines": 1, "events": []}',
        '{"sellerLines": 1e999, "scannerLines": NaN, "events": [{}]}',
        '{"sellerLines": 1, "scannerLines": 1, "events": [{"event": "Bus arrived", "time": "1", "people": []}]}',
        '{"sellerLines": 1, "scannerLines": 1, "events": [1, null, "x", {"event": 7}]}',
    ]
)


@dataclass(frozen=True)
class Call:
    """A call of the command line, with the settings and files that it meets."""

    arguments: tuple[str, ...]
    settings: Mapping[str, str]
    files: Mapping[str, bytes]


def options_of(path: Sequence[str]) -> list[tuple[str, bool]]:
    """The options of a command, and whether each takes a value."""
    command = typer.main.get_command(cli.app)
    for name in path:
        assert isinstance(command, TyperGroup)
        command = command.commands[name]
    return [
        (name, not getattr(parameter, "is_flag", False))
        for parameter in command.params
        for name in parameter.opts
        if name.startswith("--") and name not in LEFT_OUT
    ]


@st.composite
def calls(draw: st.DrawFn) -> Call:
    path = draw(st.sampled_from(sorted(COMMANDS)))
    arguments = [*path, *COMMANDS[path]]
    for name, has_value in draw(st.lists(st.sampled_from(options_of(path)), max_size=3)):
        arguments += [name, draw(ODD)] if has_value else [name]
    if path == ("replay",):
        arguments.append(draw(ODD))
    chosen = draw(st.dictionaries(st.sampled_from(sorted(Settings.model_fields)), ODD, max_size=2))
    files = {
        "odd.toml": draw(TOML).encode(),
        "odd.json": draw(JSON).encode(),
        "odd.bytes": draw(st.binary(max_size=20)),
        "empty": b"",
    }
    return Call(tuple(arguments), {f"TICKETSIM_{name.upper()}": value for name, value in chosen.items()}, files)


def call_ticketsim(call: Call, folder: Path) -> None:
    """Become the command ``call`` in ``folder``; does not return."""
    try:
        os.setsid()
        os.chdir(folder)
        with Path("err").open("wb") as err, Path("out").open("wb") as out:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", errors="backslashreplace")  # noqa: SIM115
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for name in [name for name in os.environ if name.startswith("TICKETSIM_")]:
            del os.environ[name]
        # No broker is started and none is there; what waits for one waits a moment.
        os.environ.update(
            {
                "TICKETSIM_HOME": str(folder / "home"),
                "TICKETSIM_BOOTSTRAP": "127.0.0.1:9",
                "TICKETSIM_KAFKA_DEADLINE_S": "0.2",
                "JAVA_HOME": "/nowhere",
                "TICKETSIM_CHROMIUM": "/nowhere",
                **call.settings,
            }
        )
        sys.argv = ["ticketsim", *call.arguments]
        code = 70
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
        except BaseException:  # noqa: BLE001 - a process would print it
            sys.excepthook(*sys.exc_info())
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    finally:
        os._exit(71)


def ends(pid: int, seconds: float) -> int | None:
    """The exit code of a child; None if it runs on for ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    return None


def left_behind(session: int) -> list[str]:
    """The commands of processes that a session has left, and that do not end by themselves at once; they are killed."""
    family = [process for process in psutil.process_iter() if _session_of(process.pid) == session]
    _, living = psutil.wait_procs(family, timeout=2.0)
    for process in living:
        process.kill()
    return [str(process) for process in living]


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


@pytest.fixture(scope="module")
def until() -> float:
    for name in PRELOADED:
        importlib.import_module(name)
    return time.monotonic() + BUDGET_S


@given(call=calls())
@settings(deadline=None, max_examples=250, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_whatever_it_is_told_the_command_line_answers_in_words_in_time_and_leaves_nothing_running(until, call):
    if time.monotonic() > until:
        return
    with tempfile.TemporaryDirectory(prefix="fuzz") as name:
        folder = Path(name)
        (folder / "folder").mkdir()
        for file, content in call.files.items():
            (folder / file).write_bytes(content)
        pid = os.fork()
        if pid == 0:
            call_ticketsim(call, folder)
        code = ends(pid, LIMIT_S)
        if code is None:
            os.kill(pid, signal.SIGTERM)
            code = ends(pid, OBEYS_S)
        if code is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        running = left_behind(pid)
        said = (folder / "err").read_text(errors="replace")
        assert "Traceback" not in said, said
        assert running == []
        assert code in {0, 1, 2, 130, -signal.SIGTERM, 143}, (code, said)
        assert "\x1b" not in said
