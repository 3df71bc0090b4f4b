"""The policies that are shipped: they pass their tests, and every word in them counts."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from lark import Token

from authz_service.domain.decision import BUILT_IN_REASONS
from authz_service.domain.errors import PolicyInvalid
from authz_service.domain.known import facts_of
from authz_service.policy.bundle import build, collect, collect_suites
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.judging import sandbox
from authz_service.policy.reading import reasons as reasons_file
from authz_service.policy.reading.syntax import _parser, _split, read
from authz_service.policy.suites import suite

SHIPPED = Path(__file__).parents[2] / "policies"
FILES = sorted(path.name for path in SHIPPED.glob("*.polar"))


def test_they_are_valid_and_pass_their_tests() -> None:
    """What is shipped compiles in the sandbox and answers every question as expected."""
    sources = collect(SHIPPED)
    sandbox.check(sources)

    report = suite.run(build(sources), collect_suites(SHIPPED))

    assert [] == [str(one) for one in report.differences]
    assert report.asked == len(QUESTIONS)
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


def test_a_partner_without_certificate_is_kept_out_as_the_remark_says(tmp_path: Path) -> None:
    """The condition that `standing.polar` offers keeps out who has no certificate, nobody else."""
    folder = tmp_path / "policies"
    shutil.copytree(SHIPPED, folder)
    path = folder / "standing.polar"
    text = path.read_text(encoding="utf-8")
    [condition] = re.findall(r"# +(and .+)", text)
    path.write_text(
        text.replace("standing.in_force;", f"standing.in_force {condition};"), encoding="utf-8"
    )

    differences = suite.run(build(collect(folder)), collect_suites(folder)).differences

    assert {
        "sem_certificado open P001 for matriz",
        "sem_certificado delegate P001 for matriz",
        "sem_certificado revoke P001 for matriz",
        "davi open P001 for matriz",
    } == {one.expected.asked for one in differences}


@dataclass(frozen=True, slots=True)
class Example:
    """
    A worked example of the administrators' page.

    Attributes:
        title: its heading.
        file: what its files are called, without their endings.
        test: the test that it says to write.
        reason: the reason, likewise.
        rule: the rule, likewise.
    """

    title: str
    file: str
    test: str
    reason: str
    rule: str

    def lay_out(self, folder: Path) -> None:
        """Write test and reason into a copy of the shipped policies."""
        shutil.copytree(SHIPPED, folder)
        (folder / f"{self.file}_test.toml").write_text(self.test, encoding="utf-8")
        with (folder / "reasons.toml").open("a", encoding="utf-8") as file:
            file.write(f"\n{self.reason}")

    def missed(self, folder: Path, rule: str) -> list[str]:
        """Give the questions that are answered otherwise than expected under *rule*."""
        (folder / f"{self.file}.polar").write_text(rule, encoding="utf-8")
        differences = suite.run(build(collect(folder)), collect_suites(folder)).differences
        return [one.expected.asked for one in differences]


PAGE = (SHIPPED / "README.md").read_text(encoding="utf-8")


def example(section: str) -> Example:
    """Read one section of the page."""
    [file] = re.findall(r"`(\w+)_test\.toml`", section)
    test, reason = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)
    [rule] = re.findall(r"```polar\n(.*?)```", section, re.DOTALL)
    assert f"`{file}.polar`" in section
    return Example(section.split("\n", 1)[0], file, test, reason, rule)


EXAMPLES = [example(one) for one in PAGE.split("\n### ")[1:] if "```polar" in one]
WITHOUT_THEIR_RULES = {
    "verified": ["rui delegate P001 for acme"],
    "certificate": ["ana open P061 for acme", "ana open P061 for acme"],
    "nationals": ["weber open P061 for gmbh"],
    "reports": ["auditor sign laudo"],
}
every_example = pytest.mark.parametrize("shown", EXAMPLES, ids=lambda one: one.title)


def test_the_page_has_examples() -> None:
    """Each example that is looked for here stands on the page."""
    assert list(WITHOUT_THEIR_RULES) == [one.file for one in EXAMPLES]


@pytest.mark.uncovered
@every_example
def test_an_example_of_the_page_works(shown: Example, tmp_path: Path) -> None:
    """What the page says to write passes, and fails without its rule."""
    folder = tmp_path / "policies"
    shown.lay_out(folder)

    assert WITHOUT_THEIR_RULES[shown.file] == shown.missed(folder, "")
    assert [] == shown.missed(folder, shown.rule)


@pytest.mark.uncovered
@every_example
def test_every_condition_of_an_example_counts(shown: Example, tmp_path: Path) -> None:
    """The test of an example fails once for each condition that is taken out, as the page says."""
    folder = tmp_path / "policies"
    shown.lay_out(folder)
    found = [one for one in changes(shown.file, shown.rule) if one.what != "the rule"]

    unnoticed = [str(one) for one in found if not shown.missed(folder, one.applied(shown.rule))]

    assert found
    assert [] == unnoticed


def test_what_the_page_quotes_is_what_is_shipped() -> None:
    """A rule on the page that belongs to no example stands in a shipped file, word for word."""
    shipped = "\n".join((SHIPPED / file).read_text(encoding="utf-8") for file in FILES)
    quoted = re.findall(r"```polar\n(.*?)```", PAGE.split("\n### ")[0], re.DOTALL)

    assert 4 == len(quoted)
    assert [] == [one for one in quoted if one not in shipped]


@dataclass(frozen=True, slots=True)
class Change:
    """
    One thing taken out of one file, or changed in it.

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
        said = f" but {self.instead}" if self.instead.isdigit() else ""
        return f"{self.file}:{self.line} without {self.what}{said}"

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


