"""Inmetro's rules over HTTP, on the shipped policies, a real database and a real server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from authz_service.domain.identifiers import Cnpj
from authz_service.domain.time import civil_day
from tests.operation.house import Answer, Running, free_port, furnish
from tests.operation.mixed.worlds import cnpj, cpf

OTHER = "12ABC34501DE35"
"""A company that nobody is anything in."""
CSV = (
    "code,title,version,state\nP001,Acreditação Inicial,3,open\nP015,Alterações,2,open\n"
    "P061,Cadastro de Empresas,1,open\nP061,Registro,2,open\nP099,Extinto,1,closed\n"
)
SCOPES = ("decide", "delegations", "actor:assert", "standing:assert")
TODAY = civil_day(datetime.now(UTC))


class Live:
    """
    A world of its own in a running service, and the few calls of the story.

    Attributes:
        matriz: a company, and its ``filial``.
        socio: its partner.
        legal: whom a test gives another role.
        member: whom the partner delegates to.
        nobody: whom nobody has told the service about.
    """

    def __init__(self, running: Running, key: str, number: int) -> None:
        self._running, self._key = running, key
        self.matriz, self.filial = cnpj(number), cnpj(number, 2)
        self.socio, self.legal, self.member, self.nobody = (
            cpf(4 * number + one) for one in range(4)
        )

    def call(self, method: str, path: str, **body: object) -> Answer:
        """Send one request."""
        return self._running.send(method, path, body, key=self._key)

    def person(self, cpf: str, *, confirmed: bool = True) -> None:
        """Say that somebody has registered."""
        self.call("POST", "/v1/people", cpf=cpf, registered=True, confirmed=confirmed)

    def standing(self, cpf: str, role: str, company: str = "", **more: str) -> None:
        """Say what somebody is in a company."""
        answer = self.call(
            "POST", "/v1/standing", cpf=cpf, company=company or self.matriz, role=role, **more
        )
        assert 200 == answer.status

    def delegate(self, actor: str, processes: object, company: str = "", **more: object) -> Answer:
        """Replace the member's set."""
        wish = {
            "actor": actor,
            "company": company or self.matriz,
            "member": self.member,
            "processes": processes,
        }
        return self.call("PUT", "/v1/delegations", **{**wish, **more})

    def opens(self, cpf: str, process: str, company: str = "") -> bool:
        """Ask the flat question."""
        answer = self.call(
            "POST",
            "/v1/orquestra/decisao",
            cpf=cpf,
            cnpj=company or self.matriz,
            processo=process,
            acao="iniciar",
        )
        assert 200 == answer.status
        return bool(answer.json["permitido"])

    def message(self, cpf: str, company: str, process: str = "P015") -> dict[str, Any]:
        """Give the flat answer but for its id."""
        answer = self.call(
            "POST",
            "/v1/orquestra/decisao",
            cpf=cpf,
            cnpj=company,
            processo=process,
            acao="iniciar",
        )
        return {name: text for name, text in answer.json.items() if name != "decisao_id"}


@pytest.fixture(name="served", scope="module")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, str]]:
    """Give a service and a key to it; all tests of this module share it."""
    folder = tmp_path_factory.mktemp("live")
    key = furnish(folder, CSV, {"tests": SCOPES})["tests"]
    running = Running(folder, AUTHZ_PORT=str(free_port()))
    yield running, key
    running.kill()


_worlds = count()


@pytest.fixture(name="live")
def _live(served: tuple[Running, str]) -> Live:
    """Give each test persons and a company of its own, who are a member and a partner."""
    live = Live(*served, next(_worlds))
    live.person(live.member)
    live.standing(live.socio, "socio")
    return live


def test_a_member_gives_a_delegation_up(live: Live) -> None:
    """Renounced by the member, it is over for the next question, and cannot be renounced twice."""
    [given] = live.delegate(live.socio, ["P001"]).json["delegations"]
    assert live.opens(live.member, "P001")
    path = f"/v1/delegations/{given['id']}/renounce"

    assert 404 == live.call("POST", path, actor=live.socio).status
    renounced = live.call("POST", path, actor=live.member, why="mudei de setor")

    assert (200, "renounced") == (renounced.status, renounced.json["state"])
    assert ["granted", "renounced"] == [one["kind"] for one in renounced.json["history"]]
    assert not live.opens(live.member, "P001")
    assert 409 == live.call("POST", path, actor=live.member).status


def test_a_representative_takes_a_delegation_back(live: Live) -> None:
    """Revoked by who represents the company, and by nobody else."""
    [given] = live.delegate(live.socio, ["P001"]).json["delegations"]
    path = f"/v1/delegations/{given['id']}/revoke"

    for other in (live.member, live.nobody):
        refused = live.call("POST", path, actor=other)
        assert (403, "no-permit") == (refused.status, refused.json["refusals"][0]["reasons"][0])
    assert live.opens(live.member, "P001")
    assert 200 == live.call("POST", path, actor=live.socio, why="fim do projeto").status
    assert not live.opens(live.member, "P001")


def test_a_delegation_outlives_its_grantor_only_with_a_confirmer(live: Live) -> None:
    """When the grantor goes, what a colleague confirmed goes on, and the rest does not."""
    live.standing(live.legal, "representante_legal")
    live.delegate(live.socio, ["P001", "P015"])
    live.delegate(live.legal, ["P001"])
    live.delegate(live.socio, ["P001", "P015"])

    live.standing(live.socio, "nao_atuante")
    assert [True, False] == [live.opens(live.member, code) for code in ("P001", "P015")]
    live.standing(live.legal, "contador")
    assert not live.opens(live.member, "P001")
    live.standing(live.socio, "socio")
    assert [True, True] == [live.opens(live.member, code) for code in ("P001", "P015")]


