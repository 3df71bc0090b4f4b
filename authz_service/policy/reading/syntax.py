"""
Reads the accepted subset of Polar, rule by rule, and says where a policy leaves it.

The subset is an allow-list: ``and``, ``or``, ``not``, comparison, ``in`` over constants,
dotted facts, helper rules. The grammar is ``polar.lark``; ``refusals`` and ``heads`` say what is
wrong with words and names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedToken

from authz_service.domain.errors import Problem
from authz_service.policy.kinds import FORBID, PERMIT
from authz_service.policy.reading.heads import unused_names, wrong_names
from authz_service.policy.reading.refusals import bounds, refused
from authz_service.policy.reading.telling import FOREIGN, MAX_PROBLEMS, at, meant, shown

_KEYWORDS = ("and", "or", "not", "in", "if", "true", "false", "nil")
_LISTS = "lists hold fixed values and stand behind `in`"
# What a sign or word of each kind was probably to be, where the grammar does not take it.
_BY_KIND = {
    "LSQB": _LISTS,
    "RSQB": _LISTS,
    "RPAR": "a bracket is closed too often, or holds nothing",
    "LPAR": "facts are read, never called",
    "END": "a condition is missing before it",
    "NOT": "leave one `not` out, or put what it denies in brackets",
    "CLASS": "names begin with a small letter; a class stands in the head of a rule",
    "TEXT": "texts stand beside `=`, `!=`, in a list, or as an argument",
}


@dataclass(frozen=True, slots=True)
class Call:
    """A helper rule that a condition asks, with how many arguments, and where."""

    name: str
    arity: int
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One rule as it stands in a file.

    Attributes:
        file: the file's path inside the policy folder.
        name: ``permit``, ``forbid``, or the name of a helper.
        parameters: the arguments of its head, each a `variable` or a `literal`.
        line: where its head begins, 1-based.
        column: where its head begins, 1-based.
        offset: where its head begins, in characters from the start of the file.
        calls: the helpers that its condition asks.
        tree: the whole rule, for tools.
    """

    file: str
    name: str
    parameters: tuple[Tree[Token], ...]
    line: int
    column: int
    offset: int
    calls: tuple[Call, ...]
    tree: Tree[Token]

    @property
    def arity(self) -> int:
        """How many arguments its head has."""
        return len(self.parameters)

    @property
    def decides(self) -> bool:
        """Whether it is a permit or a forbid, and not a helper."""
        return self.name in (PERMIT, FORBID)

    @property
    def place(self) -> str:
        """Where it stands, for people: ``file:line``."""
        return f"{self.file}:{self.line}"


