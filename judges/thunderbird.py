"""The real Thunderbird, driven under Xvfb by a program that is named by an environment variable."""

import json
import os
from pathlib import Path

from judges.demo import Demo
from judges.verdict import Judge, Verdict
from judges.workshop import Unobtainable, Workshop, run

DRIVE = "THUNDERBIRD_DRIVE"
"""Names the driving program. It takes --url, --user, --password, --mode and --screenshot, prints JSON with ``checks``,
each with ``name``, ``ok`` and ``detail``, and after it one line that counts them."""


def _ask(demo: Demo, workshop: Workshop) -> Verdict:
    drive = os.environ.get(DRIVE)
    if not drive:
        raise Unobtainable(f"{DRIVE} does not name the program that drives Thunderbird")
    for program, debian in (("thunderbird", "thunderbird"), ("Xvfb", "xvfb"), ("import", "imagemagick")):
        workshop.command(program, f"Debian's {debian}")
    user, password = demo.people[0]
    home = workshop.home("thunderbird")
    options = ["--url", demo.url, "--user", user, "--password", password, "--mode", "crud"]
    command = [str(workshop.python()), str(Path(drive).resolve()), *options, "--screenshot", str(home / "week.png")]
    return read(run(command, home).stdout)


def read(text: str) -> Verdict:
    """Read what the driving program prints. Raises RuntimeError where that is no JSON."""
    start = text.find("{")
    if start < 0:
        raise RuntimeError(f"Thunderbird was not driven:\n{text[-2000:]}")
    shown, _ = json.JSONDecoder().raw_decode(text, start)
    checks = shown["checks"]
    passed = tuple(each["name"] for each in checks if each["ok"])
    return Verdict(passed, {each["name"]: str(each.get("detail"))[:300] for each in checks if not each["ok"]})


THUNDERBIRD = Judge("thunderbird", "Thunderbird: finds, loads, writes, moves, deletes, meets changes of others", _ask)
