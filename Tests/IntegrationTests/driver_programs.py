"""The drivers of the matrix: what each program needs, how it is built and started, what it must print.

A program reads PGHOST, PGPORT, PGUSER and PGDATABASE, does all its checks and prints a line for each. What
compiles is built into .build-drivers and built again when its sources or its compiler change.
"""

import functools
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from harness import HOST, ROOT

SOURCES = Path(__file__).parent / "drivers"
BUILD = ROOT / ".build-drivers"
#: Debian packages that are unpacked there, not installed (`scripts/install drivers`).
UNPACKED = BUILD / "debian"

TYPES = ["int2", "int4", "int8", "numeric", "float4", "float8", "text", "bytea", "bool", "date",
         "timestamp", "timestamptz", "interval", "uuid", "json", "jsonb", "int4[]", "text[]", "null"]

COPY = ["copy-in", "copy-out"]
#: What nearly every driver has.
USUAL = ["batch", *COPY, "cancel", "notice"]


class Missing(Exception):
    """Something that a driver's program needs is not on this machine."""


@dataclass(frozen=True)
class Driver:
    name: str
    #: Gives the command of the program, built if need be; raises Missing.
    command: Callable[[], list]
    #: The checks that it prints beside one for each type, `prepared` and `rollback`.
    checks: list
    #: Whether the driver prepares by name what it executes often.
    named: bool = True
    environment: dict = field(default_factory=dict)

    def __str__(self):
        return self.name

    @property
    def expected(self):
        return sorted([f"type-{name}" for name in TYPES] + ["prepared", "rollback"] + self.checks)

    def run(self, port):
        """Runs the program against a port: its exit status and its output."""
        environment = {**os.environ, "PGHOST": HOST, "PGPORT": str(port), "PGUSER": "app",
                       "PGDATABASE": "app", "LC_ALL": "C.UTF-8", "TZ": "UTC", **self.environment}
        try:
            done = subprocess.run([*map(str, self.command())], cwd=SOURCES, env=environment, timeout=100,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except subprocess.TimeoutExpired as stopped:
            return "stopped", (stopped.stdout or b"").decode(errors="replace")
        return done.returncode, done.stdout.decode(errors="replace")


def requires(condition, what):
    if not condition:
        raise Missing(f"there is no {what}")


def tool(name):
    """The path of a program, whoever brings it."""
    found = shutil.which(name)
    requires(found, name)
    return found


def debian_tool(name):
    """The path of Debian's own program: its packages bring the driver to it and to no other."""
    found = f"/usr/bin/{name}"
    requires(os.access(found, os.X_OK), found)
    return found


def runs(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, timeout=60).returncode == 0


def built(name, sources, compile_, version):
    """A folder .build-drivers/NAME with copies of the sources, in which `compile_` ran after the last change
    of them or of the compiler's version."""
    folder = BUILD / name
    digest = hashlib.sha256(version)
    for source in sources:
        digest.update(source.read_bytes())
    stamp = folder / "built"
    if not stamp.exists() or stamp.read_text() != digest.hexdigest():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for source in sources:
            shutil.copy(source, folder)
        compile_(folder)
        stamp.write_text(digest.hexdigest())
    return folder


def compile_with(command, folder, **environment):
    done = subprocess.run([*map(str, command)], cwd=folder, env={**os.environ, **environment}, timeout=600,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout.decode(errors='replace')}"


def version_of(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60).stdout


# The drivers' languages.

def bundled_libpq():
    """The libpq that psycopg-binary brings."""
    spec = importlib.util.find_spec("psycopg_binary")
    found = spec and list(Path(spec.origin).parents[1].glob("psycopg_binary.libs/libpq-*.so*"))
    requires(found, "libpq in psycopg-binary")
    return found[0]


@functools.cache
def c_program(bundled):
    compiler = tool("cc")
    config = debian_tool("pg_config")
    include = version_of(config, "--includedir").decode().strip()
    requires(Path(include, "libpq-fe.h").exists(), "libpq-fe.h")
    flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-std=gnu11", f"-I{include}"]
    if bundled:
        library = bundled_libpq()
        link = [library, f"-Wl,-rpath,{library.parent}", "-Wl,--allow-shlib-undefined"]
    else:
        link = ["-lpq"]
    folder = built("libpq-bundled" if bundled else "libpq", sorted((SOURCES / "libpq").iterdir()),
                   lambda folder: compile_with([compiler, *flags, "matrix.c", "-o", "matrix", *link], folder),
                   version_of(compiler, "--version") + version_of(config, "--version") + str(link).encode())
    return [folder / "matrix"]


def python_program(module, *packages, arguments=()):
    for package in packages:
        requires(importlib.util.find_spec(package), f"Python package {package}")
    return [sys.executable, SOURCES / "python" / f"{module}.py", *arguments]


@functools.cache
def java_program():
    compiler, java = tool("javac"), tool("java")
    library = Path("/usr/share/java/postgresql.jar")
    requires(library.exists(), library.name)
    folder = built("java", [SOURCES / "java/Matrix.java"],
                   lambda folder: compile_with([compiler, "-encoding", "UTF-8", "-cp", library,
                                                "Matrix.java"], folder),
                   version_of(compiler, "-version"))
    # It runs for two seconds: the second compiler and many collectors' threads would only cost.
    return [java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dfile.encoding=UTF-8", "-cp",
            f"{library}:{folder}", "Matrix"]


def unpacked(group):
    """The folder of unpacked packages, and which packages those are."""
    packages = UNPACKED / group / "packages.txt"
    requires(packages.exists(), f"{packages.parent.relative_to(ROOT)}")
    return packages.parent, packages.read_bytes()


@functools.cache
def go_program(name):
    go, (folder, packages) = tool("go"), unpacked("go")
    gopath = folder / "usr/share/gocode"
    sources = [SOURCES / "go/report.go", SOURCES / f"go/{name}/matrix.go"]
    folder = built(f"go-{name}", sources,
                   lambda folder: compile_with([go, "build", "-o", "matrix", "."], folder, GO111MODULE="off",
                                               GOFLAGS="", GOPATH=str(gopath),
                                               GOCACHE=str(BUILD / "go-cache")),
                   version_of(go, "version") + packages)
    return [folder / "matrix"]


@functools.cache
def rust_program():
    cargo, (crates, packages) = tool("cargo"), unpacked("rust")
    sources = SOURCES / "rust"

    def build(folder):
        (folder / "src").mkdir()
        for source in sources.glob("src/*.rs"):
            (folder / source.name).rename(folder / "src" / source.name)
        compile_with([cargo, "build", "--offline", "--quiet",
                      "--config", 'source.crates-io.replace-with="debian"',
                      "--config", f'source.debian.directory="{crates}/usr/share/cargo/registry"'], folder,
                     CARGO_TARGET_DIR=str(BUILD / "rust-target"), CARGO_PROFILE_DEV_DEBUG="0")
        shutil.copy(BUILD / "rust-target/debug/matrix", folder / "matrix")

    folder = built("rust", [sources / "Cargo.toml", *sorted(sources.glob("src/*.rs"))], build,
                   version_of(cargo, "--version") + packages)
    return [folder / "matrix"]


def node_program():
    node = tool("node")
    unpacked("node")
    return [node, SOURCES / "node/matrix.js"]


def ruby_program():
    ruby = debian_tool("ruby")
    requires(runs(ruby, "-e", "require 'pg'"), "pg for Ruby")
    return [ruby, SOURCES / "ruby/matrix.rb"]


def perl_program():
    perl = debian_tool("perl")
    requires(runs(perl, "-MDBD::Pg", "-e", "1"), "DBD::Pg for Perl")
    return [perl, SOURCES / "perl/matrix.pl"]


def php_program(program, extension):
    php = debian_tool("php")
    requires(runs(php, "-r", f"exit(extension_loaded('{extension}') ? 0 : 1);"), f"{extension} for PHP")
    return [php, SOURCES / f"php/{program}.php"]


def sqlalchemy_program(dialect):
    return python_program("matrix_sqlalchemy", "sqlalchemy", "greenlet", dialect, arguments=[dialect])


SQLALCHEMY = ["batch", "cursor", "copy-in", "cancel", "notice"]

DRIVERS = [
    Driver("libpq-15", lambda: c_program(bundled=False), ["libpq-15", "binary", "batch-error", *USUAL]),
    Driver("libpq-18", lambda: c_program(bundled=True), ["libpq-18", "binary", "batch-error", *USUAL]),
    Driver("psycopg", lambda: python_program("matrix_psycopg", "psycopg"),
           ["libpq-18-binary", "batch-error", "executemany", *USUAL]),
    Driver("psycopg2", lambda: python_program("matrix_psycopg2", "psycopg2"), ["cursor", *USUAL], named=False),
    Driver("asyncpg", lambda: python_program("matrix_asyncpg", "asyncpg"),
           ["prepare", "batch-error", "cursor", "pool", *USUAL]),
    Driver("pg8000", lambda: python_program("matrix_pg8000", "pg8000"), ["batch", *COPY, "notice"]),
    Driver("sqlalchemy-psycopg", lambda: sqlalchemy_program("psycopg"), SQLALCHEMY),
    Driver("sqlalchemy-asyncpg", lambda: sqlalchemy_program("asyncpg"), SQLALCHEMY),
    Driver("jdbc", java_program, ["cursor", *USUAL]),
    Driver("node-postgres", node_program, ["batch", "cursor", "cancel", "notice"],
           environment={"NODE_PATH": str(UNPACKED / "node/usr/share/nodejs")}),
    Driver("ruby-pg", ruby_program, ["type-map", *USUAL]),
    Driver("dbd-pg", perl_program, USUAL),
    Driver("php-pgsql", lambda: php_program("pgsql", "pgsql"), USUAL),
    Driver("php-pdo", lambda: php_program("pdo", "pdo_pgsql"), ["batch", "deallocate", *COPY]),
    Driver("pgx", lambda: go_program("pgx"), ["batch-error", *USUAL]),
    Driver("lib-pq", lambda: go_program("pq"), ["unnamed", "batch", "copy-in", "cancel", "notice"]),
    Driver("tokio-postgres", rust_program, ["cursor", *USUAL]),
]
