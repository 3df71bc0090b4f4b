"""What GOV.BR's companies API says becomes standing, over real HTTP, whatever it does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.domain.errors import InvalidInput, SignInUnavailable
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Evidence, Role, Standing
from authz_service.domain.sign_in import Companies, Token
from authz_service.identity.answers import Unusable, companies_of, standing_of
from authz_service.identity.companies import PER_PERSON, WORKERS, GovBrCompanies
from authz_service.identity.waiting import Waiting
from authz_service.usecases.govbr import Seen
from tests.domain.document import (
    COMPANY,
    FILIAL,
    MEMBER,
    OTHER_COMPANY,
    REPRESENTATIVE,
    STRANGER,
)
from tests.identity import hostile
from tests.identity.companies_api import (
    LIST,
    CompaniesApi,
    answering,
    breaking_off,
    dripping,
    endless,
    listed,
)
from tests.identity.hostile import Answer, held_until_released
from tests.identity.patience import LONG, eventually

GENEROUS = 10.0
"""Seconds that something takes at most beyond its time, on a busy machine."""
NOW = datetime(2026, 7, 20, 12, 0, tzinfo=UTC)
PERSON = REPRESENTATIVE
CPF = PERSON.digits
TOKEN = Token("head.of-the-representative.signature")
OTHERS_TOKEN = Token("head.of-the-member.signature")
_Asked = tuple[Cpf, Token, None, datetime, Mapping[Cnpj, datetime]]
ASKED: _Asked = (PERSON, TOKEN, None, NOW, {})
OTHERS_ASKED: _Asked = (MEMBER, OTHERS_TOKEN, None, NOW, {})
SOCIO = {"atuacao": "SOCIO", "cadastrador": "true"}
IS_SAID = answering(SOCIO | {"cpf": CPF})
IS_SOCIO = Standing(COMPANY, PERSON, Role.SOCIO, Evidence.GOVBR, NOW, None, True)
LEADING_ZEROS = Cnpj("00000000000191")
SHORT_CPF = Cpf("00000000191")
LETTERS = Cnpj("12ABC34501DE35")


def company(number: int) -> Cnpj:
    """Give one of many companies."""
    for digits in range(100):
        try:
            return Cnpj.parse(f"{number:08}0001{digits:02}")
        except InvalidInput:
            continue
    raise AssertionError


FORTY = [company(number) for number in range(10_000_000, 10_000_040)]


class House:
    """The companies API, those who ask it, and what they are told of the calls."""

    def __init__(self, api: CompaniesApi) -> None:
        self.api = api
        self.told: list[tuple[str, float]] = []
        self._sources: list[GovBrCompanies] = []

    def source(
        self,
        *,
        deadline: float = LONG,
        longest_call: float = LONG,
        places: int = 4,
        told: Callable[[str, float], None] | None = None,
    ) -> GovBrCompanies:
        """Give a source that asks the API, and that nothing ends unless it is said otherwise."""
        source = GovBrCompanies(
            self.api.url(""),
            Waiting(places),
            told or (lambda outcome, seconds: self.told.append((outcome, seconds))),
            deadline=deadline,
            longest_call=longest_call,
        )
        self._sources.append(source)
        return source

    def seen(
        self,
        *,
        deadline: float = LONG,
        longest_call: float = LONG,
        person: Cpf = PERSON,
        first: Cnpj | None = None,
        last_seen: Mapping[Cnpj, datetime] | None = None,
    ) -> Seen:
        """Ask once."""
        source = self.source(deadline=deadline, longest_call=longest_call)
        return source.observe(person, TOKEN, first, NOW, last_seen or {})

    @property
    def outcomes(self) -> list[str]:
        """Give the outcomes that were told, in their order."""
        return [outcome for outcome, _ in self.told]

    def close(self) -> None:
        """Close all sources."""
        for source in self._sources:
            source.close()


@pytest.fixture
def api() -> Iterator[CompaniesApi]:
    """Give an API at which the person is sócio of one company."""
    with CompaniesApi() as api:
        api.knows(CPF, TOKEN.text, {COMPANY.value: SOCIO})
        yield api


@pytest.fixture
def house(api: CompaniesApi) -> Iterator[House]:
    """Give sources for that API."""
    house = House(api)
    yield house
    house.close()


def timed(act: Callable[[], Seen]) -> tuple[Seen, float]:
    """Give what is seen, and the seconds it took."""
    began = time.monotonic()
    return act(), time.monotonic() - began


# What it says


@pytest.mark.parametrize(
    ("said", "role", "cadastrador"),
    [
        (SOCIO, Role.SOCIO, True),
        ({"atuacao": "SOCIO", "cadastrador": "false"}, Role.SOCIO, False),
        ({"atuacao": "REPRESENTANTE_LEGAL", "cadastrador": True}, Role.REPRESENTANTE_LEGAL, True),
        ({"atuacao": "CONTADOR", "cadastrador": False}, Role.CONTADOR, False),
        ({"atuacao": "NAO_ATUANTE", "cadastrador": "true"}, Role.NAO_ATUANTE, True),
        ({"cadastrador": "false", "cpfCadastrador": "98765432100"}, Role.COLABORADOR, False),
        ({"atuacao": None, "cadastrador": None}, Role.COLABORADOR, None),
        ({}, Role.COLABORADOR, None),
        ({"cadastrador": "sim"}, Role.COLABORADOR, None),
        ({"cadastrador": 1}, Role.COLABORADOR, None),
        ({"atuacao": "SOCIO", "novidade": {"a": [1.5]}}, Role.SOCIO, None),
    ],
    ids=str,
)
def test_every_role_is_told_in_the_words_of_govbr(
    house: House, said: dict[str, object], role: Role, cadastrador: bool | None
) -> None:
    """A missing atuação is the colaborador's; what else is said is kept or left out."""
    house.api.knows(CPF, TOKEN.text, {COMPANY.value: said})
    expected = replace(IS_SOCIO, role=role, cadastrador=cadastrador)
    assert Seen(Companies.OBSERVED, NOW, (expected,)) == house.seen()
    assert ["ok", "ok"] == house.outcomes


