"""What a log's bytes may be: compressed, through a pipe, not UTF-8, cut off, far too large."""

import bz2
import gzip
import json
import lzma
import os
import subprocess
import sys
import threading

import pytest

from simulator.exceptions import EventLogRefused
from simulator.replay import open_event_log

BUS = {"event": "BUS_ARRIVAL", "time": 1.0, "busId": 0, "peopleCreated": [0, 1]}
SCAN = {"event": "SCAN_TICKETS", "person": 0, "scannerLine": 1, "time": 3.0, "duration": 0.05}
WRONG = SCAN | {"person": 1, "scannerLine": 0}
LOG = {"sellerLines": 1, "scannerLines": 1, "events": [BUS, SCAN]}
TEXT = json.dumps(LOG).encode()


@pytest.fixture
def stored(tmp_path):
    """stored(bytes) -> a file that holds them."""

    def store(content):
        path = tmp_path / "events.json"
        path.write_bytes(content)
        return path

    return store


@pytest.fixture
def piped(tmp_path):
    """piped(bytes) -> a pipe through which they come, and that stays open."""
    done = threading.Event()
    threads = []

    def pipe(content, stays_open=False):
        path = tmp_path / "pipe"
        os.mkfifo(path)

        def write():
            with path.open("wb", buffering=0) as stream:
                try:
                    stream.write(content)
                except BrokenPipeError:
                    return
                if stays_open:
                    done.wait(60)

        threads.append(threading.Thread(target=write))
        threads[-1].start()
        return path

    yield pipe
    done.set()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(
    "form",
    [
        lambda text: b"\xef\xbb\xbf" + text,
        gzip.compress,
        lambda text: gzip.compress(b"\xef\xbb\xbf" + text),
        lambda text: gzip.compress(text[:40]) + gzip.compress(text[40:]),
    ],
    ids=["byte order mark", "gzip", "gzip of a byte order mark", "gzip of several members"],
)
def test_a_log_is_the_same_log_compressed_or_with_a_byte_order_mark(form, stored, piped):
    with open_event_log(stored(TEXT)) as plain, open_event_log(piped(form(TEXT))) as log:
        assert log.content_digest == plain.content_digest
        assert list(log.activities()) == list(plain.activities())


def test_a_log_is_the_same_log_through_a_pipe(published, stored, piped):
    text = json.dumps(published(3, 15)).encode()
    assert len(text) > 2**16

    with open_event_log(stored(text)) as plain, open_event_log(piped(text)) as log:
        assert log.content_digest == plain.content_digest
        assert list(log.activities()) == list(plain.activities())


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"], ids=["", "byte order mark"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("through_a_pipe", [False, True], ids=["file", "pipe"])
def test_the_place_of_an_event_is_exact_however_the_log_comes(prefix, compress, through_a_pipe, stored, piped):
    text = prefix + json.dumps(LOG | {"events": [BUS, WRONG]}).encode()
    path = (piped if through_a_pipe else stored)(compress(text))

    with pytest.raises(EventLogRefused, match=r"event 2 at byte .*: 'scannerLine' is 0") as refused:
        read(path)

    assert text[refused.value.byte :].startswith(json.dumps(WRONG).encode())
    assert ("(decompressed)" in str(refused.value)) == (compress is gzip.compress)


