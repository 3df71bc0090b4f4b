"""The ids of requests: given back as they came, kept for the log without anybody's CPF."""

from __future__ import annotations

import pytest

from authz_service.web.lean.frame import for_the_log, request_id_of

CPF = "18762794604"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("pedido-4711", "pedido-4711"),
        ("a" * 32, "a" * 32),
        ("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"),
        (f"pedido {CPF}", "pedido [cpf]"),
        (f"a{CPF}b", "a[cpf]b"),
        ("x" * 200, "x" * 128),
    ],
)
def test_what_the_log_keeps_of_an_id(sent: str, kept: str) -> None:
    """An id stays what it is, but for CPFs and what is too long, whatever it looks like."""
    assert kept == for_the_log(sent)


def test_an_id_of_our_own_is_kept_as_it_is() -> None:
    """Nobody stands in it, though now and then its digits happen to be somebody's."""
    made = {request_id_of({}) for _ in range(300)}
    assert 300 == len(made)
    assert {32} == {len(one) for one in made}


def test_an_id_that_would_break_a_header_is_not_given_back() -> None:
    """A server that lets a line break through makes nobody an author of headers."""
    assert "evil\r\nSet-Cookie: x" != request_id_of({"HTTP_X_REQUEST_ID": "evil\r\nSet-Cookie: x"})
