"""Logins: the client's user name and password are tried at Exchange, seldom, and remembered as a proof.

* A good login counts for `FRESH`, and every call that Exchange answers with the same password renews it. Then Exchange
  is asked again, behind the request: who was let in within `LATELY` does not wait for that, others do for `PATIENCE`.
  While Exchange cannot be asked, a proof that matches lets the viewer in until it is `STANDS` old.
* A password that Exchange refused is refused here for `REMEMBERED`, without asking; and of one account no more than
  `REFUSALS` different ones are asked about within the state's window, whatever form the user name comes in, because
  directories lock accounts (Microsoft's security baseline: after ten wrong passwords; many organisations: after
  five). A password that matches a proof is always asked about.
* The password itself is in the vault and nowhere else.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bridge.accounts.behind import Behind
from bridge.accounts.password import fits, make_proof
from bridge.accounts.recent import Recent, Tag, Tagger
from bridge.accounts.turns import Turns
from bridge.accounts.usernames import Username, parse_username
from bridge.accounts.vault import Vault
from bridge.errors import CredentialRefused, ExchangeSays, LoginRefused, Unavailable
from bridge.exchange import Deadline, Exchange, Waiters
from bridge.keys import SealBroken
from bridge.model import BasicCredential, Caller, Login, Mailbox, OrganisationId, Viewer
from bridge.state.proofs import REFUSAL_WINDOW, Proof, Proofs

LOG = logging.getLogger(__name__)

FRESH = timedelta(minutes=10)
LATELY = timedelta(hours=1)
STANDS = timedelta(hours=8)
PATIENCE = 2.0
"""Seconds a request waits for Exchange's word on a password that it has accepted some hours ago."""
REMEMBERED = timedelta(minutes=30)
REFUSALS = 3
PAUSE = timedelta(seconds=30)
"""How long Exchange is not asked about proved logins after it could not be asked."""
CALL = 10.0
"""Seconds for a login, waiting for one's turn included."""
SWEEP = 60.0
"""Seconds between two sweeps of the vault."""
RENEW = timedelta(minutes=2)
"""How old a proof is at least when it is renewed: each time is a write to the state."""
EXPIRE = timedelta(hours=1)
"""How often proofs that stand no more are removed from the state."""

_REFUSED = "The user name or password is not accepted."
_TOO_MANY = "Too many wrong passwords were tried; this one is not tried at Exchange. Wait some minutes."
_NO_MAILBOX = "Exchange opens no mailbox for this user name and password."


def utc_now() -> datetime:
    """Give the time of day, UTC."""
    return datetime.now(UTC)


