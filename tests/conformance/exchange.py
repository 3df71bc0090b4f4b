"""Rows 17 to 31 and 61 to 65: bodies, media types, methods, ids, keys, paths, the metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.conformance.vector import (
    BOB,
    EVALUATION,
    EVALUATIONS,
    METADATA,
    METADATA_TOLD,
    NONE,
    A,
    Vector,
    vector,
)


def bodies() -> Iterator[Vector]:
    """Rows 17 to 25: what is no JSON object in the strict sense, and how it is labelled."""
    a = json.dumps(A).encode()
    for name, sent in {
        "empty": b"",
        "whitespace": b" \n",
        "truncated": a[:-5],
        "trailing comma": a[:-1] + b",}",
        "two documents": a + a,
        "a comment": b"/* */" + a,
        "single quotes": a.replace(b'"', b"'"),
    }.items():
        yield vector(17, name, sent, "400")
    for name, sent in {
        "a list of one": b"[" + a + b"]",
        "an empty list": b"[]",
        "null": b"null",
        "true": b"true",
        "42": b"42",
        "a text": b'"x"',
        "an empty object": b"{}",
    }.items():
        yield vector(18, name, sent, "400")
    for kind in (
        None,
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/foo+json",
        "application/jsonx",
        "json",
        "application/json, text/plain",
    ):
        yield vector(19, f"Content-Type {kind}", a, "400", headers={"Content-Type": kind})
    for kind in (
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "APPLICATION/JSON",
        "application/json ; x=y",
    ):
        yield vector(20, f"Content-Type {kind}", a, "200 true", headers={"Content-Type": kind})
    for accept in ("text/html", "application/xml;q=1, */*;q=0", "nonsense"):
        yield vector(21, f"Accept {accept}", a, "200 true", headers={"Accept": accept})
    number = b'"context":{"n":%s},'
    for name, text in {
        "NaN": b"NaN",
        "Infinity": b"Infinity",
        "-Infinity": b"-Infinity",
        "1e400": b"1e400",
        "5,000 digits": b"9" * 5000,
        "2 to the 53": b"9007199254740993",
    }.items():
        yield vector(22, name, a.replace(b"{", b"{" + number % text, 1), "400")
    yield vector(23, "a member twice", a.replace(b'"id"', b'"id": "bob", "id"', 1), "400")
    yield vector(
        23, "a member twice, once escaped", a.replace(b'"id"', rb'"\u0069d": "bob", "id"', 1), "400"
    )
    yield vector(23, "an unknown member twice", a.replace(b"{", b'{"x":1,"x":1,', 1), "400")
    for name, sent in {
        "a byte that is no UTF-8": a.replace(b"alice", b"al\xffce"),
        "UTF-16": json.dumps(A).encode("utf-16"),
        "a byte order mark": b"\xef\xbb\xbf" + a,
        "an encoded surrogate": a.replace(b"alice", b"\xed\xa0\x80"),
        "an escaped surrogate": a.replace(b"alice", rb"\ud800"),
        "an escaped surrogate in a name": a.replace(b"{", rb'{"\udfff":1,', 1),
    }.items():
        yield vector(24, name, sent, "400")
    for name, sent in {
        "100,000 lists": b"[" * 100_000,
        "100,000 objects": b'{"a":' * 100_000,
        "33 levels in the context": a.replace(
            b"{", b'{"context":{"a":' + b"[" * 33 + b"]" * 33 + b"},", 1
        ),
    }.items():
        yield vector(25, name, sent, "400", "413")
    yield vector(25, "8 MiB", b" " * (8 * 1024 * 1024), "413")
    yield vector(25, "300 KiB", b" " * (300 * 1024), "413")


def http() -> Iterator[Vector]:
    """Rows 26 to 31: methods, request ids, keys, paths."""
    challenge = {"WWW-Authenticate": "*"}
    for path in (EVALUATION, EVALUATIONS):
        for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"):
            yield vector(
                26, f"{method} {path}", A, "405", path=path, method=method, brings={"Allow": "POST"}
            )
    sent = {"X-Request-ID": "check-0815"}
    same = {"brings": dict(sent), "headers": sent}
    yield vector(27, "request id of a 200", A, "200 true", **same)
    yield vector(
        27,
        "request id of a batch",
        {**A, "evaluations": [{}]},
        "200 [true]",
        path=EVALUATIONS,
        **same,
    )
    yield vector(27, "request id of a 400", {}, "400", **same)
    yield vector(27, "request id of a 401", A, "401", key=NONE, **same)
    yield vector(27, "request id of a 404", A, "404", path="/access/v1/nothing", **same)
    yield vector(27, "request id of a 405", A, "405", method="PUT", **same)
    yield vector(27, "request id of a 413", b" " * (300 * 1024), "413", **same)
    yield vector(
        27,
        "request id of the metadata",
        None,
        METADATA_TOLD,
        path=METADATA,
        method="GET",
        key=NONE,
        **same,
    )
    for text in ("a b;c=d,e/f\"g'h", "x" * 200, "r\xe9quest", "0"):
        headers = {"X-Request-ID": text}
        yield vector(28, f"request id {text[:16]}", A, "200 true", headers=headers, brings=headers)
    yield vector(28, "no request id", A, "200 true", brings={"X-Request-ID": "*"})
    yield vector(29, "one question three times", A, "200 true", times=3)
    yield vector(
        29,
        "a batch three times",
        {**A, "evaluations": [{}, {"subject": BOB}, 7]},
        "200 [true, true, false!]",
        path=EVALUATIONS,
        times=3,
    )
    for path in (EVALUATION, EVALUATIONS):
        for name, key in {
            "no key": NONE,
            "an unknown key": "Bearer authz_0123456789ab_nonsense",
            "no text": "Bearer ",
            "another scheme": "Basic YWxpY2U6eA==",
            "the scheme alone": "Bearer",
        }.items():
            yield vector(30, f"{name} at {path}", A, "401", path=path, key=key, brings=challenge)
        yield vector(
            30, f"no key and no JSON at {path}", b"{", "401", path=path, key=NONE, brings=challenge
        )
        yield vector(
            30,
            f"no key and no media type at {path}",
            b"{}",
            "401",
            path=path,
            key=NONE,
            headers={"Content-Type": "text/plain"},
            brings=challenge,
        )
    for path in (
        f"{EVALUATION}/",
        f"{EVALUATIONS}/",
        "/access/v1/evaluatio",
        "/access//v1/evaluation",
        "/access/v2/evaluation",
        "/ACCESS/v1/evaluation",
        "/access/v1/search/subject",
    ):
        yield vector(31, path, A, "404", path=path)


def metadata() -> Iterator[Vector]:
    """Rows 61 to 65: the document about the decision point."""

    def get(row: int, name: str, answer: str = METADATA_TOLD, **options: Any) -> Vector:
        return vector(
            row, name, None, answer, **{"path": METADATA, "method": "GET", "key": NONE, **options}
        )

    yield get(61, "without a key")
    yield get(61, "with a key that is none", key="Bearer nonsense")
    yield get(62, "the whole document")
    for name in (
        "Host",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "Forwarded",
        "X-Original-Host",
        "X-Forwarded-Prefix",
    ):
        yield get(
            63,
            f"{name} of another",
            headers={name: "host=evil.example" if name == "Forwarded" else "evil.example"},
        )
    yield get(
        63, "a path in the query", path=f"{METADATA}?policy_decision_point=https://evil.example"
    )
    yield get(64, "an identifier with a path is none of ours", "404", path=f"{METADATA}/tenant1")
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        yield get(65, f"{method} to it", "405", method=method, brings={"Allow": "GET"})
    yield get(65, "it may be kept", brings={"Cache-Control": "public, max-age=3600"})
    yield vector(65, "a decision may not", A, "200 true", brings={"Cache-Control": "no-store"})
