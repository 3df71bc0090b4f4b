"""
Reads the accepted subset of Polar, and says where a policy leaves it.

The subset is an allow-list: ``and``, ``or``, ``not``, comparison, ``in`` over constants,
dotted facts, helper rules. What oso would take beyond that is refused with its place:
``cut`` hides rules, ``forall`` is true of nothing, arithmetic and recursion have no
bound, ``new``, ``debug`` and ``print`` reach the server. The grammar is ``polar.lark``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedToken

from authz_service.domain.decision import ACTIONS
from authz_service.domain.errors import Problem
from authz_service.policy.combining import FORBID, PERMIT
from authz_service.policy.vocabulary import ACTORS, RESOURCES, VOCABULARY

MAX_NESTING = 32
"""How deep parentheses may nest. 10,000 brackets kill the process that hands them to oso."""
MAX_RULE_TOKENS = 2_000
"""How long one rule may be. oso's cost grows with the square of a chain of conditions."""

_REFUSED_WORDS = {
    "cut": "it hides other rules, and their order must not matter",
    "debug": "it waits for a person at the server's terminal",
    "forall": "it is true of an empty list",
    "inf": "rules know no such number",
    "isa": "write the class in the head of a rule, as in `process: Process`",
    "matches": "write the class in the head of a rule, as in `process: Process`",
    "mod": "rules do no arithmetic; ask for another fact",
    "nan": "rules know no such number",
    "new": "rules make no objects",
    "print": "a rule has nobody to talk to",
    "rem": "rules do no arithmetic; ask for another fact",
    "type": "it means something else to Polar",
}
_REFUSED_SIGNS = {
    '"': "a text ends on its own line and holds no backslash",
    "'": "texts stand in double quotes",
    "{": "rules make no objects",
} | dict.fromkeys("+-*/", "rules do no arithmetic; ask for another fact")
_RESERVED_HEADS = frozenset(
    ("allow", "allow_field", "allow_request", "has_permission", "has_relation", "has_role")
)
DECIDING_ARITY = 4
"""How many arguments a permit or forbid has: actor, action, resource, reason."""
# What each argument of a permit or forbid can be: a class, or fixed words (None: any text).
_SHAPE: tuple[tuple[str, tuple[str, ...], tuple[str, ...] | None], ...] = (
    ("who acts", ACTORS, ()),
    ("the action", (), ACTIONS),
    ("the resource", RESOURCES, ()),
    ("the reason", (), None),
)
# oso names its own variables so, and a rule's of the same name would be one of them.
_POLARS_OWN = re.compile(r"_[a-z_]*_[0-9]+")
_MAX_SHOWN = 40
_MAX_DIGITS = 15  # a double holds any whole number of 15 digits; oso's own limit is 2**63

_OWN_NAME = re.compile(r"[pf]_[0-9]{4}")
MAX_PROBLEMS = 100
"""How many problems of one file are told; who has more has another file than he thinks."""

Reading = tuple[list["Rule"], list[Problem]]
"""The rules of a file, and what is wrong with those that could not be read."""


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


def read(file: str, text: str) -> Reading:
    """Read the rules of one file; a rule with a problem is left out, the others are read."""
    rules: list[Rule] = []
    problems: list[Problem] = []
    for group in _split(_parser().lex(text)):
        found = [*_refused(file, group), *_bounds(file, group)]
        outcome = found or _parse(file, group)
        if isinstance(outcome, Rule):
            rules.append(outcome)
        else:
            problems += outcome
        if len(problems) >= MAX_PROBLEMS:
            break
    return rules, sorted(problems)


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


def _shown(token: Token) -> str:
    """Give the text of a token as people can read it."""
    return "".join(one if one.isprintable() else f"U+{ord(one):04X}" for one in token[:_MAX_SHOWN])


def _problem(file: str, token: Token, message: str) -> Problem:
    return Problem(file, token.line or 0, token.column or 0, message)


def _refused(file: str, tokens: Sequence[Token]) -> list[Problem]:
    """Find refused words, and the first refused sign, behind which words may mean nothing."""
    problems = []
    before = ""
    for token in tokens:
        if token.type == "STRAY":
            problems.append(_problem(file, token, _refusal(token, _REFUSED_SIGNS.get(token))))
            break
        # After a dot it is the name of a fact, such as `context.type`.
        if token in _REFUSED_WORDS and before != ".":
            problems.append(_problem(file, token, _refusal(token, _REFUSED_WORDS[token])))
        before = token
    return problems


def _refusal(token: Token, why: str | None) -> str:
    return f"`{_shown(token)}` is not accepted" + ("" if why is None else f": {why}")


