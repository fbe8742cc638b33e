"""A server that speaks just enough of the protocol to do what no real PostgreSQL can be made to do."""

import socket
import struct
import threading

from harness import HOST, free_port
from pgwire import CANCEL_REQUEST, PROTOCOL_3_0, Closed, cstring, message

GREETING = (
    message("R", struct.pack("!i", 0))
    + b"".join(message("S", cstring(name) + cstring(value)) for name, value in {
        "server_version": "15.0", "client_encoding": "UTF8", "DateStyle": "ISO, MDY", "TimeZone": "UTC",
        "standard_conforming_strings": "on", "application_name": "", "IntervalStyle": "postgres",
    }.items())
    + message("K", struct.pack("!ii", 4711, 42))
    + message("Z", b"I")
)


def error(code, text, severity="ERROR"):
    fields = {"S": severity, "V": severity, "C": code, "M": text}
    return message("E", b"".join(kind.encode() + cstring(value) for kind, value in fields.items()) + b"\0")


def answer(tag="SELECT 0", status="I"):
    return message("C", cstring(tag)) + message("Z", status.encode())


class Session:
    """One connection from the pooler, after its login."""

    def __init__(self, sock, number):
        self.sock, self.number, self.pending = sock, number, b""

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError as failure:
            raise Closed(str(failure)) from failure

    def read(self, count):
        while len(self.pending) < count:
            try:
                chunk = self.sock.recv(65536)
            except OSError as failure:
                raise Closed(str(failure)) from failure
            if not chunk:
                raise Closed("end of file")
            self.pending += chunk
        data, self.pending = self.pending[:count], self.pending[count:]
        return data

    def receive(self):
        """The next message as (kind, body)."""
        head = self.read(5)
        (length,) = struct.unpack("!i", head[1:])
        return chr(head[0]), self.read(length - 4)


class FakeBackend:
    """Listens, lets everybody in, and runs `serve(session)` for each connection on a thread.

    A connection with a cancel request stays open while `canceled(key)` runs on its thread.
    """

    def __init__(self, serve, greeting=GREETING, canceled=None):
        self.greeting, self.canceled = greeting, canceled
        self.serve, self.port, self.sessions = serve, free_port(), []
        self.listener = socket.create_server((HOST, self.port), backlog=64)
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop_listening()
        for session in self.sessions:
            session.sock.close()

    def stop_listening(self):
        """Refuses whoever comes from now on."""
        try:
            # Wakes the thread that accepts; a close alone would not, and the port would stay open.
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.run, args=(sock,), daemon=True).start()

    def run(self, sock):
        session = Session(sock, len(self.sessions))
        try:
            (length,) = struct.unpack("!i", session.read(4))
            packet = session.read(length - 4)
            (code,) = struct.unpack("!i", packet[:4])
            if code == CANCEL_REQUEST and self.canceled:
                self.canceled(packet[4:])
            elif code == PROTOCOL_3_0:
                self.sessions.append(session)
                session.send(self.greeting)
                self.serve(session)
        except Closed:
            pass
        finally:
            sock.close()
