"""
The keys that sign GOV.BR's tokens: kept, renewed in the background, and read without waiting.

``PyJWKClient`` of PyJWT has no thread of its own: whoever comes when its keys are old, or with
an unknown key, fetches them while the others wait; it asks an issuer that is down again for each
token, and forgets good keys while it is.
"""

from __future__ import annotations

import base64
import logging
import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from authz_service.domain.errors import SignInUnavailable
from authz_service.identity.documents import parsed
from authz_service.identity.fetching import FetchFailed, Outcome, fetch
from authz_service.identity.waiting import Waiting

LONGEST = 64 * 1024
"""Bytes of the longest keys document that is taken; GOV.BR's has some hundred."""
MOST = 100
"""The most keys that a document may have."""

_KID_LENGTH = 200
_BITS = range(2048, 8192 + 1)
# FIPS 186-5, A.1.1: an odd number between 2 to the 16th and 2 to the 256th, exclusively.
_EXPONENTS = range(2**16 + 1, 2**256, 2)
# RFC 7518, 6.3.2. Who publishes one of these has lost the key.
_PRIVATE = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth"))
_BASE64URL = re.compile(r"(?:[\w-]{4})*(?:[\w-]{2,3})?", re.ASCII)
_A_LITTLE = 1.0

_log = logging.getLogger(__name__)


class UnknownKey(Exception):
    """The issuer has no key of that name, as far as is known now."""


@dataclass(frozen=True, slots=True)
class _Held:
    """The keys of one document, by kid, and when it was asked for, by the monotonic clock."""

    keys: Mapping[str, RSAPublicKey]
    since: float


class KeyCache:
    """
    The keys of one issuer.

    A cache belongs to one issuer, and so to one address: staging and production of GOV.BR both
    call their key ``rsa1``, so a kid means nothing beyond its issuer.

    The keys are immutable, and replaced by one reference. One thread, and no other, fetches
    them: when they are as old as *lifetime*, and when somebody asked who needs newer ones, but
    never sooner than *cooldown* after the end of the last fetch, however that ended. So a kid
    that is known is read without a lock, one refresh runs at a time, and neither an issuer
    that is down nor somebody who makes up kids causes more fetches than that. Keys that could
    not be replaced serve until they are *stale_seconds* old.

    Args:
        url: of the keys document.
        waiting: the room for those who wait for a refresh.
        told: hears how each refresh ended, the value of an ``Outcome``.
        stale_seconds: how old keys may be and still serve.
        lifetime: seconds after which keys are fetched anew.
        cooldown: seconds between the end of a fetch and the beginning of the next.
        deadline: seconds that a fetch may take.
    """

    def __init__(
        self,
        url: str,
        waiting: Waiting,
        told: Callable[[str], None],
        *,
        stale_seconds: float,
        lifetime: float = 300.0,
        cooldown: float = 10.0,
        deadline: float = 3.0,
    ) -> None:
        self._url = url
        self._waiting = waiting
        self._told = told
        self._stale = stale_seconds
        self._lifetime = lifetime
        self._cooldown = cooldown
        self._deadline = deadline
        self._held = _Held({}, -math.inf)
        # All below is read and written under this lock, which is never held during a fetch.
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._wanted = False
        self._fetching = False
        self._closed = False
        self._ended = -math.inf
        self._rounds = 0
        self._outcome: Outcome | None = None

    def start(self) -> None:
        """Begin the first fetch, in the background."""
        with self._changed:
            self._ask()

    def close(self) -> None:
        """Fetch no more; a fetch under way ends by itself. Keys that are held still serve."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def find(self, kid: str) -> RSAPublicKey:
        """
        Give the key of *kid*, at once if it is known.

        An unknown one may be new: then this waits for one refresh, if one is allowed now.

        Raises:
            UnknownKey: the issuer has none of that name.
            SignInUnavailable: there are no keys, or too old ones; or the issuer does not say
                whether it has that one; or too many wait.
        """
        key = self._known(kid)
        if key is None:
            self._refresh()
            key = self._known(kid)
        if key is not None:
            return key
        if self._age() >= self._stale or self._outcome is not Outcome.OK:
            raise SignInUnavailable("the keys of GOV.BR cannot be had now")
        raise UnknownKey("no key of that name is published")

    def renewed(self, kid: str, seen: RSAPublicKey) -> RSAPublicKey | None:
        """
        Give the key of *kid* if it is another one than *seen*, which did not verify.

        A rotation may keep the name. This waits for one refresh, if one is allowed now.

        Raises:
            SignInUnavailable: too many wait.
        """
        key = self._known(kid)
        if key == seen:
            self._refresh()
            key = self._known(kid)
        return None if key == seen else key

    def age(self) -> float | None:
        """Give how old the keys are, in seconds, or None if there are none."""
        age = self._age()
        return None if age == math.inf else age

    def ailment(self) -> str | None:
        """Give what is wrong with the keys, for operators, or None."""
        age, outcome = self._age(), self._outcome
        # Too old although all went well: the thread that fetches is held up, or gone.
        if outcome is Outcome.OK and age < self._stale:
            return None
        if age == math.inf:
            return f"no keys yet: {outcome or 'not asked for'}"
        return f"keys are {age:.0f} s old, the last refresh ended as {outcome}"

    def _age(self) -> float:
        return time.monotonic() - self._held.since

    def _known(self, kid: str) -> RSAPublicKey | None:
        # Read once: it may be replaced at any moment.
        held = self._held
        key = held.keys.get(kid)
        return key if time.monotonic() - held.since < self._stale else None

    def _refresh(self) -> None:
        """Wait for a refresh that runs or is allowed now; if there is none, come back at once."""
        with self._changed:
            if not self._ask():
                return
            rounds = self._rounds
        with self._waiting.place(), self._changed:
            # Bounded all the same, should a listener that is told hang.
            patience = self._deadline + _A_LITTLE
            self._changed.wait_for(lambda: self._rounds > rounds, patience)

    def _ask(self) -> bool:
        """Tell whether a refresh is under way, beginning one if it may; under the lock."""
        if self._closed:
            return False
        if self._fetching:
            return True
        if time.monotonic() < self._ended + self._cooldown:
            return False
        if self._thread is None:
            thread = threading.Thread(target=self._serve, name="keys", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                _log.error("the system gives no thread to fetch keys in")
                return False
            self._thread = thread
        self._wanted = True
        self._changed.notify_all()
        return True

    def _serve(self) -> None:
        """Fetch whenever it is time, until the cache is closed; the thread's whole life."""
        while self._turn():
            outcome = self._fetched()
            with self._changed:
                self._fetching = False
                self._ended = time.monotonic()
                self._rounds += 1
                self._outcome = outcome
                self._changed.notify_all()
            try:
                self._told(outcome.value)
            except Exception as error:  # noqa: BLE001 -- a listener must not end the refreshes
                _log.error("%s while telling of a refresh of keys", type(error).__name__)

    def _turn(self) -> bool:
        """Sleep until a fetch is wanted or due; False once the cache is closed."""
        with self._changed:
            due = max(self._ended + self._cooldown, self._held.since + self._lifetime)
            self._changed.wait_for(lambda: self._wanted or self._closed, due - time.monotonic())
            self._wanted = False
            self._fetching = not self._closed
            return self._fetching

    def _fetched(self) -> Outcome:
        """Fetch once, and hold what came if it is good."""
        since = time.monotonic()
        try:
            document = fetch(self._url, seconds=self._deadline, longest=LONGEST)
            self._held = _Held(keys_of(document), since)
        except FetchFailed as failed:
            outcome, why = failed.outcome, str(failed)
        except Exception as error:  # noqa: BLE001 -- nothing that came may end the refreshes
            outcome, why = Outcome.MALFORMED, type(error).__name__
        else:
            return Outcome.OK
        if outcome != self._outcome:
            _log.warning("the keys of GOV.BR are not renewed: %s", why)
        return outcome


