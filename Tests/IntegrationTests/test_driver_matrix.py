"""Every driver with its defaults, by a program in its own language, over session and transaction pools.

A program prints a line for each of its checks, and each line is asked for: a check that did not run fails.
A driver that this machine does not have is skipped by name (`scripts/install drivers` gets them).
"""

import pytest

from driver_programs import DRIVERS, Missing

CLIENTS, EXECUTIONS, SERVERS = 50, 1000, 4


@pytest.fixture(params=DRIVERS, ids=str, scope="module")
def driver(request):
    try:
        request.param.command()
    except Missing as missing:
        pytest.skip(f"driver {request.param} is not tried: {missing}")
    return request.param


def run(driver, port):
    """Runs a driver's program and asks for every line; gives the numbers of its line `prepared`."""
    status, output = driver.run(port)
    found = dict(line.removeprefix("ok ").partition(" ")[::2]
                 for line in output.splitlines() if line.startswith("ok "))
    wrong = [line for line in output.splitlines() if line.startswith("not ok ")]
    assert not wrong and status == 0 and sorted(found) == driver.expected, f"status {status}\n{output}"
    numbers = dict(pair.split("=") for pair in found["prepared"].split())
    assert numbers.pop("named") == ("yes" if driver.named else "no")
    numbers = {name: int(number) for name, number in numbers.items()}
    assert (numbers.pop("clients"), numbers.pop("executions")) == (CLIENTS, EXECUTIONS)
    return numbers


def test_without_a_pooler(postgres, driver):
    # What the programs expect is what PostgreSQL does.
    assert run(driver, postgres.port) == {"servers": CLIENTS, "moved": 0}


def test_session_mode(weir, driver):
    # A server to each client while it is connected. The second time every client takes over a server that
    # knew the same names, and finds nothing of the one before.
    pooler = weir(pool_mode="session", default_pool_size=CLIENTS)
    for _ in range(2):
        assert run(driver, pooler.port) == {"servers": CLIENTS, "moved": 0}
    pooler.still_serves()


@pytest.mark.weir_only
def test_transaction_mode(weir, driver):
    # Fifty clients share four servers, and what they prepared goes with them.
    pooler = weir(pool_mode="transaction", default_pool_size=SERVERS)
    numbers = run(driver, pooler.port)
    assert 2 <= numbers["servers"] <= SERVERS
    assert numbers["moved"] > CLIENTS / 2, numbers
    pooler.still_serves()