class Accounts:
    """The logins of one organisation. Safe to call from many threads; made once in each process, after fork."""

    def __init__(
        self,
        exchange: Exchange,
        proofs: Proofs,
        organisation: OrganisationId,
        waiters: Waiters,
        now: Callable[[], datetime] = utc_now,
        *,
        renews: bool = True,
    ) -> None:
        """Take whom to ask, where proofs are kept, whose logins these are, the bound on waiting, and a UTC clock.

        ``renews``: every call to Exchange bears the password, as with Basic authentication, so that its answer is a
        proof of it.
        """
        self._renews = renews
        self._exchange = exchange
        self._proofs = proofs
        self._organisation = organisation
        self._waiters = waiters
        self._now = now
        self._vault = Vault(now)
        self._turns = Turns()
        self._tagger = Tagger()
        self._admitted: Recent[Mailbox] = Recent(now)
        self._matched: Recent[Proof] = Recent(now)
        self._refused: Recent[bool] = Recent(now)
        self._behind = Behind()
        self._accounts: dict[str, str] = {}
        self._paused_until = datetime.min.replace(tzinfo=UTC)
        self._closing = threading.Event()
        self._sweeper = threading.Thread(target=self._sweep, name="vault", daemon=True)
        self._sweeper.start()

    def log_in(self, username: str, password: str) -> Login:
        """Let the person in, or not; at most `CALL` seconds, and microseconds when he was let in lately.

        Raises LoginRefused, or Unavailable where Exchange cannot be asked and no proof stands.
        """
        name = parse_username(username)
        if name is None or not password:
            raise LoginRefused(_REFUSED)
        credential = BasicCredential(username.strip(), password)
        tag = self._tagger.make_tag(name.login, credential)
        admitted = None if self._refused.get(tag) else self._admitted.get(tag)  # a refusal outdoes what came before
        mailbox = admitted or self._admit(name, credential, tag)
        viewer = Viewer(self._organisation, mailbox.address)
        self._vault.put(viewer, credential)
        return Login(Caller(viewer, credential), mailbox)

    def caller(self, viewer: Viewer) -> Caller | None:
        """Give the viewer with his credential, for work in the background; None when he has not asked lately."""
        credential = self._vault.get(viewer)
        return Caller(viewer, credential) if credential else None

    def forget(self, caller: Caller) -> None:
        """Take note that Exchange refused this credential in some other call: its next login is refused.

        What is refused of a service account says nothing of the viewer's password.
        """
        credential = caller.credential
        self._vault.drop(caller.viewer, credential)
        name = parse_username(credential.username)
        if name is None or not isinstance(credential, BasicCredential):
            return
        tag = self._tagger.make_tag(name.login, credential)
        if not self._refused.get(tag):
            self._note_refusal(name, tag, self._matching(name, credential, tag))

    def proved(self, caller: Caller) -> None:
        """Take note that Exchange has just answered a call with this credential: the login counts anew."""
        credential, now = caller.credential, self._now()
        name = parse_username(credential.username)
        if not self._renews or name is None or not isinstance(credential, BasicCredential):
            return
        tag = self._tagger.make_tag(name.login, credential)
        proof = self._recognised(name, tag)
        if proof is None or now - proof.proved_at < RENEW or self._refused.get(tag):
            return
        renewed = replace(proof, proved_at=now)
        try:
            self._proofs.put(name.login, renewed)
            if self._refused.get(tag):  # meanwhile
                self._proofs.drop(name.login)
                return
        except Unavailable as error:
            LOG.info("a login is renewed later: %s", error)
            return
        self._matched.put(tag, renewed, now + STANDS)
        self._admitted.put(tag, renewed.mailbox, now + FRESH)

    def close(self) -> None:
        """Forget every password and stop."""
        self._behind.close()
        self._closing.set()
        self._sweeper.join()
        self._vault.clear()

    def _sweep(self) -> None:
        expire_at = self._now()
        while not self._closing.wait(SWEEP):
            self._vault.sweep()
            if self._now() >= expire_at:
                expire_at = self._now() + EXPIRE
                self._expire()

    def _expire(self) -> None:
        """Remove proofs that no longer let anyone in from the state."""
        try:
            self._proofs.expire(self._now() - STANDS)
        except Unavailable as error:
            LOG.warning("old login proofs are not removed now: %s", error)

    # --- letting in ----------------------------------------------------------------------------------

    def _admit(self, name: Username, credential: BasicCredential, tag: Tag) -> Mailbox:
        if self._refused.get(tag):
            raise LoginRefused(_REFUSED)
        proof = self._recognised(name, tag)
        if proof is not None:
            return self._believe(name, credential, tag, proof)
        deadline = Deadline.after(CALL)
        with self._waiters.waiting(name.short), self._turns.taken(self._account(name), deadline):
            return self._admitted.get(tag) or self._check(name, credential, tag, deadline)

    def _check(self, name: Username, credential: BasicCredential, tag: Tag, deadline: Deadline) -> Mailbox:
        """Let in whose password matches a proof, else ask Exchange."""
        now = self._now()
        if self._refused.get(tag):
            raise LoginRefused(_REFUSED)
        proof = self._matching(name, credential, tag)
        if proof is not None:
            return self._believe(name, credential, tag, proof)
        refusals = self._proofs.refusals(self._account(name), now)
        if len(refusals) >= REFUSALS:
            LOG.warning("a password is refused without asking: too many wrong ones for this account")
            self._refused.put(tag, fact=True, until=min(refusals) + REFUSAL_WINDOW)
            raise LoginRefused(_TOO_MANY)
        return self._ask(name, credential, tag, None, deadline)

    def _believe(self, name: Username, credential: BasicCredential, tag: Tag, proof: Proof) -> Mailbox:
        """Let in whose password matches a standing proof; where that is not fresh, it is checked behind the request."""
        now = self._now()
        if now - proof.proved_at < FRESH:
            self._admitted.put(tag, proof.mailbox, proof.proved_at + FRESH)
            return proof.mailbox
        self._admitted.put(tag, proof.mailbox, now + PAUSE)
        if now >= self._paused_until:
            wait = 0.0 if now - proof.proved_at < LATELY else PATIENCE
            self._behind.check(tag, lambda: self._check_again(name, credential, tag, proof), wait)
        return proof.mailbox

    def _check_again(self, name: Username, credential: BasicCredential, tag: Tag, proof: Proof) -> None:
        """Ask Exchange whether a proved password is still right."""
        deadline = Deadline.after(CALL)
        with self._turns.taken(self._account(name), deadline):
            try:
                self._ask(name, credential, tag, proof, deadline)
            except LoginRefused:
                self._vault.drop(Viewer(self._organisation, proof.mailbox.address), credential)
                raise

    def _ask(
        self, name: Username, credential: BasicCredential, tag: Tag, proof: Proof | None, deadline: Deadline
    ) -> Mailbox:
        """Ask Exchange. ``proof`` is the older one that the password matches."""
        try:
            mailbox = self._exchange.log_in(credential, deadline)
        except CredentialRefused:
            self._note_refusal(name, tag, proof)
            raise LoginRefused(_REFUSED) from None
        except Unavailable:
            self._paused_until = self._now() + PAUSE
            raise
        except ExchangeSays as error:
            LOG.warning("a good login opens no mailbox: %s", type(error).__name__)
            self._refused.put(tag, fact=True, until=self._now() + PAUSE)
            self._admitted.drop(tag)
            raise LoginRefused(_NO_MAILBOX) from error
        now = self._now()
        proved = (
            replace(proof, mailbox=mailbox, proved_at=now) if proof else make_proof(credential.password, mailbox, now)
        )
        self._proofs.put(name.login, proved)
        for account in {self._account(name), self._learn(name, mailbox), name.short}:
            self._proofs.clear_refusals(account)
        self._matched.put(tag, proved, now + STANDS)
        self._admitted.put(tag, mailbox, now + FRESH)
        return mailbox

    # --- proofs and refusals -------------------------------------------------------------------------

    def _recognised(self, name: Username, tag: Tag) -> Proof | None:
        """Give the standing proof where this process knows already that it is this password's."""
        known = self._matched.get(tag)
        proof = self._standing(name) if known is not None else None
        return proof if proof is not None and known is not None and known.digest == proof.digest else None

    def _standing(self, name: Username) -> Proof | None:
        """Give the proof of this user name while it stands; one from the future never does."""
        proof = self._proof(name)
        return proof if proof and timedelta() <= self._now() - proof.proved_at < STANDS else None

    def _proof(self, name: Username) -> Proof | None:
        """Give the proof of this user name, however old; a damaged one is none, since Exchange can be asked."""
        try:
            return self._proofs.get(name.login)
        except SealBroken:
            LOG.warning("a login proof in the state is damaged and is not used")
            return None

    def _matching(self, name: Username, credential: BasicCredential, tag: Tag) -> Proof | None:
        """Give the standing proof if the password is its; scrypt is run only where this process does not know yet."""
        proof = self._standing(name)
        if proof is None:
            return None
        known = self._matched.get(tag)
        if (known is None or known.digest != proof.digest) and not fits(credential.password, proof):
            return None
        self._learn(name, proof.mailbox)
        self._matched.put(tag, proof, proof.proved_at + STANDS)
        return proof

    def _note_refusal(self, name: Username, tag: Tag, proof: Proof | None) -> None:
        now = self._now()
        self._refused.put(tag, fact=True, until=now + REMEMBERED)
        self._admitted.drop(tag)
        self._proofs.note_refusal(self._account(name), now)
        if proof:
            self._proofs.drop(name.login)
            self._matched.drop(tag)

    def _account(self, name: Username) -> str:
        """Give the account that wrong passwords of this user name are counted for."""
        if account := self._accounts.get(name.login):
            return account
        proof = self._proof(name)
        return self._learn(name, proof.mailbox) if proof else name.short

    def _learn(self, name: Username, mailbox: Mailbox) -> str:
        """Remember which account these names mean: those of people who once got in, so there are not too many."""
        account = mailbox.address.partition("@")[0]
        self._accounts.update(dict.fromkeys((name.login, *mailbox.addresses), account))
        return account
