"""Inmetro's rules over HTTP, on the shipped policies, a real database and a real server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from authz_service.domain.time import civil_day
from tests.operation.house import Answer, Running, free_port, furnish

MATRIZ, FILIAL, OTHER = "52420282000180", "52420282000260", "12ABC34501DE35"
SOCIO, LEGAL, MEMBER, NOBODY = "72268402517", "52998224725", "18762794604", "11144477735"
CSV = (
    "code,title,version,state\nP001,Acreditação Inicial,3,open\nP015,Alterações,2,open\n"
    "P061,Cadastro de Empresas,1,open\nP061,Registro,2,open\nP099,Extinto,1,closed\n"
)
SCOPES = ("decide", "delegations", "actor:assert", "standing:assert")
TODAY = civil_day(datetime.now(UTC))


class Live:
    """A running service with a catalogue, and the few calls of the story."""

    def __init__(self, folder: Path) -> None:
        self.key = furnish(folder, CSV, {"tests": SCOPES})["tests"]
        self.running = Running(folder, AUTHZ_PORT=str(free_port()))

    def call(self, method: str, path: str, **body: object) -> Answer:
        """Send one request."""
        return self.running.send(method, path, body, key=self.key)

    def person(self, cpf: str, *, confirmed: bool = True) -> None:
        """Say that somebody has registered."""
        self.call("POST", "/v1/people", cpf=cpf, registered=True, confirmed=confirmed)

    def standing(self, cpf: str, role: str, company: str = MATRIZ, **more: str) -> None:
        """Say what somebody is in a company."""
        answer = self.call("POST", "/v1/standing", cpf=cpf, company=company, role=role, **more)
        assert 200 == answer.status

    def delegate(
        self, actor: str, processes: object, company: str = MATRIZ, **more: object
    ) -> Answer:
        """Replace the member's set."""
        wish = {"actor": actor, "company": company, "member": MEMBER, "processes": processes}
        return self.call("PUT", "/v1/delegations", **{**wish, **more})

    def opens(self, cpf: str, process: str, company: str = MATRIZ) -> bool:
        """Ask the flat question."""
        answer = self.call(
            "POST",
            "/v1/orquestra/decisao",
            cpf=cpf,
            cnpj=company,
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


@pytest.fixture(name="live")
def _live(tmp_path: Path) -> Iterator[Live]:
    live = Live(tmp_path)
    live.person(MEMBER)
    live.standing(SOCIO, "socio")
    yield live
    live.running.kill()


def test_a_member_gives_a_delegation_up(live: Live) -> None:
    """Renounced by the member, it is over for the next question, and cannot be renounced twice."""
    [given] = live.delegate(SOCIO, ["P001"]).json["delegations"]
    assert live.opens(MEMBER, "P001")
    path = f"/v1/delegations/{given['id']}/renounce"

    assert 404 == live.call("POST", path, actor=SOCIO).status
    renounced = live.call("POST", path, actor=MEMBER, why="mudei de setor")

    assert (200, "renounced") == (renounced.status, renounced.json["state"])
    assert ["granted", "renounced"] == [one["kind"] for one in renounced.json["history"]]
    assert not live.opens(MEMBER, "P001")
    assert 409 == live.call("POST", path, actor=MEMBER).status


def test_a_representative_takes_a_delegation_back(live: Live) -> None:
    """Revoked by who represents the company, and by nobody else."""
    [given] = live.delegate(SOCIO, ["P001"]).json["delegations"]
    path = f"/v1/delegations/{given['id']}/revoke"

    for other in (MEMBER, NOBODY):
        refused = live.call("POST", path, actor=other)
        assert (403, "no-permit") == (refused.status, refused.json["refusals"][0]["reasons"][0])
    assert live.opens(MEMBER, "P001")
    assert 200 == live.call("POST", path, actor=SOCIO, why="fim do projeto").status
    assert not live.opens(MEMBER, "P001")


def test_a_delegation_outlives_its_grantor_only_with_a_confirmer(live: Live) -> None:
    """When the grantor goes, what a colleague confirmed goes on, and the rest does not."""
    live.standing(LEGAL, "representante_legal")
    live.delegate(SOCIO, ["P001", "P015"])
    live.delegate(LEGAL, ["P001"])
    live.delegate(SOCIO, ["P001", "P015"])

    live.standing(SOCIO, "nao_atuante")
    assert [True, False] == [live.opens(MEMBER, code) for code in ("P001", "P015")]
    live.standing(LEGAL, "contador")
    assert not live.opens(MEMBER, "P001")
    live.standing(SOCIO, "socio")
    assert [True, True] == [live.opens(MEMBER, code) for code in ("P001", "P015")]


@pytest.mark.parametrize("role", ["contador", "nao_atuante", "colaborador"])
def test_other_roles_neither_open_nor_delegate(live: Live, role: str) -> None:
    """The accountant, who does not act, and the collaborator are not recognised."""
    live.standing(LEGAL, role)

    assert not live.opens(LEGAL, "P001")
    assert 403 == live.delegate(LEGAL, ["P001"]).status


def test_standing_ends_at_its_instant(live: Live) -> None:
    """Standing that has ended opens nothing, and delegates nothing."""
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat(timespec="seconds")
    assert live.opens(SOCIO, "P001")
    live.standing(SOCIO, "socio", ends_at=past)

    assert not live.opens(SOCIO, "P001")
    assert 403 == live.delegate(SOCIO, ["P001"]).status


def test_the_recipient_is_registered_and_confirmed(live: Live) -> None:
    """An unknown recipient and an unconfirmed one are refused, in words, and nothing is given."""
    unknown = live.delegate(SOCIO, ["P001"], member=NOBODY)
    live.person(NOBODY, confirmed=False)
    unconfirmed = live.delegate(SOCIO, ["P001", "P015"], member=NOBODY)

    assert (403, 403) == (unknown.status, unconfirmed.status)
    assert "ainda não se cadastrou" in unknown.json["refusals"][0]["mensagem"]
    assert [["recipient-not-confirmed"]] * 2 == [
        one["reasons"] for one in unconfirmed.json["refusals"]
    ]
    live.person(NOBODY)
    assert not live.opens(NOBODY, "P001")


def test_one_refused_process_refuses_the_set(live: Live) -> None:
    """All or nothing: with a closed process in it, none of the set is delegated."""
    refused = live.delegate(SOCIO, ["P001", "P099"])

    assert 403 == refused.status
    assert [("P099 - Extinto v.1", ["process-closed"])] == [
        (one["processo"], one["reasons"]) for one in refused.json["refusals"]
    ]
    assert not live.opens(MEMBER, "P001")


def test_all_means_what_is_listed_now(live: Live) -> None:
    """Selecionar Todos takes the four open processes; an ambiguous code takes none."""
    ambiguous = live.delegate(SOCIO, ["P001", "P061"])
    assert 400 == ambiguous.status
    assert ["P061 - Cadastro de Empresas v.1", "P061 - Registro v.2"] == (
        ambiguous.json["candidates"]
    )

    assert 4 == len(live.delegate(SOCIO, "all").json["delegations"])
    assert live.opens(MEMBER, "P061 - Registro v.2")
    assert live.opens(MEMBER, "P061 - Registro v.9")


def test_a_delegation_ends_with_its_last_day(live: Live) -> None:
    """Until today counts today; a day that is over is refused; null and absent are no end."""
    assert 400 == live.delegate(SOCIO, ["P001"], until=str(TODAY - timedelta(days=1))).status
    # The day after, so that the test is right also when it runs over midnight.
    tomorrow = str(TODAY + timedelta(days=1))
    [given] = live.delegate(SOCIO, ["P001"], until=tomorrow).json["delegations"]
    assert (tomorrow, True) == (given["until"], live.opens(MEMBER, "P001"))

    [kept] = live.delegate(SOCIO, ["P001"]).json["delegations"]
    [ended] = live.delegate(SOCIO, ["P001"], until=None).json["delegations"]
    assert (tomorrow, None) == (kept["until"], ended["until"])
    assert ["granted", "extended"] == [one["kind"] for one in ended["history"]]


def test_a_filial_stands_for_itself_until_the_bond_is_recorded(live: Live) -> None:
    """With proof on record the matriz's partner delegates for the filial, and does not open."""
    assert 403 == live.delegate(SOCIO, ["P001"], FILIAL).status
    foreign = live.call("POST", "/v1/bonds", filial=OTHER, matriz=MATRIZ, proof="SEI 1")
    assert (400, "matriz") == (foreign.status, foreign.json["field"])
    live.call("POST", "/v1/bonds", filial=FILIAL, matriz=MATRIZ, proof="SEI 0052600.1/2026")

    assert 200 == live.delegate(SOCIO, ["P001"], FILIAL).status
    assert [True, False] == [live.opens(cpf, "P001", FILIAL) for cpf in (MEMBER, SOCIO)]
    assert not live.opens(MEMBER, "P001", MATRIZ)
    live.standing(SOCIO, "contador")
    assert not live.opens(MEMBER, "P001", FILIAL)


def test_representatives_and_the_member_read_the_delegations(live: Live) -> None:
    """The company's whole list is for its representatives, a member reads the own part."""
    live.delegate(SOCIO, ["P001"])

    def reads(actor: str, **more: str) -> int:
        return live.call(
            "POST", "/v1/delegations/search", actor=actor, company=MATRIZ, **more
        ).status

    assert [200, 403, 403] == [reads(cpf) for cpf in (SOCIO, MEMBER, NOBODY)]
    assert [200, 200, 403] == [reads(cpf, member=MEMBER) for cpf in (SOCIO, MEMBER, NOBODY)]


def test_unknown_and_denied_look_alike(live: Live) -> None:
    """A caller learns nothing about who is registered, who has delegations, or which companies."""
    live.delegate(SOCIO, ["P001"])
    live.person(LEGAL, confirmed=False)
    live.standing(NOBODY, "contador")

    answers = [live.message(cpf, MATRIZ) for cpf in (MEMBER, LEGAL, NOBODY, "12345678909")]
    elsewhere = live.message(MEMBER, OTHER)

    assert [answers[0]] * 4 == answers
    assert "SEM_PERMISSAO" == elsewhere["codigo"]
    assert answers[0]["mensagem"] == elsewhere["mensagem"].replace(
        "12.ABC.345/01DE-35", "52.420.282/0001-80"
    )
