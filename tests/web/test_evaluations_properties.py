"""What holds of every batch: properties over generated questions, at the web room's own door."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authz_service.domain.decision import Decision, Question
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.facts import Facts
from tests.fakes.service import COMPANY, MAX_BATCH, MEMBER, REPRESENTATIVE, Service

ONE, PATH = "/access/v1/evaluation", "/access/v1/evaluations"
KEYS = ("subject", "action", "resource", "context")
EASY = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None
)


def verdict(question: Question, _facts: Facts) -> Decision:
    """Decide by all that a question holds, so that a mix-up of two questions shows."""
    actor, resource = question.actor, question.resource
    told: list[object] = [question.context]
    told += [one.properties if isinstance(one, Thing) else one for one in (actor, resource)]
    allowed = len(f"{told} {question.action} {question.properties}") % 2 == 0
    return Decision(allowed=allowed, reasons=("represents" if allowed else "no-permit",))


@pytest.fixture(name="service", scope="module")
def _service() -> Service:
    """A service that decides by everything that it is told; no test changes it."""
    service = Service(verdict)
    service.entities.stored[EntityName("user", "alice")] = {"role": "admin"}
    service.entities.stored[EntityName("record", "r-1")] = {"status": "active"}
    return service


bags = st.one_of(
    st.none(),
    st.dictionaries(st.sampled_from(["a", "role", "soft"]), st.integers(0, 99), max_size=2),
)
ids = st.sampled_from(["alice", "r-1", MEMBER, REPRESENTATIVE, COMPANY, "P001", "P061", "", "x"])
types = st.sampled_from(["user", "record", "person", "login", "company", "robot", ""])
entities = st.fixed_dictionaries({"type": types, "id": ids}, optional={"properties": bags})
processes = st.fixed_dictionaries(
    {
        "type": st.just("process"),
        "id": st.sampled_from(["P001", "P061", "P999"]),
        "properties": st.sampled_from([{"cnpj": COMPANY}, {"company": "EX-0000123-0"}, {}]),
    }
)
actions = st.fixed_dictionaries(
    {"name": st.sampled_from(["open", "read", "delete"])}, optional={"properties": bags}
)
wrong: st.SearchStrategy[Any] = st.sampled_from([None, 7, "x", [], {}, True])
members: dict[str, st.SearchStrategy[Any]] = {
    "subject": entities | wrong,
    "action": actions | wrong,
    "resource": entities | processes | wrong,
    "context": bags | wrong,
}
items = st.fixed_dictionaries({}, optional=members)
complete = st.fixed_dictionaries(
    {"subject": entities, "action": actions, "resource": entities | processes},
    optional={"context": bags},
)
Ask = Callable[[str, object], Any]


@pytest.fixture(name="ask", scope="module")
def _ask(service: Service) -> Ask:
    """Asks, and gives status and body."""

    def ask(path: str, body: object) -> Any:
        answer = service.post(path, body)
        return answer.status_code, answer.get_json()

    return ask


@given(defaults=items, item=items)
@EASY
def test_a_batch_of_one_is_one_question(ask: Ask, defaults: Any, item: Any) -> None:
    """It has the answer of the merged request; where that is a 400, it is a no with the error."""
    merged = {**defaults, **item}
    status, one = ask(ONE, merged)
    batch_status, batch = ask(PATH, {**defaults, "evaluations": [item]})
    assert 200 == batch_status
    [answer] = batch["evaluations"]
    if status == 200:
        assert one == answer
    else:
        assert (400, 400) == (status, answer["context"]["error"]["status"])
        assert one["field"] in answer["context"]["error"]["message"]
        assert answer["decision"] is False


@given(body=items)
@EASY
def test_a_batch_of_none_is_one_question(ask: Ask, body: Any) -> None:
    """Absent, null and empty evaluations are answered as at evaluation."""
    expected = ask(ONE, body)
    assert expected == ask(PATH, body)
    assert expected == ask(PATH, {**body, "evaluations": []})
    assert expected == ask(PATH, {**body, "evaluations": None, "options": {"another": 1}})


@given(data=st.data(), defaults=items, asked=st.lists(items, min_size=1, max_size=MAX_BATCH))
@EASY
def test_another_order_is_the_same_answers_in_that_order(
    ask: Ask, data: st.DataObject, defaults: Any, asked: list[Any]
) -> None:
    """Questions of one batch know nothing of each other."""
    order = data.draw(st.permutations(range(len(asked))))
    _, plain = ask(PATH, {**defaults, "evaluations": asked})
    _, turned = ask(PATH, {**defaults, "evaluations": [asked[one] for one in order]})
    assert [plain["evaluations"][one] for one in order] == turned["evaluations"]


names = st.text(min_size=1, max_size=8).filter(
    lambda name: (
        name
        not in (*KEYS, "type", "id", "name", "properties", "evaluations", "options", "evaluation")
        and "\0" not in name
    )
)


@given(
    body=complete,
    name=names,
    value=st.recursive(st.none() | st.booleans() | st.integers(-9, 9), st.lists, max_leaves=4),
    place=st.sampled_from(["", "subject", "action", "resource"]),
)
@EASY
def test_a_member_that_nobody_knows_changes_nothing(
    ask: Ask, body: Any, name: str, value: object, place: str
) -> None:
    """Wherever it stands beside those that are known, alone and in a batch."""
    more = copy.deepcopy(body)
    (more[place] if place else more)[name] = value
    assert ask(ONE, body) == ask(ONE, more)
    plain = ask(PATH, {"evaluations": [body]})
    assert plain == ask(PATH, {"evaluations": [more]}) == ask(PATH, {**more, "evaluations": [{}]})


@given(
    defaults=items,
    asked=st.lists(items, min_size=1, max_size=8),
    semantic=st.sampled_from(["deny_on_first_deny", "permit_on_first_permit"]),
)
@EASY
def test_an_early_end_gives_a_beginning_of_all_answers(
    ask: Ask, defaults: Any, asked: list[Any], semantic: str
) -> None:
    """Up to the first answer that the semantic is named for, and that one with it."""
    _, whole = ask(PATH, {**defaults, "evaluations": asked})
    options = {"evaluations_semantic": semantic}
    _, part = ask(PATH, {**defaults, "evaluations": asked, "options": options})
    found = [one["decision"] for one in whole["evaluations"]]
    trigger = semantic == "permit_on_first_permit"
    length = found.index(trigger) + 1 if trigger in found else len(found)
    assert whole["evaluations"][:length] == part["evaluations"]


anything: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | ids,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*KEYS, "type", "id", "name", "properties"]), inner)
    ),
    max_leaves=16,
)


@given(
    body=st.dictionaries(
        st.sampled_from([*KEYS, "evaluations", "options", "evaluations_semantic"]), anything
    ),
    asked=st.lists(anything, max_size=6),
)
@EASY
def test_no_batch_makes_the_service_fail(ask: Ask, body: Any, asked: list[Any]) -> None:
    """Row 69: whatever is sent is answered for each item, or refused as a whole."""
    for sent in (body, {**body, "evaluations": asked}):
        status, told = ask(PATH, sent)
        assert status in (200, 400)
        if status == 200 and sent.get("evaluations"):
            assert len(sent["evaluations"]) == len(told["evaluations"])
