"""Fixtures: one scratch PostgreSQL a session, as many poolers as a test asks for.

Environment:
    WEIR_BIN         the pooler (default .build/debug/weir; /usr/sbin/pgbouncer tries the tests themselves)
    WEIR_ENGINES     which event engines to run on (default io_uring,epoll, as far as they are allowed)
    WEIR_LONG=1      the long forms: thirty seconds a load, a thousand kills, a gigabyte of COPY
    WEIR_PLANNED=1   also the tests of what is designed but not built yet
    WEIR_TEST_PORTS  low-high (default 25500-25599: below the ports that Linux gives to clients)
    WEIR_TEST_USER   whom to run as when root (default postgres)
    PG_BIN           PostgreSQL's programs (default /usr/lib/postgresql/15/bin)
"""

import ctypes
import itertools
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from harness import Binary, Pooler, Postgres, free_port, own, test_ports
from surroundings import Crowd, Stranger
from transcript import difference, summary, tell

LONG = os.environ.get("WEIR_LONG") == "1"


def pytest_configure(config):
    config.addinivalue_line("markers", "weir_only: a promise of Weir that PgBouncer does not make")
    config.addinivalue_line("markers", "planned: a promise of the design that no version keeps yet")
    share_ports()
    folder = Path(tempfile.mkdtemp(prefix="weir-tests-"))
    folder.chmod(0o755)
    config.scratch = own(folder)
    config.binary = Binary(folder)


def share_ports():
    """Gives each of pytest-xdist's workers ports of its own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker:
        return
    low, high = test_ports()
    count = (high - low + 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    low += count * int(worker.removeprefix("gw"))
    os.environ["WEIR_TEST_PORTS"] = f"{low}-{low + count - 1}"


def pytest_unconfigure(config):
    if os.environ.get("WEIR_KEEP") != "1":
        shutil.rmtree(config.scratch, ignore_errors=True)


def pytest_report_header(config):
    return f"pooler: {config.binary.given} ({config.binary.version.splitlines()[0]})"


def available_engines():
    """Both engines, or epoll alone where the kernel or the container's rules forbid io_uring."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.syscall(425, 1, ctypes.create_string_buffer(256))  # io_uring_setup
    if descriptor >= 0:
        os.close(descriptor)
        return "io_uring,epoll"
    return "epoll"


def pytest_generate_tests(metafunc):
    if "engine" in metafunc.fixturenames:
        engines = os.environ.get("WEIR_ENGINES", available_engines()).split(",")
        if metafunc.config.binary.is_pgbouncer:
            engines = ["pgbouncer"]
        metafunc.parametrize("engine", engines, scope="session")


def pytest_collection_modifyitems(config, items):
    # The longest first, or one of two workers would be left alone with it in the end.
    items.sort(key=lambda item: "test_torture" not in item.nodeid)
    if os.environ.get("WEIR_PLANNED") != "1" and not config.binary.is_pgbouncer:
        planned = [item for item in items if item.get_closest_marker("planned")]
        config.hook.pytest_deselected(items=planned)
        items[:] = [item for item in items if item not in planned]
    if config.binary.is_pgbouncer:
        skip = pytest.mark.skip(reason="a promise of Weir")
        for item in items:
            if item.get_closest_marker("weir_only"):
                item.add_marker(skip)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call" and report.failed:
        for started in getattr(item, "poolers", []):
            report.sections.append((f"pooler on {started.port}", started.log()))
    return report


@pytest.fixture(scope="session")
def binary(pytestconfig):
    return pytestconfig.binary


@pytest.fixture(scope="session")
def scratch(pytestconfig):
    """A function giving new folders that the processes under test may write to."""
    numbers = itertools.count(1)

    def new_folder(name="d"):
        folder = pytestconfig.scratch / f"{name}{next(numbers)}"
        folder.mkdir()
        return own(folder)

    return new_folder


@pytest.fixture(scope="session")
def shared_postgres(scratch):
    server = Postgres(scratch("pg"), free_port()).initialize()
    yield server
    server.stop("immediate")


@pytest.fixture
def postgres(shared_postgres):
    """The session's PostgreSQL, without a session of an earlier test in it."""
    shared_postgres.forget_sessions()
    return shared_postgres


