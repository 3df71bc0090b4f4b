"""Replacing a set with ``If-Match`` (RFC 9110, 13.1.1): what was read is what is replaced."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.fakes.policies import deny_all
from tests.fakes.service import COMPANY, MEMBER, REPRESENTATIVE, Service

PATH = "/v1/delegations"
OTHER = "11144477735"
SEARCH: dict[str, Any] = {"actor": REPRESENTATIVE, "company": COMPANY, "member": MEMBER}
SET: dict[str, Any] = {**SEARCH, "processes": ["P001"]}


def tag(service: Service, **changes: object) -> str:
    """Search as in SEARCH with *changes*, and give the tag."""
    return service.post(f"{PATH}/search", {**SEARCH, **changes}).headers["ETag"]


def put(service: Service, if_match: str | None, *processes: str) -> int:
    """Replace the set under a condition, and give the status."""
    headers = {} if if_match is None else {"If-Match": if_match}
    body = {**SET, "processes": processes or ("P001",)}
    return service.send("PUT", PATH, body, headers=headers).status_code


def kept(service: Service) -> list[str]:
    """Give the processes that are in force."""
    found = service.post(f"{PATH}/search", {**SEARCH, "state": "in_force"}).get_json()
    return [one["process"] for one in found["delegations"]]


def test_every_answer_with_a_set_has_its_tag(service: Service) -> None:
    """Strong, opaque, the same until something happens, and the same for whoever reads."""
    empty = tag(service)
    replaced = service.send("PUT", PATH, SET).headers["ETag"]
    assert replaced == tag(service) == tag(service, state="revoked", page={"limit": 1})
    granted = service.post(PATH, {**SET, "processes": ["p061-registro"]}).headers["ETag"]
    assert granted == tag(service)
    found = (empty, replaced, granted)
    assert 3 == len(set(found))
    assert all(re.fullmatch(r'"[0-9a-f]{32}"', one) for one in found)


def test_the_tag_that_was_read_lets_the_set_be_replaced(service: Service) -> None:
    """And the one of the answer does so the next time."""
    answer = service.send("PUT", PATH, SET, headers={"If-Match": tag(service)})
    assert 200 == answer.status_code
    assert 200 == put(service, answer.headers["ETag"], "p061-registro")
    assert ["p061-registro"] == kept(service)


@pytest.mark.parametrize("since", ["replaced", "granted", "revoked", "renounced"])
def test_what_happened_since_is_a_412(service: Service, since: str) -> None:
    """Nothing is written, whatever it was that the caller has not seen."""
    [shown] = service.send("PUT", PATH, SET).get_json()["delegations"]
    seen = tag(service)
    if since == "replaced":
        service.send("PUT", PATH, {**SET, "processes": []})
    elif since == "granted":
        service.post(PATH, {**SET, "processes": ["p061-registro"]})
    else:
        verb, actor = ("revoke", REPRESENTATIVE) if since == "revoked" else ("renounce", MEMBER)
        service.post(f"{PATH}/{shown['id']}/{verb}", {"actor": actor})
    before, now = kept(service), tag(service)
    headers = {"If-Match": seen}
    answer = service.send("PUT", PATH, {**SET, "processes": ["p061-cadastro"]}, headers=headers)
    assert (412, "urn:inmetro:authz:problem:precondition-failed") == (
        answer.status_code,
        answer.get_json()["type"],
    )
    assert (before, now) == (kept(service), tag(service))


def test_another_members_delegations_change_nothing(service: Service) -> None:
    """The tag is of one member in one company."""
    service.send("PUT", PATH, SET)
    seen = tag(service)
    service.send("PUT", PATH, {**SET, "member": OTHER})
    assert 200 == put(service, seen, "p061-registro")
    assert tag(service) != tag(service, member=None)


def test_the_tag_of_nobody_tells_nothing_of_the_person(service: Service) -> None:
    """It is no digest of a CPF, which could be turned back: all who have none have the same."""
    assert tag(service) == tag(service, member=OTHER)


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("{tag}", 200),
        ("  {tag}\t", 200),
        ('"x",{tag}', 200),
        ('{tag} , "x"', 200),
        ('"x","y", {tag}', 200),
        (', ,"x",,{tag},', 200),
        ('"a,b", {tag}', 200),
        ('W/"x", {tag}', 200),
        ('"", {tag}', 200),
        ('"\xe9", {tag}', 200),
        ("*", 200),
        (" * ", 200),
        ("W/{tag}", 412),
        ('W/"x", W/{tag}', 412),
        ('"x"', 412),
        ('""', 412),
        ('"*"', 412),
        ("", 400),
        (" ", 400),
        (",", 400),
        ("{bare}", 400),
        ("'{bare}'", 400),
        ('"{bare}', 400),
        ('{bare}"', 400),
        ("*, {tag}", 400),
        ("{tag}, *", 400),
        ("**", 400),
        ('{tag}"x"', 400),
        ('{tag} "x"', 400),
        ("{tag};x", 400),
        ("w/{tag}", 400),
        ("W/ {tag}", 400),
        ('"a b", {tag}', 400),
        ('"x" {tag}', 400),
    ],
)
def test_the_header_is_read_as_the_rfc_says(service: Service, form: str, status: int) -> None:
    """A list or a star, strong comparison, and anything else is a 400 that names the header."""
    service.send("PUT", PATH, SET)
    seen = tag(service)
    headers = {"If-Match": form.format(tag=seen, bare=seen.strip('"'))}
    answer = service.send("PUT", PATH, {**SET, "processes": ["p061-registro"]}, headers=headers)
    assert status == answer.status_code
    assert (["p061-registro"] if status == 200 else ["p001"]) == kept(service)
    if status == 400:
        assert "If-Match" == answer.get_json()["field"]


def test_without_the_header_whatever_is_there_is_replaced(service: Service) -> None:
    """Callers that know nothing of tags go on as before."""
    service.send("PUT", PATH, SET)
    assert 200 == put(service, None, "p061-registro")


def test_a_star_begins_a_set_too(service: Service) -> None:
    """Also an empty set can be read, so there is something that it may be."""
    assert 200 == put(service, "*")


def test_whoever_is_refused_does_not_learn_whether_the_tag_is_right(service: Service) -> None:
    """The policy speaks first."""
    service.send("PUT", PATH, SET)
    seen = tag(service)
    service.policy.verdict = deny_all
    assert [403, 403] == [put(service, one, "p061-registro") for one in (seen, '"x"')]
