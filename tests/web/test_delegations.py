"""Delegations over HTTP: the set is replaced as a whole, listed, revoked and renounced."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from authz_service.domain.decision import Decision, Question
from authz_service.domain.delegation import Delegation
from authz_service.domain.facts import Facts
from authz_service.web.app import create_app
from tests.fakes.policies import allow_all, deny_all
from tests.fakes.service import COMPANY, MEMBER, REPRESENTATIVE, Service
from tests.fakes.store import MemoryDelegations

PATH = "/v1/delegations"
OTHER = "11144477735"
ACT: dict[str, Any] = {"actor": REPRESENTATIVE}
SEARCH: dict[str, Any] = {**ACT, "company": COMPANY}
SET: dict[str, Any] = {**SEARCH, "member": MEMBER, "processes": ["P001"]}


def replaced(service: Service, **changes: object) -> list[dict[str, Any]]:
    """Replace the set as in SET with *changes*, and give what is in force afterwards."""
    answer = service.send("PUT", PATH, {**SET, **changes})
    assert 200 == answer.status_code, answer.get_data(as_text=True)
    found: list[dict[str, Any]] = answer.get_json()["delegations"]
    return found


def test_a_delegation_is_shown_whole(service: Service) -> None:
    """Who may open what until when, who stands behind it, and all that happened to it."""
    [shown] = replaced(service, until="2026-12-31", why="férias")
    assert {
        "id": shown["id"],
        "company": COMPANY,
        "member": MEMBER,
        "process": "p001",
        "version": 3,
        "state": "in_force",
        "until": "2026-12-31",
        "grantor": REPRESENTATIVE,
        "backers": [REPRESENTATIVE],
        "history": [
            {
                "kind": "granted",
                "at": "2026-11-20T15:00:00Z",
                "actor": REPRESENTATIVE,
                "client": "c0",
                "why": "férias",
                "until": "2026-12-31",
            }
        ],
    } == shown


@pytest.mark.parametrize(
    ("processes", "ids"),
    [
        (["P001"], {"p001"}),
        (["p001", "P061 - Registro v.2"], {"p001", "p061-registro"}),
        (["P001", "P001 - Acreditação Inicial v.3"], {"p001"}),
        ("all", {"p001", "p061-cadastro", "p061-registro"}),
        ([], set()),
    ],
)
def test_the_set_is_named_by_codes_labels_ids_or_all(
    service: Service, processes: object, ids: set[str]
) -> None:
    """Whatever names exactly one process names it here, and `all` names what is listed now."""
    assert ids == {one["process"] for one in replaced(service, processes=processes)}


def test_replacing_takes_away_what_is_missing(service: Service) -> None:
    """The set that was sent last is the whole set (Atualizar)."""
    replaced(service, processes=["p001", "p061-registro"])
    left = replaced(service, processes=["p061-registro"])
    assert ["p061-registro"] == [one["process"] for one in left]
    listed = service.post(f"{PATH}/search", SEARCH).get_json()["delegations"]
    assert {"p001": "revoked", "p061-registro": "in_force"} == {
        one["process"]: one["state"] for one in listed
    }


@pytest.mark.parametrize(
    ("change", "until"),
    [({}, "2026-12-31"), ({"until": None}, None), ({"until": "2027-01-31"}, "2027-01-31")],
)
def test_absent_keeps_the_last_day_and_null_takes_it_away(
    service: Service, change: dict[str, object], until: str | None
) -> None:
    """Until: absent leaves it as it is, null means without end, a day is the last one."""
    replaced(service, until="2026-12-31")
    assert [until] == [one["until"] for one in replaced(service, **change)]


def test_the_state_is_as_of_now(service: Service) -> None:
    """The day after its last day a delegation is listed as expired."""
    replaced(service, until="2026-11-20")
    service.clock.advance(timedelta(days=1))
    [listed] = service.post(f"{PATH}/search", SEARCH).get_json()["delegations"]
    assert "expired" == listed["state"]


def test_a_listing_can_be_of_one_member(service: Service) -> None:
    """With a member only the member's delegations are listed, and null is no member."""
    replaced(service)
    found = {
        member: len(
            service.post(f"{PATH}/search", {**SEARCH, "member": member}).get_json()["delegations"]
        )
        for member in (MEMBER, OTHER, None)
    }
    assert {MEMBER: 1, OTHER: 0, None: 1} == found


