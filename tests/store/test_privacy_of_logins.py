"""What every store promises to the representative of a foreign company, who is a person too."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from authz_service.domain.companies import Validation
from authz_service.domain.decision import CompanyAsked, Question
from authz_service.domain.entities import EntityName
from authz_service.domain.errors import Conflict, LogUnavailable
from authz_service.domain.identifiers import Cpf, Login
from tests.domain.document import COLLEAGUE_ABROAD, MEMBER, REPRESENTATIVE_ABROAD
from tests.domain.gathered import company_of, gather
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.records import HOUR, Store, foreign

WHOSE = REPRESENTATIVE_ABROAD
NOTHING: dict[str, list[object]] = {"foreign_representatives": [], "other_surrogates": []}
BOTH = foreign(1, (WHOSE, COLLEAGUE_ABROAD), validation=Validation.VALIDATED)
FORMER = foreign(2, (WHOSE,))


def _fill(store: Store) -> str:
    """Keep a login in one company, in the past of another and in the log; give its surrogate."""
    store.foreign.add(BOTH, untold)
    store.foreign.add(FORMER, untold)
    left = replace(FORMER, representatives=(COLLEAGUE_ABROAD,))
    store.foreign.change(FORMER, left, NOON + HOUR, untold)
    names = store.surrogates.surrogates(
        [WHOSE, COLLEAGUE_ABROAD, EntityName("user", WHOSE.value), MEMBER]
    )
    return names[WHOSE]


def test_a_login_is_shown_every_row(store: Store) -> None:
    """For whom it acts and acted, since when and until when, and its name in the log."""
    name = _fill(store)
    found, revision = store.personal_data.export(WHOSE)

    named = {"login": WHOSE.value, "since": NOON.isoformat()}
    assert {
        "foreign_representatives": [
            {"company": BOTH.id.value, **named, "ended_at": None},
            {"company": FORMER.id.value, **named, "ended_at": (NOON + HOUR).isoformat()},
        ],
        "other_surrogates": [{"type": "login", "id": WHOSE.value, "surrogate": name}],
    } == found
    assert found == json.loads(json.dumps(found))
    assert store.facts.gather([], NOON).revision == revision


@pytest.mark.parametrize("login", [Login("Anna.Schmidt"), Login("anna")])
def test_of_another_login_there_is_nothing(store: Store, login: Login) -> None:
    """Logins are compared byte for byte; every table that may know one is named."""
    _fill(store)

    assert NOTHING == store.personal_data.export(login)[0]


def test_an_erased_login_is_not_known_any_more(store: Store) -> None:
    """Nothing is left to be shown, and the revision says that the store has changed."""
    _fill(store)
    before = store.facts.gather([], NOON).revision
    heard: list[int] = []

    assert before + 1 == store.personal_data.erase(WHOSE, heard.append)
    assert [before + 1] == heard
    assert (NOTHING, before + 1) == store.personal_data.export(WHOSE)
    assert store.surrogates.known(WHOSE) is None


def test_a_company_keeps_its_other_representatives(store: Store) -> None:
    """Who is erased represents nobody from then on; the company is what it was, for the others."""
    _fill(store)
    store.personal_data.erase(WHOSE, untold)
    asked = CompanyAsked(BOTH.id)
    facts = gather(
        store.facts, *(Question(login, "open", asked) for login in (WHOSE, COLLEAGUE_ABROAD))
    )

    assert replace(BOTH, representatives=(COLLEAGUE_ABROAD,)) == store.foreign.find(BOTH.id)
    assert [False, True] == [company_of(one).standing.in_force for one in facts]


@pytest.mark.parametrize("erased", [WHOSE, MEMBER, Login("nobody")], ids=["login", "cpf", "nobody"])
def test_all_others_keep_what_is_theirs(store: Store, erased: Cpf | Login) -> None:
    """An erasure is about one person."""
    _fill(store)
    before = store.personal_data.export(COLLEAGUE_ABROAD)[0]
    user = store.surrogates.known(EntityName("user", WHOSE.value))
    store.personal_data.erase(erased, untold)

    assert before == store.personal_data.export(COLLEAGUE_ABROAD)[0]
    assert user is not None
    assert user == store.surrogates.known(EntityName("user", WHOSE.value))


def test_a_change_decided_before_an_erasure_brings_nobody_back(store: Store) -> None:
    """What the team saw had the login in it, and is no longer so."""
    _fill(store)
    store.personal_data.erase(WHOSE, untold)
    with pytest.raises(Conflict):
        store.foreign.change(BOTH, replace(BOTH, name="Another"), NOON + HOUR, untold)

    assert NOTHING == store.personal_data.export(WHOSE)[0]


def test_an_erasure_that_cannot_be_told_is_not_done(store: Store) -> None:
    """It is told to the log within the transaction."""
    _fill(store)
    before = store.personal_data.export(WHOSE)

    def _refuse(_revision: int) -> None:
        raise LogUnavailable("the decision log cannot be written")

    with pytest.raises(LogUnavailable):
        store.personal_data.erase(WHOSE, _refuse)

    assert before == store.personal_data.export(WHOSE)
