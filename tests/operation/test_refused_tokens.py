"""Every token that fails a check, against the whole service: a 401, its cause, and a count."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from werkzeug.test import Client

from authz_service.bootstrap import Service, build
from authz_service.domain.decision import Caller
from authz_service.domain.sign_in import Cause
from authz_service.identity.govbr import LONGEST
from authz_service.settings import GovBrSettings, Settings
from tests.identity.hostile import HostileServer, publishing
from tests.identity.minting import AUDIENCE, KID, OTHER_PERSON, STAGING, access_token, id_token, key
from tests.identity.test_tokens import BENT, FORGED, MALFORMED
from tests.identity.verifying import later
from tests.operation.house import ROOT


@pytest.fixture(name="service", scope="module")
def _service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Put the service together around a keys endpoint of its own."""
    folder = tmp_path_factory.mktemp("service")
    with HostileServer(publishing(KID, "rsa2")) as govbr:
        believed = GovBrSettings(STAGING, AUDIENCE, govbr.url(), None, 24)
        data, policies = folder / "var", ROOT / "policies"
        service = build(
            Settings(
                data,
                f"sqlite:///{data}/authz.db",
                policies,
                "127.0.0.1",
                8080,
                orquestra_get=False,
                govbr=believed,
            )
        )
        yield service
        service.close()


@pytest.fixture(name="bring", scope="module")
def _bring(service: Service) -> Bring:
    """Give what brings tokens to the service, as a portal does."""
    return Bring(service)


class Bring:
    """Brings tokens, and reads what is counted."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.http = Client(service.app())
        self.key = service.clients.add("portal", ["identities"], Caller("operator"))

    def __call__(self, access: str, identity: str | None = None) -> tuple[int, str | None]:
        """Bring tokens, and give status and cause."""
        sent = {"access_token": access, "id_token": identity}
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = self.http.post("/v1/identities", json=sent, headers=headers)
        return answer.status_code, answer.get_json().get("cause")

    def counted(self) -> Counter[str]:
        """Give how many tokens were refused, by cause."""
        text = self.service.metrics.exposition()[0].decode()
        pattern = r'authz_govbr_refused_tokens_total\{cause="([^"]+)"\} ([0-9.]+)'
        return Counter({cause: int(float(count)) for cause, count in re.findall(pattern, text)})


def sound() -> str:
    """Give an access token that nothing is wrong with, as of now."""
    return access_token().token.text


# Minted when the test runs: a minute after the module was read, the future is the past.
CASES: dict[str, tuple[Callable[[], str], Cause]] = {
    **{
        name: (lambda bend=bend: bend(access_token()).token.text, cause)  # type: ignore[misc]  # of a table's row
        for name, (bend, cause) in BENT.items()
    },
    **{
        name: (lambda change=change: change(sound()), Cause.MALFORMED)  # type: ignore[misc]  # likewise
        for name, change in MALFORMED.items()
        # The body that held it would be refused before: it is no text.
        if name != "half a character"
    },
    **{
        name: (lambda forge=forge: forge(sound()), cause)  # type: ignore[misc]  # likewise
        for name, (forge, cause) in FORGED.items()
    },
    "oversized": (lambda: "a" * (LONGEST + 1), Cause.OVERSIZED),
    "expired": (lambda: later("exp", -3600)(access_token()).token.text, Cause.EXPIRED),
    "signed by the production's key of the same name": (
        lambda: access_token().by(key("production's")).token.text,
        Cause.SIGNATURE,
    ),
    "an id_token in the place of the access token": (lambda: id_token().token.text, Cause.KIND),
}


@pytest.mark.parametrize(("mint", "cause"), CASES.values(), ids=CASES)
def test_a_token_with_one_thing_wrong_is_refused_and_counted(
    bring: Bring, mint: Callable[[], str], cause: Cause
) -> None:
    """Nothing of the service lets it through, and an operator sees which check it was."""
    before = bring.counted()
    assert (401, cause) == bring(mint())
    assert Counter({cause.value: 1}) == bring.counted() - before


def test_two_tokens_that_are_no_pair_are_refused_and_counted(bring: Bring) -> None:
    """The id_token of somebody else proves nothing beside a sound access token."""
    other = id_token(sub=OTHER_PERSON, preferred_username=OTHER_PERSON).token.text
    before = bring.counted()
    assert (401, Cause.PAIR) == bring(access_token().token.text, other)
    assert Counter({Cause.PAIR.value: 1}) == bring.counted() - before


def test_the_token_that_none_of_them_bent_is_taken(bring: Bring) -> None:
    """So what was refused was refused for the one thing that was wrong."""
    before = bring.counted()
    assert (201, None) == bring(access_token().token.text, id_token().token.text)
    assert before == bring.counted()


def test_every_cause_of_a_single_token_is_tried() -> None:
    """What takes a sign-in before it, or a header, is tried elsewhere on a running service."""
    elsewhere = {Cause.PAIR, Cause.OTHER_CLIENT, Cause.AGENT}
    assert set(Cause) - elsewhere == {cause for _mint, cause in CASES.values()}
