"""The administrators' guide in Portuguese is true: all that it says is done, and comes out so."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from authz_service.cli import _parser
from authz_service.domain.decision import ACTIONS
from authz_service.policy.kinds import Link
from authz_service.policy.vocabulary import BY_TYPE, VOCABULARY
from authz_service.settings import SHIPPED_POLICIES
from tests.guide import PAGE, quotations, same_each_time
from tests.guide.reading import Reader
from tests.guide.vocabulary import ENTITIES, as_markdown

TEXT = PAGE.read_text("utf-8")


def anchor(heading: str) -> str:
    """Give what a link to a heading ends with."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def headings(text: str) -> list[str]:
    """Give the headings of the second and third level, but for those in blocks."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^##+ (.+)$", prose, re.MULTILINE)


CHAPTERS = re.split(r"^(?=## )", TEXT, flags=re.MULTILINE)
DONE = [
    number
    for number, chapter in enumerate(CHAPTERS)
    if re.search(r"^(?:\$ |<!-- \w)", chapter, re.MULTILINE)
]


def name_of(number: int) -> str:
    """Give what a link to a chapter ends with."""
    return anchor(CHAPTERS[number].partition("\n")[0].removeprefix("## "))


@pytest.mark.parametrize("number", DONE, ids=name_of)
def test_what_the_guide_shows_is_what_happens(tmp_path: Path, number: int) -> None:
    """Every command, edit and table of a chapter, after those before it, gives what it shows."""
    chapter = CHAPTERS[number]
    with Reader(tmp_path) as reader:
        reader.catch_up("".join(CHAPTERS[:number]))
        now = reader.read(chapter)

    assert same_each_time(now).splitlines() == same_each_time(chapter).splitlines()


def test_a_page_that_is_not_true_is_noticed(tmp_path: Path) -> None:
    """What a reader sees replaces what the page claims, in blocks and where a part is made."""
    page = (
        "```toml file=a.toml\n# one\n# two\n```\n"
        '```toml file=a.toml before="# two"\n# between\n```\n'
        "```console\n$ cat a.toml\nno\n$ export AUTHZ_POLICIES=none\n"
        "$ authz policy test\nyes\n```\n"
        "<!-- vocabulario -->\nnothing\n<!-- fim -->\n"
    )
    with Reader(tmp_path) as reader:
        told = reader.read(page)

    assert "$ cat a.toml\n# one\n# between\n\n\n# two\n$ export" in told
    assert "there is no policy folder" in told
    assert f"<!-- vocabulario -->\n{as_markdown()}\n<!-- fim -->\n" in told
    assert same_each_time(told) != same_each_time(page)


def test_what_is_left_out_of_the_comparison_is_little() -> None:
    """Only digests, moments, processes and the widths of columns may be others."""
    digest = "0123456789ab" * 6
    row = f"1       3789  {digest[:12]}  2026-11-23T00:58:29+00:00  folder"

    assert "digest DIGEST" == same_each_time(f"digest {digest[:64]}")
    assert "1  PID  DIGEST  MOMENT  folder" == same_each_time(row)
    assert "2 worker, 346 questions" == same_each_time("2 worker, 346 questions")


def test_the_rules_that_it_quotes_are_the_shipped_ones() -> None:
    """A rule without a file of the reader's stands so in the shipped policies."""
    shipped = "\n".join(path.read_text("utf-8") for path in SHIPPED_POLICIES.glob("*.polar"))
    quoted = quotations(TEXT)

    assert len(quoted) > 1
    assert [] == [one for one in quoted if one not in shipped]


def test_its_contents_are_its_headings() -> None:
    """The table of contents leads to every part, in order."""
    listed = re.findall(r"^\d+\. \[(.+)\]\(#(.+)\)$", TEXT, re.MULTILINE)
    _contents, *parts = [one for one in headings(TEXT) if f"\n## {one}\n" in TEXT]

    assert [(one, anchor(one)) for one in parts] == listed


def test_its_links_lead_somewhere() -> None:
    """Every link inside the project leads to a file, and to a heading in it."""
    links = re.findall(r"\]\(((?!https?:)[^)#]*)(?:#([^)]+))?\)", TEXT)

    assert links
    for file, part in links:
        target = PAGE.parent / file if file else PAGE
        assert target.is_file(), file
        assert not part or part in map(anchor, headings(target.read_text("utf-8"))), part


def test_it_explains_every_action() -> None:
    """The table of actions has those that rules can name, and no other."""
    table = TEXT.partition("| ação |")[2].partition("\n\n")[0]

    assert [*ACTIONS] == re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)


def test_every_entity_is_explained_in_portuguese() -> None:
    """Nothing that a rule may read from is left without a name and a sentence."""
    assert [*VOCABULARY] == [*ENTITIES]
    assert all(name and meaning.endswith(".") for name, meaning in ENTITIES.values())


PROSE = TEXT.partition("<!-- erros -->")[0]
PATHS = sorted(set(re.findall(r"`((?:process|company|person)(?:\.[a-z_]+)+)`", PROSE)))


@pytest.mark.parametrize("path", PATHS)
def test_the_facts_that_it_names_exist(path: str) -> None:
    """A path in the text leads through the vocabulary to a fact."""
    root, *steps = path.split(".")
    at = VOCABULARY[root.capitalize()]
    for step in steps:
        fact = at.facts[step]
        at = BY_TYPE[fact.entity] if isinstance(fact, Link) else at


def test_the_verbs_that_it_names_exist() -> None:
    """Every command that the guide speaks of is one of the command line's."""
    [verbs] = [one for one in _parser()._actions if isinstance(one, argparse._SubParsersAction)]
    [parts] = [
        one
        for one in verbs.choices["policy"]._actions
        if isinstance(one, argparse._SubParsersAction)
    ]
    named = set(re.findall(r"authz policy (\w+)", TEXT))

    assert {"check", "test", "show", "explore", "status", "copy"} == named
    assert named <= set(parts.choices)
