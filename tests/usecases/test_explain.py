"""Explaining: what the decision point would say, with its grounds and what would turn it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from authz_service.domain.decision import (
    INVALID_IDENTIFIER,
    NO_PERMIT,
    UNKNOWN_TYPE,
    CompanyAsked,
    Decision,
    Impossible,
    ProcessAsked,
    Question,
)
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.errors import (
    AmbiguousProcess,
    LogUnavailable,
    PolicyUnavailable,
    StoreUnavailable,
)
from authz_service.domain.facts import CompanyFacts, Facts, ResourceFacts, StandingFacts
from authz_service.domain.people import Role
from authz_service.domain.processes import ProcessName
from authz_service.usecases.explain import Explanation
from authz_service.usecases.ports import Text
from tests.domain.document import COMPANY, MEMBER, P001, REPRESENTATIVE
from tests.fakes.clock import NOON
from tests.fakes.policies import GRANT, STEP_UP, deny_all
from tests.usecases.house import CALLER, House, leaks

LABORATORY = EntityName("laboratory", "L-17")
QUESTION = Question(REPRESENTATIVE, "read_delegations", CompanyAsked(COMPANY))


def by_standing(_question: Question, facts: Facts) -> Decision:
    """Allow while the actor's standing in the company is in force."""
    assert isinstance(facts.resource, CompanyFacts)
    allowed = facts.resource.standing.in_force
    return Decision(allowed=allowed, reasons=("represents" if allowed else NO_PERMIT,))


def explain(house: House, question: Question = QUESTION) -> Explanation:
    """Explain a question that can be asked."""
    found = house.explainer.explain(question)
    assert isinstance(found, Explanation)
    return found


def test_an_explanation_is_the_decision_with_its_grounds(house: House) -> None:
    """Decision, facts, policy and state of the store belong together."""
    house.policy.verdict = by_standing
    house.registrar.standing(COMPANY, REPRESENTATIVE, Role.SOCIO, NOON + timedelta(1), CALLER)
    explained = explain(house)
    snapshot = house.store.facts.gather([QUESTION], NOON)
    assert Decision(allowed=True, reasons=("represents",)) == explained.decision
    assert isinstance(explained.facts.resource, CompanyFacts)
    expected = StandingFacts("socio", "asserted", in_force=True, days=0)
    assert expected == explained.facts.resource.standing
    assert snapshot.facts == (explained.facts,)
    assert (house.policy.digest, snapshot.revision) == (
        explained.policy_digest,
        explained.store_revision,
    )


def test_an_explanation_is_of_this_moment(house: House) -> None:
    """What has ended is explained as ended, as it would be decided."""
    house.policy.verdict = by_standing
    house.registrar.standing(COMPANY, REPRESENTATIVE, Role.SOCIO, NOON + timedelta(1), CALLER)
    house.clock.advance(timedelta(days=1))
    explained = explain(house)
    assert house.point.decide(QUESTION, CALLER).decision == explained.decision
    assert not explained.decision.allowed


def test_explaining_leaves_no_trace(house: House) -> None:
    """It is no decision: nothing is written, nobody hears of it, and nobody gets a surrogate."""
    before = house.store.facts.gather([], NOON).revision
    house.explainer.explain(QUESTION)
    assert ([], []) == (house.log.records, house.told)
    assert {} == house.store._tables.surrogates
    assert before == house.store.facts.gather([], NOON).revision


def test_a_process_is_explained_by_its_label(house: House) -> None:
    """The process that was meant is among the facts."""
    question = replace(QUESTION, resource=ProcessAsked(ProcessName("P001"), COMPANY))
    assert P001 == explain(house, question).facts.process


def test_what_is_stored_of_an_entity_is_explained_too(house: House) -> None:
    """The policy is asked about the entity as it is described, and so is the explanation."""
    house.entities.stored[LABORATORY] = {"state": "active", "age": 3}
    question = replace(QUESTION, resource=Thing(LABORATORY, {"state": "closed"}))
    explained = explain(house, question)
    described = Thing(LABORATORY, {"state": "closed", "age": 3})
    assert replace(question, resource=described) == explained.question
    assert isinstance(explained.facts.resource, ResourceFacts)
    assert described.properties == explained.facts.resource.properties


