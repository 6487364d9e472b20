import pytest

from ticketsim.exceptions import NoChromium
from ticketsim.stack import chromium


def put(folder, name, text):
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)
    return folder / name


@pytest.fixture
def bare_machine(tmp_path, monkeypatch):
    """Neither a browser on the PATH nor one of playwright's, nobody to install one; returns the only folder on PATH."""
    monkeypatch.delenv("TICKETSIM_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "browsers"))
    return tmp_path


def test_the_first_browser_on_the_path_that_runs_is_taken(bare_machine):
    put(bare_machine, "chromium", "echo 'install the snap'; exit 1")
    chrome = put(bare_machine, "google-chrome", "echo Chrome 150")
    assert chromium.find_chromium() == chrome


def test_a_chosen_browser_is_taken_or_refused_but_never_replaced(bare_machine, monkeypatch):
    put(bare_machine, "chromium", "exit 0")
    mine = put(bare_machine, "mine", "exit 0")
    monkeypatch.setenv("TICKETSIM_CHROMIUM", str(mine))
    assert chromium.ensure_chromium() == mine
    monkeypatch.setenv("TICKETSIM_CHROMIUM", "/no/such/browser")
    with pytest.raises(NoChromium, match=r"/no/such/browser, which does not run"):
        chromium.ensure_chromium()


@pytest.mark.slow
def test_a_missing_browser_is_installed_and_if_that_fails_there_is_one_sentence(bare_machine, monkeypatch):
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 0)
    put(bare_machine, "apt-get", f"echo $@ >> {bare_machine}/asked")
    with pytest.raises(NoChromium, match=r"cannot be installed.*apt-get install chromium"):
        chromium.ensure_chromium()
    assert (bare_machine / "asked").read_text().splitlines()[-1].endswith("chromium")
    browser = bare_machine / "chromium"
    put(bare_machine, "apt-get", f"printf '#!/bin/sh\\n' > {browser}; /bin/chmod +x {browser}")
    assert chromium.ensure_chromium() == browser
