"""``python -m judges``: ask them all, or some; say what is new; write the page if asked.

Exit status: 0 all could be asked and each shortfall is explained; 1 something fails that is not explained, or an
explanation is out of date, or a judge broke down; 3 nothing of that, but some judge cannot be had on this machine.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from judges.demo import demo
from judges.explained import of_judge, outdated, read_table, unexplained
from judges.litmus import LITMUS
from judges.page import markdown, write
from judges.python_caldav import PYTHON_CALDAV
from judges.server_tester import SERVER_TESTER
from judges.thunderbird import THUNDERBIRD
from judges.tsdav import TSDAV
from judges.vdirsyncer import VDIRSYNCER
from judges.vdirsyncer_sync import VDIRSYNCER_SYNC
from judges.verdict import Judge, Verdict
from judges.workshop import Unobtainable, Workshop

JUDGES = (THUNDERBIRD, PYTHON_CALDAV, SERVER_TESTER, VDIRSYNCER, VDIRSYNCER_SYNC, TSDAV, LITMUS)
CACHE = Path(__file__).parents[1] / ".make" / "judges"


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask the judges; give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m judges", description="Have the bridge judged by foreign programs.")
    parser.add_argument("--only", action="append", choices=[each.name for each in JUDGES], help="this one; repeatable")
    parser.add_argument("--write", action="store_true", help="put the scores into docs/conformance.md")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where the judges are kept; default .make/judges")
    chosen = parser.parse_args(arguments)
    if chosen.only and chosen.write:
        parser.error("--write takes all judges")
    judges = [each for each in JUDGES if not chosen.only or each.name in chosen.only]
    workshop, table = Workshop(chosen.cache.resolve()), read_table()
    verdicts: dict[str, Verdict | str] = {}
    broken, new = [], []
    for judge in judges:
        try:
            verdict = _ask(judge, workshop)
        except Unobtainable as reason:
            verdicts[judge.name] = str(reason)
            print(f"{judge.name}: NOT RUN: {reason}", flush=True)
            continue
        except RuntimeError as trouble:
            broken.append(judge.name)
            verdicts[judge.name] = "it broke down"
            print(f"{judge.name}: BROKE DOWN: {trouble}", flush=True)
            continue
        verdicts[judge.name] = verdict
        explanations = of_judge(table, judge.name)
        new += [f"{judge.name}: {name}: {verdict.failed[name]}" for name in unexplained(explanations, verdict)]
        new += [f"{judge.name}: explained, but does not fail: {each}" for each in outdated(explanations, verdict)]
    for line in new:
        print(line)
    if chosen.write:
        write(markdown(judges, verdicts, table))
    if broken or new:
        return 1
    return 3 if any(isinstance(each, str) for each in verdicts.values()) else 0


def _ask(judge: Judge, workshop: Workshop) -> Verdict:
    began = time.monotonic()
    with demo(workshop.home(f"{judge.name}-demo") / "log.txt") as subject:
        verdict = judge.ask(subject, workshop)
    seconds = time.monotonic() - began
    told = f"{verdict.score} passed, {len(verdict.skipped)} left out by the judge, {seconds:.0f} s"
    print(f"{judge.name}: {told}", flush=True)
    return verdict


if __name__ == "__main__":
    sys.exit(main())
