"""TCP ports of this machine: free ports, and the processes that use the others."""

import secrets
import socket
from typing import Final

import psutil

from ticketsim.exceptions import PortTaken

LOOPBACK: Final = "127.0.0.1"

#: Below the ports that systems give to outgoing connections (Linux from 32768 on), or one of those might take a chosen
#: port before the process that it was chosen for does, or while that process restarts.
_CHOICE: Final = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Return whether a server could listen on ``port`` of the loopback interface now."""
    with socket.socket() as probe:
        # On some systems a loopback address can be bound although another process listens on all addresses.
        if probe.connect_ex((LOOPBACK, port)) == 0:
            return False
    with socket.socket() as server:
        # As servers do: lingering connections of a previous server do not count.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a free port, chosen at random so that concurrent processes rarely collide."""
    while True:
        port = _CHOICE[secrets.randbelow(len(_CHOICE))]
        if is_free(port):
            return port


def holder_of(port: int) -> str | None:
    """Return the process that listens on ``port``, as ``name (pid 123)``; None if there is none or it is unknown."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return None
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
            try:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
            except psutil.Error:
                return None
    return None


def require_free(port: int, purpose: str, option: str) -> None:
    """Check that a server can listen on ``port``.

    Args:
        port: The port, on the loopback interface.
        purpose: What it is for, e.g. ``Dagster's UI``.
        option: The option that chooses another one.

    Raises:
        PortTaken: Another process listens on it.
    """
    if not is_free(port):
        holder = holder_of(port) or "another process"
        raise PortTaken(f"Port {port}, for {purpose}, is in use by {holder}. Choose another one with {option}.")
