import os
import socket

from ticketsim.stack.ports import free_port, holder_of, is_free


def test_a_port_is_free_until_somebody_listens():
    port = free_port()
    assert is_free(port)
    assert holder_of(port) is None
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
        assert f"(pid {os.getpid()})" in holder_of(port)
    assert is_free(port)


def test_somebody_who_listens_on_all_addresses_takes_the_port_too():
    with socket.create_server(("", 0)) as server:
        assert not is_free(server.getsockname()[1])


def test_chosen_ports_lie_below_those_that_systems_give_to_outgoing_connections():
    assert all(20_000 <= free_port() < 32_000 for _ in range(20))
