"""Revisions: answers say which state of the store they saw or made, and callers may demand one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from authz_service.web.app import create_app
from tests.fakes.service import COMPANY, MEMBER, Service
from tests.fakes.truth import ScriptedTruth
from tests.web.asked import FORM, ONE, SEVERAL, A, F

pytestmark = pytest.mark.usefixtures("layer")

PERSON = {"cpf": MEMBER, "registered": True, "confirmed": True}
QUESTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "one": (ONE, A),
    "one by the other path": (SEVERAL, A),
    "several": (SEVERAL, {"evaluations": [A, A]}),
    "none that can be read": (SEVERAL, {"evaluations": [7]}),
    "nobody": (ONE, {**A, "subject": {"type": "person", "id": "1"}}),
    "a form": (FORM, F),
}


class Looked:
    """A service that looks at a truth of the test's."""

    def __init__(self) -> None:
        self.service = Service(orquestra_get=True)
        self.truth = ScriptedTruth()
        self.service.app = create_app(replace(self.service.parts, truth=self.truth))

    def ask(
        self, path: str, body: object, at_least: str | None = None, **more: Any
    ) -> TestResponse:
        """Ask, and demand a revision if one is given."""
        headers = {} if at_least is None else {"Store-Revision-At-Least": at_least}
        return self.service.post(path, body, headers=headers, **more)


@pytest.fixture
def looked() -> Looked:
    """A service whose store is at 7, as far as a look tells."""
    return Looked()


@pytest.mark.parametrize(("path", "body"), QUESTIONS.values(), ids=QUESTIONS)
def test_a_decision_says_on_which_state_it_was_made(
    looked: Looked, path: str, body: dict[str, Any]
) -> None:
    """That of the facts; where there are none, that of the look."""
    decided = looked.service.store.facts.gather((), looked.service.clock()).revision
    expected = 7 if body == {"evaluations": [7]} else decided
    assert str(expected) == looked.ask(path, body).headers["Store-Revision"]


def test_a_question_by_get_says_it_too(looked: Looked) -> None:
    """It is the same decision."""
    query = {name: str(value) for name, value in F.items()}
    headers = {"Authorization": f"Bearer {looked.service.key}"}
    answer = looked.service.http.get(FORM, query_string=query, headers=headers)
    assert (200, True) == (answer.status_code, answer.headers["Store-Revision"].isdigit())
    late = {**headers, "Store-Revision-At-Least": "8"}
    answer = looked.service.http.get(FORM, query_string=query, headers=late)
    assert 503 == answer.status_code


def test_every_request_with_a_key_looks_once(looked: Looked) -> None:
    """Before the key is looked up, since it may have been revoked elsewhere."""
    for path, body in (*QUESTIONS.values(), ("/v1/people", {})):
        looked.truth.looks.clear()
        looked.ask(path, body)
        assert [0] == looked.truth.looks


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic x"}])
def test_nobody_looks_for_whoever_shows_no_key(looked: Looked, headers: dict[str, str]) -> None:
    """An answer without a key costs the store nothing, whatever revision it demands."""
    answer = looked.service.http.post(
        ONE, json=A, headers={**headers, "Store-Revision-At-Least": "99"}
    )
    assert (401, []) == (answer.status_code, looked.truth.looks)


def test_a_store_that_does_not_answer_is_no_decision(looked: Looked) -> None:
    """Nobody could tell whether the key is still one."""
    looked.truth.left = 0
    answer = looked.ask(ONE, A)
    assert (503, "5") == (answer.status_code, answer.headers["Retry-After"])
    assert "urn:inmetro:authz:problem:unavailable" == answer.get_json()["type"]


@pytest.mark.parametrize("path", [ONE, SEVERAL, FORM])
def test_a_revision_that_is_there_may_be_demanded(looked: Looked, path: str) -> None:
    """Any up to the present one; the look says which, after the one for the key."""
    body = F if path == FORM else A
    for demanded in ("0", "6", "7", "0007"):
        looked.truth.looks.clear()
        assert 200 == looked.ask(path, body, demanded).status_code
        assert [0, int(demanded)] == looked.truth.looks


