"""
Facts drawn at random, of all classes of actors and resources, and the values they are made of.

The pools are small, so that values meet each other, and meet the constants of policies.
They hold what is likely to be taken for something else: a text that looks like a number,
a bool beside 1, a float beside the same int, two CPFs, a caller's text that is a reason.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from random import Random

from authz_service.domain.decision import ACTIONS, Bag
from authz_service.domain.facts import (
    BondFacts,
    CompanyFacts,
    DelegationFacts,
    Facts,
    LoginFacts,
    PersonFacts,
    ProcessFacts,
    QuestionFacts,
    ResourceFacts,
    SignInFacts,
    StandingFacts,
    SubjectFacts,
)
from authz_service.policy.kinds import Choice
from authz_service.policy.vocabulary import VOCABULARY

CPFS = ("72268402517", "18762794604", "00000000191")
LOGINS = ("weber", "müller")
TYPES = ("record", "user", "open")
IDS = ("alice", "record-1", "first", "72268402517")
CNPJS = ("52420282000180", "52420282000260", None)
PROCESS_IDS = ("p001", "p061-registro", None)
CODES = ("P001", "P061", None)
VERSIONS = (1, 3, None)
DAYS = (0, 7, 8, 400, None)
MINUTES = (0, 5, 90, None)

REASONS = ("first", "second", "third")
TEXTS = (
    "",
    "first",
    "second",
    "open",
    "P001",
    "socio",
    "true",
    "1",
    "z",
    "é",
    "\uffff",
    "\U0001d4b3",
    "72268402517",
    "187.627.946-04",
)
NUMBERS = (0, 1, 3, 7, -1, 1.0, 2.5, 3.0, -0.0, 400)
# A double holds the second and not the first; oso's own limit is 2**63.
LARGE_NUMBERS = (2**53 + 1, 2.0**53, 2**63 - 1, -(2**63))
MEMBERS = ("soft", "amount", "kind", "peer")
"""The members of a caller's bags that policies read; any may be absent."""
UNDECLARED_ACTIONS = ("approve", "read", "zap")


def draw_action(random: Random) -> str:
    """Draw the action of a question, now and then one that nobody declared."""
    return random.choice((*ACTIONS, *("open",) * 8, *UNDECLARED_ACTIONS))


def draw_facts(random: Random) -> Facts:
    """Draw all that is known about one question."""
    question = _question(random)
    actor = random.choice((*(_person,) * 4, _login, _subject))(random)
    resource = random.choice((*(_process,) * 4, _company, _resource))
    return Facts(actor=actor, resource=resource(random, question))


def shown(value: object, indent: str = "") -> str:
    """Write facts out in full, one to a line; a ``repr`` would leave out who it is about."""
    if not is_dataclass(value):
        return f" {value!r}"
    parts = ((one.name, getattr(value, one.name)) for one in fields(value))
    return "".join(f"\n{indent}{name}:{shown(part, indent + '  ')}" for name, part in parts)


def _flag(random: Random) -> bool:
    return random.random() < 0.5


def _word(random: Random, entity: str, fact: str) -> str:
    choice = VOCABULARY[entity].facts[fact]
    assert isinstance(choice, Choice)
    # Exactly a text, as facts have it, and not a member of the enumeration.
    return str(random.choice(sorted(choice.words)))


def _bag(random: Random) -> Bag:
    """Draw what a caller asserts: a third of the members is absent."""
    values: tuple[object, ...] = (
        random.choice((True, False)),
        random.choice((True, False)),
        random.choice((*NUMBERS, *LARGE_NUMBERS)),
        random.choice(TEXTS),
        random.choice((*CPFS, *REASONS, *ACTIONS)),
        random.choice((None, [], ["first", 1], {}, {"soft": True, "id": "first"})),
    )
    return {name: random.choice(values) for name in MEMBERS if random.random() < 0.66}


def _person(random: Random) -> PersonFacts:
    return PersonFacts(random.choice(CPFS), _flag(random), _flag(random))


def _login(random: Random) -> LoginFacts:
    return LoginFacts(random.choice(LOGINS))


def _subject(random: Random) -> SubjectFacts:
    return SubjectFacts(random.choice(TYPES), random.choice(IDS), _bag(random))


def _standing(random: Random) -> StandingFacts:
    return StandingFacts(
        _word(random, "Standing", "role"),
        _word(random, "Standing", "evidence"),
        _flag(random),
        random.choice(DAYS),
        _word(random, "Standing", "cadastrador"),
    )


def _sign_in(random: Random) -> SignInFacts:
    return SignInFacts(
        level=_word(random, "SignIn", "level"),
        method=_word(random, "SignIn", "method"),
        certificate=_word(random, "SignIn", "certificate"),
        cnpj=random.choice(CNPJS),
        second_factor=_flag(random),
        agent=_flag(random),
        minutes=random.choice(MINUTES),
    )


def _question(random: Random) -> QuestionFacts:
    return QuestionFacts(
        recipient=_person(random) if _flag(random) else None,
        actor_evidence=_word(random, "Question", "actor_evidence"),
        context=_bag(random),
        properties=_bag(random),
        sign_in=_sign_in(random) if _flag(random) else None,
    )


def _company(random: Random, question: QuestionFacts) -> CompanyFacts:
    cnpj = random.choice(CNPJS)
    return CompanyFacts(
        id=cnpj or "EX00001230",
        cnpj=cnpj,
        origin=_word(random, "Company", "origin"),
        validation=_word(random, "Company", "validation"),
        standing=_standing(random),
        bond=BondFacts(_flag(random), _flag(random), _standing(random)),
        question=question,
    )


def _process(random: Random, question: QuestionFacts) -> ProcessFacts:
    return ProcessFacts(
        id=random.choice(PROCESS_IDS),
        code=random.choice(CODES),
        version=random.choice(VERSIONS),
        state=_word(random, "Process", "state"),
        company=_company(random, question),
        delegation=DelegationFacts(
            _word(random, "Delegation", "state"),
            random.choice(VERSIONS),
            _standing(random),
            _standing(random),
        ),
        question=question,
    )


def _resource(random: Random, question: QuestionFacts) -> ResourceFacts:
    return ResourceFacts(random.choice(TYPES), random.choice(IDS), _bag(random), question)
