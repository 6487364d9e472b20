"""The network between the stream and its broker: a TCP proxy that can be slow, hold everything back, or be cut."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from ticketsim.stack.ports import LOOPBACK

#: What is passed on at once; a slow network takes its delay for each.
_CHUNK = 16_384

_SLOW_S = 0.1


class Network(StrEnum):
    """What the network does with what is sent."""

    SOUND = "sound"
    SLOW = "slow"  #: passes each 16 KiB on a tenth of a second later
    STALLED = "stalled"  #: connections stay, nothing arrives
    CUT = "cut"  #: connections are reset, new ones as well


class Proxy:
    """Passes connections on to ``port`` of this machine; ``network`` is read before each chunk."""

    def __init__(self, port: int) -> None:
        self.network = Network.SOUND
        self._to = port
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._sound = asyncio.Event()
        self._sound.set()

    @contextmanager
    def listening(self, port: int) -> Iterator[None]:
        """Serve on ``port`` in a thread of its own while the block lasts."""
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        server = self._run(asyncio.start_server(self._serve, LOOPBACK, port))
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(server.close)
            self.become(Network.CUT)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(10)

    def become(self, network: Network) -> None:
        """Change the network from now on; a cut ends the connections that there are."""
        self._run(self._become(network))

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _become(self, network: Network) -> None:
        self.network = network
        if network is Network.STALLED:
            self._sound.clear()
        else:
            self._sound.set()
        if network is Network.CUT:
            for writer in self._open:
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.network is Network.CUT:
            writer.transport.abort()
            return
        try:
            upstream, to_upstream = await asyncio.open_connection(LOOPBACK, self._to)
        except OSError:  # the broker is down
            writer.transport.abort()
            return
        both = {writer, to_upstream}
        self._open |= both
        await asyncio.gather(self._pass_on(reader, to_upstream), self._pass_on(upstream, writer))
        self._open -= both

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(_CHUNK):
                await self._sound.wait()
                if self.network is Network.SLOW:
                    await asyncio.sleep(_SLOW_S)
                writer.write(chunk)
                await writer.drain()
        except OSError:  # either end is gone
            pass
        finally:
            writer.close()
