"""How a person signs in at GOV.BR, or signs in otherwise: the moves that are done at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from authz_service.domain.facts import NONE, Facts, PersonFacts, SignInFacts
from authz_service.domain.nearest import By
from authz_service.domain.people import Evidence
from authz_service.domain.sign_in import Certificate, Level, Method
from authz_service.policy.nearness.changing import Values, apart
from authz_service.policy.nearness.moves import STEP_UP, Move, company_of

_PLAIN = SignInFacts(
    level=Level.BRONZE.value,
    method=Method.PASSWORD.value,
    certificate=NONE,
    cnpj=None,
    second_factor=False,
    agent=False,
    minutes=0,
)

Signed = Callable[[SignInFacts, Facts], Iterator[SignInFacts]]
"""Gives what a sign-in becomes."""


def _signing_in(ways: Signed) -> Callable[[Facts], Iterator[Values]]:
    """Make a move out of the sign-ins that it leads to from one that there is, or a plain one."""

    def make(facts: Facts) -> Iterator[Values]:
        if not isinstance(facts.actor, PersonFacts):
            return
        question = facts.question
        for reached in ways(question.sign_in or _PLAIN, facts):
            by = question.actor_evidence if reached.agent else Evidence.GOVBR.value
            proved = apart("question", question, {"actor_evidence": by})
            if question.sign_in is None:
                yield {"question.sign_in": reached, **proved}
            else:
                wanted = {name: getattr(reached, name) for name in SignInFacts.__slots__}
                yield {**apart("question.sign_in", question.sign_in, wanted), **proved}

    return make


def _at_all(now: SignInFacts, facts: Facts) -> Iterator[SignInFacts]:
    """Sign in, where there is no sign-in."""
    if facts.question.sign_in is None:
        yield now


def _own(now: SignInFacts, _facts: Facts) -> Iterator[SignInFacts]:
    """In the own name."""
    yield replace(now, agent=False)


def _again(now: SignInFacts, _facts: Facts) -> Iterator[SignInFacts]:
    """By really authenticating now."""
    yield replace(now, minutes=0)


def _second_factor(now: SignInFacts, _facts: Facts) -> Iterator[SignInFacts]:
    """With a second factor."""
    yield replace(now, second_factor=True)


def _level(level: Level) -> Signed:
    """Make what raises the account to a level."""
    reached = [NONE, *(one.value for one in Level)]

    def make(now: SignInFacts, _facts: Facts) -> Iterator[SignInFacts]:
        if reached.index(now.level) < reached.index(level.value):
            yield replace(now, level=level.value)

    return make


def _method(method: Method) -> Signed:
    """Make what signs in by a method that is no certificate."""

    def make(now: SignInFacts, _facts: Facts) -> Iterator[SignInFacts]:
        yield replace(now, method=method.value, certificate=NONE, cnpj=None)

    return make


def _certificate(kind: Certificate) -> Signed:
    """Make what signs in with a certificate."""

    def make(now: SignInFacts, _facts: Facts) -> Iterator[SignInFacts]:
        yield replace(now, method=Method.CERTIFICATE.value, certificate=kind.value)

    return make


def _company_certificate(now: SignInFacts, facts: Facts) -> Iterator[SignInFacts]:
    """With the company's certificate (e-CNPJ), of the kind in use or of any."""
    company = company_of(facts)
    if company is not None:
        kinds = (Certificate.DEVICE.value, Certificate.CLOUD.value)
        for kind in kinds if now.certificate == NONE else (now.certificate,):
            yield replace(now, method=Method.CERTIFICATE.value, certificate=kind, cnpj=company.cnpj)


_CHANGED = ("question.sign_in", "question.actor_evidence")


_OVER = {
    "sign-in": (),
    "account-gold": ("sign-in", "account-silver"),
    "sign-in-cloud-certificate": ("sign-in", "sign-in-certificate"),
    "sign-in-company-certificate": ("sign-in", "sign-in-certificate"),
}


def _moves() -> Iterator[Move]:
    for code, codigo, pt, en, way in (
        ("sign-in", "ENTRADA_GOVBR", "", "", _at_all),
        (
            "sign-in-in-own-name",
            "ENTRADA_EM_NOME_PROPRIO",
            " em nome próprio, sem procuração",
            " in the own name, not by power of attorney",
            _own,
        ),
        (
            "sign-in-now",
            "ENTRADA_RECENTE",
            " agora, de novo",
            " now, once more",
            _again,
        ),
        (
            "sign-in-second-factor",
            "ENTRADA_COM_SEGUNDO_FATOR",
            " com a verificação em duas etapas",
            " with a second factor",
            _second_factor,
        ),
        (
            "account-silver",
            "CONTA_PRATA",
            " com conta de nível prata ou mais",
            " with an account of level silver or more",
            _level(Level.SILVER),
        ),
        (
            "account-gold",
            "CONTA_OURO",
            " com conta de nível ouro",
            " with an account of level gold",
            _level(Level.GOLD),
        ),
        (
            "sign-in-app",
            "ENTRADA_PELO_APLICATIVO",
            " pelo aplicativo GOV.BR",
            " by the app",
            _method(Method.APP),
        ),
        (
            "sign-in-bank",
            "ENTRADA_PELO_BANCO",
            " pelo banco",
            " by a bank",
            _method(Method.BANK),
        ),
        (
            "sign-in-certificate",
            "ENTRADA_COM_CERTIFICADO",
            " com certificado digital",
            " with a certificate",
            _certificate(Certificate.DEVICE),
        ),
        (
            "sign-in-cloud-certificate",
            "ENTRADA_COM_CERTIFICADO_EM_NUVEM",
            " com certificado digital em nuvem",
            " with a certificate in the cloud",
            _certificate(Certificate.CLOUD),
        ),
        (
            "sign-in-company-certificate",
            "ENTRADA_COM_ECNPJ",
            " com o certificado digital da empresa (e-CNPJ)",
            " with the company's certificate (e-CNPJ)",
            _company_certificate,
        ),
    ):
        yield Move(
            code,
            codigo,
            By.PERSON,
            STEP_UP,
            f"A pessoa entra no GOV.BR{pt}.",
            f"The person signs in at GOV.BR{en}.",
            _CHANGED,
            _signing_in(way),
            over=_OVER.get(code, ("sign-in",)),
        )


SIGN_INS: tuple[Move, ...] = tuple(_moves())
"""All of them, the lightest first."""
