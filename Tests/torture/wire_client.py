"""A client of PostgreSQL's protocol for event loops: as many as a test wants, in one thread."""

import asyncio
import time

from pgwire import Closed, ServerError, cstring, error_fields, message, row, startup_packet


class Reply:
    """What came between a request and its ReadyForQuery, or the end of the connection."""

    __slots__ = ("rows", "error", "is_fatal", "status")

    def __init__(self):
        self.rows, self.error, self.is_fatal, self.status = [], None, False, ""


class WireClient(asyncio.Protocol):
    """One connection that sends one simple query after the other."""

    def __init__(self):
        self.transport, self.pending, self.reply, self.waiter = None, bytearray(), Reply(), None
        self.is_closed = False
        #: The error that came before the connection's end, asked for or not.
        self.farewell = None
        #: When something last arrived (monotonic clock).
        self.heard = time.monotonic()

    @classmethod
    async def connect(cls, port, host="127.0.0.1"):
        """A connection that is not logged in; raises OSError where nobody listens."""
        _, client = await asyncio.get_running_loop().create_connection(cls, host, port)
        return client

    # Requests: each gives a future of a Reply, or of Closed.

    def login(self, user, database, **options):
        return self.send(startup_packet({"user": user, "database": database, **options}))

    def query(self, sql):
        return self.send(message("Q", cstring(sql)))

    def send(self, data):
        assert self.waiter is None, "one request at a time"
        self.reply = Reply()
        future = self.waiter = asyncio.get_running_loop().create_future()
        if self.farewell:
            self.reply.error, self.reply.is_fatal = self.farewell, True
            self.finish()
        elif self.is_closed:
            self.finish(Closed("before the request"))
        else:
            self.transport.write(data)
        return future

    def finish(self, error=None):
        waiter, self.waiter = self.waiter, None
        if waiter is None or waiter.done():
            return
        if error is None:
            waiter.set_result(self.reply)
        else:
            waiter.set_exception(error)

    def terminate(self):
        if not self.is_closed:
            self.transport.write(message("X"))
            self.transport.close()

    def abort(self):
        if self.waiter is not None:
            self.waiter.cancel()
        if self.transport:
            self.transport.abort()

    # What arrives.

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.heard = time.monotonic()
        pending = self.pending
        pending += data
        at = 0
        while len(pending) - at >= 5:
            end = at + 1 + int.from_bytes(pending[at + 1:at + 5], "big")
            if len(pending) < end:
                break
            self.received(pending[at], bytes(pending[at + 5:end]))
            at = end
        del pending[:at]

    def received(self, kind, body):
        if kind == ord("D"):
            self.reply.rows.append(row(body))
        elif kind == ord("E"):
            error = ServerError(error_fields(body))
            self.reply.error = self.reply.error or error
            if error.severity in ("FATAL", "PANIC"):
                self.farewell, self.reply.is_fatal = error, True
                self.finish()
        elif kind == ord("Z"):
            self.reply.status = body.decode()
            self.finish()
        elif kind == ord("R") and body != bytes(4):
            self.finish(AssertionError("these clients log in without a password"))

    def connection_lost(self, error):
        self.is_closed = True
        self.finish(Closed(str(error or "end of file")))
