"""What a judge says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from judges.demo import Demo
from judges.workshop import Workshop


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judge's answer: what passed; what failed or was left out, each with what the judge said of it."""

    passed: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def score(self) -> str:
        """Give it in short: passed of all that ran."""
        return f"{len(self.passed)} of {len(self.passed) + len(self.failed)}"


@dataclass(frozen=True, slots=True)
class Judge:
    """Who judges: a short name for the command line, what it is, and how it is asked."""

    name: str
    what: str
    ask: Callable[[Demo, Workshop], Verdict]
    """Judge a demo of its own. Raises Unobtainable where the judge cannot be had on this machine."""
