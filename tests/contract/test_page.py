"""The page of the contract: sound HTML that asks nobody for anything, and shows all of it."""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from authz_service.web.openapi import document
from authz_service.web.page import STYLE, page_of
from tests.fakes.service import Service

SERVICE = Service(orquestra_get=True)
ANSWER = SERVICE.http.get("/docs")
PAGE = ANSWER.get_data(as_text=True)
DOCUMENT = document(SERVICE.app, None)
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Reader(HTMLParser):
    """Reads a page strictly: every element that opens closes, in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element that opens."""
        given = dict(attrs)
        self.elements.append((tag, given))
        if len(given) != len(attrs):
            self.wrong.append(f"{tag} has an attribute twice")
        if given.get("id"):
            self.ids.append(given["id"] or "")
        for name in ("href", "src", "action", "srcset"):
            if given.get(name):
                self.targets.append(given[name] or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Take an element that closes."""
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()}")


@pytest.fixture(name="read", scope="module")
def _read() -> Reader:
    reader = Reader()
    reader.feed(PAGE)
    reader.close()
    return reader


def test_it_is_sound_html(read: Reader) -> None:
    """Every element closes in its order, no id stands twice, and its language is told."""
    assert [] == read.wrong
    assert [] == read.open
    assert len(set(read.ids)) == len(read.ids)
    assert PAGE.startswith("<!DOCTYPE html>")
    assert ("html", {"lang": "en"}) in read.elements


def test_its_links_stay_on_it(read: Reader) -> None:
    """It leads to its own parts, all of which exist, and to the document for machines."""
    inside = {target[1:] for target in read.targets if target.startswith("#")}
    assert set(read.ids) >= inside
    assert {"openapi.json"} == {one for one in read.targets if not one.startswith("#")}


def test_it_runs_nothing_and_asks_nobody(read: Reader) -> None:
    """No script, no picture, no frame, no form, and browsers are told to allow none."""
    assert {"script", "img", "iframe", "form", "link", "object"}.isdisjoint(
        tag for tag, _ in read.elements
    )
    assert not [name for _, given in read.elements for name in given if name.startswith("on")]
    assert not re.search(r"url\(|@import", PAGE)
    policy = ANSWER.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    digest = base64.b64encode(hashlib.sha256(str(STYLE).encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert f"<style>{STYLE}</style>" in PAGE
    assert "style" not in {name for _, given in read.elements for name in given}


def test_it_fits_a_phone_and_a_keyboard(read: Reader) -> None:
    """It takes the width of the screen, wide tables scroll by themselves and can be reached."""
    found = [
        given.get("content") for tag, given in read.elements if given.get("name") == "viewport"
    ]
    assert ["width=device-width, initial-scale=1"] == found
    regions = [given for tag, given in read.elements if given.get("class") == "wide"]
    assert regions
    assert all("0" == one["tabindex"] and one["aria-label"] for one in regions)
    assert ("a", {"class": "skip", "href": "#content"}) in read.elements
    order = [int(tag[1]) for tag, _ in read.elements if re.fullmatch("h[1-6]", tag)]
    assert all(later - earlier <= 1 for earlier, later in pairwise(order))


def test_every_operation_and_problem_has_its_place(read: Reader) -> None:
    """Whatever the document has, the page shows: calls, scopes, members, answers, problems."""
    page = page_of(DOCUMENT)
    shown = {one.id for chapter in page.chapters for one in chapter.operations}
    assert shown == {
        operation["operationId"]
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
    }
    assert set(read.ids) >= shown
    assert set(read.ids) >= {f"problem-{one.names[0]}" for one in page.shapes}
    for chapter in page.chapters:
        for one in chapter.operations:
            assert one.answers
            assert all(f"<code>{scope}</code>" in PAGE for scope in one.scopes)


def test_members_are_shown_with_their_dotted_names() -> None:
    """A member inside another, or inside a list, is named as errors name it."""
    [evaluation] = [
        one
        for chapter in page_of(DOCUMENT).chapters
        for one in chapter.operations
        if one.id == "authzen.evaluation"
    ]
    assert {"subject.type", "action.properties.recipient"} <= {one.name for one in evaluation.body}


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(one, id=one.id)
        for chapter in page_of(DOCUMENT).chapters
        for one in chapter.operations
    ],
)
def test_examples_can_be_run_in_a_shell(operation: object) -> None:
    """What stands under Example is one command that a shell reads as it is meant."""
    example = getattr(operation, "example", "")
    words = shlex.split(example.replace("\\\n", ""))
    assert "curl" == words[0]
    assert 1 == len([word for word in words if word.startswith("https://")])
    assert "{" not in next(word for word in words if word.startswith("https://"))


def test_what_the_document_says_cannot_break_the_page() -> None:
    """Texts are escaped, and only code and emphasis become elements."""
    altered = {**DOCUMENT, "info": {**DOCUMENT["info"], "description": "<b>`a<i>` **x** & y"}}
    [paragraph] = page_of(altered).paragraphs
    assert "&lt;b&gt;<code>a&lt;i&gt;</code> <strong>x</strong> &amp; y" == paragraph
