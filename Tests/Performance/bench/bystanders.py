"""How much of the machine's CPU time went to others while a load ran."""

import os

from machine import cpu_nanoseconds

TICK = os.sysconf("SC_CLK_TCK")


def machine_seconds():
    """(busy, all) CPU time of all CPUs so far. Time that the hypervisor took is busy: it was not ours."""
    with open("/proc/stat") as file:
        user, nice, system, idle, iowait, *others = (int(word) for word in file.readline().split()[1:9])
    busy = user + nice + system + sum(others)
    return busy / TICK, (busy + idle + iowait) / TICK


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def process_seconds(pid):
    try:
        return cpu_nanoseconds(pid) / 1e9
    except OSError:
        return 0.0


def postgres_seconds(postmaster):
    """The postmaster, the processes that it has, and those that ended."""
    with open(f"/proc/{postmaster}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    ended = (int(fields[13]) + int(fields[14])) / TICK
    return ended + sum(process_seconds(pid) for pid in [postmaster, *children(postmaster)])


class Bystanders:
    """Everything that is neither the bench, its load, the pooler under test nor PostgreSQL."""

    def __init__(self, postmaster, pooler):
        self.postmaster, self.pooler = postmaster, pooler
        self.share = 0.0

    def readings(self):
        mine = os.times()
        own = mine.user + mine.system + mine.children_user + mine.children_system
        own += postgres_seconds(self.postmaster)
        own += process_seconds(self.pooler) if self.pooler else 0
        return (*machine_seconds(), own)

    def __enter__(self):
        self.before = self.readings()
        return self

    def __exit__(self, *_):
        busy, total, own = (after - before for after, before in zip(self.readings(), self.before))
        self.share = min(1.0, max(0.0, (busy - own) / total)) if total else 0.0
