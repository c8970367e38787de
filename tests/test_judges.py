"""What the judges print is read as they mean it, and the table of explanations is kept true. No judge is asked here."""

from pathlib import Path

import pytest

from judges import litmus, pytest_run, server_tester, thunderbird
from judges.__main__ import JUDGES
from judges.explained import TABLE, Explanation, outdated, read_table, unexplained
from judges.page import markdown, write
from judges.verdict import Verdict
from judges.workshop import REQUIREMENTS

REPORT = """<testsuites><testsuite>
<testcase classname="tests.test_caldav.TestIt" name="testGood"/>
<testcase classname="tests.test_caldav.TestIt" name="testBad"><failure message="no&#10; luck">trace</failure></testcase>
<testcase classname="tests.test_caldav.TestIt" name="testSetUp"><error message="no server"/></testcase>
<testcase classname="tests.test_caldav.TestIt" name="testOut"><skipped message="no tasks"/></testcase>
</testsuite></testsuites>"""
LITMUS = """-> running `props':
 0. init..................  0. init.................. pass
10. propget...............10. propget............... FAIL (PROPFIND: 404)
11. propmove..............11. propmove.............. SKIPPED (no test resource)
<- summary for `props': of 2 tests run: 1 passed, 1 failed. 50.0%
"""


def test_a_junit_report_is_read() -> None:
    verdict = pytest_run.read_report(REPORT)
    assert verdict == Verdict(
        ("TestIt.testGood",),
        {"TestIt.testBad": "no luck", "TestIt.testSetUp": "no server"},
        {"TestIt.testOut": "no tasks"},
    )
    assert verdict.score == "1 of 3"


def test_what_litmus_prints_is_read() -> None:
    failed = {"props.propget": "PROPFIND: 404"}
    assert litmus.read(LITMUS) == Verdict(("props.init",), failed, {"props.propmove": "no test resource"})


def test_what_thunderbird_s_driver_prints_is_read() -> None:
    text = (
        'starting\n{"checks": [{"name": "a", "ok": true}, {"name": "b", "ok": false, "detail": 3}]}\npassed 1 failed 1'
    )
    assert thunderbird.read(text) == Verdict(("a",), {"b": "3"})
    with pytest.raises(RuntimeError, match="no display"):
        thunderbird.read("no display")


def test_a_feature_counts_by_what_the_standard_has() -> None:
    features = {
        "has": {"found": "full", "standard": "full", "told": ""},
        "lacks": {"found": "unsupported", "standard": "full", "told": "why: 403"},
        "need-not": {"found": "unsupported", "standard": "unsupported", "told": ""},
        "who-knows": {"found": "unknown", "standard": "full", "told": ""},
    }
    verdict = server_tester.read(features)
    assert verdict.passed == ("has", "need-not")
    assert verdict.failed == {"lacks": "unsupported, not full; why: 403"}
    assert set(verdict.skipped) == {"who-knows"}


def test_new_failures_and_outdated_explanations_are_told() -> None:
    verdict = Verdict(failed={"one[a]": "", "one[b]": "", "two": ""})
    table = [Explanation("j", ("one*", "three"), "Exchange cannot.")]
    assert unexplained(table, verdict) == ["two"]
    assert outdated(table, verdict) == ["three"]


def test_every_explanation_is_of_a_judge_that_is_asked() -> None:
    assert {each.judge for each in read_table(TABLE)} <= {judge.name for judge in JUDGES}


def test_every_package_is_pinned() -> None:
    lines = REQUIREMENTS.read_text().splitlines()
    assert all("==" in line for line in lines if not line.startswith("#"))


def test_the_page_keeps_what_is_around_the_scores(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- make judges -->\nscores of before\n<!-- end -->\nafter\n")
    verdicts: dict[str, Verdict | str] = {judge.name: "there is no npm here" for judge in JUDGES}
    verdicts["litmus"] = Verdict(("a", "b"), {"locks.x": "405", "new": ""}, {"y": "no <lock>"})
    write(markdown(JUDGES, verdicts, [Explanation("litmus", ("locks.*",), "No locks here.")]), page)
    text = page.read_text()
    assert text.startswith("before\n<!-- make judges -->\n| judge |")
    assert text.endswith("\n<!-- end -->\nafter\n")
    for told in ("2 of 4 | 1 |", "No locks here. *Fails:* `locks.x`.", "**Not explained yet:** `new`", "no npm"):
        assert told in text
    assert "scores of before" not in text