@pytest.mark.parametrize(
    ("wrong", "byte"),
    [(b"\xff", 0), (b"\xc0\x80", 0), (b"\xed\xa0\x80", 0), (b"\xf0\x9f\x98", 0), (b"caf\xc3\xa9\xe9", 5)],
    ids=["never", "overlong", "surrogate", "cut off", "latin-1"],
)
@pytest.mark.parametrize("where", ["event", "busId"], ids=["in a value", "in a key"])
def test_what_is_not_utf8_is_refused_with_its_byte(wrong, byte, where, stored):
    text = json.dumps(LOG | {"events": [SCAN, BUS]}).encode()
    at = text.index(where.encode(), text.index(b"BUS_ARRIVAL") - 12)
    with pytest.raises(EventLogRefused, match=r"after event 2: found the byte 0x.., which is not UTF-8") as refused:
        read(stored(text[:at] + wrong + text[at:]))

    assert refused.value.byte == at + byte


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (bz2.compress(TEXT), "compressed with bzip2; decompress it first"),
        (lzma.compress(TEXT), "compressed with xz; decompress it first"),
        (b"PK\x03\x04\x14\x00", "a zip archive; unpack it first"),
        (TEXT.decode().encode("utf-16"), "UTF-16; save it as UTF-8"),
    ],
    ids=["bzip2", "xz", "zip", "utf-16"],
)
def test_a_file_of_another_format_is_told_what_it_is(content, said, stored, tmp_path):
    with pytest.raises(EventLogRefused, match=rf"events\.json, byte 0, before the first event: .*{said}"):
        read(stored(content))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(TEXT)[:-20], "byte [0-9]+, .*gzip data is damaged or incomplete"),
        (gzip.compress(TEXT)[:5], "byte 0, before the first event: its gzip data is damaged or incomplete"),
        (gzip.compress(TEXT)[:-8] + b"\0" * 8, "damaged or incomplete .CRC check failed"),
        (gzip.compress(TEXT) + b"more", "damaged or incomplete"),
        (b"\x1fabc", "damaged or incomplete .Not a gzipped file"),
        (gzip.compress(TEXT[:-1]), r"decompressed\), byte 213, after the last event: parse error: premature EOF"),
        (gzip.compress(b""), r"decompressed\), byte 0, before the first event: parse error: premature EOF"),
    ],
    ids=["end", "head", "checksum", "rest", "only the magic", "cut off inside", "empty inside"],
)
def test_damaged_compression_is_refused_with_its_place(content, said, stored):
    with pytest.raises(EventLogRefused, match=said):
        read(stored(content))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"event,time\n", "byte 0, before the first event: lexical error"),
        (b'{"events": [{"event": "\xff', "byte 23, in or after event 1: found the byte 0xff"),
        (TEXT.replace(b'"time": 3.0', b'"time": -3.'), "byte [0-9]+, in or after event 2: lexical error"),
        (TEXT + b"{}", r"byte 214, after the last event: parse error: trailing garbage"),
    ],
)
def test_broken_input_through_a_pipe_is_refused_as_soon_as_it_has_come(content, said, piped):
    with pytest.raises(EventLogRefused, match=said):
        read(piped(content, stays_open=True))


@pytest.mark.parametrize("text", [b"", b"\xef\xbb\xbf", b"\xef\xbb", b" \n", TEXT[:-1], TEXT[:60]])
def test_a_log_that_is_cut_off_is_refused_with_where_it_ends(text, stored):
    with pytest.raises(EventLogRefused, match=r"events\.json, byte \d+, .*(premature EOF|not UTF-8)") as refused:
        read(stored(text))

    assert refused.value.byte in {0, len(text)}


def test_a_folder_and_an_impossible_name_are_refused(tmp_path):
    with pytest.raises(EventLogRefused, match=r"Cannot read the event log .*: Is a directory"):
        read(tmp_path)
    with pytest.raises(EventLogRefused, match=r"Cannot read the event log .*: File name too long"):
        read(tmp_path / ("n" * 300))


#: With so much more memory than it has: logs that would take far more if they were held, each compressed to little.
BOMBS = """
import gzip, resource, sys
from pathlib import Path
from simulator.exceptions import EventLogRefused
from simulator.replay import open_event_log
import psutil

head = b'{"sellerLines": 1, "scannerLines": 1, "events": ['
size = 80_000_000
bombs = {
    "nested": [b'{"sellerLines": ', b"[" * size],
    "nested in an event": [head, b'{"event": ', b"[" * size],
    "objects": [b'{"sellerLines": ', b'[{"a": ' * (size // 7)],
    "text": [head, b'{"event": "', b"x" * size],
    "key": [head, b'{"', b"x" * size],
    "number": [head, b'{"time": ', b"1" * size],
    "spaces": [head, b" " * size],
    "people": [head, b'{"event": "BUS_ARRIVAL", "peopleCreated": [', b'"%s", ' % (b"x" * 1000) * (size // 1000)],
    "keys": [head, b"{", b"".join(b'"%d": 1,' % number for number in range(size // 200))],
    "lines": [b'{"sellerLines": [', b"1," * (size // 2)],
    "zeros": [b"\\0" * size],
}
for name, parts in bombs.items():
    with gzip.open(sys.argv[1], "wb", compresslevel=1) as stream:
        stream.writelines(parts)
    bombs[name] = None
    del parts
    held = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (held + 60_000_000, resource.RLIM_INFINITY))
    try:
        with open_event_log(Path(sys.argv[1])):
            print(name, "was accepted")
    except EventLogRefused as error:
        print(name, "refused", error)
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_a_log_that_never_ends_what_it_began(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", BOMBS, str(tmp_path / "bomb")], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == 11, done.stdout
    assert all(" refused " in line and len(line) < 400 for line in said), done.stdout


def read(path):
    with open_event_log(path):
        pass
