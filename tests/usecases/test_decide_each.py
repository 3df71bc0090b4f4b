"""A batch in which each question stands for itself: ambiguous names, and where it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authz_service.domain.decision import (
    INVALID_IDENTIFIER,
    UNKNOWN_TYPE,
    Decision,
    Impossible,
    ProcessAsked,
    Question,
)
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.errors import (
    InvalidInput,
    LogUnavailable,
    PolicyUnavailable,
    StoreUnavailable,
)
from authz_service.domain.facts import Facts
from authz_service.domain.processes import Ambiguous, ProcessName
from authz_service.usecases.answers import Answer
from tests.domain.document import COMPANY, MEMBER, PARTNER, STRANGER
from tests.usecases.house import CALLER, House

YES = Question(MEMBER, "open", ProcessAsked(ProcessName("P001"), COMPANY))
NO = replace(YES, action="renounce")
UNCLEAR = replace(YES, resource=ProcessAsked(ProcessName("P061"), COMPANY))
NOBODY = Impossible("open", INVALID_IDENTIFIER)
UNREAD = InvalidInput("subject", "is required")
Asked = Question | Impossible | InvalidInput
CANDIDATES = ("P061 - Cadastro de Empresas v.1", "P061 - Registro v.2")


def by_action(question: Question, _facts: Facts) -> Decision:
    """Allow to open, and nothing else."""
    return Decision(allowed=question.action == "open", reasons=("represents",))


def letter(answer: Answer | Ambiguous | InvalidInput) -> str:
    """Give an answer as a letter: yes, no, unclear, or x for what could not be read."""
    if isinstance(answer, Answer):
        return "y" if answer.decision.allowed else "n"
    return "u" if isinstance(answer, Ambiguous) else "x"


def told(house: House, *asked: Asked, until: bool | None = None) -> str:
    """Give the answers of a batch as letters."""
    house.policy.verdict = by_action
    return "".join(map(letter, house.point.decide_each(asked, CALLER, until=until)))


def test_an_ambiguous_name_is_its_own_questions_trouble(house: House) -> None:
    """Its place holds what the name could mean; the others are decided and recorded."""
    answers = house.point.decide_each([YES, UNCLEAR, NOBODY], CALLER)
    assert Ambiguous(CANDIDATES) == answers[1]
    records = [one.asked.named for one in house.decisions]
    assert ["P001", None] == records
    assert 2 == len(house.told[0])


def test_what_could_not_be_read_keeps_its_place(house: House) -> None:
    """Its place holds what was wrong, as it was given; it is no decision, and not recorded."""
    answers = house.point.decide_each([UNREAD, YES], CALLER)
    assert UNREAD is answers[0]
    assert ["P001"] == [one.asked.named for one in house.decisions]


def test_who_is_asked_about_in_vain_gets_no_name_in_the_log(house: House) -> None:
    """A question without a decision leaves nothing behind, and nothing of its persons."""
    asked = [replace(UNCLEAR, actor=PARTNER), YES, replace(YES, actor=STRANGER)]
    assert "uy" == told(house, *asked, until=True)
    known = [house.store.surrogates.known(one) is not None for one in (MEMBER, PARTNER, STRANGER)]
    assert [True, False, False] == known


@pytest.mark.parametrize(
    ("until", "expected"),
    [(None, "yynuy"), (True, "y"), (False, "yyn")],
    ids=["never", "the first yes", "the first no"],
)
def test_a_batch_ends_with_the_decision_that_it_waits_for(
    house: House, until: bool | None, expected: str
) -> None:
    """What stands after that is not decided, so it is neither answered nor recorded."""
    assert expected == told(house, YES, YES, NO, UNCLEAR, YES, until=until)
    assert len(expected.replace("u", "")) == len(house.decisions)


@pytest.mark.parametrize(
    ("asked", "until", "expected"),
    [
        ((YES, UNCLEAR, YES), False, "yu"),
        ((UNCLEAR, YES, NO), True, "uy"),
        ((NOBODY, YES), False, "n"),
        ((YES, UNREAD, YES), False, "yx"),
        ((UNREAD, NO, YES, NO), True, "xny"),
        ((NOBODY, NO, UNCLEAR), True, "nnu"),
        ((YES, YES), False, "yy"),
        ((), False, ""),
    ],
)
def test_what_is_no_decision_counts_as_a_no(
    house: House, asked: tuple[Asked, ...], until: bool, expected: str
) -> None:
    """It ends a batch that waits for a no, and none that waits for a yes."""
    assert expected == told(house, *asked, until=until)


@pytest.mark.parametrize("until", [None, True, False])
@given(asked=st.lists(st.sampled_from([YES, NO, UNCLEAR, NOBODY, UNREAD]), max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_an_early_end_changes_no_answer_before_it(
    house: House, asked: list[Asked], until: bool | None
) -> None:
    """The answers are a beginning of those of the whole batch, up to the one waited for."""
    whole = told(house, *asked)
    part = told(house, *asked, until=until)
    assert whole.startswith(part)
    ends = {None: "", True: "y", False: "nux"}[until]
    assert all(one not in ends for one in part[:-1])
    assert part == whole or part[-1] in ends


def test_all_are_decided_on_one_state(house: House) -> None:
    """Moment, policy and revision are the same in all records, whatever stands between them."""
    house.point.decide_each([YES, UNCLEAR, NO, NOBODY], CALLER)
    assert 1 == len(
        {(one.moment, one.policy_digest, one.store_revision) for one in house.decisions}
    )


def test_nobody_is_answered_what_was_not_written(house: House) -> None:
    """With the log broken the whole batch fails, as without policy or store."""
    house.log.broken = True
    with pytest.raises(LogUnavailable):
        house.point.decide_each([UNCLEAR, YES], CALLER)
    house.log.broken = False
    house.store.broken = True
    with pytest.raises(StoreUnavailable):
        house.point.decide_each([YES], CALLER)
    house.store.broken = False
    house.policies.policy = None
    with pytest.raises(PolicyUnavailable):
        house.point.decide_each([UNCLEAR], CALLER)
    assert ([], []) == (house.log.records, house.told)


def test_an_entity_of_a_type_that_nobody_knows_is_denied(house: House) -> None:
    """As subject and as resource; the policy is not asked."""
    user, record = EntityName("user", "alice"), EntityName("record", "1")
    house.entities.stored[user] = {}
    asked = [
        Question(Thing(user), "open", Thing(record)),
        Question(Thing(record), "open", Thing(user)),
        Question(Thing(user), "open", Thing(user)),
    ]
    assert "nny" == told(house, *asked)
    reasons = [one.decision.reason for one in house.decisions]
    assert [UNKNOWN_TYPE, UNKNOWN_TYPE, "represents"] == reasons
