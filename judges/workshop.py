"""Where the judges are kept: packages of pinned versions, unpacked or installed under one cache folder."""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
TIMEOUT = 1800.0
"""Seconds that one judge may take."""


class Unobtainable(Exception):
    """A judge cannot be had on this machine; the message says what is missing and how it is got."""


class Workshop:
    """A cache folder with tools, and an empty home for each run, so that nobody's own configuration counts."""

    def __init__(self, cache: Path) -> None:
        """Take the folder; it is made."""
        self._cache = cache
        cache.mkdir(parents=True, exist_ok=True)

    def home(self, name: str) -> Path:
        """Give an empty folder for one judge's run; what an earlier run left there is gone."""
        folder = self._cache / "runs" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def python(self) -> Path:
        """Give the interpreter of a virtual environment that has the Python judges. Raises Unobtainable."""
        folder, wanted = self._cache / "venv", REQUIREMENTS.read_text(encoding="utf-8")
        stamp, python = folder / "requirements.txt", folder / "bin" / "python"
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
            venv.create(folder, clear=True, with_pip=True)
            self._fetch([str(python), *_PIP, "install", "--quiet", "--requirement", str(REQUIREMENTS)])
            stamp.write_text(wanted, encoding="utf-8")
        return python

    def source(self, package: str) -> Path:
        """Give a fresh copy of the source distribution of a package, of the version in requirements.txt.

        Raises Unobtainable.
        """
        version = self.version(package)
        archive = self._cache / f"{package}-{version}.tar.gz"
        if not archive.exists():
            download = [sys.executable, *_PIP, "download", "--quiet", "--no-deps", "--no-binary", package]
            self._fetch([*download, "--dest", str(self._cache), f"{package}=={version}"])
        into = self.home(f"{package}-source")
        with tarfile.open(archive) as tar:
            tar.extractall(into, filter="data")
        return into / f"{package}-{version}"

    def version(self, package: str) -> str:
        """Give the pinned version of a Python package."""
        for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines():
            name, _, version = line.partition("==")
            if name == package:
                return version
        raise KeyError(package)

    def node_package(self, package: str, version: str) -> Path:
        """Give the folder of a package of the npm registry. Raises Unobtainable."""
        folder = self._cache / f"{package}-{version}"
        if not (folder / "node_modules" / package / "package.json").exists():
            folder.mkdir(exist_ok=True)
            (folder / "package.json").write_text("{}", encoding="utf-8")
            npm = self.command("npm", "Node.js with npm")
            self._fetch([npm, "install", "--silent", "--no-audit", f"--prefix={folder}", f"{package}@{version}"])
        return folder

    def command(self, name: str, debian: str) -> str:
        """Give the path of a program of the system's. Raises Unobtainable, naming the package it is in."""
        found = shutil.which(name)
        if found is None:
            raise Unobtainable(f"there is no {name} here; install {debian}")
        return found

    def _fetch(self, command: Sequence[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no reason told"])[-1]
            raise Unobtainable(f"{Path(command[0]).name} could not fetch {command[-1]}: {last}")


_PIP = ("-m", "pip", "--disable-pip-version-check")
_INHERITED = ("PATH", "LANG", "LC_ALL", "TZ")


def run(
    command: Sequence[str], home: Path, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a judge to its end in a folder that is also its home; what it prints is kept there in output.txt.

    A judge that takes too long is ended, its children too, and answers 124 as timeout(1) does.
    """
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    with tempfile.TemporaryDirectory(prefix="judge-") as temporary:
        process = subprocess.Popen(
            list(command),
            cwd=home,
            env={**inherited, "HOME": str(home), "TMPDIR": temporary, **(environ or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        try:
            told, _ = process.communicate(timeout=TIMEOUT)
            status = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            told, status = process.communicate()[0], 124
    (home / "output.txt").write_text(told, encoding="utf-8")
    return subprocess.CompletedProcess(list(command), status, told, "")
