import socket

from streaming.kafka.offsets import accepts_connections


def test_servers_that_are_not_there_or_cannot_be_accept_no_connection(free_port):
    assert not accepts_connections(f"127.0.0.1:{free_port()},nowhere,127.0.0.1:x,127.0.0.1:99999")
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert accepts_connections(f"127.0.0.1:{free_port()},127.0.0.1:{server.getsockname()[1]}")
