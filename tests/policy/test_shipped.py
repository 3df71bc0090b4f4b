"""The policies that are shipped: they pass their tests, and every word in them counts."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from lark import Token

from authz_service.domain.decision import BUILT_IN_REASONS
from authz_service.domain.errors import PolicyInvalid
from authz_service.policy import reasons as reasons_file
from authz_service.policy import sandbox, suite
from authz_service.policy.bundle import build, collect
from authz_service.policy.syntax import _parser, _split, read

SHIPPED = Path(__file__).parents[2] / "policies"
FILES = sorted(path.name for path in SHIPPED.glob("*.polar"))


def test_they_are_valid_and_pass_their_tests() -> None:
    """What is shipped compiles in the sandbox and answers every question as expected."""
    sources = collect(SHIPPED)
    sandbox.check(sources)

    report = suite.run(build(sources), SHIPPED)

    assert [] == [str(one) for one in report.differences]
    assert report.asked > 100


def test_reasons_and_rules_agree() -> None:
    """Every declared reason is given by a rule or by the service, and no rule gives another."""
    declared, _problems = reasons_file.read((SHIPPED / "reasons.toml").read_text(encoding="utf-8"))
    given = set()
    for file in FILES:
        rules, _problems = read(file, (SHIPPED / file).read_text(encoding="utf-8"))
        for rule in rules:
            if rule.decides:
                given.add(str([*rule.tree.find_data("literal")][-1].children[0]).strip('"'))

    assert set(declared) == given | set(BUILT_IN_REASONS)
    assert not given & set(BUILT_IN_REASONS)


def test_the_example_of_the_page_works(tmp_path: Path) -> None:
    """What the administrators' page says to write passes, and fails without its rule."""
    page = (SHIPPED / "README.md").read_text(encoding="utf-8")
    test, reason = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    rule = re.findall(r"```polar\n(.*?)```", page, re.DOTALL)[-1]
    folder = tmp_path / "policies"
    shutil.copytree(SHIPPED, folder)
    (folder / "verified_test.toml").write_text(test, encoding="utf-8")
    with (folder / "reasons.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{reason}")

    before = suite.run(build(collect(folder)), folder)
    (folder / "verified.polar").write_text(rule, encoding="utf-8")
    after = suite.run(build(collect(folder)), folder)

    assert ["rui delegate P001 for acme"] == [one.expected.asked for one in before.differences]
    assert () == after.differences


@dataclass(frozen=True, slots=True)
class Change:
    """
    One thing taken out of one file.

    Attributes:
        file: the file's name.
        line: in which line, 1-based.
        what: what is taken out.
        start: the first character that goes.
        end: the first character that stays.
        instead: what stands there afterwards.
    """

    file: str
    line: int
    what: str
    start: int
    end: int
    instead: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line} without {self.what}"

    def applied(self, text: str) -> str:
        """Give *text* without it."""
        return text[: self.start] + self.instead + text[self.end :]


def start(token: Token) -> int:
    """Give where a token begins."""
    assert token.start_pos is not None
    return token.start_pos


def end(token: Token) -> int:
    """Give where a token ends."""
    assert token.end_pos is not None
    return token.end_pos


def groups(body: list[Token]) -> Iterator[list[tuple[int, int]]]:
    """Give the spans of the terms that stand side by side, for each pair of brackets."""
    # An entry is the spans so far and where the present term begins; None is a call's bracket.
    stack: list[tuple[list[tuple[int, int]], int] | None] = [([], start(body[0]))]
    before = body[0]
    for number, token in enumerate(body):
        entry = stack[-1]
        if token.type == "LPAR":
            call = number > 0 and before.type == "NAME"
            stack.append(None if call else ([], start(body[number + 1])))
        elif token.type == "RPAR":
            stack.pop()
            if entry is not None:
                yield [*entry[0], (entry[1], end(before))]
        elif token.type in ("AND", "OR"):
            assert entry is not None
            entry[0].append((entry[1], end(before)))
            stack[-1] = (entry[0], start(body[number + 1]))
        before = token
    [last] = stack
    assert last is not None
    yield [*last[0], (last[1], end(before))]


def terms(file: str, text: str, tokens: list[Token]) -> Iterator[Change]:
    """Take out each condition of a rule; its arguments stay in use, as oso wants it."""
    position = [token.type for token in tokens].index("IF")
    body = tokens[position + 1 : -1]
    head = "".join(tokens[: position + 1])
    used = [f"{name} = {name}" for name in re.findall(r"(?<=[(,])([a-z]\w*)", head)]
    for spans in groups(body):
        for first, last in spans:
            line = text.count("\n", 0, first) + 1
            yield Change(file, line, text[first:last], first, last, f"({' and '.join(used)})")


def changes(file: str) -> Iterator[Change]:
    """Give everything that can be taken out of one file, one at a time."""
    text = (SHIPPED / file).read_text(encoding="utf-8")
    for tokens in _split(_parser().lex(text)):
        line = tokens[0].line or 0
        yield Change(file, line, "the rule", start(tokens[0]), end(tokens[-1]))
        if any(token.type == "IF" for token in tokens):
            yield from terms(file, text, tokens)
        inside = False
        for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
            inside = token.type == "LSQB" or (inside and token.type != "RSQB")
            if token.type == "NOT":
                yield Change(file, token.line or 0, "not", start(token), end(token))
            if inside and token.type == "TEXT":
                comma = after if after.type == "COMMA" else before
                first, last = sorted((token, comma), key=start)
                yield Change(file, token.line or 0, token, start(first), end(last))


CHANGES = [change for file in FILES for change in changes(file)]


def test_each_kind_of_word_is_taken_out() -> None:
    """Rules, conditions, words of a list and negations are all among the changes."""
    assert {
        "the rule",
        "person.confirmed",
        "represents(process.company.standing)",
        'process.delegation.state = "in_force"',
        '"socio"',
        '"delegate"',
        "not",
    } <= {change.what for change in CHANGES}


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_every_word_counts(change: Change, tmp_path: Path) -> None:
    """Whatever is taken out of a shipped rule, a test beside the policies notices."""
    folder = tmp_path / "policies"
    shutil.copytree(SHIPPED, folder)
    path = folder / change.file
    path.write_text(change.applied(path.read_text(encoding="utf-8")), encoding="utf-8")

    try:
        noticed = bool(suite.run(build(collect(folder)), folder).differences)
    except PolicyInvalid as error:
        # The compiler misses a rule that others ask. All else has to be noticed by a test.
        noticed = change.what == "the rule" and "there is no rule" in str(error)

    assert noticed
