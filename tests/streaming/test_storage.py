import os

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from deltalake.exceptions import DeltaError

from streaming.lake import delta
from streaming.storage import absolute, emulator, identity, in_bucket, path_of, set_aside, write_atomically

from ..conftest import BOTH_PLACES


@pytest.fixture
def root(request, lake_place, tmp_path) -> str:
    return request.getfixturevalue("gcs").uri("prefix") if lake_place == "gcs" else str(tmp_path / "prefix")


@BOTH_PLACES
def test_a_file_is_written_as_a_whole_and_tells_itself_from_its_successor(root):
    path = path_of(root) / "deep" / "file.json"
    assert (path.exists(), identity(path)) == (False, None)
    write_atomically(path, "first")
    first = identity(path)
    assert first is not None
    assert identity(path) == first
    write_atomically(path, "ä")
    assert path.read_text(encoding="utf-8") == "ä"
    assert identity(path) != first
    assert [each.name for each in path.parent.iterdir()] == ["file.json"]


@BOTH_PLACES
def test_a_folder_is_set_aside_with_all_that_is_in_it(root):
    folder = path_of(root) / "checkpoint"
    assert set_aside(folder, "metadata") is None
    for name in ("metadata", "offsets/0", "sources/0/0"):
        write_atomically(folder / name, name)
    aside = set_aside(folder, "metadata")
    assert aside is not None
    assert aside.name.startswith("checkpoint.aside-")
    assert (aside / "sources" / "0" / "0").read_text() == "sources/0/0"
    assert (aside / "metadata").exists()
    assert not folder.exists()
    assert set_aside(folder, "metadata") is None


def test_a_copy_that_breaks_off_leaves_the_folder_as_it_was_and_a_removal_one_that_is_worth_nothing(gcs, monkeypatch):
    folder = path_of(gcs.uri("checkpoint"))
    for name in ("metadata", "offsets/0"):
        write_atomically(folder / name, name)

    def broken(*_, **__):
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(folder.fs, "copy", broken)
        with pytest.raises(OSError, match="killed"):
            set_aside(folder, "metadata")
    assert sorted(gcs.names()) == ["checkpoint/metadata", "checkpoint/offsets/0"]
    with monkeypatch.context() as patch:
        patch.setattr(folder.fs, "rm", broken)
        with pytest.raises(OSError, match="killed"):
            set_aside(folder, "metadata")
    assert gcs.names("checkpoint/") == ["checkpoint/offsets/0"]
    assert len(gcs.names("checkpoint.aside-")) == 2


@BOTH_PLACES
@pytest.mark.gap_on_gcs(raises=DeltaError, reason="deltalake uploads by the XML interface, which the emulator refuses")
def test_what_deltalake_writes_it_finds_again(root):
    rows = pa.table({"number": [1, 2]})
    write_deltalake(f"{root}/events", rows, storage_options=delta._options(root))
    assert delta.open_table(f"{root}/events").to_pyarrow_table() == rows


def test_a_location_means_the_same_in_every_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert absolute("lake") == str(tmp_path / "lake")
    assert absolute("gs://bucket/prefix/") == "gs://bucket/prefix"
    assert in_bucket("gs://bucket")
    assert not in_bucket("gs/bucket")


@pytest.mark.parametrize(
    ("said", "endpoint"), [("", None), ("localhost:4443", "http://localhost:4443"), ("https://e/", "https://e")]
)
def test_only_the_standard_variable_names_an_emulator(monkeypatch, said, endpoint):
    monkeypatch.setitem(os.environ, "STORAGE_EMULATOR_HOST", said)
    assert emulator() == endpoint
