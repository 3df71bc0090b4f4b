"""
What GOV.BR says a person is in which company: its companies API (empresas v2).

First the list of a person's companies, then the role in each, all with the person's own access
token, on threads and a deadline of their own: who asks waits so long and no longer, and what
has come until then counts. What an answer says is read in ``answers``.

GOV.BR wants the CPF in the address; no error, log or name here repeats an address.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from authz_service.domain.errors import SignInUnavailable
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Standing
from authz_service.domain.sign_in import Companies, Token
from authz_service.identity.answers import Unusable, companies_of, standing_of
from authz_service.identity.fetching import FetchFailed, Outcome, fetch
from authz_service.identity.waiting import Waiting
from authz_service.usecases.govbr import Seen

DEADLINE = 5.0
"""Seconds after which a person has been asked about for long enough."""
LONGEST_CALL = 3.0
"""Seconds after which one call has taken long enough."""
WORKERS = 8
PER_PERSON = 6
"""How many calls of one person are under way at once: others find a worker meanwhile."""

_log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of the two calls: its name in sentences, and the bytes that its answer may have."""

    name: str
    longest: int


_LIST = _Kind("a person's companies", 512 * 1024)
_ROLE = _Kind("a role", 16 * 1024)


@dataclass(frozen=True, slots=True)
class _Asking:
    """One person's questions, and the instant of the monotonic clock at which they end."""

    person: Cpf = field(repr=False)
    token: Token
    moment: datetime
    ends: float

    def left(self) -> float:
        """Give the seconds that remain, 0 when it is over."""
        return max(0.0, self.ends - time.monotonic())


