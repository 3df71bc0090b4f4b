"""
What the use cases need from outside, as protocols; ``bootstrap`` brings the real things.

Here are policies, entities, the decision log as it is written, and of the store facts, surrogates,
persons, sign-ins and personal data; the store's other ports are in ``stores``, GOV.BR in ``govbr``,
the log as it is read in ``records``. Tests bring the others: a store in memory that passes the same
contract suite as the SQL one, a clock that stands still, a log that keeps its records in a list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from authz_service.domain.decision import Decision, DecisionRecord, Question, Record, Subject
from authz_service.domain.entities import EntityName
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Cpf
from authz_service.domain.nearest import Way
from authz_service.domain.people import Bond, Person, Standing
from authz_service.domain.processes import Ambiguous
from authz_service.domain.sign_in import SignIn
from authz_service.usecases.govbr import Seen

Clock = Callable[[], datetime]
"""Gives the present instant, in UTC."""

Listener = Callable[[Sequence[Record]], None]
"""Hears of records, one or more of one class, once they are in the log; the metrics are one."""

Alarm = Callable[[Sequence[DecisionRecord]], None]
"""Hears of decisions in which rules have erred, once they are in the log."""

Told = Callable[[int], None]
"""
Hears of a write, by the revision that it makes, as the last thing before it is committed.

If it raises, nothing is written, and what it raised passes through unchanged. It holds up
all other writers meanwhile, and must not ask the store for anything.
"""


@dataclass(frozen=True, slots=True)
class Text:
    """
    What a reason says to people.

    Attributes:
        codigo: the stable code that Orquestra's designers compare, such as ``SEM_DELEGACAO``.
        pt: the Portuguese sentence for the citizen.
        en: the English sentence for operators.
    """

    codigo: str
    pt: str
    en: str


class Policy(Protocol):
    """One immutable version of the rules."""

    @property
    def digest(self) -> str:
        """The SHA-256 of all that decides, hexadecimal."""

    @property
    def heeds_asserted(self) -> bool:
        """Whether a rule may read what a caller asserts of context and properties."""

    def evaluate(self, question: Question, facts: Facts) -> Decision:
        """Answer; never raises, since whatever goes wrong is a denial that says so."""

    def nearest(self, question: Question, facts: Facts) -> tuple[Way, ...]:
        """
        Give the ways in which a denial would be an allow, the lightest first.

        They tell of all whom the facts are about: only for who may see those.
        """

    def advice(self, question: Question, facts: Facts, decision: Decision) -> Way | None:
        """Give what who gets the denial *decision* may be told of the nearest allow, or None."""

    def text(self, reason: str, action: str, particulars: Mapping[str, str]) -> Text:
        """Give the texts of *reason* for *action*, with ``{cnpj}`` and ``{processo}`` filled in."""


class Policies(Protocol):
    """Where the current policy is to be had."""

    def current(self) -> Policy:
        """
        Give the policy in force.

        Raises:
            PolicyUnavailable: there is none.
        """


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    The facts for a batch of questions, out of one state of the store.

    Attributes:
        revision: which state; grows with every write.
        facts: one for each question, in their order; what a name could mean in the place of
            those about a process that is named by what several have.
        span: since when and until when the facts are these as long as the state is, or None where
            nobody knows.
    """

    revision: int
    facts: tuple[Facts | Ambiguous, ...]
    span: tuple[datetime, datetime] | None = field(default=None, compare=False)


class Truth(Protocol):
    """Sees what was written, by whichever process. Raises ``StoreUnavailable``."""

    def look(self, at_least: int = 0, *, asking: bool = False) -> int:
        """
        Have every write that returned before this call be seen by what is read afterwards.

        Args:
            at_least: the revision that the caller demands.
            asking: the store itself is asked, also where it tells by itself what has changed,
                which may come late.

        Returns:
            the revision that the store is at.

        Raises:
            StoreBehind: the store has not come to *at_least*.
        """


class FactSource(Protocol):
    """Gathers what the store knows about questions. Raises ``StoreUnavailable``."""

    @property
    def state(self) -> object:
        """
        The state of the store, as far as the last look has told; see ``Truth``.

        As long as it is the very same object nothing was written. None where nobody keeps track.
        """

    def gather(
        self,
        questions: Sequence[Question],
        moment: datetime,
        *,
        looked: bool = False,
        heeded: bool = True,
    ) -> Snapshot:
        """
        Give all facts out of one state of the store.

        Args:
            questions: what is asked.
            moment: the instant that the facts are true at.
            looked: whether the caller has looked at the store for this request, so that no
                write can have returned before it that is not seen; see ``Truth``.
            heeded: whether anybody reads what a question asserts, its context and properties. If
                not, the facts may be those of one that asserts nothing.
        """


class Entities(Protocol):
    """What is known of entities of types that the domain does not own."""

    @property
    def types(self) -> frozenset[str]:
        """The types of which something is known; a question about any other is denied."""

    def properties(self, name: EntityName) -> Mapping[str, object]:
        """Give what is stored of an entity; nothing of one that is not there."""