@pytest.mark.parametrize(
    ("verb", "actor", "state"),
    [("revoke", REPRESENTATIVE, "revoked"), ("renounce", MEMBER, "renounced")],
)
def test_one_delegation_is_ended(service: Service, verb: str, actor: str, state: str) -> None:
    """Revoking and renouncing answer the delegation as it is then, with the reason given."""
    [shown] = replaced(service)
    answer = service.post(f"{PATH}/{shown['id']}/{verb}", {"actor": actor, "why": "saiu"})
    ended = answer.get_json()
    assert (200, state) == (answer.status_code, ended["state"])
    assert (state, actor, "saiu") == tuple(
        ended["history"][-1][name] for name in ("kind", "actor", "why")
    )


@pytest.mark.parametrize("verb", ["revoke", "renounce"])
def test_what_is_over_cannot_be_ended_again(service: Service, verb: str) -> None:
    """Ending a delegation twice is a conflict."""
    [shown] = replaced(service)
    service.post(f"{PATH}/{shown['id']}/{verb}", {"actor": MEMBER})
    answer = service.post(f"{PATH}/{shown['id']}/{verb}", {"actor": MEMBER})
    assert (409, "application/problem+json") == (answer.status_code, answer.mimetype)


def test_nobody_renounces_for_somebody_else(service: Service) -> None:
    """To another person a delegation looks as if it did not exist."""
    [shown] = replaced(service)
    mine = service.post(f"{PATH}/{shown['id']}/renounce", {"actor": OTHER})
    none = service.post(f"{PATH}/{'0' * 32}/renounce", {"actor": OTHER})
    assert 404 == mine.status_code
    assert none.get_json() == mine.get_json()


@pytest.mark.parametrize("verb", ["history", "revoke", "renounce"])
@pytest.mark.parametrize("name", ["0" * 32, "x", "%00", "a" * 300, "%FF", MEMBER, "'; DROP", "é"])
def test_an_unknown_delegation_is_not_found(service: Service, verb: str, name: str) -> None:
    """Any text in place of an id, however odd, is a 404."""
    assert 404 == service.post(f"{PATH}/{name}/{verb}", ACT).status_code


class ParticularStore(MemoryDelegations):
    """Fails on an id that none of ours can be, as a database does with NUL in a text."""

    def find(self, delegation_id: str) -> Delegation | None:
        """Look only for what can be an id."""
        assert delegation_id.isascii()
        assert delegation_id.isprintable()
        return super().find(delegation_id)


@pytest.mark.parametrize("name", ["%00", "%FF", "é", "a%0Ab"])
def test_the_store_is_not_asked_for_what_can_be_no_id(service: Service, name: str) -> None:
    """What a database could not even look for is a 404 before it is asked."""
    particular = ParticularStore(service.store._tables)
    desk = replace(service.desk, delegations=particular)
    service.app = create_app(replace(service.parts, desk=desk))
    assert 404 == service.post(f"{PATH}/{name}/revoke", ACT).status_code
    assert 404 == service.post(f"{PATH}/{'0' * 32}/revoke", ACT).status_code


