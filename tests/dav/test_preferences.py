"""The Prefer header."""

import pytest

from bridge.dav.preferences import Preferences, parse_preferences


@pytest.mark.parametrize(
    ("prefer", "brief", "expected"),
    [
        (None, None, Preferences()),
        ("return=minimal", None, Preferences(minimal=True)),
        ('Return="minimal"', None, Preferences(minimal=True)),
        ("respond-async, wait=100; x=y, return = representation", None, Preferences(representation=True)),
        ("return=minimal, return=representation", None, Preferences(minimal=True)),
        ("depth-noroot, return=minimal", None, Preferences(minimal=True, no_root=True)),
        ("return=everything", None, Preferences()),
        (None, "t", Preferences(minimal=True)),
        (None, "f", Preferences()),
        ("return=representation", "t", Preferences(representation=True)),
        (",,;=", None, Preferences()),
    ],
)
def test_what_is_understood_is_read_and_the_first_of_two_counts(
    prefer: str | None, brief: str | None, expected: Preferences
) -> None:
    """RFC 7240 2."""
    assert parse_preferences(prefer, brief) == expected


def test_only_what_was_done_is_said_to_be_applied() -> None:
    wanted = Preferences(minimal=True, no_root=True)
    assert wanted.applied(minimal=True)["Preference-Applied"] == "return=minimal"
    assert wanted.applied(minimal=True, no_root=True)["Preference-Applied"] == "return=minimal, depth-noroot"
    assert wanted.applied(representation=True) == {}