@pytest.fixture(scope="module")
def own_postgres(scratch):
    """A PostgreSQL that a module may stop and start."""
    server = Postgres(scratch("pg"), free_port()).initialize()
    yield server
    server.stop("immediate")


@pytest.fixture
def weir(request, binary, scratch, postgres, engine):
    """A function starting a pooler: `weir(default_pool_size=1, databases={…}, users={…}, …)`."""
    started = request.node.poolers = []

    def start(server=None, run=True, **options):
        pooler = Pooler(binary, scratch("pooler"), server or postgres, engine, **options)
        started.append(pooler)
        return pooler.start() if run else pooler

    yield start
    failures = []
    for pooler in started:
        try:
            pooler.stop()
        except AssertionError as failure:
            failures.append(failure)
    if failures:
        raise failures[0]


@pytest.fixture(scope="session")
def bench(shared_postgres):
    """The database `bench` with pgbench's tables, made once."""
    shared_postgres.run("pgbench", "-h", "127.0.0.1", "-p", shared_postgres.port, "-U", "app", "-i",
                        "-q", "-s", "4", "bench")
    return "bench"


#: How a story of one client is told again through a pooler: its settings, who else is there, and whether
#: each message is a write of its own, so that errors come back before the rest of their batch is sent.
TELLINGS = {
    "session": ({"pool_mode": "session"}, None, False),
    "alone": ({}, None, False),
    "in pieces": ({"default_pool_size": 1, "max_prepared_statements": 1}, None, True),
    "stranger": ({"default_pool_size": 1}, lambda pooler: Stranger(pooler, in_block=True), True),
    "crowd": ({"default_pool_size": 3}, lambda pooler: Crowd(pooler, 3, in_block=True), False),
    "small cache": ({"default_pool_size": 2, "max_prepared_statements": 1},
                    lambda pooler: Crowd(pooler, 2, in_block=True), False),
    "repeated": ({"default_pool_size": 2, "prepare_anonymous": 1}, lambda pooler: Crowd(pooler, 2, in_block=True),
                 False),
    "repeated in pieces": ({"default_pool_size": 1, "prepare_anonymous": 1, "max_prepared_statements": 1}, None,
                           True),
    "statement": ({"pool_mode": "statement", "default_pool_size": 2},
                  lambda pooler: Crowd(pooler, 2, in_block=False), False),
}


class Retelling:
    """Tells a story to PostgreSQL and to a pooler, and compares what its client saw."""

    def __init__(self, weir, postgres, how):
        self.weir, self.postgres, self.how = weir, postgres, how

    def __call__(self, story, summarized=None, before=None, blocks=False, user="app"):
        """`summarized` is what PostgreSQL answers, for the reader and against a story that has lost its
        point; `before` prepares the database for each telling; `blocks` says that the story has
        transaction blocks, which statement pooling refuses."""
        if blocks and self.how == "statement":
            pytest.skip("statement pooling has no transaction blocks")
        if before:
            before(self.postgres)
        expected = tell(story, self.postgres.port, user=user)
        if summarized is not None:
            assert summarized == summary(expected[:-4]), "PostgreSQL says:\n" + "\n".join(expected)
        if before:
            before(self.postgres)
        settings, surround, in_pieces = TELLINGS[self.how]
        pooler = self.weir(**settings)
        if "prepare_anonymous" in settings:
            # Its unnamed statements are to come back.
            tell(story, pooler.port, user=user)
            if before:
                before(self.postgres)
        surroundings = surround(pooler) if surround else None
        try:
            told = tell(story, pooler.port, surroundings, in_pieces, user=user)
        finally:
            if surroundings:
                surroundings.close()
        differs = difference(expected, told)
        assert differs is None, differs
        return pooler


@pytest.fixture(params=TELLINGS)
def retell(request, weir, postgres, engine):
    short = ("crowd",) if engine == "io_uring" else ("alone", "crowd", "small cache", "repeated", "repeated in pieces")
    if request.param not in short and not LONG:
        pytest.skip("what may go wrong here does so on either engine: WEIR_LONG=1 tries all")
    return Retelling(weir, postgres, request.param)
