"""What comes from outside is printed as it is: it is not interpreted, and the terminal does not obey it."""

import io
import json
import logging
from pathlib import Path

import pyarrow as pa
import pytest
from rich.table import Table

import ticketsim
from streaming.hour import Hour
from streaming.lake.layout import QUARANTINE
from ticketsim import output, progress
from ticketsim.output import Terminal, console, emit_json, log_to_terminal, print_result, printable, say
from ticketsim_assets.warehouse.duckdb_warehouse import DuckDBWarehouse
from ticketsim_assets.warehouse.wait_policy import NO_WAIT

from ..ticketsim_assets.conftest import START, LakeMaker, simulated

#: Markup that closes nothing, a sequence that colours all that follows, one that sets the title, an emoji's name.
MARKUP, SEQUENCE = "[/bold]", "\x1b[31m"
OUTSIDE = f"{MARKUP}{SEQUENCE}\x1b]0;title\x07:smile:\u202e\x9b2J\r"
SHOWN = r"[/bold]\x1b[31m\x1b]0;title\x07:smile:\u202e\x9b2J\r"


@pytest.mark.parametrize("run_id", [MARKUP, SEQUENCE])
def test_a_run_whose_name_is_markup_or_a_sequence_is_reconciled_and_shown_like_any_other(
    run_ticketsim, tmp_path, run_id
):
    maker = LakeMaker(tmp_path / "lake")
    messages = simulated(hours=0.1, venues=1)
    rows = maker._rows(messages, START)
    named = rows.set_column(rows.schema.get_field_index("run_id"), "run_id", pa.array([run_id] * rows.num_rows))
    maker.append_rows(named)
    maker.refuse(messages[:1], f"bad_value:{run_id}", at=START)
    snapshot, hour = maker.lake.snapshot(), Hour.containing(START)
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb", tmp_path / "warehouse_readers.db", NO_WAIT)
    valid = [snapshot.uri(file) for file in snapshot.files(hour) if file.event_type != QUARANTINE]
    warehouse.replace_hours("events", {hour: valid})
    warehouse.publish()
    (tmp_path / "broker").write_text(run_id)

    code, out, err = run_ticketsim("reconcile", "--json")
    assert code in {0, 1}
    assert printable(run_id) in err
    assert [run["run_id"] for run in json.loads(out)["runs"]] == [run_id]

    for arguments in (("quarantine", "ls"), ("quarantine", "show"), ("quarantine", "show", "--reason", "no_[/bold]")):
        code, _, err = run_ticketsim(*arguments)
        assert (code, printable(run_id) in err) == (0, len(arguments) < 3)
    [listed] = json.loads(run_ticketsim("quarantine", "ls", "--json")[1])["reasons"]
    assert listed["reason"] == f"bad_value:{run_id}"

    code, out, _ = run_ticketsim("status", "--json")
    assert (code, json.loads(out)["warehouse"]["hours"]) == (0, 1)
    assert run_ticketsim("status")[0] == 0


def test_an_error_and_a_wrong_option_that_quote_markup_are_printed_and_control_characters_refused(run_ticketsim):
    code, _, err = run_ticketsim("simulate", "--scenario", MARKUP, "--hours", "1")
    assert (code, err.startswith("error: "), MARKUP in err) == (1, True, True)
    code, _, err = run_ticketsim("stream", "--trigger", MARKUP)
    assert (code, MARKUP in err) == (2, True)
    code, _, err = run_ticketsim("simulate", "--scenario", SEQUENCE)
    assert (code, r"Invalid argument '\x1b[31m'" in err) == (2, True)


def test_a_file_that_may_not_be_written_is_an_error_in_a_sentence(run_ticketsim, tmp_path):
    (tmp_path / "broker").write_text("in the way")
    code, _, err = run_ticketsim("broker", "start")
    assert code == 1
    assert err.startswith("error: ")
    assert str(tmp_path / "broker") in err


@pytest.fixture
def terminal(monkeypatch) -> io.StringIO:
    """What a terminal would be sent."""
    screen = io.StringIO()
    shown = Terminal(file=screen, force_terminal=True, color_system=None, width=200)
    for module in (output, progress):
        monkeypatch.setattr(module, "console", shown)
    return screen


@pytest.mark.parametrize("way", ["line", "table", "title", "spinner", "bar"])
def test_wherever_text_from_outside_stands_it_is_shown_and_not_obeyed(terminal, way):
    match way:
        case "line":
            say(OUTSIDE, style="red")
        case "table":
            table = Table(OUTSIDE)
            table.add_row(OUTSIDE)
            output.console.print(table)
        case "title":
            output.console.print(Table("x" * 100, title=OUTSIDE))
        case "spinner":
            with output.console.status(OUTSIDE) as status:
                status.update(OUTSIDE)
                status._live.refresh()
        case _:
            with progress.progress_line(OUTSIDE, 1.0) as update:
                update(completed=0.5, done=OUTSIDE)
    said = terminal.getvalue()
    assert SHOWN in said
    assert not any(
        harm in said for harm in (SEQUENCE, "\x1b]0;", "\x07", "\u202e", "\x9b", "\N{SMILING FACE WITH OPEN MOUTH}")
    )


def test_results_and_what_is_logged_are_shown_as_they_are(capsys, monkeypatch):
    print_result(OUTSIDE)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    log_to_terminal("streaming")
    logging.getLogger("streaming.query").info("topic %s\nsecond line", OUTSIDE)
    assert capsys.readouterr() == (f"{SHOWN}\n", f"topic {SHOWN}\nsecond line\n")


def test_a_result_in_json_is_json_whatever_is_in_it(capsys):
    emit_json({OUTSIDE: [float("nan"), {"inf": float("inf")}, "\udc80", Path(OUTSIDE)], "n": 1.5})
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {
        OUTSIDE: [None, {"inf": None}, "\udc80", OUTSIDE],
        "n": 1.5,
    }


def test_text_of_any_script_is_left_as_it_is():
    text = "Größe 日本 Ελλάδα a b\u3000c"
    assert printable(text) == text
    assert printable("\udc80\n", keep="\n") == "\\udc80\n"


def test_only_the_module_of_the_output_prints_or_knows_a_console():
    folder = Path(ticketsim.__file__).parent
    others = [path for path in folder.rglob("*.py") if path.name not in {"output.py", "chromium.py"}]
    forbidden = ("rich.console", "typer.echo", "from_markup", "markup=True", "    print(", "basicConfig")
    found = {(path.name, word) for path in others for word in forbidden if word in path.read_text(encoding="utf-8")}
    assert found == set()
    assert isinstance(console, Terminal)
