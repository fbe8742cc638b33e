"""A program: the network between each Weir and its servers, which can be cut and healed.

Reads orders from its standard input, a line each, answers each with `done`, and ends with its input:

    open NAME PORT TARGET    listens on PORT and leads to TARGET, for the process NAME
    cut NAME                 nothing passes any more in either direction, and nobody gets through anew
    heal NAME                what was held back goes on, as TCP would have sent it again

As in a network: what was sent before a cut and could not pass is delivered after it, unless its sender has
reset the connection meanwhile; a connection that is asked for during a cut comes to nothing.
"""

import asyncio
import contextlib
import socket
import struct
import sys

HOST = "127.0.0.1"
TCP_CLOSE = 7  # a state of TCP_INFO: over, and not by an orderly end


class Side(asyncio.Protocol):
    """One end of a wire. What arrives here leaves at the other end."""

    def __init__(self, wire):
        self.wire, self.peer, self.transport = wire, None, None
        self.reads = True
        self.is_full = False  # what leaves here does not leave fast enough
        self.has_ended = False

    def connection_made(self, transport):
        self.transport = transport
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.steer()

    def data_received(self, data):
        self.peer.transport.write(data)

    def pause_writing(self):
        self.is_full = True
        self.peer.steer()

    def resume_writing(self):
        self.is_full = False
        self.peer.steer()

    def eof_received(self):
        self.has_ended = True
        if self.peer.has_ended:
            self.peer.transport.close()
            return False
        with contextlib.suppress(OSError):
            self.peer.transport.write_eof()
        return True  # the other direction goes on

    def connection_lost(self, error):
        if error is not None or not self.has_ended:
            self.peer.reset()
        self.wire.end()

    def steer(self):
        """Reads here only while what arrives may leave at the other end."""
        if self.transport is None or self.transport.is_closing():
            return
        peer = self.peer
        wanted = not self.wire.line.is_cut and peer.transport is not None and not peer.is_full
        if wanted and not self.reads:
            self.transport.resume_reading()
        elif not wanted and self.reads:
            self.transport.pause_reading()
        self.reads = wanted

    def was_reset(self):
        sock = self.transport.get_extra_info("socket")
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TCP_CLOSE

    def reset(self):
        if self.transport is None or self.transport.is_closing():
            return
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class Wire:
    """One connection through the proxy."""

    def __init__(self, line):
        self.line = line
        self.near, self.far = Side(self), Side(self)
        self.near.peer, self.far.peer = self.far, self.near
        line.wires.add(self)

    async def connect(self, sock, port):
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(lambda: self.near, sock)
        try:
            await loop.create_connection(lambda: self.far, HOST, port)
        except OSError:
            self.near.reset()
            return
        self.near.steer()

    def end(self):
        self.line.wires.discard(self)

    def heal(self):
        """A reset that was sent during the cut goes before all that could not pass."""
        sides = [side for side in (self.near, self.far) if side.transport and not side.transport.is_closing()]
        if any(side.was_reset() for side in sides):
            for side in sides:
                side.reset()
        for side in sides:
            side.steer()


class Line:
    """All connections of one process."""

    def __init__(self):
        self.doors, self.wires, self.is_cut = [], set(), False

    def open(self, port, target):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(256)
        listener.setblocking(False)
        self.doors.append((listener, target))
        self.watch(listener, target)

    def watch(self, listener, target):
        asyncio.get_running_loop().add_reader(listener, self.accept, listener, target)

    def accept(self, listener, target):
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):
            sock, _ = listener.accept()
            task = asyncio.get_running_loop().create_task(Wire(self).connect(sock, target))
            running.add(task)
            task.add_done_callback(running.discard)

    def cut(self):
        self.is_cut = True
        for listener, _ in self.doors:
            asyncio.get_running_loop().remove_reader(listener)
        for wire in self.wires:
            wire.near.steer()
            wire.far.steer()

    def heal(self):
        self.is_cut = False
        for listener, target in self.doors:
            self.refuse_waiting(listener)
            self.watch(listener, target)
        for wire in list(self.wires):
            wire.heal()

    @staticmethod
    def refuse_waiting(listener):
        """The kernel has greeted them where a cut network would have been silent."""
        with contextlib.suppress(BlockingIOError):
            while True:
                sock, _ = listener.accept()
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.close()


running = set()  # the loop itself keeps no task alive


async def main():
    lines = {}
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while order := (await orders.readline()).decode().split():
        verb, name, *numbers = order
        line = lines.setdefault(name, Line())
        if verb == "open":
            line.open(*map(int, numbers))
        elif verb == "cut":
            line.cut()
        else:
            line.heal()
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