@cache
def _parser() -> Lark:
    grammar = Path(__file__).with_name("polar.lark").read_text(encoding="utf-8")
    return Lark(
        grammar, start=["policy", "rule"], parser="lalr", lexer="basic", maybe_placeholders=False
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What reading one file gave.

    Attributes:
        rules: the rules that could be read.
        problems: what is wrong, in order.
        broken: the names of rules and helpers that those that could not be read speak of.
        texts: every text in the file, those of rules that could not be read among them.
    """

    rules: tuple[Rule, ...]
    problems: tuple[Problem, ...]
    broken: frozenset[str]
    texts: frozenset[str]


def parse(file: str, text: str) -> Reading:
    """Read one file; a rule with a problem is left out, the others are read."""
    rules: list[Rule] = []
    problems: list[Problem] = []
    broken: set[str] = set()
    texts: set[str] = set()
    for group in _split(_parser().lex(text)):
        texts.update(token[1:-1] for token in group if token.type == "TEXT")
        outcome = _rule_of(file, group) if len(problems) < MAX_PROBLEMS else []
        if isinstance(outcome, Rule):
            rules.append(outcome)
            problems += unused_names(file, outcome.parameters, outcome.tree)
        else:
            problems += outcome
            broken.update(_named(group))
    return Reading(tuple(rules), tuple(sorted(problems)), frozenset(broken), frozenset(texts))


def read(file: str, text: str) -> tuple[list[Rule], list[Problem]]:
    """Read the rules of one file, and what is wrong with those that could not be read."""
    found = parse(file, text)
    return [*found.rules], [*found.problems]


def _split(tokens: Iterable[Token]) -> Iterator[list[Token]]:
    """Cut a file's tokens into rules; each but perhaps the last ends with its semicolon."""
    group: list[Token] = []
    for token in tokens:
        group.append(token)
        if token.type == "END":
            yield group
            group = []
    if group:
        yield group


def _named(group: Sequence[Token]) -> Iterator[str]:
    """Give the names that stand before a bracket: what a rule is called, and what it asks."""
    for token, following in pairwise(group):
        if token.type == "NAME" and following.type == "LPAR":  # mutant: keywords name no rule
            yield str(token)


def _rule_of(file: str, group: Sequence[Token]) -> Rule | list[Problem]:
    return [*refused(file, group), *bounds(file, group)] or _parse(file, group)


def _parse(file: str, tokens: Sequence[Token]) -> Rule | list[Problem]:
    *body, end = tokens
    if end.type != "END":
        message = "the rule has no `;` at its end"
        return [at(file, end, "syntax", message, "write `;` behind it")]
    if not body:
        return [at(file, end, "syntax", "there is a `;` without a rule", "leave it out")]
    parser = _parser().parse_interactive(start="rule")
    before = None
    try:
        for token in body:
            parser.feed_token(token)
            before = token
        tree = parser.feed_eof(end)  # type: ignore[no-untyped-call]  # lark left it out
    except UnexpectedToken as error:
        culprit = end if error.token.type == "$END" else error.token
        return [at(file, culprit, "syntax", *_explain(before, culprit, error.expected))]
    return _rule(file, tree)


def _explain(before: Token | None, culprit: Token, expected: set[str]) -> tuple[str, str]:
    """Say what is wrong with a token where the grammar takes others, and what to do about it."""
    if culprit in ("and", "or") and expected & {"AND", "OR"}:
        message = "`and` and `or` stand side by side"
        return message, "say in parentheses what belongs together"
    return f"`{shown(culprit)}` was not expected here", _remedy(before, culprit, expected)


def _remedy(before: Token | None, culprit: Token, expected: set[str]) -> str:
    if culprit.column == 1 and "$END" in expected:
        return "the rule before has no `;` at its end"
    return (
        _translated(before, culprit, expected)
        or _about_brackets(culprit, expected)
        or _BY_KIND.get(culprit.type)
        or "see how a rule reads in README.md"
    )


def _translated(before: Token | None, culprit: Token, expected: set[str]) -> str:
    """Give the word or sign of policies for one of another language."""
    if culprit.type == "SIGN" and before is not None and before.type == "SIGN":
        return "write `!=` for `<>`" if culprit == ">" else "write one `=`"
    for word in (culprit, before):
        if word is not None and word in FOREIGN:  # mutant: the types do not know that None is not
            return f"write {FOREIGN[word]} for `{word}`"
    if culprit == ":":
        named = before is not None and before.type == "NAME"
        return "write `=` to compare" if named else "only a name can have a class"
    if before in ("true", "false", "nil"):
        return "compare it with a fact, as in `person.registered = true`"
    if culprit.type in ("NAME", "CLASS") and "AND" in expected:
        joined = "join two conditions by `and` or `or`"
        return meant(culprit, _KEYWORDS, joined) if len(culprit) > 1 else joined
    return ""


def _about_brackets(culprit: Token, expected: set[str]) -> str:
    only_constants = "TEXT" in expected and "NAME" not in expected
    if expected == {"LSQB"} or (culprit.type == "NAME" and only_constants):
        return _LISTS
    if expected == {"RPAR"} or (culprit.type == "END" and "RPAR" in expected):  # mutant: at an end
        return "a bracket is not closed"
    return ""


def _rule(file: str, tree: Tree[Token]) -> Rule | list[Problem]:
    head = _name(tree)
    parameters = [
        child
        for child in tree.children
        if isinstance(child, Tree) and child.data in ("variable", "literal")
    ]
    if problems := wrong_names(file, head, parameters, tree):
        return problems
    return Rule(
        file=file,
        name=str(head),
        parameters=tuple(parameters),
        line=head.line or 0,
        column=head.column or 0,
        offset=head.start_pos or 0,
        calls=tuple(_calls(tree)),
        tree=tree,
    )


def _name(tree: Tree[Token]) -> Token:
    """Give the name that a rule, a variable or a call begins with, as the grammar has it."""
    return cast("Token", tree.children[0])


def _calls(tree: Tree[Token]) -> Iterator[Call]:
    for call in tree.find_data("call"):
        name = _name(call)
        yield Call(str(name), len(call.children) - 1, name.line or 0, name.column or 0)


def texts_of(rules: Iterable[Rule]) -> frozenset[str]:
    """
    Give every text that rules hold.

    One of them can be what an action is compared with, over whichever helpers it gets there.
    """
    tokens = (token for rule in rules for token in rule.tree.scan_values(_is_text))
    return frozenset(str(token)[1:-1] for token in tokens)


def _is_text(token: object) -> bool:
    return isinstance(token, Token) and token.type == "TEXT"


def own_name(rule: Rule, number: int) -> str:
    """Give a permit or forbid a name of its own, as long as the old, so that columns stay."""
    return f"{rule.name[0]}_{number:04}"