@pytest.mark.parametrize(
    ("word", "shown"), [("socio", "?"), ("", "?"), ("PROCURADOR", "PROCURADOR"), (f"X {CPF}", "?")]
)
def test_an_unknown_role_is_an_answer_that_grants_nothing(
    house: House, caplog: pytest.LogCaptureFixture, word: str, shown: str
) -> None:
    """An old sócio does not live on behind a new word; operators read which word it is."""
    house.api.knows(CPF, TOKEN.text, {COMPANY.value: {"atuacao": word}})
    expected = replace(IS_SOCIO, role=Role.OUTRO, cadastrador=None)
    assert Seen(Companies.OBSERVED, NOW, (expected,)) == house.seen()
    [message] = caplog.messages
    assert message.endswith(f": {shown}")


@pytest.mark.parametrize(
    ("text", "ends_at"),
    [
        (None, None),
        ("2025-07-31T00:00:00.000-0300", datetime(2025, 7, 31, 3, tzinfo=UTC)),
        ("2025-07-31T00:00:00-03:00", datetime(2025, 7, 31, 3, tzinfo=UTC)),
        ("2026-07-31T00:00:00.5Z", datetime(2026, 7, 31, 0, 0, 0, 500_000, tzinfo=UTC)),
        ("2027-01-31 23:59:59", datetime(2027, 2, 1, 2, 59, 59, tzinfo=UTC)),
        ("2027-01-31T23:59:59", datetime(2027, 2, 1, 2, 59, 59, tzinfo=UTC)),
        ("2018-12-01 00:00:00", datetime(2018, 12, 1, 2, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999-0300", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_the_end_of_a_bond_is_read_in_every_form_of_the_manual(
    house: House, text: str | None, ends_at: datetime | None
) -> None:
    """A value without offset is Brasília's, its summer time of old included."""
    said = {"cadastrador": "false", "dataExpiracao": text}
    house.api.knows(CPF, TOKEN.text, {COMPANY.value: said})
    [standing] = house.seen().standing
    assert ends_at == standing.ends_at


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("31/07/2027", id="another mask"),
        pytest.param("2027-07-31", id="no time of day"),
        pytest.param("2027-02-30 00:00:00", id="no such day"),
        pytest.param("0001-01-01T00:00:00Z", id="no year of ours"),
        pytest.param("", id="empty"),
        pytest.param(CPF, id="something else"),
        pytest.param(1_785_000_000, id="a number of seconds"),
        pytest.param(["2027-07-31T00:00:00Z"], id="a list"),
    ],
)
def test_an_end_that_cannot_be_read_is_now(
    house: House, caplog: pytest.LogCaptureFixture, text: object
) -> None:
    """It is not never, and no older and better standing lives on; operators are told."""
    house.api.knows(CPF, TOKEN.text, {COMPANY.value: SOCIO | {"dataExpiracao": text}})
    expected = replace(IS_SOCIO, ends_at=NOW)
    assert Seen(Companies.OBSERVED, NOW, (expected,)) == house.seen()
    assert ["ok", "ok"] == house.outcomes
    told = "GOV.BR's companies API told an end of standing that cannot be read"
    assert [told] == caplog.messages


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"cpf": MEMBER.digits}, id="about somebody else"),
        pytest.param({"cpf": None}, id="about nobody"),
        pytest.param({"cpf": True}, id="about a truth value"),
        pytest.param({"cpf": "1234"}, id="about no CPF"),
        pytest.param({"atuacao": 1}, id="a number for a role"),
        pytest.param({"atuacao": ["SOCIO"]}, id="several roles"),
    ],
)
def test_a_role_that_cannot_be_understood_is_not_told(
    house: House, said: dict[str, object]
) -> None:
    """The company stays as it was known: nobody guesses what was meant."""
    house.api.knows(CPF, TOKEN.text, {COMPANY.value: SOCIO | said, FILIAL.value: SOCIO})
    expected = (replace(IS_SOCIO, company=FILIAL),)
    assert Seen(Companies.PARTIAL, NOW, expected, frozenset([COMPANY])) == house.seen()
    assert ["malformed", "ok", "ok"] == sorted(house.outcomes)


