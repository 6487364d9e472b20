import os
import time
from datetime import date

import duckdb
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from deltalake.exceptions import DeltaError

from streaming.exceptions import LocationRefused
from streaming.hour import Hour
from streaming.lake import delta
from streaming.lake.duckdb_files import HIVE_TYPES
from streaming.lake.layout import PARTITION_COLUMNS
from streaming.lake.reader import Lake
from streaming.spark.jars import cache_root
from streaming.storage import (
    absolute,
    emulator,
    identity,
    in_bucket,
    location_of,
    modified_at,
    path_of,
    require_usable,
    set_aside,
    spark_table,
    write_atomically,
)

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
    assert abs(modified_at(path) - time.time()) < 60
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


#: All of ASCII that is not refused, and more: what a folder may be called.
AWKWARD = " a b!\"$&'()*+,-.:;<>@_`{}~é日本e\u0301\u3000\N{MAN}\u200d"


def test_a_lake_in_a_folder_of_any_usable_name_is_read_where_it_is(tmp_path):
    lake = Lake(absolute(tmp_path / AWKWARD / "lake"))
    require_usable(lake.root, "--lake")
    table = pa.table({"event_type": ["scan"], "event_date": [date(2026, 1, 1)], "event_hour": [3], "run_id": ["r"]})
    write_deltalake(lake.table_uri, table, partition_by=list(PARTITION_COLUMNS))
    assert lake.exists()
    snapshot = lake.snapshot()
    [file] = snapshot.files(Hour.of_partition(date(2026, 1, 1), 3))
    assert snapshot.root == lake.table_uri
    assert path_of(snapshot.uri(file)).exists()
    assert delta.open_table(lake.table_uri).to_pyarrow_table().num_rows == 1
    with duckdb.connect(tmp_path / AWKWARD / "warehouse.duckdb") as connection:
        query = f"from read_parquet(?, hive_partitioning = true, hive_types = {HIVE_TYPES}) select event_type, run_id"
        assert connection.execute(query, [[snapshot.uri(file)]]).fetchall() == [("scan", "r")]
        assert connection.execute("select current_catalog()").fetchall() == [("warehouse",)]
    assert (tmp_path / AWKWARD / "warehouse.duckdb").exists()


def test_every_character_of_a_path_is_usable_or_refused_by_name(tmp_path):
    refused = set()
    for character in map(chr, range(1, 0x7F)):
        try:
            require_usable(f"/home/a{character}b/data", "TICKETSIM_HOME")
        except LocationRefused:
            refused.add(character)
    assert refused == {*map(chr, range(1, 0x20)), *"%\\[]^|?#="}
    punctuation = {character for character in map(chr, range(0x20, 0x7F)) if not character.isalnum()}
    assert punctuation - refused - {"/"} == set(AWKWARD) & punctuation


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("/data/a%b", "Choose a path without %, which Delta Lake decodes"),
        ("/data/event_type=x", "Choose a path without =, which DuckDB takes for a column's value"),
        ("/data/a\nb", r"Choose a path without the control character '\\n'"),
        ("/data/\udc80", "a byte that is not UTF-8"),
        ("/data/" + "x" * 256, "Choose a shorter name"),
        ("/data/" + "é" * 128, "Choose a shorter name"),
        ("/dev/null/lake", "but /dev/null is not a directory"),
        ("s3://bucket/lake", "Name a directory or gs://bucket/prefix, not s3:/"),
        ("/data/file:/lake", "not file:/"),
        ("gs://", "names no bucket"),
        ("gs://bucket/a?b", r"without \?, which DuckDB"),
    ],
)
def test_a_location_that_cannot_be_used_is_refused_with_what_it_was_given_as(location, said):
    with pytest.raises(LocationRefused, match=said) as refused:
        require_usable(location, "TICKETSIM_LAKE_URI")
    assert str(refused.value).startswith(f"TICKETSIM_LAKE_URI is {location!r}")


def test_a_home_of_nobody_is_refused_by_name():
    with pytest.raises(LocationRefused, match="TICKETSIM_HOME is '~nobody-of-this-name/x'"):
        absolute("~nobody-of-this-name/x", "TICKETSIM_HOME")


@pytest.mark.parametrize("character", ":,*{}?[#%")
def test_jars_in_a_folder_that_a_jvm_or_spark_would_take_apart_are_refused(character, monkeypatch):
    monkeypatch.setenv("TICKETSIM_JARS", f"/cache/a{character}b")
    with pytest.raises(LocationRefused, match=rf"TICKETSIM_JARS is '/cache/a.b'. Choose a path without \{character},"):
        cache_root()


def test_a_table_is_quoted_in_sql_and_a_uri_decoded():
    assert spark_table("/a`b/events") == "delta.`/a``b/events`"
    assert location_of("file:///a%20b%25/%C3%A9/events/") == "/a b%/é/events"
    assert location_of("gs://bucket/a%20b/events/") == "gs://bucket/a%20b/events"