CALLS = [
    ("PUT", PATH, SET),
    ("POST", PATH, SET),
    ("POST", f"{PATH}/search", SEARCH),
    ("POST", f"{PATH}/{{id}}/history", ACT),
    ("POST", f"{PATH}/{{id}}/revoke", ACT),
    ("POST", f"{PATH}/{{id}}/renounce", {"actor": MEMBER}),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_what_the_policy_denies_is_refused_with_its_reasons(
    service: Service, method: str, path: str, body: object
) -> None:
    """A denied act is a 403 that says for what it was denied, why, and in Portuguese."""
    [shown] = replaced(service)
    service.policy.verdict = deny_all
    answer = service.send(method, path.format(id=shown["id"]), body)
    problem = answer.get_json()
    assert (403, "urn:inmetro:authz:problem:act-refused") == (answer.status_code, problem["type"])
    [refusal] = problem["refusals"]
    assert ["no-permit"] == refusal["reasons"]
    assert refusal["processo"] in (None, "P001 - Acreditação Inicial v.3")
    assert refusal["mensagem"].startswith("pt no-permit")


def test_every_denied_process_is_named(service: Service) -> None:
    """A set of which some is denied is refused as a whole, and only what was denied is listed."""

    def verdict(question: Question, facts: Facts) -> Decision:
        denied = facts.process is not None and facts.process.code == "P061"
        return (deny_all if denied else allow_all)(question, facts)

    service.policy.verdict = verdict
    problem = service.send("PUT", PATH, {**SET, "processes": "all"}).get_json()
    assert ["P061 - Cadastro de Empresas v.1", "P061 - Registro v.2"] == [
        one["processo"] for one in problem["refusals"]
    ]
    service.policy.verdict = allow_all
    assert [] == service.post(f"{PATH}/search", SEARCH).get_json()["delegations"]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
@pytest.mark.parametrize("value", [None, 18762794604, "", "18762794605", [MEMBER], {}])
def test_who_acts_has_to_be_a_cpf(
    service: Service, method: str, path: str, body: dict[str, object], value: object
) -> None:
    """Here a malformed CPF is a 400, since there is nobody whose act could be denied."""
    answer = service.send(method, path.format(id="0" * 32), {**body, "actor": value})
    assert (400, "actor") == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize(
    ("member", "value", "field"),
    [
        ("company", "52420282000181", "company"),
        ("company", None, "company"),
        ("member", "18762794605", "member"),
        ("member", None, "member"),
        ("processes", None, "processes"),
        ("processes", "P001", "processes"),
        ("processes", {"0": "P001"}, "processes"),
        ("processes", ["P001"] * 201, "processes"),
        ("processes", ["P001", ""], "processes.1"),
        ("processes", ["P001", None], "processes.1"),
        ("processes", ["P001", ["P001"]], "processes.1"),
        ("processes", ["P001", "P999"], "processes.1"),
        ("processes", ["P001", "P061"], "processes.1"),
        ("until", "2026-12-32", "until"),
        ("until", "20261231", "until"),
        ("until", "2026-W53-4", "until"),
        ("until", "2026-12-31T00:00:00Z", "until"),
        ("until", "31/12/2026", "until"),
        ("until", "\u0662026-12-31", "until"),
        ("until", "", "until"),
        ("until", 20261231, "until"),
        ("until", "2026-11-19", "until"),
        ("why", 1, "why"),
        ("why", "x" * 501, "why"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_set_that_cannot_be_read_is_refused(
    service: Service, method: str, member: str, value: object, field: str
) -> None:
    """A member that is wrong is a 400 that names it, down to the place in the list."""
    answer = service.send(method, PATH, {**SET, member: value})
    assert (400, field) == (answer.status_code, answer.get_json()["field"])


@pytest.mark.parametrize("member", ["actor", "company", "member", "processes"])
def test_what_is_required_is_required(service: Service, member: str) -> None:
    """A member that is missing is a 400 that names it."""
    body = {name: value for name, value in SET.items() if name != member}
    answer = service.send("PUT", PATH, body)
    assert (400, member) == (answer.status_code, answer.get_json()["field"])


def test_everything_that_is_wrong_is_named_at_once(service: Service) -> None:
    """A body with several mistakes is answered with all of them."""
    body = {**SET, "company": 1, "until": "soon", "processes": ["P001", "", 7]}
    problem = service.send("PUT", PATH, body).get_json()
    assert {"company", "until", "processes.1", "processes.2"} == {
        one["field"] for one in problem["errors"]
    }


def test_the_most_that_is_allowed_is_allowed(service: Service) -> None:
    """Two hundred names and five hundred characters are still taken."""
    assert 1 == len(replaced(service, processes=["P001"] * 200, why="x" * 500))


def test_an_ambiguous_process_is_refused_with_its_candidates(service: Service) -> None:
    """P061 in a set is answered with the two labels that it could mean."""
    problem = service.send("PUT", PATH, {**SET, "processes": ["P061"]}).get_json()
    assert ["P061 - Cadastro de Empresas v.1", "P061 - Registro v.2"] == problem["candidates"]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_naming_who_acts_takes_a_scope_of_its_own(
    service: Service, method: str, path: str, body: object
) -> None:
    """Whoever may work with delegations may not yet say who acts: the 403 names that scope."""
    key = service.key_for("delegations")
    answer = service.send(method, path.format(id="0" * 32), body, key=key)
    assert 403 == answer.status_code
    assert "`actor:assert`" in answer.get_json()["detail"]