def keys_of(document: bytes) -> dict[str, RSAPublicKey]:
    """
    Read the keys for RS256 out of a keys document (RFC 7517), by kid.

    Keys for something else are left out; so is one whose numbers are not those of a sound key,
    or that brings its private part.

    Raises:
        FetchFailed: as malformed, if it is no keys document, or none is left, or two of the
            same kid are, since which of them is meant would be a guess.
    """
    try:
        content = parsed(document)
    except ValueError:
        raise _malformed("is no JSON") from None
    entries = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not 1 <= len(entries) <= MOST:
        raise _malformed(f"has no list of 1 to {MOST} keys")
    keys: dict[str, RSAPublicKey] = {}
    for entry in entries:
        if not isinstance(entry, dict):
            raise _malformed("lists something that is no key")
        key, kid = _key_of(entry), entry.get("kid")
        if key is None or not isinstance(kid, str) or not 1 <= len(kid) <= _KID_LENGTH:
            continue
        if kid in keys:
            raise _malformed("has two keys of one name")
        keys[kid] = key
    if not keys:
        raise _malformed("has no key for RS256")
    return keys


def _key_of(entry: Mapping[str, object]) -> RSAPublicKey | None:
    # GOV.BR says `alg` and leaves `use` out.
    if entry.get("kty") != "RSA" or entry.get("use", "sig") != "sig":
        return None
    if entry.get("alg", "RS256") != "RS256" or not _PRIVATE.isdisjoint(entry):
        return None
    modulus, exponent = _number(entry.get("n")), _number(entry.get("e"))
    if modulus.bit_length() not in _BITS or exponent not in _EXPONENTS:
        return None
    # Not by PyJWT, which takes base64 of many kinds, private keys, and numbers of any size.
    return RSAPublicNumbers(exponent, modulus).public_key()


def _number(value: object) -> int:
    """Give the number that base64url without padding stands for, 0 for anything else."""
    if not isinstance(value, str) or not _BASE64URL.fullmatch(value):
        return 0
    return int.from_bytes(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))


def _malformed(what: str) -> FetchFailed:
    return FetchFailed(Outcome.MALFORMED, f"the keys document {what}")