class GovBrCompanies:
    """
    A ``CompaniesSource`` that asks GOV.BR.

    Args:
        api_url: where GOV.BR's API is, without ``/empresas``.
        waiting: the places for those who wait for GOV.BR; one is held while asking.
        told: hears of every call, by the value of its ``Outcome`` and its seconds. An answer
            that came and could not be used is ``malformed``.
        deadline: seconds for all calls about one person together.
        longest_call: seconds of one call, or what remains until the deadline if that is less.
    """

    def __init__(
        self,
        api_url: str,
        waiting: Waiting,
        told: Callable[[str, float], None],
        *,
        deadline: float = DEADLINE,
        longest_call: float = LONGEST_CALL,
    ) -> None:
        self._companies_url = f"{api_url.rstrip('/')}/empresas/v2/empresas"
        self._waiting = waiting
        self._told = told
        self._deadline = deadline
        self._longest_call = longest_call
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="govbr-companies")
        self._closed = threading.Event()
        self._failed: dict[_Kind, tuple[Outcome, str, float]] = {}

    def observe(
        self,
        person: Cpf,
        token: Token,
        first: Cnpj | None,
        moment: datetime,
        last_seen: Mapping[Cnpj, datetime],
    ) -> Seen:
        """
        Ask with the person's own access token, in the order that the port promises.

        Takes no longer than the deadline. A company that is not listed is not asked about, the
        one whose certificate was used included: a certificate is no role. A role that GOV.BR
        does not tell, by whatever status (404 too: no document says what it means), leaves the
        company unanswered. What is listed and cannot be a CNPJ is no company of ours, so it
        makes the answer partial and no more; a list of nothing else is no answer at all.

        Raises:
            SignInUnavailable: as many wait for GOV.BR as may, or the service is stopping.
        """
        with self._waiting.place():
            asking = _Asking(person, token, moment, time.monotonic() + self._deadline)
            listed = self._list(asking)
            if listed is None:
                return Seen(Companies.FAILED, moment)
            companies, complete = listed
            never = datetime.min.replace(tzinfo=UTC)
            # Among equals by lot, or those that hang would be asked first each time. Seen in the
            # future, by a clock that was wrong, is not seen.
            seen = {one: at for one, at in last_seen.items() if at <= moment}
            random.SystemRandom().shuffle(companies)
            companies.sort(key=lambda one: (one != first, seen.get(one, never)))
            standing = self._standing(asking, companies)
            unanswered = frozenset(companies).difference(one.company for one in standing)
            outcome = Companies.PARTIAL if unanswered or not complete else Companies.OBSERVED
            return Seen(outcome, moment, tuple(standing), unanswered)

    def ailment(self) -> str | None:
        """
        Tell how the last call ended, if it failed; the next one that succeeds heals it.

        A person whose token GOV.BR does not accept looks the same from here as a GOV.BR that
        accepts none.
        """
        for kind in (_LIST, _ROLE):
            failed = self._failed.get(kind)
            if failed is not None:
                outcome, _why, at = failed
                ago = int(time.monotonic() - at)
                return f"the last call for {kind.name} ended as {outcome.value}, {ago} s ago"
        return None

    def close(self) -> None:
        """Begin no further call, and do not wait for those under way; their time is bounded."""
        self._closed.set()
        self._pool.shutdown(wait=False)

    def _list(self, asking: _Asking) -> tuple[list[Cnpj], bool] | None:
        """Give the companies of a person, and whether all could be read; None if none came."""
        address = f"{self._companies_url}?filtrar-por-participante={asking.person.digits}"
        job = self._submit(asking, _LIST, address, companies_of)
        wait([job], asking.left())
        return job.result() if job.done() else None

    def _standing(self, asking: _Asking, companies: Iterable[Cnpj]) -> list[Standing]:
        """Ask for the role in each company, in this order, and give what came in time."""
        remaining, answered = deque(companies), list[Standing]()
        running: set[Future[Standing | None]] = set()
        while remaining or running:
            while remaining and len(running) < PER_PERSON:
                running.add(self._role(asking, remaining.popleft()))
            done, running = wait(running, asking.left(), FIRST_COMPLETED)
            if not done:
                break
            answered += [one for one in (job.result() for job in done) if one is not None]
        return sorted(answered, key=lambda one: one.company)

    def _role(self, asking: _Asking, company: Cnpj) -> Future[Standing | None]:
        digits = asking.person.digits
        address = f"{self._companies_url}/{company.value}/participantes/{digits}"
        return self._submit(
            asking,
            _ROLE,
            address,
            lambda body: standing_of(body, asking.person, company, asking.moment),
        )

    def _submit(
        self, asking: _Asking, kind: _Kind, address: str, read: Callable[[bytes], _Answer]
    ) -> Future[_Answer | None]:
        try:
            return self._pool.submit(self._call, asking, kind, address, read)
        except RuntimeError:
            raise SignInUnavailable("the service is stopping") from None

    def _call(
        self, asking: _Asking, kind: _Kind, address: str, read: Callable[[bytes], _Answer]
    ) -> _Answer | None:
        """Do one call, on a thread of the pool, and give what was read, or None."""
        seconds = min(self._longest_call, asking.left())
        if seconds == 0 or self._closed.is_set():
            return None
        began, answer = time.monotonic(), None
        headers = {"Authorization": f"Bearer {asking.token.text}"}
        try:
            answer = read(fetch(address, seconds=seconds, longest=kind.longest, headers=headers))
            outcome = Outcome.OK
            why = ""
        except FetchFailed as failure:
            outcome, why = failure.outcome, str(failure)
        except Unusable:
            outcome, why = Outcome.MALFORMED, "the answer cannot be used"
        self._ended(kind, outcome, why, time.monotonic() - began)
        return answer

    def _ended(self, kind: _Kind, outcome: Outcome, why: str, seconds: float) -> None:
        if outcome is Outcome.OK:
            self._failed.pop(kind, None)
        else:
            _outcome, before, _at = self._failed.get(kind, (Outcome.OK, "", 0.0))
            self._failed[kind] = (outcome, why, time.monotonic())
            # Once for each change: every sign-in would say it again, for each company.
            if why != before:
                _log.warning("GOV.BR's companies API failed for %s: %s", kind.name, why)
        try:
            self._told(outcome.value, seconds)
        except Exception as error:  # noqa: BLE001 -- counting must not cost an answer
            _log.error("%s while counting a call", type(error).__name__)
