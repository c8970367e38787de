"""tsdav, the client of booking sites. Its own tests want accounts at big providers, so a session of ours is driven."""

import json
from pathlib import Path

from judges.demo import Demo
from judges.verdict import Judge, Verdict
from judges.workshop import Workshop, run

VERSION = "2.3.4"
_SESSION = Path(__file__).with_name("tsdav_session.mjs")


def _ask(demo: Demo, workshop: Workshop) -> Verdict:
    node = workshop.command("node", "Node.js with npm")
    folder = workshop.node_package("tsdav", VERSION)
    done = run([node, str(_SESSION), demo.url, *demo.people[0]], folder)
    if done.returncode:
        raise RuntimeError(f"the session ended with {done.returncode}:\n{done.stdout[-2000:]}")
    checks = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    passed = tuple(each["name"] for each in checks if each["ok"])
    return Verdict(passed, {each["name"]: each["detail"] for each in checks if not each["ok"]})


TSDAV = Judge("tsdav", f"tsdav {VERSION}: a booking site's session", _ask)
