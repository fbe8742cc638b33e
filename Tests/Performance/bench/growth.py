"""What a transaction costs as those grow who do nothing: connected clients, pools."""

import dataclasses

from loads import Pgbench
from machine import Failure
from measure import measure
from poolers import POOLERS, TITLES, Arrangement
from protocol import Crowd

ACTIVE_CLIENTS = 32
ACTIVE_POOLS = 20


@dataclasses.dataclass(frozen=True)
class ManyPools:
    """A pgbench with one client for each active pool; all in the same pool when there is only one."""

    pools: int
    load = Pgbench(1, options=("-S",))

    def run(self, bench, port, seconds):
        folder = bench.folder / "logs"
        for old in folder.iterdir():
            old.unlink()
        processes = []
        try:
            for index in range(ACTIVE_POOLS):
                processes.append(self.load.start(bench, port, seconds, f"p{index % self.pools}",
                                                 folder / f"transactions-{index}"))
            for process in processes:
                self.load.wait(process, seconds)
        finally:
            for process in processes:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        return self.load.completions(folder.iterdir())


@dataclasses.dataclass
class GrowthResult:
    row: "Growth"
    connected: dict  # target → {connected clients: µs a transaction, a value a round}
    pools: dict  # target → {pools: µs a transaction, a value a round}
    reasons: dict


@dataclasses.dataclass(frozen=True)
class Growth:
    """Two series a target, each in one process of the pooler that grows from point to point."""

    name: str
    title: str
    connected: tuple = (32, 100, 1_000, 3_000, 10_000)
    pools: tuple = (1, 20, 100, 300, 1_000)
    limit: float = 1.15

    def run(self, bench):
        bench.needs_descriptors(self.connected[-1] + 2_000)
        names = [name for name in bench.targets if name in POOLERS]
        result = GrowthResult(self, {name: {} for name in names}, {name: {} for name in names}, {})
        for number in range(bench.rounds):
            for name in bench.in_turn([name for name in names if name not in result.reasons], number):
                try:
                    self.grow_connected(bench, name, number, result.connected[name])
                    self.grow_pools(bench, name, number, result.pools[name])
                except (Failure, OSError) as failure:
                    bench.say(f"{self.name}, {TITLES[name]}: {failure}")
                    bench.failed = True
                    result.reasons[name] = str(failure)
                    del result.connected[name], result.pools[name]
        return result

    def grow_connected(self, bench, name, number, found):
        target = bench.starter.start(name, Arrangement(clients=self.connected[-1] + 100))
        load = Pgbench(ACTIVE_CLIENTS, options=("-S",))
        try:
            with Crowd() as crowd:
                measure(bench, load, target, 1)
                for point in self.connected:
                    idle = point - ACTIVE_CLIENTS
                    crowd.grow(target.port, ["postgres"] * (idle - len(crowd.members)))
                    self.take(bench, name, number, f"{point} connected", load, target, found, point)
        finally:
            target.stop()

    def grow_pools(self, bench, name, number, found):
        target = bench.starter.start(name, Arrangement(databases=self.pools[-1]))
        try:
            with Crowd() as crowd:
                measure(bench, ManyPools(self.pools[0]), target, 1)
                for point in self.pools:
                    crowd.grow(target.port, [f"p{index}" for index in range(len(crowd.members), point)])
                    self.take(bench, name, number, f"{point} pools", ManyPools(point), target, found, point)
        finally:
            target.stop()

    def take(self, bench, name, number, what, load, target, found, point):
        sample = measure(bench, load, target, bench.seconds)
        found.setdefault(point, []).append(sample.cpu)
        bench.say(f"{self.name} {number + 1}/{bench.rounds}, {TITLES[name]}, {what}: {sample.cpu:.1f} µs")
