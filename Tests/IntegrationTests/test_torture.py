"""A fleet with one budget under faults: the short forms of scripts/torture and scripts/convergence.

What they do and see stands in Tests/torture. They run once, not for each engine: it is not the event loop that
is on trial.
"""

import json
import os
import subprocess
import sys

import pytest

from harness import ROOT

pytestmark = pytest.mark.weir_only

#: Seconds within which all slots are in use again after a fault. On a machine of its own it is 3; where tests
#: are run beside other things it is not to be held to that.
RECOVERY = 10


def run(pytestconfig, tmp_path, program, *arguments):
    """Runs a program of Tests/torture, and returns its numbers and what it said."""
    report = tmp_path / "report.json"
    done = subprocess.run(
        [sys.executable, "-B", str(ROOT / "Tests/torture" / program), "--report", str(report), *arguments],
        env={**os.environ, "WEIR_BIN": str(pytestconfig.binary.given)}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=400)
    print(done.stdout)
    assert report.exists(), done.stdout[-4000:]
    return json.loads(report.read_text()), done.stdout


@pytest.mark.parametrize("ledger, fence", [
    ("postgres", "wait"),
    ("etcd", "terminate"),
])
def test_the_budget_holds_whatever_dies(pytestconfig, tmp_path, ledger, fence):
    """Every fault of the ledger once, among them a killed, a paused and a cut-off process."""
    numbers, said = run(pytestconfig, tmp_path, "torture.py", "--ledger", ledger, "--fence", fence, "--seconds", "45",
                        "--processes", "3", "--clients", "150", "--seed", "5", "--recovery", str(RECOVERY))
    assert numbers["overshoot"] <= 0, said
    assert numbers["samples"] > 200 and numbers["answered"] > 500, said
    assert not numbers["wrong"] and not numbers["silent"] and not numbers["unexplained"], said
    assert not numbers["failures"], said


@pytest.mark.parametrize("ledger", ["postgres", "etcd"])
def test_slots_follow_the_work(pytestconfig, tmp_path, ledger):
    numbers, said = run(pytestconfig, tmp_path, "convergence.py", "--ledger", ledger, "--swaps", "5", "--target", "5")
    assert numbers["overshoot"] == 0, said
    assert numbers["max"] <= 5, said
