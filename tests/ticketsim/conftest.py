import pytest

from streaming.spark.jars import jars_folder


@pytest.fixture
def prepared_jars(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that holds (empty) jars, so that a test that must be refused early needs no download."""
    monkeypatch.setenv("TICKETSIM_JARS", str(tmp_path_factory.mktemp("cache")))
    for conf in ("broker", "spark"):
        (jars_folder() / conf).mkdir(parents=True)
        (jars_folder() / conf / "empty.jar").touch()
