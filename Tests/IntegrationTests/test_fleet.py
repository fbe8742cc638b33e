"""Several processes share the budget of one PostgreSQL server, by the ledger `postgres`."""

import pytest

from harness import wait_until
from test_limits import hold, must_wait, release

pytestmark = pytest.mark.weir_only


@pytest.fixture
def fleet(weir):
    """A function starting a process of a fleet whose budget is `slots` beside the control connections."""
    names = iter("abcdefgh")

    def start(slots=3, reserve=4, **options):
        return weir(budget_ledger="postgres", ledger_user="ledger", ledger_database="postgres", workers=2,
                    control_reserve=reserve, server_budget=slots + reserve, node_name=f"node-{next(names)}",
                    **options)

    return start


def sessions(postgres):
    return postgres.sessions("usename IN ('app', 'other') AND backend_type = 'client backend'")


def test_one_budget_for_two_processes(fleet, postgres):
    first, second = fleet(), fleet()
    holders = hold(first, 2) + hold(second, 1)
    assert sessions(postgres) == 3
    with second.wire() as waiter:
        must_wait(waiter)
        assert sessions(postgres) == 3
        release(holders[:1])
        assert waiter.result().value == "served"
        assert sessions(postgres) <= 3
    release(holders[1:])