@pytest.mark.parametrize("role", ["contador", "nao_atuante", "colaborador"])
def test_other_roles_neither_open_nor_delegate(live: Live, role: str) -> None:
    """The accountant, who does not act, and the collaborator are not recognised."""
    live.standing(live.legal, role)

    assert not live.opens(live.legal, "P001")
    assert 403 == live.delegate(live.legal, ["P001"]).status


def test_standing_ends_at_its_instant(live: Live) -> None:
    """Standing that has ended opens nothing, and delegates nothing."""
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat(timespec="seconds")
    assert live.opens(live.socio, "P001")
    live.standing(live.socio, "socio", ends_at=past)

    assert not live.opens(live.socio, "P001")
    assert 403 == live.delegate(live.socio, ["P001"]).status


def test_the_recipient_is_registered_and_confirmed(live: Live) -> None:
    """An unknown recipient and an unconfirmed one are refused, in words, and nothing is given."""
    unknown = live.delegate(live.socio, ["P001"], member=live.nobody)
    live.person(live.nobody, confirmed=False)
    unconfirmed = live.delegate(live.socio, ["P001", "P015"], member=live.nobody)

    assert (403, 403) == (unknown.status, unconfirmed.status)
    assert "ainda não se cadastrou" in unknown.json["refusals"][0]["mensagem"]
    assert [["recipient-not-confirmed"]] * 2 == [
        one["reasons"] for one in unconfirmed.json["refusals"]
    ]
    live.person(live.nobody)
    assert not live.opens(live.nobody, "P001")


def test_one_refused_process_refuses_the_set(live: Live) -> None:
    """All or nothing: with a closed process in it, none of the set is delegated."""
    refused = live.delegate(live.socio, ["P001", "P099"])

    assert 403 == refused.status
    assert [("P099 - Extinto v.1", ["process-closed"])] == [
        (one["processo"], one["reasons"]) for one in refused.json["refusals"]
    ]
    assert not live.opens(live.member, "P001")


def test_all_means_what_is_listed_now(live: Live) -> None:
    """Selecionar Todos takes the four open processes; an ambiguous code takes none."""
    ambiguous = live.delegate(live.socio, ["P001", "P061"])
    assert 400 == ambiguous.status
    assert ["P061 - Cadastro de Empresas v.1", "P061 - Registro v.2"] == (
        ambiguous.json["candidates"]
    )

    assert 4 == len(live.delegate(live.socio, "all").json["delegations"])
    assert live.opens(live.member, "P061 - Registro v.2")
    assert live.opens(live.member, "P061 - Registro v.9")


def test_a_delegation_ends_with_its_last_day(live: Live) -> None:
    """Until today counts today; a day that is over is refused; null and absent are no end."""
    assert 400 == live.delegate(live.socio, ["P001"], until=str(TODAY - timedelta(days=1))).status
    # The day after, so that the test is right also when it runs over midnight.
    tomorrow = str(TODAY + timedelta(days=1))
    [given] = live.delegate(live.socio, ["P001"], until=tomorrow).json["delegations"]
    assert (tomorrow, True) == (given["until"], live.opens(live.member, "P001"))

    [kept] = live.delegate(live.socio, ["P001"]).json["delegations"]
    [ended] = live.delegate(live.socio, ["P001"], until=None).json["delegations"]
    assert (tomorrow, None) == (kept["until"], ended["until"])
    assert ["granted", "extended"] == [one["kind"] for one in ended["history"]]


def test_a_filial_stands_for_itself_until_the_bond_is_recorded(live: Live) -> None:
    """With proof on record the matriz's partner delegates for the filial, and does not open."""
    assert 403 == live.delegate(live.socio, ["P001"], live.filial).status
    foreign = live.call("POST", "/v1/bonds", filial=OTHER, matriz=live.matriz, proof="SEI 1")
    assert (400, "matriz") == (foreign.status, foreign.json["field"])
    live.call(
        "POST", "/v1/bonds", filial=live.filial, matriz=live.matriz, proof="SEI 0052600.1/2026"
    )

    assert 200 == live.delegate(live.socio, ["P001"], live.filial).status
    assert [True, False] == [
        live.opens(cpf, "P001", live.filial) for cpf in (live.member, live.socio)
    ]
    assert not live.opens(live.member, "P001", live.matriz)
    live.standing(live.socio, "contador")
    assert not live.opens(live.member, "P001", live.filial)


def test_representatives_and_the_member_read_the_delegations(live: Live) -> None:
    """The company's whole list is for its representatives, a member reads the own part."""
    live.delegate(live.socio, ["P001"])

    def reads(actor: str, **more: str) -> int:
        return live.call(
            "POST", "/v1/delegations/search", actor=actor, company=live.matriz, **more
        ).status

    assert [200, 403, 403] == [reads(cpf) for cpf in (live.socio, live.member, live.nobody)]
    assert [200, 200, 403] == [
        reads(cpf, member=live.member) for cpf in (live.socio, live.member, live.nobody)
    ]


def test_unknown_and_denied_look_alike(live: Live) -> None:
    """A caller learns nothing about who is registered, who has delegations, or which companies."""
    live.delegate(live.socio, ["P001"])
    live.person(live.legal, confirmed=False)
    live.standing(live.nobody, "contador")

    answers = [
        live.message(cpf, live.matriz)
        for cpf in (live.member, live.legal, live.nobody, "12345678909")
    ]
    elsewhere = live.message(live.member, OTHER)

    assert [answers[0]] * 4 == answers
    assert "SEM_PERMISSAO" == elsewhere["codigo"]
    assert answers[0]["mensagem"] == elsewhere["mensagem"].replace(
        "12.ABC.345/01DE-35", Cnpj.parse(live.matriz).formatted
    )
