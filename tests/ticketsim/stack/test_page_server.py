"""The page's server on the loopback interface."""

import socket
import urllib.error
import urllib.request

import pytest

from ticketsim.exceptions import PortTaken
from ticketsim.stack.page_server import page_url, serving
from ticketsim.stack.ports import free_port
from ticketsim_assets.dashboard.data import read_marts
from ticketsim_assets.dashboard.page import write_page


def fetch(port: int, path: str = "", host: str | None = None) -> tuple[int, str]:
    request = urllib.request.Request(page_url(port) + path, headers={"Host": host} if host else {})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def test_the_page_is_served_as_it_is_now_also_when_it_is_built_later(tmp_path):
    page, port = tmp_path / "dashboard" / "index.html", free_port()
    with serving(page, port):
        code, said = fetch(port)
        assert (code, "no page yet" in said) == (404, True)
        page.parent.mkdir()
        for text in ("first", "second"):
            page.write_text(text)
            assert fetch(port) == (200, text)


def test_nothing_outside_of_the_page_s_folder_is_served(tmp_path):
    page, port = tmp_path / "dashboard" / "index.html", free_port()
    page.parent.mkdir()
    page.write_text("page")
    (tmp_path / "secret").write_text("secret")
    with serving(page, port):
        assert fetch(port, "../secret")[0] == 404
        assert fetch(port, "%2e%2e/secret")[0] == 404


def test_a_page_from_elsewhere_that_names_this_machine_is_refused(tmp_path):
    page, port = tmp_path / "index.html", free_port()
    page.write_text("page")
    with serving(page, port):
        assert fetch(port, host=f"localhost:{port}") == (200, "page")
        assert fetch(port, host="rebound.example.com")[0] == 403


def test_a_port_that_is_taken_is_refused_with_its_holder_and_the_option(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(PortTaken, match=rf"^Port {port}, for the page, is in use by .+ with --page-port\.$"),
            serving(tmp_path / "index.html", port),
        ):
            pass


def test_the_port_is_free_again_afterwards(tmp_path):
    port = free_port()
    for _ in range(2):
        with serving(tmp_path / "index.html", port):
            assert fetch(port)[0] == 404


def answer(port: int, method: str = "GET", etag: str = "") -> tuple[int, str, bytes]:
    request = urllib.request.Request(  # noqa: S310
        page_url(port), method=method, headers={"If-None-Match": etag} if etag else {}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answered:  # noqa: S310
            return answered.status, answered.headers["ETag"], answered.read()
    except urllib.error.HTTPError as other:
        return other.code, other.headers["ETag"], other.read()


def test_a_browser_that_has_the_page_is_told_so_until_there_is_another(tmp_path):
    page, port = tmp_path / "index.html", free_port()
    page.write_text("first")
    with serving(page, port):
        code, etag, body = answer(port)
        assert (code, body) == (200, b"first")
        assert answer(port, etag=etag) == (304, etag, b"")
        assert answer(port, method="HEAD") == (200, etag, b"")
        page.write_text("other")  # as long, and maybe in the same second
        code, other, body = answer(port, etag=etag)
        assert (code, body) == (200, b"other")
        assert other != etag


def test_only_a_page_that_is_served_may_ask_whether_there_is_a_newer_one(tmp_path):
    destination, port = tmp_path / "index.html", free_port()
    write_page(read_marts(tmp_path / "nowhere.duckdb"), destination)
    assert "connect-src" not in destination.read_text()
    with serving(destination, port):
        _, etag, served = answer(port)
    assert b"default-src &#39;none&#39;; connect-src &#39;self&#39;; script-src &#39;sha256-" in served
    assert f'<html lang="en" data-live={etag} data-state'.encode() in served