def changes(file: str, text: str) -> Iterator[Change]:
    """Give everything that can be taken out of one file, one at a time."""
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
            if token.type == "NUMBER":
                number = Change(file, token.line or 0, token, start(token), end(token))
                yield replace(number, instead=str(int(token) - 1))
                yield replace(number, instead=str(int(token) + 1))
            if inside and token.type == "TEXT":
                comma = after if after.type == "COMMA" else before
                first, last = sorted((token, comma), key=start)
                yield Change(file, token.line or 0, token, start(first), end(last))


CHANGES = [
    change
    for file in FILES
    for change in changes(file, (SHIPPED / file).read_text(encoding="utf-8"))
]


def test_each_kind_of_word_is_taken_out() -> None:
    """Rules, conditions, words of a list, negations and numbers are all among the changes."""
    assert {
        "the rule",
        "person.confirmed",
        "represents(process.company.standing)",
        'process.delegation.state = "in_force"',
        '"socio"',
        '"delegate"',
        "not",
        "7",
        "365",
    } <= {change.what for change in CHANGES}


QUESTIONS = [
    (one, facts_of(one.question, one.known, one.moment))
    for path in sorted(SHIPPED.glob("*_test.toml"))
    for one in suite.read(path.name, path.read_bytes())
]


def answers(policy: CompiledPolicy) -> Iterator[bool]:
    """Ask every question of the tests beside the policies; give whether it is answered right."""
    for one, facts in QUESTIONS:
        actual = policy.evaluate(one.question, facts)
        yield actual.allowed is one.allowed and one.reasons in (None, actual.reasons)


@pytest.mark.uncovered
@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_every_word_counts(change: Change) -> None:
    """Whatever a shipped rule loses, or by one in a number, a test beside the policies notices."""
    sources = [
        replace(one, content=change.applied(one.content.decode()).encode())
        if one.file == change.file
        else one
        for one in collect(SHIPPED)
    ]

    try:
        noticed = not all(answers(build(sources)))
    except PolicyInvalid as error:
        # The compiler misses a rule that others ask. All else has to be noticed by a test.
        noticed = change.what == "the rule" and "there is no rule" in str(error)

    assert noticed
