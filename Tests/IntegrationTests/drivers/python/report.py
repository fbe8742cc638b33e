"""What a driver's program says: one line a check, `ok NAME` or `not ok NAME: why`."""

import asyncio
import sys
import threading
from contextlib import contextmanager

CLIENTS, EXECUTIONS = 50, 20

#: What every program asks in its prepared statement; the factor differs between clients whose drivers call
#: their statements the same.
PROBE = "SELECT CAST({parameter} AS int4) * {factor} AS matrix_probe, pg_backend_pid()"

#: Whether a statement above stands on the server that is asked, and not this question.
IS_NAMED = "SELECT count(*) > 0 FROM pg_prepared_statements WHERE statement LIKE '%matrix' || '_probe%'"

#: Says something that is no error.
RAISE_NOTICE = "DO $$ BEGIN RAISE NOTICE 'heard %', 7; END $$"

failed = False


@contextmanager
def check(name):
    """Runs a check and says how it went; what the block adds to the list stands in the line."""
    global failed
    details = []
    try:
        yield details
    except Exception as error:
        failed = True
        print(f"not ok {name}: {type(error).__name__} {str(error).strip()}", flush=True)
    else:
        print(" ".join(["ok", name, *details]), flush=True)


def factor(client):
    return 2 + client % 5


def probed(pids, named):
    """The details of the check of prepared statements, from the servers that each client saw."""
    assert len(pids) == CLIENTS and all(len(seen) == EXECUTIONS for seen in pids)
    servers = {pid for seen in pids for pid in seen}
    moved = sum(len(set(seen)) > 1 for seen in pids)
    return [f"clients={CLIENTS}", f"executions={CLIENTS * EXECUTIONS}", f"servers={len(servers)}",
            f"moved={moved}", f"named={'yes' if named else 'no'}"]


def probe_in_threads(execute):
    """Calls execute(client, number) 20 times for each of 50 clients, each in its thread, and checks the
    answers; gives the servers that each client saw."""
    pids, errors = [[] for _ in range(CLIENTS)], []

    def run(client):
        try:
            for round_ in range(EXECUTIONS):
                number = round_ * CLIENTS + client
                value, pid = execute(client, number)
                assert value == number * factor(client), f"{value} for {number} times {factor(client)}"
                pids[client].append(pid)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=[client]) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return pids


async def together(coroutines):
    """Awaits all to their end, then raises the first error if there was one."""
    results = await asyncio.gather(*coroutines, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def end():
    sys.exit(1 if failed else 0)