@pytest.mark.parametrize("said", ["00000000191", "191", 191, "000.000.001-91", " 191 "])
def test_a_cpf_may_have_travelled_as_a_number(house: House, said: object) -> None:
    """Leading zeros that were lost on the way are put back before CPFs are compared."""
    roles = {COMPANY.value: SOCIO | {"cpf": said}}
    house.api.knows(SHORT_CPF.digits, TOKEN.text, roles)
    expected = (replace(IS_SOCIO, person=SHORT_CPF),)
    assert Seen(Companies.OBSERVED, NOW, expected) == house.seen(person=SHORT_CPF)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("52420282000180", COMPANY),
        (52420282000180, COMPANY),
        ("52.420.282/0001-80", COMPANY),
        ("191", LEADING_ZEROS),
        (191, LEADING_ZEROS),
        ("00.000.000/0001-91", LEADING_ZEROS),
        ("12ABC34501DE35", LETTERS),
        ("12.abc.345/01de-35", LETTERS),
    ],
)
def test_a_cnpj_is_read_in_every_form(house: House, said: object, meant: Cnpj) -> None:
    """Text or number, with punctuation or without its leading zeros, digits or letters."""
    house.api.knows(CPF, TOKEN.text, {meant.value: SOCIO})
    house.api.misbehaves(CPF, LIST, answering([listed(said)]))
    expected = (replace(IS_SOCIO, company=meant),)
    assert Seen(Companies.OBSERVED, NOW, expected) == house.seen()


def test_a_company_that_is_listed_twice_is_asked_about_once(house: House) -> None:
    """Also when it is written in two ways."""
    twice = [listed(COMPANY.value), listed(COMPANY.formatted)]
    house.api.misbehaves(CPF, LIST, answering(twice))
    assert Seen(Companies.OBSERVED, NOW, (IS_SOCIO,)) == house.seen()
    assert [LIST, COMPANY.value] == house.api.calls(CPF)


@pytest.mark.parametrize("odd", ["52420282000181", "", "12345678000100", -1, 0, 10**20])
def test_what_cannot_be_a_cnpj_is_left_out_and_said(house: House, odd: object) -> None:
    """The other companies count, and the answer is partial; without any other it is none."""
    house.api.misbehaves(CPF, LIST, answering([listed(odd), listed(COMPANY.value)]))
    assert Seen(Companies.PARTIAL, NOW, (IS_SOCIO,)) == house.seen()
    house.api.misbehaves(CPF, LIST, answering([listed(odd)]))
    assert Seen(Companies.FAILED, NOW) == house.seen()
    assert ["ok", "ok", "malformed"] == house.outcomes


