"""What a client would rather have (Prefer, RFC 7240; for DAV, RFC 8144), and what of it an answer did."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_PREFERENCE = re.compile(r"""([^\s=;,"]+)(?:\s*=\s*(?:"([^"]*)"|([^\s;,"]*)))?""")


@dataclass(frozen=True, slots=True)
class Preferences:
    """``minimal``: leave out what is not there, and what is no news. ``representation``: give what became of it.

    ``no_root``: of a collection and its members, the members alone.
    """

    minimal: bool = False
    representation: bool = False
    no_root: bool = False

    def applied(
        self, *, minimal: bool = False, representation: bool = False, no_root: bool = False
    ) -> Mapping[str, str]:
        """Give the headers that say which of the preferences were followed, of those that this kind of answer can."""
        names = [
            name
            for name, is_done in (
                ("return=minimal", minimal and self.minimal),
                ("return=representation", representation and self.representation),
                ("depth-noroot", no_root and self.no_root),
            )
            if is_done
        ]
        return {"Preference-Applied": ", ".join(names), "Vary": "Prefer, Brief"} if names else {}


def parse_preferences(prefer: str | None, brief: str | None) -> Preferences:
    """Read the Prefer header, and Brief, its older form (``t`` is return=minimal). What is not understood is ignored.

    Of two that are the same, the first counts (RFC 7240 2).
    """
    found: dict[str, str] = {}
    for part in (prefer or "").split(","):
        match = _PREFERENCE.match(part.strip())
        if match is not None:
            found.setdefault(match[1].lower(), (match[2] or match[3] or "").lower())
    wanted = found.get("return", "minimal" if (brief or "").strip().lower() == "t" else "")
    return Preferences(wanted == "minimal", wanted == "representation", "depth-noroot" in found)
