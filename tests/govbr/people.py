"""The accounts and companies of the simulator: all made up, with valid check digits."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

REPRESENTATIVE = "72268402517"
"""The sócia of Inmetro's document."""
MEMBER = "18762794604"
"""The member of Inmetro's document."""
COMPANY = "52420282000180"
"""The company of Inmetro's document."""
OTHER_COMPANY = "11222333000181"


class NoSuchAccount(LookupError):
    """Neither the name nor the CPF of an account."""


@dataclass(frozen=True)
class Link:
    """
    What an account is in one company.

    Attributes:
        cnpj: the company, raw.
        company_name: its razão social.
        atuacao: the role at Receita Federal, or None for a colaborador.
        cadastrador: whether the person holds the company's certificate at GOV.BR.
        registrar: the CPF of who linked a person without certificate, or None.
        created: when the two were linked.
        expires: until when the person may act for the company, or None.
    """

    cnpj: str
    company_name: str
    atuacao: str | None
    cadastrador: bool
    registrar: str | None
    created: datetime
    expires: datetime | None = None


@dataclass(frozen=True)
class Account:
    """
    One account.

    Attributes:
        name: its short name on the command line.
        cpf: whose it is, raw.
        full_name: what the id_token tells.
        social_name: the name that replaces it (nome social), or None.
        email: a verified address, or None.
        phone: a verified number, or None.
        level: bronze, silver or gold.
        certificate: the company whose e-CNPJ the person has, raw, or None.
        certificate_name: what stands in that certificate.
        grantor: the CPF for whom the person may sign in by Procuração Eletrônica, or None.
        session: seconds since the person really authenticated; a sign-in re-uses the session.
        plain: whether the API writes numbers, booleans and the dates of its manual's text,
            instead of the forms of its examples.
        links: what the person is in which company, by CNPJ.
    """

    name: str
    cpf: str
    full_name: str
    social_name: str | None = None
    email: str | None = None
    phone: str | None = None
    level: str = "silver"
    certificate: str | None = None
    certificate_name: str = ""
    grantor: str | None = None
    session: int = 0
    plain: bool = False
    links: Mapping[str, Link] = field(default_factory=dict)

    def linked(self, link: Link) -> Account:
        """Give the account with one more company, or another role in it."""
        return replace(self, links={**self.links, link.cnpj: link})

    def unlinked(self, cnpj: str) -> Account:
        """Give the account without a company."""
        return replace(self, links={key: one for key, one in self.links.items() if key != cnpj})


class People:
    """
    All accounts, as they are now.

    Args:
        now: when the simulator starts; the dates of links lie around it.
    """

    def __init__(self, now: datetime) -> None:
        self._lock = threading.Lock()
        self._first = {one.cpf: one for one in _made_up(now)}
        self._accounts = dict(self._first)

    def __iter__(self) -> Iterator[Account]:
        return iter(list(self._accounts.values()))

    def find(self, word: str) -> Account:
        """
        Give the account of a name or a CPF, with punctuation or without.

        Raises:
            NoSuchAccount: there is none.
        """
        digits = re.sub(r"[.-]", "", word)
        for one in self:
            if word == one.name or digits == one.cpf:
                return one
        raise NoSuchAccount(f"no account of that name or CPF: {', '.join(a.name for a in self)}")

    def save(self, account: Account) -> None:
        """Replace the account of the same CPF."""
        with self._lock:
            self._accounts[account.cpf] = account

    def reset(self) -> None:
        """Take everything back to the beginning."""
        with self._lock:
            self._accounts = dict(self._first)


def link_of(given: Mapping[str, Any], now: datetime) -> Link:
    """
    Read a link from JSON: ``cnpj``, and optionally ``name``, ``atuacao``, ``cadastrador``,
    ``registrar`` and ``expires`` (ISO 8601 with an offset).

    Raises:
        KeyError: there is no ``cnpj``.
        TypeError: a member that is to be read is no text.
        ValueError: ``expires`` is no instant.
    """
    expires = None if given.get("expires") is None else datetime.fromisoformat(given["expires"])
    if expires is not None and expires.tzinfo is None:
        raise ValueError("expires needs an offset")
    return Link(
        cnpj=re.sub(r"[./-]", "", given["cnpj"]),
        company_name=given.get("name", "EMPRESA SEM NOME LTDA"),
        atuacao=given.get("atuacao"),
        cadastrador=given.get("cadastrador", False),
        registrar=given.get("registrar"),
        created=now - timedelta(days=30),
        expires=expires,
    )


def _made_up(now: datetime) -> list[Account]:
    day = timedelta(days=1)
    linked = now - 40 * day
    company = Link(COMPANY, "EMPRESA EXEMPLO LTDA", "SOCIO", True, None, linked)
    by_her = replace(company, cadastrador=False, registrar=REPRESENTATIVE)
    other = Link(OTHER_COMPANY, "OUTRA EMPRESA S.A.", "NAO_ATUANTE", True, None, linked)
    forty = [
        Link(_cnpj(f"4000{number:04}0001"), f"FILIADA {number} LTDA", "SOCIO", True, None, linked)
        for number in range(1, 41)
    ]
    accounts = [
        Account(
            "representante",
            REPRESENTATIVE,
            "Maria Aparecida da Silva",
            email="maria.aparecida@example.com",
            phone="61999990001",
            level="gold",
            certificate=COMPANY,
        ).linked(company),
        Account(
            "membro",
            MEMBER,
            "João Batista de Souza",
            email="joao.batista@example.com",
            phone="61999990002",
        ),
        Account("contador", "31415926590", "Carlos Alberto Contas", level="gold").linked(
            replace(by_her, atuacao="CONTADOR")
        ),
        Account(
            "nao-atuante",
            "27182818205",
            "Nádia Atua Nunca",
            level="gold",
            certificate=OTHER_COMPANY,
        ).linked(other),
        Account("colaborador", "16180339805", "Caio Colabora", email="caio@example.com").linked(
            replace(by_her, atuacao=None, expires=now + 90 * day)
        ),
        Account("socio-sem-certificado", "11144477735", "Sônia Sem Token").linked(by_her),
        Account(
            "quarenta",
            "14142135651",
            "Quirino Quarenta",
            level="gold",
            certificate=forty[-1].cnpj,
            links={one.cnpj: one for one in forty},
        ),
        Account(
            "procurador",
            "17320508052",
            "Paulo Procurador",
            level="gold",
            grantor=REPRESENTATIVE,
        ).linked(replace(other, atuacao="REPRESENTANTE_LEGAL")),
        Account("vencido", "22360679767", "Valdir Vencido").linked(
            replace(by_her, expires=now - day)
        ),
        Account(
            "diferente",
            "05772156632",
            "Diferente de Batismo",
            social_name="Dora Diferente",
            level="bronze",
            session=5127,
            plain=True,
        ).linked(replace(by_her, cnpj="05772156000104", expires=now + 90 * day)),
        Account("estranho", "52998224725", "Ester Estranha", level="bronze"),
    ]
    return [_named(one) for one in accounts]


def _named(account: Account) -> Account:
    if account.certificate is None:
        return account
    return replace(account, certificate_name=account.links[account.certificate].company_name)


def _cnpj(twelve: str) -> str:
    """Give a CNPJ of digits: these twelve, and the two that check them."""
    digits = twelve
    for _ in range(2):
        weights = [(position % 8) + 2 for position in range(len(digits))]
        total = sum(int(one) * by for one, by in zip(reversed(digits), weights, strict=True))
        rest = total % 11
        digits += "0" if rest < 2 else str(11 - rest)
    return digits