@pytest.mark.parametrize("nothing", [answering([]), answering(None, 204)])
def test_nothing_listed_is_an_answer(house: House, nothing: Answer) -> None:
    """It replaces what was known: a company that is no longer listed ends."""
    house.api.misbehaves(CPF, LIST, nothing)
    seen = house.seen()
    assert Seen(Companies.OBSERVED, NOW) == seen
    assert seen.replaces
    assert ["ok"] == house.outcomes


# How it fails

FAILURES = [
    pytest.param(answering({"error": "401"}, 401), "status", id="401"),
    pytest.param(answering({"error": "403"}, 403), "status", id="403"),
    pytest.param(answering(None, 404), "status", id="404"),
    pytest.param(answering(None, 429), "status", id="429"),
    pytest.param(answering(None, 500), "status", id="500"),
    pytest.param(answering([], 302, Location="/elsewhere"), "status", id="redirect"),
    pytest.param(answering([], 203), "status", id="another success"),
    pytest.param(endless, "too_large", id="endless"),
    pytest.param(breaking_off, "unreachable", id="broken off"),
    pytest.param(answering(b"<html>"), "malformed", id="a page"),
    pytest.param(answering({"errors": [{"status": 403}]}), "malformed", id="errors with a 200"),
    pytest.param(answering({"error": "403"}), "malformed", id="an error with a 200"),
    pytest.param(answering(b"null"), "malformed", id="null"),
    pytest.param(answering(b'"SOCIO"'), "malformed", id="a string"),
    pytest.param(answering(["52420282000180"]), "malformed", id="strings"),
    pytest.param(answering([["cnpj"]]), "malformed", id="lists"),
    pytest.param(answering([5]), "malformed", id="numbers"),
    pytest.param(answering([{"CNPJ": COMPANY.value}]), "malformed", id="another name"),
    pytest.param(answering([listed(None)]), "malformed", id="a CNPJ that is null"),
    pytest.param(answering([listed({})]), "malformed", id="a CNPJ that is an object"),
    pytest.param(answering([listed(True)]), "malformed", id="a CNPJ that is true"),
    pytest.param(answering(b"[" * 16_000), "malformed", id="deep"),
    pytest.param(answering(b'{"\xff": 1}'), "malformed", id="not UTF-8"),
    pytest.param(answering(b"[" + b"9" * 5_000 + b"]"), "malformed", id="a very long number"),
]


@pytest.mark.parametrize(("how", "outcome"), FAILURES)
def test_a_list_that_does_not_come_changes_nothing(house: House, how: Answer, outcome: str) -> None:
    """Whatever is not a list of companies is a failure, never an empty list."""
    house.api.misbehaves(CPF, LIST, how)
    seen = house.seen()
    assert Seen(Companies.FAILED, NOW) == seen
    assert not seen.replaces
    assert [outcome] == house.outcomes
    assert [LIST] == house.api.calls(CPF)


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        *FAILURES,
        pytest.param(answering(None, 204), "malformed", id="204"),
        pytest.param(
            answering(b'{"cpf":"%s","atuacao":"CONTADOR","atuacao":"SOCIO"}' % CPF.encode()),
            "malformed",
            id="a name twice",
        ),
        pytest.param(
            answering(b'{"cpf":"%s","dataExpiracao":NaN}' % CPF.encode()), "malformed", id="no JSON"
        ),
        pytest.param(answering({"cpf": CPF, "x": "x" * 16_384}), "too_large", id="too large"),
    ],
)
def test_a_role_that_does_not_come_leaves_its_company_as_it_was(
    house: House, how: Answer, outcome: str
) -> None:
    """The other companies count; a 404 is no proof that the person has left."""
    house.api.knows(CPF, TOKEN.text, {FILIAL.value: SOCIO, COMPANY.value: SOCIO})
    house.api.misbehaves(CPF, FILIAL.value, how)
    expected = Seen(Companies.PARTIAL, NOW, (IS_SOCIO,), frozenset([FILIAL]))
    assert expected == house.seen()
    assert sorted(["ok", "ok", outcome]) == sorted(house.outcomes)


def test_a_name_twice_in_the_list_is_no_answer(house: House) -> None:
    """Two readers of it could see two companies."""
    entry = b'[{"cnpj":"%s","cnpj":"%s"}]' % (FILIAL.value.encode(), COMPANY.value.encode())
    house.api.misbehaves(CPF, LIST, answering(entry))
    assert Seen(Companies.FAILED, NOW) == house.seen()


