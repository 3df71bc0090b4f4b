"""What would turn a denial, as a running service and the command line tell it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import written
from tests.operation.house import Running, called, free_port, furnish, succeeded
from tests.operation.test_cli import CSV, QUESTION

NEEDED = """
nearest allow 1: once this has happened
    person-registered (by person)
        A própria pessoa se cadastra pelo GOV.BR.
        The person signs up through GOV.BR.
        person.registered: false -> true
    person-confirmed (by orquestra)
        O Orquestra confirma o cadastro da pessoa.
        Orquestra confirms the person's registration.
        person.confirmed: false -> true
    delegation-granted (by representative)
"""
SENTENCE = (
    "Para obter a permissão, o que ainda faltar: a própria pessoa se cadastra pelo GOV.BR; "
    "o Orquestra confirma o cadastro da pessoa; um sócio ou representante legal da empresa delega "
    "o processo à pessoa."
)


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Path:
    furnish(tmp_path)
    succeeded(called(tmp_path, "catalogue", "import", "-", given=CSV))
    return tmp_path


def test_the_command_line_shows_what_would_turn_a_denial(home: Path) -> None:
    """Each way with its changes, who can bring them about, and the facts in them."""
    told = succeeded(called(home, "explain", "-", given=json.dumps(QUESTION)))

    assert NEEDED in told
    assert '        process.delegation.state: "none" -> "in_force"\n' in told
    assert "\nnearest allow 2: once this has happened\n    role-socio (by company)\n" in told


def test_where_nothing_is_known_to_turn_a_denial_that_is_said(home: Path) -> None:
    """A process that is in no catalogue is named wrongly; a denial is never left without a word."""
    asked = json.loads(json.dumps(QUESTION).replace("P001", "P999"))
    told = succeeded(called(home, "explain", "-", given=json.dumps(asked)))

    assert "DENIED" in told
    assert "\n\nnearest allow: none is known\n\npolicy " in told


def test_what_the_person_can_do_at_once_is_shown_as_such(home: Path) -> None:
    """A rule that wants a certificate in the sign-in is satisfied by signing in."""
    (home / "policies" / "certificate.polar").write_text(
        'permit(_p: Person, "open", process: Process, "represents") if\n'
        "    process.question.sign_in != nil and\n"
        '    process.question.sign_in.method = "certificate";\n'
    )

    told = called(home, "explain", "-", given=json.dumps(QUESTION)).stdout

    assert (
        "\nnearest allow 1: by signing in, at once\n    sign-in-certificate (by person)\n" in told
    )
    assert "process.question.sign_in.method: null -> " in told


def test_a_service_explains_and_advises(home: Path) -> None:
    """The same over HTTP, for who may see the facts; who asked for a decision is told one way."""
    service = Running(home, AUTHZ_PORT=str(free_port()))
    try:

        def answer(path: str, body: Any, *scopes: str) -> Any:
            arguments = [part for scope in scopes for part in ("--scope", scope)]
            key = succeeded(called(home, "client", "add", scopes[0], *arguments)).strip()
            return service.send("POST", path, body, key=key).json

        explained = answer("/v1/explanations", QUESTION, "explain")
        flat = {
            "cpf": "18762794604",
            "cnpj": "52420282000180",
            "processo": "P001",
            "acao": "iniciar",
        }
        decided = answer("/v1/orquestra/decisao", flat, "decide")
    finally:
        service.stop()

    assert (False, "no-permit") == (explained["decision"], explained["reasons"][0]["code"])
    assert [3, 1, 1] == [len(way["changes"]) for way in explained["nearest"]]
    assert decided["mensagem"].endswith(f" {SENTENCE}")
    assert (False, "CADASTRO_GOVBR CADASTRO_CONFIRMADO DELEGACAO_CONCEDIDA") == (
        decided["nova_entrada"],
        decided["providencias"],
    )
    log = written.text(home / "var")
    assert '"explanation.read"' in log
    assert "18762794604" not in log
