"""
The people, companies and delegations of the benchmark, each made of its number alone.

Every company has one partner (sócio) and two members, and to each member five of fifty processes
are delegated. In every tenth company the second member's delegations were revoked. So a store
of any size holds the same kinds of situations, and its hundredth company is the same in all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from authz_service.domain.identifiers import Cnpj, Cpf

PROCESSES = tuple(f"P{number:03}" for number in range(1, 51))
"""Those that are delegated somewhere."""
CLOSED = "P099"
"""The one that Inmetro has closed."""
EACH = 5
"""How many processes are delegated to a member."""
PER_COMPANY = 2 * EACH
"""How many delegations a company has given."""
PEOPLE_PER_COMPANY = 3
REVOKED_EVERY = 10
"""In every so manieth company the second member's delegations were revoked."""


class Kind(StrEnum):
    """A situation in which somebody asks to open a process."""

    PARTNER = "partner"
    """A sócio, for the own company: yes."""
    MEMBER = "member"
    """The first member, what was delegated: yes."""
    SECOND = "second"
    """The second member, what was delegated, and may have been revoked since."""
    NOT_DELEGATED = "not delegated"
    """The first member, another process: no."""
    STRANGER = "stranger"
    """The sócio of the next company: no."""
    CLOSED = "closed"
    """A sócio, for the own company, the closed process: no."""


_SHARES = {
    Kind.PARTNER: 7,
    Kind.MEMBER: 6,
    Kind.SECOND: 3,
    Kind.NOT_DELEGATED: 2,
    Kind.STRANGER: 1,
    Kind.CLOSED: 1,
}
"""Of twenty questions; about four in five are answered with yes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """
    May this person open this process for this company?

    Attributes:
        person: who wants to.
        company: for whom.
        process: its code in the catalogue.
        allowed: what the answer has to be.
    """

    person: Cpf
    company: Cnpj
    process: str
    allowed: bool


def cpf(number: int) -> Cpf:
    """Give the CPF of person *number*, from 0 on; nobody's but by chance."""
    digits = [int(one) for one in f"{100_000_000 + number:09}"]
    for first in (10, 11):
        rest = sum(one * (first - place) for place, one in enumerate(digits)) % 11
        digits.append(0 if rest < 2 else 11 - rest)
    return Cpf("".join(map(str, digits)))


_FIRST = (5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
_SECOND = (6, *_FIRST)


def cnpj(number: int) -> Cnpj:
    """Give the CNPJ of company *number*, from 0 on."""
    digits = [int(one) for one in f"{10_000_000 + number:08}0001"]
    for weights in (_FIRST, _SECOND):
        rest = sum(one * weight for one, weight in zip(digits, weights, strict=True)) % 11
        digits.append(0 if rest < 2 else 11 - rest)
    return Cnpj("".join(map(str, digits)))


def partner(company: int) -> Cpf:
    """Give the sócio of a company."""
    return cpf(PEOPLE_PER_COMPANY * company)


def member(company: int, which: int) -> Cpf:
    """Give a member of a company; *which* is 0 or 1."""
    return cpf(PEOPLE_PER_COMPANY * company + 1 + which)


def delegated(company: int, which: int) -> tuple[str, ...]:
    """Give the processes that were delegated to a member of a company."""
    first = company + which * len(PROCESSES) // 2
    return tuple(PROCESSES[(first + one) % len(PROCESSES)] for one in range(EACH))


def revoked(company: int, which: int) -> bool:
    """Tell whether what was delegated to a member of a company was revoked since."""
    return which == 1 and company % REVOKED_EVERY == 0


def ask(kind: Kind, company: int, companies: int, draw: Random) -> Asked:
    """Make a question of a kind about a company; *draw* chooses the process."""
    name = cnpj(company)
    process = draw.choice(PROCESSES)
    if kind is Kind.PARTNER:
        return Asked(partner(company), name, process, allowed=True)
    if kind is Kind.MEMBER:
        return Asked(member(company, 0), name, draw.choice(delegated(company, 0)), allowed=True)
    if kind is Kind.SECOND:
        process = draw.choice(delegated(company, 1))
        return Asked(member(company, 1), name, process, allowed=not revoked(company, 1))
    if kind is Kind.NOT_DELEGATED:
        others = [one for one in PROCESSES if one not in delegated(company, 0)]
        return Asked(member(company, 0), name, draw.choice(others), allowed=False)
    if kind is Kind.STRANGER:
        return Asked(partner((company + 1) % companies), name, process, allowed=False)
    return Asked(partner(company), name, CLOSED, allowed=False)


def questions(companies: int, seed: int) -> Iterator[Asked]:
    """Make questions without end, about companies drawn from all; the same for the same *seed*."""
    draw = Random(seed)  # noqa: S311 - it guards nothing
    kinds, shares = list(_SHARES), list(_SHARES.values())
    while True:
        [kind] = draw.choices(kinds, shares)
        yield ask(kind, draw.randrange(companies), companies, draw)


def one_each(companies: int, count: int) -> list[Asked]:
    """
    Ask once for each person who comes to *count* companies, which are spread over all.

    These are four of a company: the sócio, both members, and the sócio of the next one. So as
    many different facts are needed in a large store as in a small one.
    """
    draw = Random(7)  # noqa: S311 - it guards nothing
    found = []
    for place in range(count):
        company = place * companies // count
        first = draw.choice((Kind.PARTNER, Kind.PARTNER, Kind.CLOSED))
        second = draw.choice((Kind.MEMBER, Kind.MEMBER, Kind.NOT_DELEGATED))
        kinds = (first, second, Kind.SECOND, Kind.STRANGER)
        found += [ask(kind, company, companies, draw) for kind in kinds]
    draw.shuffle(found)
    return found


def everything_of(company: int) -> list[Asked]:
    """
    Ask about all fifty processes for one person: a sócio in every other company, else a member.
    """
    name = cnpj(company)
    if company % 2 == 0:
        return [Asked(partner(company), name, one, allowed=True) for one in PROCESSES]
    theirs = delegated(company, 0)
    return [Asked(member(company, 0), name, one, allowed=one in theirs) for one in PROCESSES]