def test_a_list_that_is_too_large_is_not_read(house: House) -> None:
    """512 KiB are thousands of companies."""
    house.api.misbehaves(CPF, LIST, answering([listed(COMPANY.value)] * 6_000))
    assert Seen(Companies.FAILED, NOW) == house.seen()
    assert ["too_large"] == house.outcomes


def test_the_token_of_somebody_else_brings_nothing(house: House) -> None:
    """GOV.BR answers each person about that person alone, so each is asked for by its token."""
    seen = house.source().observe(PERSON, OTHERS_TOKEN, None, NOW, {})
    assert Seen(Companies.FAILED, NOW) == seen


def test_nobody_there_is_a_failure(house: House) -> None:
    """A refused connection is told and answered like any other failure."""
    told: list[str] = []
    with hostile.refusing() as url:
        source = GovBrCompanies(url, Waiting(1), lambda outcome, _: told.append(outcome))
        assert Seen(Companies.FAILED, NOW) == source.observe(*ASKED)
        source.close()
    assert ["unreachable"] == told


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([CPF, COMPANY.value, "SOCIO", "2027-01-31 23:59:59"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cnpj", "cpf", "atuacao", "dataExpiracao", "cadastrador", "x"]), inner
        )
    ),
    max_leaves=8,
)


@given(body=st.binary() | _JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_an_answer_or_none(body: bytes) -> None:
    """Reading ends in an answer or in one exception of ours, without a word of what came."""
    for read in (companies_of, lambda body: standing_of(body, PERSON, COMPANY, NOW)):
        try:
            read(body)
        except Unusable as error:
            assert "" == str(error)  # noqa: PT017 -- either end is right


# When it is slow


def test_forty_companies_are_found_and_asked_about_side_by_side(house: House) -> None:
    """As many calls at once as one person may have, and no more."""
    house.api.knows(CPF, TOKEN.text, {one.value: SOCIO for one in FORTY})
    for one in FORTY:
        house.api.misbehaves(CPF, one.value, held_until_released(IS_SAID))
    with ThreadPoolExecutor(1) as asking:
        job = asking.submit(house.seen)
        eventually(lambda: 1 + PER_PERSON <= len(house.api.calls(CPF)))
        # If one too many is asked about, it has come by now.
        time.sleep(0.1)
        at_once = len(house.api.calls(CPF)) - 1
        house.api.released.set()
        expected = tuple(replace(IS_SOCIO, company=one) for one in sorted(FORTY))
        assert Seen(Companies.OBSERVED, NOW, expected) == job.result()
    assert PER_PERSON == at_once


def test_who_was_not_seen_for_longest_is_asked_about_sooner(house: House) -> None:
    """Behind the company of the certificate, so that nobody has so many that some never are."""
    ages = {1: -700, 2: 1, 3: 6, 4: 2, 5: 5, 6: 3, 7: 4, 8: 0}
    last_seen = {FORTY[one]: NOW - timedelta(days=age) for one, age in ages.items()}
    house.api.knows(CPF, TOKEN.text, {one.value: SOCIO for one in FORTY[:9]})
    for one in FORTY[:9]:
        house.api.misbehaves(CPF, one.value, held_until_released(IS_SAID))
    with ThreadPoolExecutor(1) as asking:
        job = asking.submit(house.seen, first=FORTY[8], last_seen=last_seen)
        eventually(lambda: 1 + PER_PERSON <= len(house.api.calls(CPF)))
        _list, *sooner = house.api.calls(CPF)
        house.api.released.set()
        assert Companies.OBSERVED is job.result().outcome
    # The certificate's, the two that were never seen, and the three of longest ago.
    # One that was seen in the future, by a clock that was wrong, was not.
    assert {FORTY[one].value for one in (8, 0, 1, 3, 5, 7)} == set(sooner)


def test_companies_that_hang_do_not_come_first_for_ever(house: House) -> None:
    """Among those of which nothing is known it is by lot, so that each has its turn."""
    hanging, sound = FORTY[:8], FORTY[8:16]
    house.api.knows(CPF, TOKEN.text, {one.value: SOCIO for one in (*hanging, *sound)})
    for one in hanging:
        house.api.misbehaves(CPF, one.value, hostile.silent)
    # By lot all six that are asked about first hang in 1 of 286 tries, in all four in 1 of 10^9.
    answered = [len(house.seen(deadline=0.5, longest_call=0.5).standing) for _ in range(4)]
    assert any(answered)


def test_what_has_come_when_the_deadline_passes_counts(house: House) -> None:
    """The rest keeps what was known of it; the company of the certificate came first."""
    house.api.knows(CPF, TOKEN.text, {one.value: SOCIO for one in FORTY})
    *others, first = FORTY
    for one in others:
        house.api.misbehaves(CPF, one.value, hostile.silent)
    seen, seconds = timed(lambda: house.seen(deadline=2, first=first))
    expected = (replace(IS_SOCIO, company=first),)
    assert Seen(Companies.PARTIAL, NOW, expected, frozenset(others)) == seen
    assert first.value in house.api.calls(CPF)[1 : 1 + PER_PERSON]
    assert seconds < 2 + GENEROUS


def test_the_company_of_the_certificate_is_asked_about_if_it_is_listed(house: House) -> None:
    """A certificate is no role: GOV.BR has to list the company."""
    assert Seen(Companies.OBSERVED, NOW, (IS_SOCIO,)) == house.seen(first=OTHER_COMPANY)
    assert [LIST, COMPANY.value] == house.api.calls(CPF)


SLOW = {"silent": hostile.silent, "dripping": dripping}


@pytest.mark.parametrize("how", SLOW.values(), ids=SLOW)
def test_a_list_that_takes_too_long_is_a_failure_at_the_deadline(house: House, how: Answer) -> None:
    """Whether nothing comes or a byte now and then."""
    house.api.misbehaves(CPF, LIST, how)
    seen, seconds = timed(lambda: house.seen(deadline=1))
    assert Seen(Companies.FAILED, NOW) == seen
    assert seconds < 1 + GENEROUS
    eventually(lambda: house.outcomes == ["timeout"])
    [(_, of_call)] = house.told
    assert of_call < 1 + GENEROUS


def test_one_call_does_not_take_all_the_time(house: House) -> None:
    """A list that hangs ends before the deadline, whose rest would help nobody."""
    house.api.misbehaves(CPF, LIST, hostile.silent)
    seen, seconds = timed(lambda: house.seen(longest_call=0.3))
    assert Seen(Companies.FAILED, NOW) == seen
    assert seconds < 0.3 + GENEROUS


@pytest.mark.parametrize("how", SLOW.values(), ids=SLOW)
def test_a_role_that_takes_too_long_does_not_cost_the_others(house: House, how: Answer) -> None:
    """The others are told, and it is unanswered."""
    house.api.knows(CPF, TOKEN.text, {FILIAL.value: SOCIO, COMPANY.value: SOCIO})
    house.api.misbehaves(CPF, FILIAL.value, how)
    seen, seconds = timed(lambda: house.seen(deadline=2))
    assert Seen(Companies.PARTIAL, NOW, (IS_SOCIO,), frozenset([FILIAL])) == seen
    assert seconds < 2 + GENEROUS
    eventually(lambda: sorted(house.outcomes) == ["ok", "ok", "timeout"])


def test_a_person_for_whom_all_hangs_does_not_delay_another(house: House) -> None:
    """One person never takes all the workers."""
    house.api.knows(CPF, TOKEN.text, {one.value: SOCIO for one in FORTY})
    for one in FORTY:
        house.api.misbehaves(CPF, one.value, held_until_released(IS_SAID))
    house.api.knows(MEMBER.digits, OTHERS_TOKEN.text, {COMPANY.value: SOCIO})
    source = house.source()
    with ThreadPoolExecutor(1) as asking:
        stuck = asking.submit(source.observe, *ASKED)
        eventually(lambda: len(house.api.calls(CPF)) == 1 + PER_PERSON)
        seen = source.observe(*OTHERS_ASKED)
        still = not stuck.done()
        house.api.released.set()
        assert Seen(Companies.OBSERVED, NOW, (replace(IS_SOCIO, person=MEMBER),)) == seen
        assert still
        assert Companies.OBSERVED is stuck.result().outcome


def test_a_call_whose_turn_comes_after_the_deadline_is_not_made(house: House) -> None:
    """Nobody waits for it any more."""
    six = {one.value: SOCIO for one in FORTY[:PER_PERSON]}
    for person, token in ((MEMBER, OTHERS_TOKEN), (PERSON, TOKEN)):
        house.api.knows(person.digits, token.text, six)
        for one in six:
            house.api.misbehaves(person.digits, one, hostile.silent)
    listing = answering([listed(one) for one in six])
    house.api.misbehaves(CPF, LIST, held_until_released(listing))
    source = house.source(deadline=2)
    with ThreadPoolExecutor(2) as asking:
        early = asking.submit(source.observe, *ASKED)
        eventually(lambda: house.api.calls(CPF) == [LIST])
        late = asking.submit(source.observe, *OTHERS_ASKED)
        eventually(lambda: len(house.api.calls(MEMBER.digits)) == 1 + PER_PERSON)
        house.api.released.set()
        for job in (early, late):
            assert Companies.PARTIAL is job.result().outcome
    source.close()
    eventually(lambda: "govbr-companies" not in str(threading.enumerate()))
    assert ["ok"] * 2 + ["timeout"] * WORKERS == sorted(house.outcomes)


def test_who_finds_no_place_is_sent_away_at_once(house: House) -> None:
    """And the next one is served as soon as the place is free."""
    house.api.misbehaves(CPF, LIST, held_until_released(answering(None, 500)))
    source = house.source(places=1)
    with ThreadPoolExecutor(1) as asking:
        stuck = asking.submit(source.observe, *ASKED)
        eventually(lambda: house.api.calls(CPF) == [LIST])
        with pytest.raises(SignInUnavailable):
            source.observe(STRANGER, TOKEN, None, NOW, {})
        still = not stuck.done()
        house.api.released.set()
        assert Companies.FAILED is stuck.result().outcome
        assert still
    house.api.behaves()
    assert Companies.OBSERVED is source.observe(*ASKED).outcome


# The end of the service


def test_closing_waits_for_nobody(house: House) -> None:
    """Who is being asked about gets an answer; who comes later is sent away."""
    house.api.misbehaves(CPF, LIST, held_until_released(answering([])))
    source = house.source()
    with ThreadPoolExecutor(1) as asking:
        stuck = asking.submit(source.observe, *ASKED)
        eventually(lambda: house.api.calls(CPF) == [LIST])
        source.close()
        still = not stuck.done()
        with pytest.raises(SignInUnavailable):
            source.observe(*ASKED)
        house.api.released.set()
        assert Seen(Companies.OBSERVED, NOW) == stuck.result()
    assert still


def test_closing_begins_no_further_call(house: House) -> None:
    """Half an answer is none: nothing is kept, and the same token may be brought again."""
    for person, token in ((MEMBER, OTHERS_TOKEN), (PERSON, TOKEN)):
        house.api.knows(person.digits, token.text, {one.value: SOCIO for one in FORTY})
        for one in FORTY:
            answer = answering(SOCIO | {"cpf": person.digits})
            house.api.misbehaves(person.digits, one.value, held_until_released(answer))
    source = house.source()

    def roles() -> int:
        return sum(what != LIST for _, what in house.api.asked)

    with ThreadPoolExecutor(2) as asking:
        jobs: list[Future[Seen]] = [
            asking.submit(source.observe, *ASKED),
            asking.submit(source.observe, *OTHERS_ASKED),
        ]
        eventually(lambda: roles() == WORKERS)
        # What else was handed to the workers waits for its turn by now.
        time.sleep(0.1)
        source.close()
        house.api.released.set()
        for job in jobs:
            with pytest.raises(SignInUnavailable):
                job.result()
    eventually(lambda: "govbr-companies" not in str(threading.enumerate()))
    assert WORKERS == roles()


_PROGRAM = """
import sys, threading
from datetime import UTC, datetime
from authz_service.domain.identifiers import Cpf
from authz_service.domain.sign_in import Token
from authz_service.identity.companies import GovBrCompanies
from authz_service.identity.waiting import Waiting

url, cpf, token = sys.argv[1:]
source = GovBrCompanies(url, Waiting(1), lambda *_: None, deadline=1)
person = Cpf.parse(cpf)
asking = (person, Token(token), None, datetime.now(UTC), {})
threading.Thread(target=source.observe, args=asking, daemon=True).start()
sys.stdin.readline()
"""


def test_a_call_that_hangs_does_not_hold_the_program(house: House) -> None:
    """The interpreter ends at the deadline, also if nobody has closed anything."""
    house.api.misbehaves(CPF, LIST, hostile.silent)
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, house.api.url(""), CPF, TOKEN.text], stdin=subprocess.PIPE
    ) as program:
        try:
            eventually(lambda: house.api.calls(CPF) == [LIST])
            program.communicate(b"\n", timeout=LONG / 2)
        finally:
            program.kill()
    assert 0 == program.returncode


