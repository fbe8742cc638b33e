"""What the bench needs of the machine: an account for servers, ports, processes and their accounts, facts."""

import os
import platform
import pwd
import resource
import socket
import subprocess
import threading
import time


class Failure(Exception):
    """Why a target cannot be measured on a row."""


class Account:
    """Whom poolers and PostgreSQL run as: never root."""

    def __init__(self):
        self.entry = pwd.getpwnam("postgres") if os.getuid() == 0 else None

    def command(self, *words):
        if self.entry is None:
            return list(words)
        user = [f"--reuid={self.entry.pw_uid}", f"--regid={self.entry.pw_gid}", "--clear-groups"]
        return ["setpriv", *user, *words]

    def give(self, path):
        if self.entry is not None:
            os.chown(path, self.entry.pw_uid, self.entry.pw_gid)


class Ports:
    """Hands out ports on loopback that nobody listens on, in order."""

    def __init__(self, first):
        self.next = first

    def take(self):
        while is_listening(self.next):
            self.next += 1
        self.next += 1
        return self.next - 1


def is_listening(port):
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def raise_descriptor_limit(wanted=40_000):
    """As many open files as allowed, up to `wanted`; children inherit it. Returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if os.getuid() == 0 and hard != unlimited and hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return wanted
        except (OSError, ValueError):
            pass
    limit = wanted if hard == unlimited else min(hard, max(wanted, soft))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return limit


def cpu_nanoseconds(pid):
    """CPU time of a process so far, all its threads and those that ended: the process's CPU clock."""
    return time.clock_gettime_ns((~pid << 3) | 2)


def resident_bytes(pid):
    """Resident memory, counted page by page."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            if line.startswith("Rss:"):
                return int(line.split()[1]) * 1024
    raise Failure("no resident memory in smaps_rollup")


class Sampler:
    """Reads a process's CPU time every few milliseconds while a load runs, and its memory at times."""

    PERIOD = 0.01
    MEMORY_EVERY = 20

    def __init__(self, pid):
        self.pid = pid
        self.readings = []  # (wall clock in µs, CPU time in ns), rising
        self.resident = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def run(self):
        count = 0
        while not self.ended.wait(self.PERIOD):
            used = cpu_nanoseconds(self.pid) if self.pid else 0
            self.readings.append((time.time_ns() // 1000, used))
            if self.pid and count % self.MEMORY_EVERY == 0:
                self.resident = max(self.resident, resident_bytes(self.pid))
            count += 1


def output_of(*command):
    """The first line that a program prints, or nothing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout or done.stderr).strip().split("\n")[0]


def processor():
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def memory_gib():
    with open("/proc/meminfo") as file:
        return int(file.readline().split()[1]) / 1024 / 1024


def stop(process, seconds=10):
    """Ends a process that the bench started."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
