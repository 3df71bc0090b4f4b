"""What a denial says of the nearest allow, where it is wanted."""

from __future__ import annotations

from authz_service.domain.decision import INVALID_IDENTIFIER, Impossible
from authz_service.usecases.answers import Answer
from tests.fakes.policies import GRANT, STEP_UP, deny_all
from tests.usecases.house import CALLER, House
from tests.usecases.test_decide import QUESTION


def test_a_denial_says_what_would_turn_it(house: House) -> None:
    """One way, behind the text of the reason; the record is the same as without it."""
    house.policy.verdict, house.policy.ways = deny_all, (GRANT, STEP_UP)
    answer = house.point.decide(QUESTION, CALLER, advise=True)
    assert GRANT == answer.advice
    assert (
        f"{answer.text.pt} Para obter a permissão, o que ainda faltar: o Inmetro reabre o "
        "processo; um sócio delega."
    ) == answer.pt
    house.point.decide(QUESTION, CALLER)
    one, other = house.decisions
    assert one == other._replace(id=one.id, latency_us=one.latency_us)


def test_what_nobody_wants_is_not_looked_for(house: House) -> None:
    """Neither of a denial for a caller who cannot show it, nor of an allow, nor of nobody."""
    house.policy.ways = (GRANT,)
    assert house.point.decide(QUESTION, CALLER, advise=True).advice is None
    house.policy.verdict = deny_all
    answer = house.point.decide(QUESTION, CALLER)
    assert (None, answer.text.pt) == (answer.advice, answer.pt)
    nobody = Impossible("open", INVALID_IDENTIFIER)
    assert house.point.decide(nobody, CALLER, advise=True).advice is None


def test_each_denial_of_a_batch_says_its_own(house: House) -> None:
    """The same for questions that are decided each for itself."""
    house.policy.verdict, house.policy.ways = deny_all, (STEP_UP,)
    answers = house.point.decide_each([QUESTION, QUESTION], CALLER, advise=True)
    assert [STEP_UP, STEP_UP] == [one.advice for one in answers if isinstance(one, Answer)]
    answers = house.point.decide_each([QUESTION], CALLER)
    assert [None] == [one.advice for one in answers if isinstance(one, Answer)]
