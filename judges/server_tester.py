"""caldav-server-tester: what a server can do, feature by feature, against what a perfect one can."""

import json
from pathlib import Path

from judges.demo import Demo
from judges.verdict import Judge, Verdict
from judges.workshop import Workshop, run

_SESSION = Path(__file__).with_name("server_tester_session.py")


def _ask(demo: Demo, workshop: Workshop) -> Verdict:
    home = workshop.home("caldav-server-tester")
    found = home / "features.json"
    done = run([str(workshop.python()), str(_SESSION), demo.url, *demo.people[0], str(found)], home)
    if done.returncode or not found.exists():
        raise RuntimeError(f"the tester ended with {done.returncode}:\n{done.stdout[-2000:]}")
    return read(json.loads(found.read_text(encoding="utf-8")))


def read(features: dict[str, dict[str, str]]) -> Verdict:
    """Read what each feature was found to be, beside what the RFCs make of a server that has all."""
    passed, failed, skipped = [], {}, {}
    for name, feature in sorted(features.items()):
        told = f"{feature['found']}, not {feature['standard']}; {feature['told']}".rstrip("; ")
        if feature["found"] in {"full", feature["standard"]}:
            passed.append(name)
        elif feature["found"] == "unknown":
            skipped[name] = told
        else:
            failed[name] = told
    return Verdict(tuple(passed), failed, skipped)


SERVER_TESTER = Judge("caldav-server-tester", "features that caldav-server-tester finds as the RFCs have them", _ask)