@pytest.mark.parametrize("path", [ONE, SEVERAL, FORM])
def test_a_store_that_is_behind_decides_nothing(looked: Looked, path: str) -> None:
    """It is a 503 of its own kind that says when to come back, and nothing is written down."""
    before = list(looked.service.log.records)
    answer = looked.ask(path, F if path == FORM else A, "8")
    assert (503, "1") == (answer.status_code, answer.headers["Retry-After"])
    assert {
        "type": "urn:inmetro:authz:problem:store-behind",
        "title": "The store has not come so far yet",
        "status": 503,
        "detail": "the store has not come to the revision that was asked for",
    } == answer.get_json()
    assert before == looked.service.log.records
    looked.truth.revision = 8
    assert 200 == looked.ask(path, F if path == FORM else A, "8").status_code


@pytest.mark.parametrize(
    "demanded", ["", "-1", "+1", "1.0", "1e3", "x", "1,2", "٣", "\udcb2", "1" * 17, "9" * 5000]
)
def test_what_can_be_no_revision_is_told(looked: Looked, demanded: str) -> None:
    """A header that cannot be read is a 400 that names it: never as if it were not there."""
    # Also a byte that is a digit in Latin-1, though no number: a raised two.
    sent = demanded.encode(errors="surrogateescape").decode("latin-1")
    answer = looked.service.http.post(
        ONE,
        json=A,
        headers={"Authorization": f"Bearer {looked.service.key}"},
        environ_overrides={"HTTP_STORE_REVISION_AT_LEAST": sent},
    )
    assert (400, "Store-Revision-At-Least") == (answer.status_code, answer.get_json()["field"])


def test_who_lacks_the_scope_learns_no_revision(looked: Looked) -> None:
    """A key for something else is refused before what it demands is looked at."""
    key = looked.service.key_for("metrics")
    assert [403, 403] == [looked.ask(ONE, A, one, key=key).status_code for one in ("99", "x")]
    assert [0, 0] == looked.truth.looks


def test_a_call_that_writes_says_what_it_made(looked: Looked) -> None:
    """The state after it, which is looked at when it is done."""
    answer = looked.ask("/v1/people", PERSON)
    assert (200, "7", [0, 0]) == (
        answer.status_code,
        answer.headers["Store-Revision"],
        looked.truth.looks,
    )


def test_the_revision_after_a_write_is_that_of_the_store(service: Service) -> None:
    """With a real store behind it: what is demanded next is what was told."""
    body = {"cpf": MEMBER, "company": COMPANY, "role": "socio"}
    before = service.store.facts.gather((), service.clock()).revision
    told = service.post("/v1/standing", body).headers["Store-Revision"]
    assert int(told) > before
    answer = service.post(ONE, A, headers={"Store-Revision-At-Least": told})
    assert (200, told) == (answer.status_code, answer.headers["Store-Revision"])
    late = service.post(ONE, A, headers={"Store-Revision-At-Least": str(int(told) + 1)})
    assert 503 == late.status_code


def test_what_was_done_is_no_failure_of_the_look_after_it(looked: Looked) -> None:
    """A store that goes away once it has written leaves the header out, and the answer stands."""
    looked.truth.left = 1
    answer = looked.ask("/v1/people", PERSON)
    assert (200, None) == (answer.status_code, answer.headers.get("Store-Revision"))


@pytest.mark.parametrize("path", ["/v1/processes", "/v1/clients", "/healthz", "/openapi.json"])
def test_what_writes_nothing_says_no_revision(looked: Looked, path: str) -> None:
    """Nor does what fails."""
    answer = looked.service.send("GET", path)
    assert (200, None) == (answer.status_code, answer.headers.get("Store-Revision"))
    assert "Store-Revision" not in looked.ask("/v1/people", {}).headers
    assert "Store-Revision" not in looked.ask(ONE, b"{").headers


def test_a_write_is_told_by_the_store_itself(looked: Looked) -> None:
    """Where changes are announced, the own one may come late: it is asked for, and not recalled."""
    looked.truth.unannounced = 9
    assert "9" == looked.ask("/v1/people", PERSON).headers["Store-Revision"]
