"""Memory of clients that are connected and silent."""

import dataclasses
import time

from machine import Failure, resident_bytes
from poolers import POOLERS, TITLES, Arrangement
from protocol import Crowd


@dataclasses.dataclass
class IdleResult:
    row: "Idle"
    samples: dict  # target → resident bytes per idle client, a value a round
    reasons: dict


@dataclasses.dataclass(frozen=True)
class Idle:
    """Each round starts the pooler anew: memory that it once had would hide what clients take."""

    name: str
    title: str
    clients: int = 9_000
    limits: tuple = (1.0, 1.0)

    def run(self, bench):
        bench.needs_descriptors(self.clients + 500)
        names = [name for name in bench.targets if name in POOLERS]
        result = IdleResult(self, {name: [] for name in names}, {})
        for number in range(bench.rounds):
            for name in bench.in_turn(list(result.samples), number):
                try:
                    value = self.measure(bench, name)
                except (Failure, OSError) as failure:
                    bench.say(f"{self.name}, {TITLES[name]}: {failure}")
                    bench.failed = True
                    result.reasons[name] = str(failure)
                    del result.samples[name]
                    continue
                result.samples[name].append(value)
                bench.say(f"{self.name} {number + 1}/{bench.rounds}, {TITLES[name]}: {value:.0f} bytes "
                          "a client")
        return result

    def measure(self, bench, name):
        target = bench.starter.start(name, Arrangement(clients=self.clients + 100))
        try:
            with Crowd() as crowd:
                # The first ones make the pooler touch its own code and tables, and open servers.
                crowd.grow(target.port, ["postgres"] * 64)
                time.sleep(0.5)
                before = resident_bytes(target.pid)
                crowd.grow(target.port, ["postgres"] * self.clients)
                time.sleep(1)
                target.check()
                return (resident_bytes(target.pid) - before) / self.clients
        finally:
            target.stop()
