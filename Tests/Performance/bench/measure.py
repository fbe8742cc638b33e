"""One run of a load through one target, and what many runs have in common."""

import bisect
import dataclasses
import statistics

from bystanders import Bystanders
from machine import Failure, Sampler

# Runs with fewer transactions are counted from the first one's end to the last one's; of others the beginning
# and the end are left out, where clients still log in or have already stopped.
FEW = 1_000


@dataclasses.dataclass(frozen=True)
class Sample:
    """What a run came to. CPU time and memory are the pooler's; `direct` has none."""

    tps: float
    p50: float  # ms
    p99: float  # ms
    cpu: float | None  # µs a transaction
    resident: int | None  # bytes


def measure(bench, load, target, seconds):
    with Bystanders(bench.postgres.postmaster(), target.pid) as bystanders, Sampler(target.pid) as sampler:
        completions = load.run(bench, target.port, seconds)
    target.check()
    bench.bystanders.append(bystanders.share)
    return sample(completions, sampler)


def sample(completions, sampler):
    if len(completions) < 10:
        raise Failure(f"only {len(completions)} transactions ended")
    ends = [end for end, _ in completions]
    span = ends[-1] - ends[0]
    begin, finish = ends[0], ends[-1]
    if len(completions) >= FEW:
        begin, finish = ends[0] + span * 0.1, ends[-1] - span * 0.05
    readings = [reading for reading in sampler.readings if begin <= reading[0] <= finish]
    if len(readings) < 2:
        raise Failure("the run was too short to read the CPU time in it")
    (begin, used_before), (finish, used_after) = readings[0], readings[-1]
    within = completions[bisect.bisect_right(ends, begin):bisect.bisect_right(ends, finish)]
    if not within:
        raise Failure("no transaction ended while CPU time was read")
    latencies = sorted(latency for _, latency in within)
    has_process = sampler.pid is not None
    return Sample(
        tps=len(within) / (finish - begin) * 1e6,
        p50=percentile(latencies, 0.50) / 1000,
        p99=percentile(latencies, 0.99) / 1000,
        cpu=(used_after - used_before) / 1000 / len(within) if has_process else None,
        resident=sampler.resident if has_process else None)


def percentile(ordered, share):
    """The smallest value that at least this share does not exceed."""
    return ordered[max(0, -int(-len(ordered) * share // 1) - 1)]


@dataclasses.dataclass(frozen=True)
class Spread:
    """Median, least and greatest of the rounds."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values):
        """Of the values that are there; nothing if there are none."""
        values = [value for value in values if value is not None]
        return cls(statistics.median(values), min(values), max(values)) if values else None


def ratios(values, others):
    """Spread of the pairs' ratios: a round's value by the same round's other value."""
    return Spread.of([value / other for value, other in zip(values, others) if value is not None and other])