def test_an_entity_of_an_unknown_type_cannot_be_explained(house: House) -> None:
    """There is nothing to decide: the answer says so, without policy or store."""
    house.store.broken, house.policies.policy = True, None
    question = replace(QUESTION, resource=Thing(LABORATORY))
    assert Impossible("read_delegations", UNKNOWN_TYPE) == house.explainer.explain(question)


def test_an_ambiguous_process_is_not_explained(house: House) -> None:
    """The caller has to say which one is meant."""
    with pytest.raises(AmbiguousProcess):
        house.explainer.explain(
            replace(QUESTION, resource=ProcessAsked(ProcessName("P061"), COMPANY))
        )


def test_without_policy_or_store_nothing_is_explained(house: House) -> None:
    """The same errors as when deciding."""
    house.store.broken = True
    with pytest.raises(StoreUnavailable):
        house.explainer.explain(QUESTION)
    house.policies.policy = None
    with pytest.raises(PolicyUnavailable):
        house.explainer.explain(QUESTION)


def test_a_denial_is_explained_with_what_would_turn_it(house: House) -> None:
    """Every way that the policy knows, and every reason in words."""
    house.policy.verdict, house.policy.ways = deny_all, (STEP_UP, GRANT)
    process = ProcessAsked(ProcessName("P001"), COMPANY)
    explained = explain(house, replace(QUESTION, resource=process))
    assert (STEP_UP, GRANT) == explained.nearest
    said = f"no-permit read_delegations {P001.label} 52.420.282/0001-80"
    assert (Text("NO_PERMIT", f"pt {said}", f"en {said}"),) == explained.texts


def test_an_allow_needs_nothing_to_turn_it(house: House) -> None:
    """The policy is not even asked what would."""
    house.policy.ways = (STEP_UP,)
    assert () == explain(house).nearest


def test_who_saw_what_about_whom_is_written_down(house: House) -> None:
    """An act, not a decision, persons as surrogates; the explanation is the same."""
    question = replace(
        QUESTION, recipient=MEMBER, resource=ProcessAsked(ProcessName("P001"), COMPANY)
    )
    explained = house.explanation_desk.explain(question, CALLER)
    assert house.explainer.explain(question) == explained
    [act] = house.administrative
    assert [] == house.decisions
    assert ("explanation.read", CALLER) == (act.act, act.caller)
    assert explained.store_revision == act.store_revision
    assert {
        "actor": house.surrogate(REPRESENTATIVE),
        "action": "read_delegations",
        "recipient": house.surrogate(MEMBER),
        "company": COMPANY.value,
        "process": P001.id.value,
    } == act.details
    assert [] == leaks([act], [REPRESENTATIVE, MEMBER])


def test_an_act_names_only_what_was_asked(house: House) -> None:
    """Of an entity of others there is neither company nor process."""
    house.entities.stored[LABORATORY] = {}
    house.explanation_desk.explain(replace(QUESTION, resource=Thing(LABORATORY)), CALLER)
    [act] = house.administrative
    names = ("recipient", "company", "process")
    assert [None, None, None] == [act.details[name] for name in names]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (Impossible("open", INVALID_IDENTIFIER), INVALID_IDENTIFIER),
        (replace(QUESTION, resource=Thing(LABORATORY)), UNKNOWN_TYPE),
    ],
    ids=["nobody", "an unknown type"],
)
def test_what_cannot_be_asked_is_a_denial_that_nothing_turns(
    house: House, asked: Question | Impossible, reason: str
) -> None:
    """It tells nothing of anybody, so nothing is written down."""
    explained = house.explanation_desk.explain(asked, CALLER)
    assert Decision(allowed=False, reasons=(reason,)) == explained.decision
    assert (f"pt {reason} {asked.action}  ",) == tuple(one.pt for one in explained.texts)
    assert () == explained.nearest
    assert (house.policy.digest, house.store.facts.gather((), NOON).revision) == (
        explained.policy_digest,
        explained.store_revision,
    )
    assert [] == house.log.records


def test_what_cannot_be_written_down_is_not_shown(house: House) -> None:
    """Nobody sees facts about a person without a trace."""
    house.log.broken = True
    with pytest.raises(LogUnavailable):
        house.explanation_desk.explain(QUESTION, CALLER)
