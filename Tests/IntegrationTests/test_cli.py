"""The command line: `weir CONFIG.ini` as one starts PgBouncer, and what only Weir has."""

import os
import re
import signal
import subprocess

import pytest

from harness import ACCOUNT, HOST, drop_privileges, free_port, own, wait_until
from pgwire import ServerError, Wire


def run(binary, *arguments, privileged=False, **options):
    return subprocess.run(binary.command(*arguments), capture_output=True, text=True, timeout=20,
                          stdin=subprocess.DEVNULL, **({} if privileged else drop_privileges()), **options)


@pytest.fixture
def folder(scratch):
    return scratch("cli")


@pytest.fixture
def good(folder, postgres):
    """A configuration that works, as a path."""
    path = folder / "good.ini"
    (folder / "users.txt").write_text('"app" ""\n')
    path.write_text(f"""[databases]
app = host={HOST} port={postgres.port}

[pgbouncer]
listen_addr = {HOST}
listen_port = {free_port()}
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder / "users.txt"}
pidfile = {folder / "pid"}
logfile = {folder / "log"}
""")
    own(path)
    return path


def port_of(config):
    return int(re.search(r"listen_port = (\d+)", config.read_text()).group(1))


def serves(port, **options):
    try:
        with Wire(port, **options) as client:
            return client.ask("SELECT 1") == "1"
    except (OSError, ServerError):
        return False


def test_version(binary):
    # -V and --version: a name and a version of three numbers, status 0.
    for flag in ("-V", "--version"):
        done = run(binary, flag)
        assert done.returncode == 0
        assert re.search(r"\d+\.\d+\.\d+", done.stdout)


@pytest.mark.weir_only
def test_the_version_names_weir(binary):
    # The program is not taken for another.
    assert re.match(r"weir \d+\.\d+\.\d+", run(binary, "--version").stdout.lower())


def test_help(binary):
    # -h and --help list the flags.
    for flag in ("-h", "--help"):
        done = run(binary, flag)
        assert done.returncode == 0
        assert "--user" in done.stdout and "--daemon" in done.stdout


def test_bad_command_lines(binary, folder):
    # No file, no such file, an unknown flag: an error and a status.
    for arguments in ([], [str(folder / "missing.ini")], ["--no-such-flag"]):
        done = run(binary, *arguments)
        assert done.returncode != 0, arguments
        assert done.stderr or done.stdout


@pytest.mark.weir_only
def test_check_accepts_a_good_file(binary, good):
    # Status 0, and nothing is started or written.
    done = run(binary, "check", good)
    assert done.returncode == 0, done.stderr
    assert not (good.parent / "pid").exists()


BAD = {
    "unknown key": ("no_such_key = 1", "no_such_key"),
    "not a number": ("default_pool_size = many", "default_pool_size"),
    "not a mode": ("pool_mode = sometimes", "pool_mode"),
    "no equals sign": ("just words", "words"),
}


@pytest.mark.weir_only
@pytest.mark.parametrize("kind", BAD)
def test_check_names_file_line_and_key(binary, good, kind):
    # A bad line: status other than 0, and file:line with what is wrong.
    text, word = BAD[kind]
    good.write_text(good.read_text() + text + "\n")
    line = len(good.read_text().splitlines())
    done = run(binary, "check", good)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert f"good.ini:{line}" in said, said
    if kind != "no equals sign":
        assert word in said, said


@pytest.mark.weir_only
def test_check_names_every_mistake(binary, good):
    # Two mistakes, one run.
    good.write_text(good.read_text() + "no_such_key = 1\nalso_none = 2\n")
    said = run(binary, "check", good)
    assert "no_such_key" in said.stdout + said.stderr and "also_none" in said.stdout + said.stderr


def test_a_bad_file_does_not_start(binary, good):
    # Status other than 0 and the key's name.
    good.write_text(good.read_text() + "no_such_key = 1\n")
    done = run(binary, good)
    assert done.returncode != 0
    assert "no_such_key" in done.stdout + done.stderr


def test_root_is_refused(binary, good):
    # As root without -u: an error that says why.
    if ACCOUNT is None:
        pytest.skip("this is not root")
    done = run(binary, good, privileged=True)
    assert done.returncode != 0
    assert "root" in done.stdout + done.stderr