# What is told


def test_every_call_is_told_with_its_time(house: House) -> None:
    """The metrics count them by outcome and measure them."""
    house.api.misbehaves(CPF, COMPANY.value, hostile.late(0.2, IS_SAID))
    _, seconds = timed(house.seen)
    [(first, of_list), (second, of_role)] = house.told
    assert ("ok", "ok") == (first, second)
    assert of_role >= 0.2
    assert 0 < of_list <= seconds - of_role


def test_a_count_that_fails_costs_no_answer(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged by its kind alone."""

    def told(outcome: str, seconds: float) -> None:
        raise ValueError(CPF)

    source = house.source(told=told)
    assert Companies.OBSERVED is source.observe(*ASKED).outcome
    assert ["ValueError while counting a call"] * 2 == caplog.messages


def test_what_ails_is_said_until_it_works_again(house: House) -> None:
    """First of the list, then of the roles, each healed by its own next success."""
    source = house.source()

    def ask() -> str | None:
        source.observe(*ASKED)
        return source.ailment()

    assert source.ailment() is None
    assert ask() is None
    house.api.misbehaves(CPF, LIST, breaking_off)
    told = ask() or ""
    assert re.fullmatch(
        r"the last call for a person's companies ended as unreachable, \d+ s ago", told
    )
    house.api.behaves()
    house.api.misbehaves(CPF, COMPANY.value, answering(None, 500))
    told = ask() or ""
    assert re.fullmatch(r"the last call for a role ended as status, \d+ s ago", told)
    source._failed = {
        kind: (outcome, why, at - 4200) for kind, (outcome, why, at) in source._failed.items()
    }
    assert re.search(r", 42\d\d s ago", source.ailment() or "")
    house.api.behaves()
    assert ask() is None


@pytest.mark.parametrize(
    ("what", "name"), [(LIST, "a person's companies"), (COMPANY.value, "a role")]
)
def test_a_failure_is_logged_once_until_it_is_another(
    house: House, caplog: pytest.LogCaptureFixture, what: str, name: str
) -> None:
    """With its reason; else every sign-in of an outage would repeat it, for each company."""
    source = house.source()
    down, page, mine = answering(None, 503), answering(b"<html>"), answering(None, 401)
    for how in (mine, down, down, down, page, page, None, None, page, page):
        house.api.behaves()
        if how is not None:
            house.api.misbehaves(CPF, what, how)
        source.observe(*ASKED)
    assert [
        ("WARNING", f"GOV.BR's companies API failed for {name}: {why}")
        for why in (
            "the answer has status 401",
            "the answer has status 503",
            "the answer cannot be used",
            "the answer cannot be used",
        )
    ] == [(one.levelname, one.getMessage()) for one in caplog.records]


@pytest.mark.parametrize("what", [LIST, COMPANY.value])
@pytest.mark.parametrize(
    "how",
    [
        pytest.param(hostile.silent, id="silent"),
        pytest.param(breaking_off, id="broken off"),
        pytest.param(answering(f"{CPF} {TOKEN.text}", 500), id="500"),
        pytest.param(answering(f"{CPF} {TOKEN.text}".encode()), id="no JSON"),
        pytest.param(answering([listed(f"{CPF} {TOKEN.text}")]), id="no CNPJ"),
        pytest.param(answering({"cpf": CPF, "atuacao": f"{CPF} {TOKEN.text}"}), id="no role"),
    ],
)
def test_neither_token_nor_cpf_is_repeated_anywhere(
    house: House, caplog: pytest.LogCaptureFixture, what: str, how: Answer
) -> None:
    """Not in a log, a name of a thread, a count or what ails; nor the address with its CPF."""
    caplog.set_level("DEBUG")
    house.api.misbehaves(CPF, what, how)
    source = house.source(longest_call=1)
    with ThreadPoolExecutor(1) as asking:
        job = asking.submit(source.observe, *ASKED)
        eventually(lambda: what in house.api.calls(CPF) or job.done())
        printed = [str(threading.enumerate()), repr(source), repr(job.result())]
    source.close()
    printed += [caplog.text, str(source.ailment()), str(house.told)]
    assert caplog.messages
    for secret in (CPF, TOKEN.text, "of-the-representative", house.api.url(""), "/empresas"):
        assert not any(secret in text for text in printed)
    assert PERSON.masked not in caplog.text
