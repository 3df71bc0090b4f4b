"""Whatever is sent in the place of a token ends in a verdict, and in nothing worse."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from authz_service.domain.errors import TokenRefused
from authz_service.domain.identifiers import Cpf
from authz_service.domain.sign_in import Cause, Token, Verified
from tests.identity.minting import (
    AUDIENCE,
    KID,
    PERSON,
    access_token,
    compact,
    id_token,
    key,
)
from tests.identity.verifying import refusal, verifier

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(AUDIENCE),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
NAMES = sorted({*access_token().claims, *id_token().claims, "nbf", "cnpj", "agent", "at_hash"})


def verdict(access: Token, identity: Token | None = None) -> Verified | None:
    """Give what tokens prove, or None if they are refused; no other end is accepted."""
    try:
        return verifier().verify(access, identity)
    except TokenRefused as error:
        Cause(error.cause)  # for it has to be one
        return None


@given(st.text() | st.from_regex(r"[\w-]{0,40}\.[\w-]{0,40}\.[\w-]{0,40}"))
def test_any_text_is_refused(text: str) -> None:
    """Whatever is sent in a token's place ends in a refusal, and in nothing worse."""
    assert verdict(Token(text)) is None
    assert verdict(access_token().token, Token(text)) is None


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_signed_payload_is_refused(payload: bytes) -> None:
    """GOV.BR's key over anything that is not a token's claims proves nothing."""
    head = json.dumps({"kid": KID, "alg": "RS256"}).encode()
    assert verdict(Token(compact(head, payload, key()))) is None


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_signed_header_is_refused(head: bytes) -> None:
    """The header is read before the signature, so it may be anything."""
    payload = json.dumps(access_token().claims).encode()
    assert verdict(Token(compact(head, payload, key()))) is None


@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "jku", "b64", "crit"]), JSON))
def test_any_member_of_a_header_may_be_anything(changes: dict[str, object]) -> None:
    """Nothing but a verdict comes of it."""
    verdict(access_token().headed(**changes).token)


@given(
    st.dictionaries(st.sampled_from(NAMES), JSON, max_size=3),
    st.dictionaries(st.sampled_from(NAMES), JSON, max_size=3),
)
def test_any_claim_may_be_anything(
    changes: dict[str, object], id_changes: dict[str, object]
) -> None:
    """A verdict comes of it, and it is about the person whom both tokens name."""
    access, identity = access_token(**changes).token, id_token(**id_changes).token
    for verified in (verdict(access), verdict(access, identity)):
        assert verified is None or Cpf(PERSON) == verified.person


@given(place=st.integers(0, 10_000), instead=st.sampled_from([*ALPHABET, ".", "=", " "]))
def test_no_character_of_a_token_can_be_exchanged(place: int, instead: str) -> None:
    """A token is its text: every other one that is next to it is refused."""
    text = access_token().token.text
    place %= len(text)
    changed = text[:place] + instead + text[place + 1 :]
    if changed != text:
        refusal(Token(changed))
