# mypy: ignore-errors
# It runs in the judges' own environment, whose packages mypy does not see.
"""Run caldav-server-tester and write what it found: URL USER PASSWORD FILE. Runs in the judges' own environment."""

import json
import sys
from pathlib import Path
from typing import Any

from caldav import DAVClient
from caldav.compatibility_hints import FeatureSet
from caldav_server_tester.checker import ServerQuirkChecker


def main(url: str, user: str, password: str, path: str) -> None:
    """Check all."""
    features: dict[str, dict[str, str]] = {}
    with DAVClient(url=url, username=user, password=password) as client:
        # It stops at a server that refuses to make a calendar for tasks alone, as RFC 4791 5.3.1.1 would have it
        for kind in ("tasks", "journals"):
            client.principal().make_calendar(cal_id=f"caldav-server-checker-calendar_{kind}")
        checker = ServerQuirkChecker(client)
        try:
            checker.check_all()
        except (
            AssertionError,
            RuntimeError,
        ) as trouble:  # its checks build on each other; what was found so far counts
            features["(all checks)"] = {"found": "stopped", "standard": "finished", "told": str(trouble)[:200]}
    found, standard = checker.features_checked, FeatureSet()
    for name, told in found.dotted_feature_set_list(compact=False).items():
        more: dict[str, Any] = {key: value for key, value in told.items() if key != "support"}
        features[name] = {
            "found": str(found.is_supported(name, str)),
            "standard": str(standard.is_supported(name, str)),
            "told": ", ".join(f"{key}: {value}" for key, value in more.items())[:200],
        }
    Path(path).write_text(json.dumps(features), encoding="utf-8")


main(*sys.argv[1:])
