"""
What can happen in life: the catalogue of moves of which the nearest allow is made.

No move takes a right away, none says what a caller asserts, and none changes who somebody or what
something is; ``FIXED`` tells it of every fact that no move changes. Facts have short paths here:
``company.standing.role`` of whatever company is asked about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from authz_service.domain.nearest import By
from authz_service.domain.people import Role
from authz_service.policy.nearness import moves
from authz_service.policy.nearness.moves import (
    BACKING,
    GRANT,
    HERE,
    MATRIZ,
    MATRIZ_BACKING,
    RENEWAL,
    STATUS,
    STEP_UP,
    Move,
)
from authz_service.policy.nearness.sign_in_moves import SIGN_INS

_PERSON = ("person.registered", "question.recipient.registered")
_CONFIRMED = ("person.confirmed", "question.recipient.confirmed")
_SEEN = ("evidence", "in_force", "days")
_STANDING = ("role", *_SEEN)
_BACKED = ("delegation.state", "delegation.backing", "delegation.matriz_backing")


def _at(place: str, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{place}.{name}" for name in names)


def _of_members() -> Iterator[Move]:
    yield Move(
        "person-registered",
        "CADASTRO_GOVBR",
        By.PERSON,
        RENEWAL,
        "A própria pessoa se cadastra pelo GOV.BR.",
        "The person signs up through GOV.BR.",
        _PERSON,
        moves.registered,
    )
    yield Move(
        "person-confirmed",
        "CADASTRO_CONFIRMADO",
        By.ORQUESTRA,
        RENEWAL,
        "O Orquestra confirma o cadastro da pessoa.",
        "Orquestra confirms the person's registration.",
        _CONFIRMED,
        moves.confirmed,
        after=("person-registered",),
    )
    yield Move(
        "recipient-registered",
        "CADASTRO_GOVBR_DO_MEMBRO",
        By.RECIPIENT,
        RENEWAL,
        "O membro indicado se cadastra pelo GOV.BR.",
        "The recipient signs up through GOV.BR.",
        _PERSON[1:],
        moves.recipient_registered,
    )
    yield Move(
        "recipient-confirmed",
        "CADASTRO_DO_MEMBRO_CONFIRMADO",
        By.ORQUESTRA,
        RENEWAL,
        "O Orquestra confirma o cadastro do membro indicado.",
        "Orquestra confirms the recipient's registration.",
        _CONFIRMED[1:],
        moves.recipient_confirmed,
        after=("recipient-registered",),
    )


_ROLES = (
    (Role.SOCIO, "SOCIO", "sócio da", "a partner (sócio)"),
    (
        Role.REPRESENTANTE_LEGAL,
        "REPRESENTANTE_LEGAL",
        "representante legal da",
        "a legal representative",
    ),
    (Role.COLABORADOR, "COLABORADOR", "colaborador da", "a collaborator (colaborador)"),
    (Role.CONTADOR, "CONTADOR", "contador da", "the accountant (contador)"),
    (
        Role.NAO_ATUANTE,
        "NAO_ATUANTE",
        "titular de certificado sem atuação na",
        "a holder of its certificate without a role (não atuante)",
    ),
    (Role.OUTRO, "OUTRO", "pessoa com outra atuação na", "a person of another role"),
)


def _of_standing() -> Iterator[Move]:
    for place, prefix, codigo, pt, en, bond in (
        (HERE, "", "", "empresa", "company", ()),
        (MATRIZ, "matriz-", "_NA_MATRIZ", "matriz", "matriz", ("bond-recorded",)),
    ):
        yield Move(
            f"{prefix}standing-renewed",
            f"ATUACAO_RENOVADA{codigo}",
            By.PERSON,
            STEP_UP,
            f"A pessoa entra de novo no GOV.BR, que confirma a sua atuação na {pt}.",
            f"The person signs in at GOV.BR again, which confirms the standing in the {en}.",
            _at(place[0], _SEEN),
            moves.seen_anew(place),
        )
        for role, named, em, english in _ROLES:
            yield Move(
                f"{prefix}role-{role.value.replace('_', '-')}",
                f"{named}{codigo}",
                By.COMPANY,
                STATUS,
                f"O GOV.BR reconhece a pessoa, na entrada dela, como {em} {pt}.",
                f"GOV.BR recognises the person, who signs in, as {english} of the {en}.",
                _at(place[0], _STANDING),
                moves.becoming(place, role),
                after=bond,
                over=(f"{prefix}standing-renewed",),
            )
        yield Move(
            f"{prefix}cadastrador",
            f"CADASTRADOR{codigo}",
            By.COMPANY,
            GRANT,
            f"O certificado digital da {pt} é vinculado à pessoa no GOV.BR, e ela entra de novo.",
            f"The {en}'s certificate is linked to the person at GOV.BR, who signs in again.",
            _at(place[0], (*_SEEN, "cadastrador")),
            moves.cadastrador(place),
            after=tuple(f"{prefix}role-{role.value.replace('_', '-')}" for role, *_ in _ROLES),
            over=(f"{prefix}standing-renewed",),
        )


def _of_delegations() -> Iterator[Move]:
    for backing, suffix, codigo, by, pt, en, bond in (
        (BACKING, "", "", By.REPRESENTATIVE, "empresa", "company", ()),
        (
            MATRIZ_BACKING,
            "-by-matriz",
            "_PELA_MATRIZ",
            By.MATRIZ,
            "matriz",
            "matriz",
            ("bond-recorded",),
        ),
    ):
        yield Move(
            f"delegation-granted{suffix}",
            f"DELEGACAO_CONCEDIDA{codigo}",
            by,
            GRANT,
            f"Um sócio ou representante legal da {pt} delega o processo à pessoa.",
            f"A partner or legal representative of the {en} delegates the process to the person.",
            (*_BACKED, "delegation.version"),
            moves.granted(backing),
            after=bond,
        )
        yield Move(
            f"delegation-renewed{suffix}",
            f"DELEGACAO_RENOVADA{codigo}",
            by,
            RENEWAL,
            f"Um sócio ou representante legal da {pt} confirma a delegação do processo.",
            f"A partner or legal representative of the {en} confirms the delegation.",
            ("delegation.state", f"delegation.{backing[0]}"),
            moves.renewed(backing),
            after=bond,
        )
        yield Move(
            f"backing-renewed{suffix}",
            f"DELEGANTE_RECONHECIDO{codigo}",
            by,
            RENEWAL,
            f"Quem delegou o processo pela {pt} entra de novo no GOV.BR.",
            f"Who delegated the process for the {en} signs in at GOV.BR again.",
            (f"delegation.{backing[0]}",),
            moves.backing_renewed(backing),
        )


def _of_inmetro() -> Iterator[Move]:
    yield Move(
        "bond-recorded",
        "VINCULO_REGISTRADO",
        By.INMETRO,
        STATUS,
        "A equipe do Inmetro registra a prova de vínculo da filial com a matriz.",
        "Inmetro's team records the proof of the filial's bond to its matriz.",
        ("company.bond.recorded", "company.bond.in_force"),
        moves.bond_recorded,
    )
    yield Move(
        "bond-renewed",
        "VINCULO_RENOVADO",
        By.INMETRO,
        RENEWAL,
        "A equipe do Inmetro renova a prova de vínculo da filial com a matriz.",
        "Inmetro's team renews the proof of the filial's bond to its matriz.",
        ("company.bond.in_force",),
        moves.bond_renewed,
    )
    yield Move(
        "process-reopened",
        "PROCESSO_REABERTO",
        By.INMETRO,
        GRANT,
        "O Inmetro reabre o processo.",
        "Inmetro opens the process to requests again.",
        ("process.state",),
        moves.reopened,
    )
    yield Move(
        "company-validated",
        "EMPRESA_VALIDADA",
        By.INMETRO,
        GRANT,
        "A equipe do Inmetro valida o cadastro da empresa estrangeira.",
        "Inmetro's team validates the data of the foreign company.",
        ("company.validation", "company.standing.in_force", "company.standing.days"),
        moves.validated,
    )
    yield Move(
        "representative-named",
        "REPRESENTANTE_REGISTRADO",
        By.INMETRO,
        STATUS,
        "A equipe do Inmetro registra o login como representante da empresa estrangeira.",
        "Inmetro's team names the login as a representative of the foreign company.",
        _at("company.standing", _STANDING),
        moves.named,
        after=("company-validated",),
    )


MOVES: tuple[Move, ...] = (
    *SIGN_INS,
    *_of_inmetro(),
    *_of_members(),
    *_of_standing(),
    *_of_delegations(),
)
"""All moves, each behind those that may have to happen before it; where two ways are as short
and as light, the one whose moves stand first comes first."""

_WHO = "Who acts or is spoken of is who it is."
_WHAT = "What is asked about is what it is."
_CALLER = "The caller asserts it; no act in life makes it true."

FIXED: Mapping[str, str] = MappingProxyType(
    {
        "Person.cpf": _WHO,
        "Login.login": _WHO,
        "Subject.type": _WHO,
        "Subject.id": _WHO,
        "Subject.properties": _CALLER,
        "Question.recipient": "Whom a question names is part of the question.",
        "Question.context": _CALLER,
        "Question.properties": _CALLER,
        "Company.id": _WHAT,
        "Company.cnpj": _WHAT,
        "Company.origin": _WHAT,
        "Company.question": "The question is the one that was asked.",
        "Process.id": _WHAT,
        "Process.code": _WHAT,
        "Process.version": "Which version is meant is part of the question.",
        "Process.question": "The question is the one that was asked.",
        "Resource.type": _WHAT,
        "Resource.id": _WHAT,
        "Resource.properties": _CALLER,
        "Resource.question": "The question is the one that was asked.",
    }
)
"""The facts that no move changes, by entity and name, each with the reason."""
