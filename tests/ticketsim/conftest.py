import sys

import pytest

from streaming.spark.jars import jars_folder
from ticketsim import cli


@pytest.fixture
def prepared_jars(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that holds (empty) jars, so that a test that must be refused early needs no download."""
    monkeypatch.setenv("TICKETSIM_JARS", str(tmp_path_factory.mktemp("cache")))
    for conf in ("broker", "spark"):
        (jars_folder() / conf).mkdir(parents=True)
        (jars_folder() / conf / "empty.jar").touch()


@pytest.fixture
def run_ticketsim(monkeypatch, tmp_path, capsys):
    """run_ticketsim(arguments): exit code, stdout and stderr, with everything below ``tmp_path``."""
    monkeypatch.setenv("TICKETSIM_HOME", str(tmp_path))
    monkeypatch.setenv("TICKETSIM_BOOTSTRAP", "127.0.0.1:9")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ticketsim", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert "\x1b" not in out + err
        return int(ended.value.code or 0), out, err

    return run
