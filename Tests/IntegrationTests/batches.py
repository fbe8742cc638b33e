"""Both ends of a load that costs them little, as programs of their own: a pooler between is most of the work.

  batches.py server PORT               a PostgreSQL that answers every simple query at once
  batches.py clients PORT COUNT SECONDS PID
                                       clients that send batches of queries, one after the other; prints
                                       queries a second and a CPU second of the process PID

All queries and all answers are the same, so bytes are counted and nothing is looked at.
"""

import selectors
import socket
import struct
import sys
import time

from fake_backend import GREETING
from pgwire import cstring, message, startup_packet

HOST = "127.0.0.1"
QUERY = message("Q", cstring("SELECT 1"))
COLUMN = cstring("?column?") + struct.pack("!ihihih", 0, 0, 23, 4, -1, 0)
ANSWER = (message("T", struct.pack("!h", 1) + COLUMN) + message("D", struct.pack("!hi", 1, 1) + b"1")
          + message("C", cstring("SELECT 1")) + message("Z", b"I"))
BATCH = 200


class Peer:
    def __init__(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock, self.rest, self.is_greeted = sock, 0, False


def serve(port):
    listener = socket.create_server((HOST, port), backlog=128)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ, None)
    while True:
        for key, _ in selector.select():
            if key.data is None:
                peer = Peer(listener.accept()[0])
                selector.register(peer.sock, selectors.EVENT_READ, peer)
                continue
            peer = key.data
            try:
                data = peer.sock.recv(65536)
                if not data or data[:1] == b"X":
                    raise ConnectionResetError
                if not peer.is_greeted:
                    peer.is_greeted = True
                    peer.sock.sendall(GREETING)
                    continue
                count, peer.rest = divmod(peer.rest + len(data), len(QUERY))
                peer.sock.sendall(ANSWER * count)
            except OSError:
                selector.unregister(peer.sock)
                peer.sock.close()


def load(port, count, seconds, pid):
    selector = selectors.DefaultSelector()
    for _ in range(count):
        peer = Peer(socket.create_connection((HOST, port)))
        peer.sock.settimeout(20)
        peer.sock.sendall(startup_packet({"user": "app", "database": "app"}))
        data = b""
        while not data.endswith(message("Z", b"I")):
            data += peer.sock.recv(65536)
        selector.register(peer.sock, selectors.EVENT_READ, peer)
    for key in list(selector.get_map().values()):
        key.data.sock.sendall(QUERY * BATCH)
    clock = ~pid << 3 | 2  # clock_getcpuclockid(3) of a process
    begin = time.monotonic() + 0.5
    end, done, start, used = begin + seconds, 0, None, 0
    while (now := time.monotonic()) < end:
        if start is None and now >= begin:
            start, done, used = now, 0, time.clock_gettime(clock)
        for key, _ in selector.select(1):
            peer = key.data
            peer.rest += len(peer.sock.recv(262144))
            if peer.rest == len(ANSWER) * BATCH:
                peer.rest = 0
                done += BATCH
                peer.sock.sendall(QUERY * BATCH)
            assert peer.rest < len(ANSWER) * BATCH, "more answers than queries"
    used = time.clock_gettime(clock) - used
    print(done / (now - start), done / used)


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve(int(sys.argv[2]))
    else:
        load(*map(int, sys.argv[2:]))
