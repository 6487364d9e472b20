"""The network of the walks does what it says: otherwise nothing would be cut, and no test would notice."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from harness.proxy import Network, Proxy

from ticketsim.stack.ports import LOOPBACK, free_port


@pytest.fixture
def network() -> Iterator[tuple[Proxy, int]]:
    """A proxy before a server that sends everything back, and its port."""
    with socket.create_server((LOOPBACK, 0)) as server:
        threading.Thread(target=_echo, args=(server,), daemon=True).start()
        proxy, port = Proxy(server.getsockname()[1]), free_port()
        with proxy.listening(port):
            yield proxy, port


def _echo(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
            with connection:
                while received := connection.recv(1024):
                    connection.sendall(received)
        except OSError:  # the server is closed, or a connection was cut
            if server.fileno() < 0:
                return


def _is_cut(client: socket.socket) -> bool:
    try:
        client.sendall(b"anybody there?")
        return not client.recv(100)
    except ConnectionError:
        return True


def test_a_sound_network_passes_on_and_a_slow_one_later(network):
    proxy, port = network
    with socket.create_connection((LOOPBACK, port), 5) as client:
        client.sendall(b"one")
        assert client.recv(10) == b"one"
        proxy.become(Network.SLOW)
        began = time.monotonic()
        client.sendall(b"two")
        assert client.recv(10) == b"two"
        assert time.monotonic() - began >= 0.2, "there and back"


def test_a_stalled_network_holds_back_until_it_is_sound_again(network):
    proxy, port = network
    with socket.create_connection((LOOPBACK, port), 5) as client:
        proxy.become(Network.STALLED)
        client.sendall(b"later")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(10)
        proxy.become(Network.SOUND)
        client.settimeout(5)
        assert client.recv(10) == b"later"


def test_a_cut_resets_connections_and_refuses_new_ones_until_it_is_mended(network):
    proxy, port = network
    with socket.create_connection((LOOPBACK, port), 5) as client:
        client.sendall(b"one")
        assert client.recv(10) == b"one"
        proxy.become(Network.CUT)
        assert _is_cut(client)
    with socket.create_connection((LOOPBACK, port), 5) as client:
        assert _is_cut(client)
    proxy.become(Network.SOUND)
    with socket.create_connection((LOOPBACK, port), 5) as client:
        client.sendall(b"four")
        assert client.recv(10) == b"four"