def _bounds(file: str, tokens: Sequence[Token]) -> list[Problem]:
    """Refuse what would make oso slow or kill it, before anything recursive sees it."""
    if len(tokens) > MAX_RULE_TOKENS:
        return [_problem(file, tokens[0], f"the rule has more than {MAX_RULE_TOKENS} parts")]
    depth = 0
    for token in tokens:
        if token.type == "LPAR":
            depth += 1
        elif token.type == "RPAR":
            depth -= 1
        if depth > MAX_NESTING:
            return [_problem(file, token, f"nests deeper than {MAX_NESTING}")]
        digits = token.lstrip("-").replace(".", "")
        if token.type == "NUMBER" and len(digits) > _MAX_DIGITS:
            return [_problem(file, token, f"the number has more than {_MAX_DIGITS} digits")]
    return []


def _parse(file: str, tokens: Sequence[Token]) -> Rule | list[Problem]:
    *body, end = tokens
    if end.type != "END":
        return [_problem(file, end, "the rule has no `;` at its end")]
    if not body:
        return [_problem(file, end, "there is a `;` without a rule")]
    parser = _parser().parse_interactive(start="rule")
    try:
        for token in body:
            parser.feed_token(token)
        tree = parser.feed_eof(end)  # type: ignore[no-untyped-call]  # lark left it out
    except UnexpectedToken as error:
        culprit = end if error.token.type == "$END" else error.token
        return [_problem(file, culprit, _explain(culprit, error.expected))]
    return _rule(file, tree)


def _explain(culprit: Token, expected: set[str]) -> str:
    if culprit in ("and", "or") and expected & {"AND", "OR"}:
        return "`and` and `or` stand side by side; say in parentheses what belongs together"
    remedy = ""
    if culprit.column == 1 and "$END" in expected:
        remedy = "; the rule before has no `;` at its end"
    return f"`{_shown(culprit)}` was not expected here{remedy}"


def _rule(file: str, tree: Tree[Token]) -> Rule | list[Problem]:
    head = _name(tree)
    parameters = [
        child
        for child in tree.children
        if isinstance(child, Tree) and child.data in ("variable", "literal")
    ]
    names = [_name(one) for one in parameters if one.data == "variable"]
    problems = [
        *_wrong_classes(file, parameters),
        *_wrong_names(file, names),
        *_wrong_paths(file, tree, {name for name in names if not name.startswith("_")}),
    ]
    if head in (PERMIT, FORBID):
        problems += _wrong_shape(file, head, parameters)
    if head in _RESERVED_HEADS or _OWN_NAME.fullmatch(head):
        problems.append(_problem(file, head, f"the name `{head}` is reserved"))
    if problems:
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


def _wrong_classes(file: str, parameters: Iterable[Tree[Token]]) -> Iterator[Problem]:
    for parameter in parameters:
        for part in cast("list[Token]", parameter.children):
            if part.type == "CLASS" and part not in VOCABULARY:
                known = ", ".join(sorted(VOCABULARY))
                yield _problem(file, part, f"`{_shown(part)}` is no class; there are: {known}")


def _wrong_names(file: str, names: Sequence[Token]) -> Iterator[Problem]:
    """Find names that stand twice, as if the two had to be equal, and those that oso gives."""
    for position, name in enumerate(names):
        if name != "_" and name in names[:position]:
            yield _problem(file, name, f"`{_shown(name)}` names two arguments")
        if _POLARS_OWN.fullmatch(name):
            yield _problem(file, name, f"the name `{_shown(name)}` is reserved")


def _wrong_shape(file: str, head: Token, parameters: Sequence[Tree[Token]]) -> Iterator[Problem]:
    """Find heads of permits and forbids that no question can ever match."""
    if len(parameters) != DECIDING_ARITY:
        message = f"`{head}` takes four arguments: actor, action, resource, reason"
        yield _problem(file, head, message)
        return
    # What is done to the resources of other services, only they know.
    theirs = [str(part) for part in parameters[2].children[1:]] == ["Resource"]
    for (what, classes, words), parameter in zip(_SHAPE, parameters, strict=True):
        first, *wanted = cast("list[Token]", parameter.children)
        if parameter.data == "variable":
            if wanted and wanted[0] in VOCABULARY and wanted[0] not in classes:
                yield _problem(file, wanted[0], f"{what} is never a {wanted[0]}")
        elif first.type != "TEXT" or words == ():
            yield _problem(file, first, f"{what} is never `{_shown(first)}`")
        elif words is not None and first[1:-1] not in words and not theirs:
            message = f"`{_shown(first)}` is none of the actions: {', '.join(words)}"
            yield _problem(file, first, message)


def _wrong_paths(file: str, tree: Tree[Token], known: set[Token]) -> Iterator[Problem]:
    """
    Find paths that begin at no argument, or hold what is no fact.

    Polar would take a name that is mistyped twice for a free variable, and ``not`` of
    it is silent: a forbid that never fires.
    """
    for path in tree.find_data("path"):
        first, *facts = cast("list[Token]", path.children)
        if first not in known:
            message = f"`{_shown(first)}` is none of the rule's arguments"
            if first.startswith("_"):
                message = f"`{_shown(first)}` begins with `_`, as what a rule does not use"
            yield _problem(file, first, message)
        for name in facts:
            if name.startswith("_"):
                yield _problem(file, name, f"`{_shown(name)}` begins with `_`, which no fact does")


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
