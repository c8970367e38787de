"""A PostgreSQL of the tests' own, from the machine's binaries: one for all test processes that run side by side.

It listens on a Unix socket in a temporary folder, and takes commits without waiting for the disk. The first who needs
it starts it, the last who leaves stops it. Where the tests run as root, it runs as ``nobody``: it refuses root.
"""

import fcntl
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

PORT = 5432
_OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "listen_addresses": "''",
}


def find_binaries() -> Path | None:
    """Give the folder of PostgreSQL's programs, None where there is none."""
    named = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name.zfill(3))
    found = [Path(named).resolve().parent] if named else []
    return next((path for path in (*reversed(folders), *found) if (path / "initdb").exists()), None)


class Cluster:
    """One PostgreSQL in a folder of its own."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        """Take the programs and the folder, which exists and is the server's."""
        self._binaries = binaries
        self.folder = folder

    @classmethod
    def make(cls, binaries: Path) -> "Cluster":
        """Make one that does not run yet."""
        folder = Path(tempfile.mkdtemp(prefix="bridge-pg-"))  # a short path, as sockets need it, that nobody may enter
        if os.geteuid() == 0:
            os.chown(folder, *_nobody())
        cluster = cls(binaries, folder)
        cluster.run("initdb", "-D", str(folder / "data"), "-U", "bridge", "-A", "trust", "-E", "UTF8", "-N")
        return cluster

    def another(self) -> "Cluster":
        """Make one more, and start it."""
        made = self.make(self._binaries)
        made.start()
        return made

    def url(self, name: str = "postgres") -> str:
        """Give the URL of one of its databases."""
        return f"postgresql://bridge@/{name}?host={self.folder}&port={PORT}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = {**_OPTIONS, "unix_socket_directories": str(self.folder), "port": str(PORT)}
        told = " ".join(f"-c {name}={value}" for name, value in options.items())
        self.run("pg_ctl", "start", "-w", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-o", told)

    def stop(self, mode: str = "immediate") -> None:
        """Stop it, and wait until it is gone."""
        self.run("pg_ctl", "stop", "-w", "-m", mode, "-D", str(self.folder / "data"))

    def remove(self) -> None:
        """Stop it where it runs, and remove all of it."""
        with suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self.folder)

    @contextmanager
    def database(self) -> Iterator[str]:
        """Make an empty database for a while, and give its URL."""
        name = f"test_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name} STRATEGY file_copy" if self._is_new else f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        """Execute a statement beside all databases."""
        execute(self.url(), statement)

    @property
    def _is_new(self) -> bool:
        return int((self.folder / "data" / "PG_VERSION").read_text()) >= 15

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as who may."""
        user, group = _nobody() if os.geteuid() == 0 else (None, None)
        as_who: dict[str, Any] = {} if user is None else {"user": user, "group": group, "extra_groups": ()}
        environment = {"PATH": f"{self._binaries}:{os.environ['PATH']}", "LC_ALL": "C", "TZ": "UTC"}
        subprocess.run(  # its output goes to a file: the server inherits it and would keep a pipe open
            [str(self._binaries / program), *arguments],
            check=True,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **as_who,
        )


def execute(url: str, *statements: str) -> list[Any]:
    """Execute statements, each by itself, and give the rows of the last one."""
    with psycopg.connect(url, autocommit=True) as connection:
        rows: list[Any] = []
        for statement in statements:
            cursor = connection.execute(statement.encode())
            rows = cursor.fetchall() if cursor.description else []
        return rows


def empty(url: str) -> None:
    """Drop all the bridge's schemas of a database, and end whatever sessions are left in it."""
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    made = execute(url, f"SELECT pg_terminate_backend(pid) {others}", "SELECT nspname FROM pg_namespace")
    for (name,) in made:
        if name.startswith("exchange_bridge_"):
            execute(url, f"DROP SCHEMA {name} CASCADE")


def wait_for_the_dead(url: str, *living: str) -> None:
    """Wait until no process of the bridge but the living, named by their ids, holds the lock that shows it to live.

    A server finds out by itself that a process was killed, at once, but not before its parent may.
    """
    numbers = execute(
        url,
        "SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    held = {number for (number,) in numbers} - {int.from_bytes(bytes.fromhex(one), signed=True) for one in living}
    for number in held:
        execute(url, f"SELECT pg_advisory_lock({number})")


@contextmanager
def shared_cluster(folder: Path) -> Iterator[Cluster]:
    """Give the one PostgreSQL of all processes that name this folder. Raises LookupError where there is none."""
    binaries = find_binaries()
    if binaries is None:
        raise LookupError("there is no PostgreSQL on this machine (Debian: postgresql)")
    place = folder / "postgres"
    with (folder / "postgres.gate").open("a") as gate, (folder / "postgres.users").open("a") as users:
        with _alone(gate.fileno()):
            if not place.exists():
                cluster = Cluster.make(binaries)
                cluster.start()
                place.write_text(str(cluster.folder))
            fcntl.flock(users, fcntl.LOCK_SH)
        cluster = Cluster(binaries, Path(place.read_text()))
        try:
            yield cluster
        finally:
            with _alone(gate.fileno()):
                fcntl.flock(users, fcntl.LOCK_UN)
                with suppress(BlockingIOError):
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    place.unlink()
                    cluster.remove()


@contextmanager
def _alone(file: int) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _nobody() -> Sequence[int]:
    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid
