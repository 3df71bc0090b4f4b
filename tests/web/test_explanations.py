"""Explanations over HTTP: what would be decided, why, and what would turn it."""

from __future__ import annotations

from typing import Any

import pytest

from authz_service.domain.decision import ActRecord, Decision, Observation, RuleError
from tests.fakes.policies import GRANT, STEP_UP, deny_all
from tests.fakes.service import COMPANY, MEMBER, Service

PATH = "/v1/explanations"
ASKED: dict[str, Any] = {
    "subject": {"type": "person", "id": MEMBER},
    "action": {"name": "open"},
    "resource": {"type": "process", "id": "P001", "properties": {"cnpj": COMPANY}},
}
SAID = "open P001 - Acreditação Inicial v.3 52.420.282/0001-80"


def test_a_denial_is_explained(service: Service) -> None:
    """Reasons in words, the facts that decided, and what would turn it, with the facts in that."""
    seen = (Observation("process.company.standing.role", "none"),)
    denial = Decision(allowed=False, reasons=("no-permit",), evidence=seen)
    service.policy.verdict = lambda _question, _facts: denial
    service.policy.ways = (STEP_UP, GRANT)
    answer = service.post(PATH, ASKED)
    assert 200 == answer.status_code
    reopened, granted = GRANT.changes
    [signed_in] = STEP_UP.changes

    def told(change: Any, *facts: dict[str, object]) -> dict[str, object]:
        names = ("code", "codigo", "by", "pt", "en")
        return {**{name: getattr(change, name) for name in names}, "facts": list(facts)}

    assert {
        "decision": False,
        "reasons": [
            {
                "code": "no-permit",
                "codigo": "NO_PERMIT",
                "pt": f"pt no-permit {SAID}",
                "en": f"en no-permit {SAID}",
            }
        ],
        "rules": [],
        "errors": [],
        "facts": [{"test": "process.company.standing.role", "outcome": "none"}],
        "nearest": [
            {"step_up": True, "changes": [told(signed_in)]},
            {
                "step_up": False,
                "changes": [
                    told(reopened, {"fact": "process.state", "is": "closed", "needed": "open"}),
                    told(
                        granted,
                        {"fact": "process.delegation.backing.days", "is": None, "needed": 0},
                    ),
                ],
            },
        ],
        "policy_digest": service.policy.digest,
        "store_revision": service.store.facts.gather((), service.clock()).revision,
    } == answer.get_json()


def test_an_allow_and_an_error_are_explained(service: Service) -> None:
    """By the rules that spoke and those that erred, with their places."""
    service.policy.verdict = lambda _question, _facts: Decision(
        allowed=True, reasons=("represents", "delegated"), rules=("opening.polar:9",)
    )
    allowed = service.post(PATH, ASKED).get_json()
    errors = (RuleError("opening.polar:9", "unknown-fact: reads `registred`"),)
    service.policy.verdict = lambda _question, _facts: Decision(
        allowed=False, reasons=("policy-error",), errors=errors
    )
    erred = service.post(PATH, ASKED).get_json()
    assert (True, ["opening.polar:9"], []) == (
        allowed["decision"],
        allowed["rules"],
        allowed["nearest"],
    )
    assert ["represents", "delegated"] == [one["code"] for one in allowed["reasons"]]
    cause = {"rule": "opening.polar:9", "cause": "unknown-fact: reads `registred`"}
    assert (False, [cause]) == (erred["decision"], erred["errors"])


def test_nothing_is_decided_and_what_was_seen_is_written_down(service: Service) -> None:
    """There is no decision id in the answer, and an act in the log instead of a decision."""
    before = len(service.log.records)
    answer = service.post(PATH, ASKED)
    assert "Decision-Id" not in answer.headers
    written = [
        one for one in service.log.records[before:] if getattr(one, "act", "") != "client.add"
    ]
    assert ["explanation.read"] == [one.act for one in written if isinstance(one, ActRecord)]
    assert MEMBER not in repr(written)
    assert [] == [one for one in written if not isinstance(one, ActRecord)]


def test_what_means_nobody_is_a_denial(service: Service) -> None:
    """As at the evaluation; nothing would turn it."""
    service.policy.verdict, service.policy.ways = deny_all, (STEP_UP,)
    body = {**ASKED, "subject": {"type": "person", "id": "11111111111"}}
    answer = service.post(PATH, body).get_json()
    assert (False, ["invalid-identifier"], []) == (
        answer["decision"],
        [one["code"] for one in answer["reasons"]],
        answer["nearest"],
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"subject": None}, "subject"),
        ({"action": {"name": 7}}, "action.name"),
        ({"resource": {**ASKED["resource"], "properties": {}}}, "resource.properties.cnpj"),
        ({"resource": {**ASKED["resource"], "id": "P061"}}, "resource.id"),
    ],
    ids=["subject", "action", "company", "several processes"],
)
def test_what_is_no_request_is_refused(
    service: Service, change: dict[str, Any], field: str
) -> None:
    """As at the evaluation, with the member that is wrong."""
    answer = service.post(PATH, {**ASKED, **change})
    assert 400 == answer.status_code
    assert field in answer.get_data(as_text=True)


def test_without_the_scope_nothing_is_shown(service: Service) -> None:
    """Who may ask for decisions does not see the facts behind them."""
    answer = service.post(PATH, ASKED, key=service.key_for("decide"))
    assert 403 == answer.status_code


def test_without_policy_or_log_nothing_is_shown(service: Service) -> None:
    """The same errors as when deciding."""
    assert 200 == service.post(PATH, ASKED).status_code
    service.log.broken = True
    assert 503 == service.post(PATH, ASKED).status_code
    service.log.broken = False
    service.policies.policy = None
    assert 503 == service.post(PATH, ASKED).status_code
