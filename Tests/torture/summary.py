"""The end of a run: what was seen, in words and in numbers."""

import statistics


class Summary:
    """Everything that decides whether a run has passed."""

    def __init__(self, fleet, tally, recoveries, limit):
        self.fleet, self.tally, self.recoveries, self.limit = fleet, tally, recoveries, limit
        taken = fleet.samples.taken()
        self.samples = len(taken)
        self.maximum = max((len(sample.sessions) for sample in taken), default=0)
        #: Of clients' sessions: what control connections leave free is nobody's.
        self.most_used = max((self.clients(sample) for sample in taken), default=0)
        self.overshoot = max(self.maximum - fleet.budget, self.most_used - fleet.usable)
        self.over = [sample for sample in taken
                     if len(sample.sessions) > fleet.budget or self.clients(sample) > fleet.usable]
        self.crashed = fleet.crashed()
        self.late = [(name, seconds) for name, seconds, most in recoveries
                     if seconds is None or seconds > (most or limit)]

    @staticmethod
    def clients(sample):
        return sum(1 for session in sample.sessions if session.role == "app")

    def failures(self):
        """What was not as it should be, a line each."""
        tally = self.tally
        found = []
        if self.overshoot > 0:
            found.append(f"{len(self.over)} samples over the budget")
        for number, what in ((len(tally.wrong), "wrong answers"), (len(tally.silent), "silent clients"),
                             (len(tally.unexplained), "connections ended without a reason"),
                             (len(self.late), f"recoveries late (more than {self.limit} s)")):
            if number:
                found.append(f"{number} {what}")
        found += [f"{name} has ended by itself" for name in self.crashed]
        found += [complaint for complaint in self.fleet.complaints if complaint.split(":")[0] not in self.crashed]
        return found

    def table(self):
        """A row for each fault: how often, and how long until all slots were in use again."""
        by_name = {}
        for name, seconds, _ in self.recoveries:
            by_name.setdefault(name, []).append(seconds)
        rows = [("fault", "count", "median s", "maximum s", "not recovered")]
        for name, times in sorted(by_name.items()):
            known = [seconds for seconds in times if seconds is not None]
            rows.append((name, str(len(times)), f"{statistics.median(known):.2f}" if known else "-",
                         f"{max(known):.2f}" if known else "-", str(len(times) - len(known))))
        widths = [max(map(len, column)) for column in zip(*rows)]
        return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]

    def describe_overshoot(self):
        """The sessions of the first samples over the budget."""
        for sample in self.over[:3]:
            yield f"at {sample.before:.2f}, read in {1000 * (sample.after - sample.before):.1f} ms:"
            for session in sorted(sample.sessions, key=lambda session: session.start):
                yield f"  {session.start / 1000:.3f} {session.pid} {session.role} {session.database} {session.application}"

    def lines(self):
        tally = self.tally
        errors = ", ".join(f"{code} {count}" for code, count in tally.errors.most_common()) or "none"
        yield (f"ledger {self.fleet.ledger}, fence {self.fleet.fence}, {len(self.fleet.members)} processes, "
               f"budget {self.fleet.budget}, usable {self.fleet.usable}")
        yield (f"samples {self.samples} (longest gap {self.fleet.samples.longest_gap():.2f} s), "
               f"maximum {self.maximum}, of clients {self.most_used}, overshoot {max(0, self.overshoot)}")
        yield f"requests answered {tally.answered}, errors by SQLSTATE: {errors}"
        yield (f"connections ended by a fault {tally.cut_off}, refused by a dead process {tally.refused}, "
               f"given up at a paused one {tally.left}")
        yield (f"silent clients {len(tally.silent)}, wrong answers {len(tally.wrong)}, "
               f"ended without a reason {len(tally.unexplained)}")
        yield ""
        yield from self.table()
        yield ""
        yield from self.describe_overshoot()
        yield from tally.examples()
        failures = self.failures()
        yield "failed: " + "; ".join(failures) if failures else "passed"

    def numbers(self):
        """For other programs."""
        return {
            "samples": self.samples, "maximum": self.maximum, "most_used": self.most_used, "overshoot": self.overshoot,
            "answered": self.tally.answered, "errors": dict(self.tally.errors),
            "wrong": self.tally.wrong, "silent": self.tally.silent, "unexplained": self.tally.unexplained,
            "recoveries": [list(recovery) for recovery in self.recoveries], "failures": self.failures(),
        }
