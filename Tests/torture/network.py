"""The network of a fleet, as those see it who cut and heal it."""

import subprocess
import sys
import threading
from pathlib import Path

from harness import free_port


class Network:
    """Keeps the program that forwards for every process (`proxy.py`)."""

    def __init__(self):
        program = Path(__file__).with_name("proxy.py")
        self.process = subprocess.Popen([sys.executable, "-B", str(program)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.lock = threading.Lock()

    def order(self, *words):
        with self.lock:
            print(*words, file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline().strip()
        if answer != "done":
            raise RuntimeError(f"the network has ended at `{' '.join(map(str, words))}`")

    def open(self, name, target):
        """A port that leads to another one until the process's network is cut."""
        port = free_port()
        self.order("open", name, port, target)
        return port

    def cut(self, name):
        self.order("cut", name)

    def heal(self, name):
        self.order("heal", name)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
