"""Whatever is tried, in whatever order and form: no window of time sees more wrong passwords than allowed."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.accounts.accounts import REFUSALS, Accounts
from bridge.errors import LoginRefused
from bridge.exchange import Deadline, Waiters
from bridge.model import Credential, Mailbox, OrganisationId
from bridge.state.proofs import REFUSAL_WINDOW, Proof

from memory_exchange import MemoryExchange

FORMS = ("anna@example.org", "Anna", "CORP\\anna", "ANNA@EXAMPLE.ORG")


@dataclass
class Proofs:
    """Proofs and refusals in memory, shared by two processes."""

    proofs: dict[str, Proof] = field(default_factory=dict)
    noted: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))

    def get(self, login: str) -> Proof | None:
        return self.proofs.get(login)

    def put(self, login: str, proof: Proof) -> None:
        self.proofs[login] = proof

    def drop(self, login: str) -> None:
        self.proofs.pop(login, None)

    def note_refusal(self, login: str, now: datetime) -> int:
        self.noted[login].append(now)
        return len(self.refusals(login, now))

    def refusals(self, login: str, now: datetime) -> tuple[datetime, ...]:
        return tuple(at for at in self.noted[login] if now - at < REFUSAL_WINDOW)

    def clear_refusals(self, login: str) -> None:
        self.noted.pop(login, None)


class Directory(MemoryExchange):
    """An Exchange that counts wrong passwords as a directory does: a good login sets the count back."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
        self.wrong: list[datetime] = []
        self.worst = 0
        anna = self.add_person("anna@example.org", "right")
        self.passwords |= dict.fromkeys(("anna", "corp\\anna"), ("right", anna))

    def log_in(self, credential: Credential, deadline: Deadline) -> Mailbox:
        if credential.password == "right":
            self.wrong.clear()
        else:
            self.wrong.append(self.now)
            self.worst = max(self.worst, sum(self.now - at < REFUSAL_WINDOW for at in self.wrong))
        return super().log_in(credential, deadline)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 1),
            st.sampled_from(FORMS),
            st.sampled_from(["right", *"abcdefgh"]),
            st.sampled_from([0, 0, 0, 1, 4, 11, 600]),
        ),
        max_size=30,
    )
)
@settings(deadline=None)
def test_no_window_sees_more_wrong_passwords_than_allowed(steps: list[tuple[int, str, str, int]]) -> None:
    directory, proofs = Directory(), Proofs()
    with patch("bridge.accounts.password._COST", 2):
        processes = [
            Accounts(directory, cast("Any", proofs), OrganisationId("x"), Waiters(4), lambda: directory.now)
            for _ in range(2)
        ]
        try:
            for process, form, password, minutes in steps:
                try:
                    login = processes[process].log_in(form, password)
                    assert login.caller.credential.password == password == "right"
                except LoginRefused:
                    assert password != "right" or len(proofs.refusals("anna", directory.now)) >= REFUSALS
                directory.now += timedelta(minutes=minutes)
        finally:
            for one in processes:
                one.close()
    assert directory.worst <= REFUSALS