class Surrogates(Protocol):
    """Pairs subjects with the random names that stand for them in the decision log."""

    def surrogates(
        self, subjects: Iterable[Subject], *, looked: bool = False
    ) -> Mapping[Subject, str]:
        """
        Give the surrogate of each, making one for which there is none yet.

        Args:
            subjects: whose.
            looked: whether the caller has looked at the store for this request; see ``Truth``.
        """

    def known(self, subject: Subject) -> str | None:
        """Give the surrogate of one, or None if it has none; nothing is made."""

    def behind(self, surrogates: Iterable[str]) -> Mapping[str, Subject]:
        """Give who stands behind each, those apart whose pairing was erased."""


class DecisionLog(Protocol):
    """Where records go before an answer leaves."""

    def write(self, records: Sequence[Record]) -> None:
        """
        Write all the records, in their order, or none.

        Args:
            records: one or more, decisions or acts.

        Raises:
            LogUnavailable: not written, so the answer must not leave, nor the act be done.

        Acts are written while the store's lock is held, so a log never waits for the store.
        """


class Registry(Protocol):
    """Keeps persons, standing and bonds. Each write gives the new revision; see ``Told``."""

    def save_person(self, person: Person, told: Told) -> int:
        """Keep a person; what an earlier call said about registration is replaced."""

    def save_standing(self, standing: Standing, told: Told) -> int:
        """
        Keep a standing; it supersedes the one of the same person, company and evidence.

        Raises:
            Conflict: it is asserted, and GOV.BR has answered about this person: what GOV.BR
                says counts, also when it lists nothing.
        """

    def save_bond(self, bond: Bond, told: Told) -> int:
        """Keep a filial's bond; it supersedes the one that the filial had."""

    def confirm(self, cpf: Cpf, moment: datetime, told: Told) -> Person | None:
        """
        Keep that Orquestra confirmed a person at *moment*, and give the person.

        Who is confirmed already stays so since then, and nothing is written or told. None, and
        nothing is written or told either, if the person has not registered.
        """

    def person(self, cpf: Cpf) -> Person | None:
        """Give a person, or None if nobody has spoken of the CPF."""

    def standing_of(self, cpf: Cpf) -> list[Standing]:
        """Give all current standings of a person, by company and evidence."""


class SignIns(Protocol):
    """Keeps sign-ins until their tokens end."""

    def of_digest(self, digest: str) -> SignIn | None:
        """
        Give the sign-in that a token made, by the token's digest.

        Raises:
            Conflict: it made one of a person who was erased since.
        """

    def save(self, sign_in: SignIn, seen: Seen, told: Told, *, confirm: bool, name: str) -> int:
        """
        Keep a sign-in and all that follows from it in one transaction; see ``Told``.

        Unless it is by power of attorney, the person is registered from the first one on, and
        confirmed with it if *confirm*. An answer in *seen* replaces every standing of the person
        that was observed or asserted before it, those of unanswered companies apart; one that
        is older than the last answer replaces nothing, unless that came in the future, by a
        clock that was wrong. Sign-ins that ended more than a day ago are forgotten.

        Args:
            sign_in: the sign-in.
            seen: what GOV.BR's companies API answered.
            told: see ``Told``.
            confirm: whether the person is confirmed with it.
            name: the person's surrogate, as it was before GOV.BR was asked.

        Raises:
            Conflict: the token has made a sign-in already, if only one that was erased; or the
                person has another surrogate by now, since it was erased meanwhile; from then
                on the token is spent, like those that the erasure found.
        """

    def found_agent(self, sign_in: SignIn, told: Told) -> int:
        """Keep that a sign-in is by power of attorney after all, and give the revision."""


class PersonalData(Protocol):
    """All that is kept of a person, to be shown to that person or forgotten (LGPD art. 18)."""

    def export(self, person: Subject) -> tuple[Mapping[str, Sequence[Mapping[str, object]]], int]:
        """Give every row about the person, by table, in values that JSON knows; the revision."""

    def erase(self, person: Subject, told: Told) -> int | None:
        """
        Forget the person, the pairing with the surrogate included, and give the revision.

        None, and nothing is written or told, if nothing was kept.

        Delegations to the person go with their history. Where the person acted on those of
        others, the history keeps the act and ``ERASED`` in the place of the CPF. The digests of
        the person's tokens stay for a day after their end, without the person, so that no
        token brings back what was erased. Foreign companies keep their other representatives.
        """


@dataclass(frozen=True, slots=True)
class Ping:
    """
    A question to one part of the service: are you well?

    Attributes:
        name: the part's name, such as ``database``.
        vital: whether no decision can be made without it.
        ailment: gives what is wrong in one sentence, or None if nothing is; never raises.
    """

    name: str
    vital: bool
    ailment: Callable[[], str | None]