def test_root_with_a_user(binary, good):
    # As root with -u: the process is that user's.
    if ACCOUNT is None:
        pytest.skip("this is not root")
    process = subprocess.Popen(binary.command("-u", ACCOUNT.pw_name, good), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: serves(port_of(good)), "it serves")
        assert os.stat(f"/proc/{process.pid}").st_uid == ACCOUNT.pw_uid
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(10) in (0, 1)


def test_daemon(binary, good):
    # -d: the command returns, a process of another id serves and wrote the pidfile.
    done = run(binary, "-d", good)
    assert done.returncode == 0, done.stderr
    try:
        wait_until(lambda: serves(port_of(good)), "it serves")
        pid = int((good.parent / "pid").read_text())
        assert os.getpgid(pid) != os.getpgrp()
    finally:
        pid = int(wait_until(lambda: (good.parent / "pid").read_text(), "the pidfile is written"))
        os.kill(pid, signal.SIGINT)
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "it ended")


def test_quiet(binary, good):
    # -q: nothing on standard error, the log file all the same.
    process = subprocess.Popen(binary.command("-q", good), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, **drop_privileges())
    wait_until(lambda: serves(port_of(good)), "it serves")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (out, err) == (b"", b"")
    assert (good.parent / "log").stat().st_size > 0


@pytest.mark.weir_only
def test_run_is_the_default(binary, good):
    # `weir run CONFIG` and `weir CONFIG` are one.
    process = subprocess.Popen(binary.command("run", good), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **drop_privileges())
    try:
        wait_until(lambda: serves(port_of(good)), "it serves")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


@pytest.fixture
def by_url(binary, folder, postgres, request):
    """Starts `weir run --database-url …` and returns its port; ends it afterwards."""
    processes = []

    def start(*arguments, user="scram_user", password="scram-secret", environment=None):
        port = free_port()
        url = f"postgres://{user}:{password}@{HOST}:{postgres.port}/app"
        process = subprocess.Popen(
            binary.command("run", "--database-url", url, "--listen", f"{HOST}:{port}", *arguments),
            stdin=subprocess.DEVNULL, stdout=open(folder / "out", "ab"), stderr=subprocess.STDOUT,
            cwd=folder, env={**os.environ, **(environment or {})}, **drop_privileges())
        processes.append(process)
        wait_until(lambda: process.poll() is not None or not refused(port), "it listens")
        assert process.poll() is None, (folder / "out").read_text()
        return port

    yield start
    for process in processes:
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def refused(port):
    try:
        Wire(port, login=False).close()
        return False
    except OSError:
        return True


@pytest.mark.weir_only
def test_run_by_url(by_url):
    # One URL instead of a file: its user gets in with its password, through to PostgreSQL.
    port = by_url()
    with Wire(port, user="scram_user", password="scram-secret") as client:
        assert client.ask("SELECT current_user || '@' || current_database()") == "scram_user@app"


@pytest.mark.weir_only
def test_run_by_url_is_not_an_open_door(by_url):
    # No password, a wrong one, another user: refused.
    port = by_url()
    for user, password in (("scram_user", ""), ("scram_user", "wrong"), ("app", ""), ("postgres", "")):
        with pytest.raises(ServerError):
            Wire(port, user=user, password=password)


@pytest.mark.weir_only
def test_settings_by_flag_and_environment(by_url):
    # --set key=value and WEIR_KEY=value.
    port = by_url("--set", "pool_mode=session", "--set", "default_pool_size=1",
                  environment={"WEIR_QUERY_WAIT_TIMEOUT": "1"})
    login = {"user": "scram_user", "password": "scram-secret"}
    with Wire(port, **login) as first, Wire(port, **login) as second:
        first.ask("SELECT 1")
        assert second.query("SELECT 1").error.code == "53300"


@pytest.mark.weir_only
def test_the_password_is_not_logged(by_url, folder):
    # Whatever is printed, the URL's password is not.
    port = by_url("--set", "verbose=2")
    with Wire(port, user="scram_user", password="scram-secret") as client:
        client.ask("SELECT 1")
    assert "scram-secret" not in (folder / "out").read_text()
