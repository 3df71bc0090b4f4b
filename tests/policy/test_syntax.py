"""What of Polar is accepted, and that everything else is refused with its place."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authz_service.domain.decision import ACTIONS
from authz_service.domain.errors import PolicyInvalid
from authz_service.policy.border.runner import GuardedPolar
from authz_service.policy.bundle import Source, build
from authz_service.policy.reading import syntax
from authz_service.policy.reading.refusals import MAX_NESTING, MAX_RULE_TOKENS
from authz_service.policy.reading.syntax import read
from authz_service.policy.reading.telling import MAX_PROBLEMS
from authz_service.policy.reading.text import MAX_BYTES
from authz_service.policy.reading.together import MAX_RULES
from authz_service.policy.vocabulary import VOCABULARY
from tests.policy.compiled import reasons

HEAD = 'permit(p: Person, "open", r: Process, "first") if'
SOUND = 'permit(_p: Person, "open", _r: Process, "first");'
ARITHMETIC = "rules do no arithmetic"
CLASSES = f"there are: {', '.join(sorted(VOCABULARY))}"
CUT = "`cut` is not accepted: it hides other rules, and their order must not matter"
SIDE_BY_SIDE = "`and` and `or` stand side by side"
NBSP = "holds the space U+00A0, which looks like an ordinary one"
STRING = '`"` is not accepted: a text ends on its own line and holds no backslash'

Place = tuple[int, int, str]


def refused(content: str | bytes) -> list[Place]:
    """Build a policy of one file that has to be refused; give line, column and message."""
    raw = content.encode() if isinstance(content, str) else content
    with pytest.raises(PolicyInvalid) as caught:
        build([Source("rules.polar", raw), reasons()])
    assert {"rules.polar"} >= {one.file for one in caught.value.problems} - {"."}
    return [(one.line, one.column, one.message) for one in caught.value.problems]


def unexpected(sign: str) -> str:
    """Give the message about what the grammar does not expect."""
    return f"`{sign}` was not expected here"


# Each stands alone on the second line, from its first column on.
BODIES: dict[str, tuple[str, int, str]] = {
    "cut": (
        "cut",
        1,
        CUT,
    ),
    "cut at the end": (
        "p.registered and cut",
        18,
        CUT,
    ),
    "new": ("p = new Person()", 5, "`new` is not accepted: rules make no objects"),
    "debug": (
        "debug()",
        1,
        "`debug` is not accepted: it waits for a person at the server's terminal",
    ),
    "print": ("print(p.cpf)", 1, "`print` is not accepted: a rule has nobody to talk to"),
    "forall": (
        "forall(x in [1], x = 1)",
        1,
        "`forall` is not accepted: it is true of an empty list",
    ),
    "matches": (
        "r matches Process",
        3,
        "`matches` is not accepted",
    ),
    "isa": (
        "r isa Process",
        3,
        "`isa` is not accepted",
    ),
    "mod": ("r.version mod 2 = 1", 11, f"`mod` is not accepted: {ARITHMETIC}"),
    "rem": ("r.version rem 2 = 1", 11, f"`rem` is not accepted: {ARITHMETIC}"),
    "infinity": ("r.version < inf", 13, "`inf` is not accepted: rules know no such number"),
    "not a number": ("r.version = nan", 13, "`nan` is not accepted: rules know no such number"),
    "type": ("r.state = type", 11, "`type` is not accepted: it means something else to Polar"),
    "plus": ("r.version + 1 = 2", 11, f"`+` is not accepted: {ARITHMETIC}"),
    "minus": ("r.version - 1 = 2", 11, f"`-` is not accepted: {ARITHMETIC}"),
    "minus without a space": ("r.version -1 = 2", 11, unexpected("-1")),
    "times": ("r.version * 2 = 2", 11, f"`*` is not accepted: {ARITHMETIC}"),
    "divided by": ("r.version / 2 = 2", 11, f"`/` is not accepted: {ARITHMETIC}"),
    "==": ("r.version == 3", 12, unexpected("=")),
    "<>": ("r.version <> 3", 12, unexpected(">")),
    ":=": ("r.version := 3", 11, unexpected(":")),
    "?=": ("?= p.registered", 1, "`?` is not accepted"),
    "a dictionary": ("r = {state: 1}", 5, "`{` is not accepted: rules make no objects"),
    "a text with an escape": (r'r.state = "a\n"', 11, STRING),
    "a text without an end": ('r.state = "open', 11, STRING),
    "a text over two lines": ('r.state = "open\n"', 11, STRING),
    "a text in single quotes": (
        "r.state = 'open'",
        11,
        "`'` is not accepted",
    ),
    "a list beside =": ("r.version = [3]", 13, unexpected("[")),
    "a list alone": ("[1, 2]", 1, unexpected("[")),
    "in a fact": ("3 in r.version", 6, unexpected("r")),
    "a fact in a list": ("r.version in [3, p.cpf]", 18, unexpected("p")),
    "a comma too many in a list": ("r.version in [3, ]", 18, unexpected("]")),
    "a comma too many in a call": ("helper(p, )", 11, unexpected(")")),
    "a method with arguments": ("p.cpf(1)", 6, unexpected("(")),
    "a method without arguments": ("p.cpf()", 6, unexpected("(")),
    "or after and": ("p.registered and p.confirmed or r.state", 30, SIDE_BY_SIDE),
    "and after or": ("p.registered or p.confirmed and r.state", 29, SIDE_BY_SIDE),
    "and in front": ("and p.registered", 1, unexpected("and")),
    "and without a second half": ("p.registered and", 17, unexpected(";")),
    "nothing": ("", 1, unexpected(";")),
    "not of nothing": ("not", 4, unexpected(";")),
    "not not": ("not not p.registered", 5, unexpected("not")),
    "empty brackets": ("()", 2, unexpected(")")),
    "a bracket too few": ("(p.registered", 14, unexpected(";")),
    "a bracket too many": ("p.registered)", 13, unexpected(")")),
    "two conditions side by side": ("p.registered p.confirmed", 14, unexpected("p")),
    "true alone": ("true", 5, unexpected(";")),
    "an attribute in brackets": ("p.(cpf)", 3, unexpected("(")),
    "an attribute in quotes": ('p."cpf"', 3, unexpected('"cpf"')),
    "an attribute with a capital": ("p.Cpf", 3, unexpected("Cpf")),
    "an attribute called true": ("p.true", 3, unexpected("true")),
    "a class": ("Person.cpf = 1", 1, unexpected("Person")),
    "a private attribute": ("p._x", 3, "`_x` begins with `_`, which no fact does"),
    "a magic attribute": ("p.__class__", 3, "`__class__` begins with `_`, which no fact does"),
    "a magic attribute on the way": (
        "p.cpf.__class__.x",
        7,
        "`__class__` begins with `_`, which no fact does",
    ),
    "an unknown variable": ("q.registered", 1, "`q` is none of the rule's arguments"),
    "the anonymous variable": (
        "_ = p.cpf",
        1,
        "`_` begins with `_`, as what a rule does not use",
    ),
    "a variable of a call": ("helper(q)", 8, "`q` is none of the rule's arguments"),
    "a rest variable": ("helper(*p)", 8, f"`*` is not accepted: {ARITHMETIC}"),
    "a number with a dot too many": ("r.version = 1.", 14, unexpected(".")),
    "a number with an exponent": ("r.version = 1e5", 14, unexpected("e5")),
    "a number of forty digits": (
        f"r.version = {'7' * 40}",
        13,
        "the number has more than 15 digits",
    ),
    "a long fraction": (
        "r.version = -0.1234567890123456",
        13,
        "the number has more than 15 digits",
    ),
    "a name with an accent": ("p.situação", 8, "`ç` is not accepted"),
    "a name in Greek": ("α.cpf = 1", 1, "`α` is not accepted"),
    "a full-width sign": ("p.cpf ＝ 1", 7, "`＝` is not accepted"),
    "a space that is none": ("p.registered\u00a0and r.question", 13, NBSP),
    "an unprintable text out of place": ('p "a\tb"', 3, unexpected('"aU+0009b"')),
    "a very long name": (f"p {'x' * 1000}", 3, unexpected("x" * 40)),
    "a comment's sign of another language": (
        "p.registered // why",
        14,
        f"`/` is not accepted: {ARITHMETIC}",
    ),
    "an unknown helper": ("helper(p, r)", 1, "there is no rule `helper` with 2 arguments"),
    "an unknown helper among others": (
        "p.registered and not (p.confirmed or helper(p, r))",
        38,
        "there is no rule `helper` with 2 arguments",
    ),
    "asking permit": ("permit(p, 1, r, 2)", 1, "`permit` is not for rules to ask"),
    "asking forbid": ("not forbid(p, 1, r, 2)", 5, "`forbid` is not for rules to ask"),
    "too many brackets": (
        "(" * 33 + "p.registered" + ")" * 33,
        33,
        f"nests deeper than {MAX_NESTING}",
    ),
}


@pytest.mark.parametrize(("body", "column", "message"), BODIES.values(), ids=BODIES)
def test_what_a_condition_may_not_hold(body: str, column: int, message: str) -> None:
    """Every condition outside the subset is refused, with its line, its column and why."""
    assert [(2, column, message)] == refused(f"{HEAD}\n{body};\n{SOUND}")


NO_SEMICOLON = "the rule has no `;` at its end"
FILES: dict[str, tuple[str, list[Place]]] = {
    "no semicolon at the end": (f'{SOUND}\nhelper("x")', [(2, 11, NO_SEMICOLON)]),
    "no semicolon between two rules": (
        f'helper("x")\n{SOUND}\n{SOUND}',
        [(2, 1, "`permit` was not expected here")],
    ),
    "no semicolon after a condition": (
        f"helper(p) if p.registered\n\n{SOUND}\n{SOUND}",
        [(3, 1, "`permit` was not expected here")],
    ),
    "a condition that breaks off at a line": (
        f"helper(p) if p.registered and\n;{SOUND}",
        [(2, 1, unexpected(";"))],
    ),
    "a stray semicolon": (f"{SOUND};", [(1, 50, "there is a `;` without a rule")]),
    "an unknown class": (
        f"helper(p: Prson);{SOUND}",
        [
            (
                1,
                11,
                f"`Prson` is no class; {CLASSES}",
            )
        ],
    ),
    "a class of the server": (
        f"helper(p: Asserted);{SOUND}",
        [
            (
                1,
                11,
                f"`Asserted` is no class; {CLASSES}",
            )
        ],
    ),
    "a permit with three arguments": (
        f'permit(_p: Person, "open", _r: Process);\n{SOUND}',
        [(1, 1, "`permit` takes four arguments: actor, action, resource, reason")],
    ),
    "a forbid with five arguments": (
        f'forbid(_p, "open", _r, "first", 5);\n{SOUND}',
        [(1, 1, "`forbid` takes four arguments: actor, action, resource, reason")],
    ),
    "a name that Polar keeps": (
        f"allow(_p, _a, _r);{SOUND}",
        [(1, 1, "the name `allow` is reserved")],
    ),
    "a role of Polar": (
        f"has_role(_p, _a, _r);{SOUND}",
        [(1, 1, "the name `has_role` is reserved")],
    ),
    "a name that the loader gives": (
        f"p_0001(_p);{SOUND}",
        [(1, 1, "the name `p_0001` is reserved")],
    ),
    "a pattern in a head": (
        f"helper(p: Person{{registered: true}});{SOUND}",
        [(1, 17, "`{` is not accepted: rules make no objects")],
    ),
    "a list in a head": (f"helper([a, b]);{SOUND}", [(1, 8, unexpected("["))]),
    "infinity in a head": (
        f"helper(inf);{SOUND}",
        [(1, 8, "`inf` is not accepted: rules know no such number")],
    ),
    "a class for a constant": (f"helper(nil: Person);{SOUND}", [(1, 11, unexpected(":"))]),
    "a rule with a capital": (f"Permit(_p);{SOUND}", [(1, 1, unexpected("Permit"))]),
    "a head alone": (f"permit;{SOUND}", [(1, 7, unexpected(";"))]),
    "a resource block": (
        f'resource Process {{ roles = ["x"]; }}\n{SOUND}',
        [
            (1, 18, "`{` is not accepted: rules make no objects"),
            (1, 35, "`}` is not accepted: rules make no objects"),
        ],
    ),
    "a helper with another arity": (
        f"helper(_p);{HEAD} helper(p, r);",
        [(1, 62, "there is no rule `helper` with 2 arguments")],
    ),
    "recursion": (
        f"helper(p) if helper(p);\n{SOUND}",
        [(1, 1, "`helper` asks itself, over one rule or several")],
    ),
    "recursion over two": (
        f"one(p) if p.x and two(p);\ntwo(p) if p.x or one(p);\nout(p) if one(p);\n{SOUND}",
        [
            (1, 1, "`one` asks itself, over one rule or several"),
            (2, 1, "`two` asks itself, over one rule or several"),
        ],
    ),
    "a misspelt forbid": (
        f'{SOUND}\nforbit(_p: Person, "open", _r: Process, "second");',
        [(2, 1, "`forbit` is asked by no rule")],
    ),
    "no permit at all": (
        'forbid(_p: Person, "open", _r: Process, "first");',
        [(0, 0, "there is no `permit` rule, so nothing is ever allowed")],
    ),
    "an empty file": ("", [(0, 0, "there is no `permit` rule, so nothing is ever allowed")]),
    "too many rules": (
        "permit(_,_,_,_);\n" * (MAX_RULES + 1),
        [(0, 0, f"there are more than {MAX_RULES} rules")],
    ),
    "several in one file": (
        "\n".join(
            (
                f"{HEAD} cut and r.version + 1 - 2 and new Person();",
                "helper(p) if p.x.;",
                f"{HEAD} q.registered and p._x and s.y;",
                SOUND,
                "helper(p: Prson, p)",
            )
        ),
        [
            (1, 51, CUT),
            (1, 69, f"`+` is not accepted: {ARITHMETIC}"),
            (2, 18, unexpected(";")),
            (3, 51, "`q` is none of the rule's arguments"),
            (3, 70, "`_x` begins with `_`, which no fact does"),
            (3, 77, "`s` is none of the rule's arguments"),
            (5, 19, NO_SEMICOLON),
        ],
    ),
}


@pytest.mark.parametrize(("text", "problems"), FILES.values(), ids=FILES)
def test_what_a_file_may_not_hold(text: str, problems: list[Place]) -> None:
    """Every problem of a file is told, in its order, and nothing else."""
    assert problems == refused(text)


def test_problems_of_all_files_are_told_in_order() -> None:
    """The first look shows what is wrong in every file, the reasons among them."""
    sources = [
        Source("z.polar", b"cut"),
        Source("a/b.polar", b"\xff"),
        Source("a.polar", f"{SOUND};\n;".encode()),
        Source("reasons.toml", b"x = 1"),
    ]

    with pytest.raises(PolicyInvalid) as caught:
        build(sources)

    told = [(one.file, one.line, one.column) for one in caught.value.problems]
    assert told == sorted(told)
    assert {"a.polar", "a/b.polar", "reasons.toml", "z.polar"} == {one[0] for one in told}
    assert [("a.polar", 1, 50), ("a.polar", 2, 1), ("a/b.polar", 1, 1)] == told[:3]


UTF16 = "is not UTF-8; it looks like UTF-16 (`Unicode` in some editors)"
LARGE = "f" + "x" * MAX_BYTES
BYTES: dict[str, tuple[bytes, Place]] = {
    "too large": (LARGE.encode(), (0, 0, f"is larger than {MAX_BYTES} bytes")),
    "latin-1": (
        f"{SOUND}\n# sócio".encode("latin-1"),
        (2, 4, "is not UTF-8; it looks like Latin-1 (ISO 8859-1)"),
    ),
    "UTF-16": (SOUND.encode("utf-16"), (1, 0, UTF16)),
    "a byte order mark": (
        SOUND.encode("utf-8-sig"),
        (1, 0, "begins with a byte order mark"),
    ),
    "decomposed": (
        unicodedata.normalize("NFD", f"{SOUND}\n\n# sócio").encode(),
        (3, 0, "holds decomposed characters, letters with their accents apart"),
    ),
    "NUL": (b"# a\0b", (1, 4, "holds the invisible character U+0000")),
    "NUL in a text": (b'\nhelper("\0");', (2, 9, "holds the invisible character U+0000")),
    "a reversed direction of reading": (
        "# a \u202e".encode(),
        (1, 5, "holds the invisible character U+202E"),
    ),
    "a line separator": ("\r\n# a\u2028".encode(), (2, 4, "holds the invisible character U+2028")),
    "a carriage return inside a line": (
        b"# why\rhelper(_);\n",
        (1, 6, "holds the invisible character U+000D"),
    ),
    "a form feed": (b"\x0c", (1, 1, "holds the invisible character U+000C")),
}


@pytest.mark.parametrize(("content", "problem"), BYTES.values(), ids=BYTES)
def test_a_file_hides_nothing_from_its_reader(content: bytes, problem: Place) -> None:
    """What editors, readers and oso could take for different texts is refused."""
    assert [problem] == [one for one in refused(content) if "no `permit`" not in one[2]]


def test_what_follows_a_carriage_return_is_no_comment() -> None:
    """A comment ends where oso ends it, so that no rule hides in one."""
    rules, _problems = syntax.read("a.polar", "# why\rhelper(_);")

    assert ["helper"] == [rule.name for rule in rules]


@pytest.mark.parametrize(
    "body",
    [
        "[" * 10_000 + "]" * 10_000,
        "(" * 10_000 + "p.x" + ")" * 10_000,
        "not " * 10_000 + "p.x",
        "p.x" + ".x" * 10_000,
        "p.registered and " * 10_000 + "p.confirmed",
        " or ".join(["p.x"] * (MAX_RULE_TOKENS // 4)),
    ],
)
def test_a_rule_has_a_bounded_length(body: str) -> None:
    """A rule of thousands of parts is refused before oso sees it."""
    assert (1, 1, f"the rule has more than {MAX_RULE_TOKENS} parts") == refused(f"{HEAD} {body};")[
        0
    ]


@pytest.mark.uncovered
@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD} {' and '.join(['p.x'] * 100_000)};"[: MAX_BYTES - 1],
        '"' * MAX_BYTES,
        "{;" * (MAX_BYTES // 2),
        ";" * MAX_BYTES,
        "a;" * (MAX_BYTES // 2),
        "f(a)if a;" * (MAX_BYTES // 9),
        "(" * MAX_BYTES,
        "-" * MAX_BYTES,
    ],
    ids=["and", "quotes", "braces", "semicolons", "names", "rules", "brackets", "dashes"],
)
def test_the_largest_file_is_read_quickly(text: str) -> None:
    """Whatever stands in a file, reading it takes a bounded time and tells a bounded number."""
    begun = time.process_time()

    _rules, problems = syntax.read("a.polar", text)

    assert time.process_time() - begun < 15
    assert len(problems) < MAX_PROBLEMS + MAX_RULE_TOKENS


WORDS = (
    "permit forbid helper p r _p _ Person Process ( ) [ ] , . ; : if and or not in = != < <= >",
    "true false nil 1 -2 3.5 cut new { } ' \\ # + é 😀 \0 \ufeff",
)
FRAGMENTS = st.sampled_from([*" ".join(WORDS).split(), '"', '"open"', "\n", "\r", "\t", "\f"])


@settings(deadline=2_000)
@given(st.one_of(st.text(), st.lists(FRAGMENTS, max_size=60).map(" ".join)))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the reader fail: every rule in it is read, or has a problem."""
    rules, problems = syntax.read("a.polar", text)

    lines = text.count("\n") + 1
    assert all(1 <= one.line <= lines and one.column >= 1 for one in problems)
    assert all(text[rule.offset :].startswith(rule.name) for rule in rules)


ACCEPTED = [
    "p.registered",
    "not p.registered",
    "not (p.registered)",
    "((p.registered))",
    "p.registered and p.confirmed and r.company.standing.in_force",
    "p.registered or p.confirmed or r.company.standing.in_force",
    "p.registered and (p.confirmed or r.company.standing.in_force)",
    "(p.registered and not p.confirmed) or (not (p.confirmed and not p.registered))",
    "not (not p.registered)",
    'r.state = "open"',
    '"open" = r.state',
    'r.state != "São Paulo — 2.ª via 😀 # ; ) if"',
    'r.state = ""',
    "p.registered = true",
    "false = p.registered",
    "r.question.recipient = nil",
    "r.version < 3",
    "3 <= r.version",
    "r.version > -1",
    "r.version >= 0",
    "r.version = -0",
    "r.version = 007",
    "r.version = 2.50",
    "r.version = 123456789012345",
    "r.version = r.delegation.version",
    "r.question.recipient.cpf = p.cpf",
    'r.state in ["open", "closed"]',
    'not r.state in ["open"]',
    "r.version in [1, -2, 3.5, true, false, nil]",
    "r.version in []",
    '"open" in ["open"]',
    "1 < 2",
    "helper(p, r)",
    "not helper(r, p)",
    'helper("open", nil)',
    "nothing()",
    "r.question.context.type = 1",
    "r.question.context.new",
    "r.question.context.print",
    "r.question.context.cut",
    "p.registered # and p.confirmed\n",
    "p.registered\r\nand\tp.confirmed",
    "(" * MAX_NESTING + "p.registered" + ")" * MAX_NESTING,
    " and ".join(["p.registered"] * 400),
    "not (" * MAX_NESTING + "p.registered" + ")" * MAX_NESTING,
]
RULES = [
    *(f"{HEAD} {body} and p != nil and r != nil;" for body in ACCEPTED if " or " not in body),
    *(f"{HEAD} ({body}) and p != nil and r != nil;" for body in ACCEPTED if " or " in body),
    'forbid(_p: Person, action, _r: Process, "first") if action in ["open", "delegate"];',
    'permit(_p: Person, _action, _c: Company, reason) if reason = "first";',
    "helper(_, _);",
    'helper(1, "x", true, nil, -2.5);',
    "resource(actor: Person, on: Bond, has: Question) if actor.x and on.y and has.z;",
]


@pytest.mark.parametrize("rule", RULES)
def test_what_is_accepted_loads_in_oso(rule: str) -> None:
    """What the reader accepts, oso accepts without an error or a warning."""
    helpers = "helper(_a, _b);\nnothing();"

    read, problems = syntax.read("a.polar", f"{rule}\n{helpers}")

    assert (3, []) == (len(read), problems)
    assert [] == GuardedPolar().load([("a.polar", f"{rule}\n{helpers}")])


def test_a_rule_knows_where_it_stands() -> None:
    """A rule tells its file, line, column, arity and what it asks."""
    text = f'# 😀\n  helper(a, "b") if not other(a, 1) and (a.x or third());\n{SOUND}'

    [helper, permit], problems = syntax.read("sub/a.polar", text)

    assert [] == problems
    assert ("helper", 2, 2, 3, False) == (
        helper.name,
        helper.arity,
        helper.line,
        helper.column,
        helper.decides,
    )
    assert {("other", 2, 2, 25), ("third", 0, 2, 49)} == {
        (call.name, call.arity, call.line, call.column) for call in helper.calls
    }
    assert ("sub/a.polar:3", True, ()) == (permit.place, permit.decides, permit.calls)
    assert "helper(a" == text[helper.offset :][:8]


HEADS = {
    "an actor that is a process": (
        "forbid(_p: Process, _a, _r, _x);",
        [(12, "who acts is never a Process")],
    ),
    "an actor that is a resource": (
        "forbid(_p: Resource, _a, _r, _x);",
        [(12, "who acts is never a Resource")],
    ),
    "an actor that is a text": ('forbid("x", _a, _r, _x);', [(8, 'who acts is never `"x"`')]),
    "an actor that is nil": ("forbid(nil, _a, _r, _x);", [(8, "who acts is never `nil`")]),
    "a class that there is not": (
        "forbid(_p: Prson, _a, _r, _x);",
        [(12, f"`Prson` is no class; there are: {', '.join(sorted(VOCABULARY))}")],
    ),
    "an action with a class": (
        "forbid(_p, _a: Person, _r, _x);",
        [(16, "the action is never a Person")],
    ),
    "a misspelt action": (
        'forbid(_p, "opne", _r, _x);',
        [(12, f'`"opne"` is none of the actions: {", ".join(ACTIONS)}')],
    ),
    "another service's action on a process": (
        'forbid(_p: Subject, "read", _r: Process, _x);',
        [(21, f'`"read"` is none of the actions: {", ".join(ACTIONS)}')],
    ),
    "an action that is a number": ("forbid(_p, 1, _r, _x);", [(12, "the action is never `1`")]),
    "a number that is done to a resource": (
        "forbid(_p, 1, _r: Resource, _x);",
        [(12, "the action is never `1`")],
    ),
    "a resource by the name that oso knows": (
        "forbid(_p, _a, _r: RESOURCE, _x);",
        [(20, f"`RESOURCE` is no class; {CLASSES}")],
    ),
    "a resource that is a person": (
        "forbid(_p, _a, _r: Person, _x);",
        [(20, "the resource is never a Person")],
    ),
    "a resource that is a subject": (
        "forbid(_p, _a, _r: Subject, _x);",
        [(20, "the resource is never a Subject")],
    ),
    "a resource that is a text": (
        'forbid(_p, _a, "x", _x);',
        [(16, 'the resource is never `"x"`')],
    ),
    "a reason with a class": (
        "forbid(_p, _a, _r, x: Process);",
        [(23, "the reason is never a Process")],
    ),
    "a reason that is a number": ("forbid(_p, _a, _r, 1);", [(20, "the reason is never `1`")]),
    "one name for two": (
        "forbid(p: Person, _a, p: Process, _x);",
        [(23, "`p` names two arguments")],
    ),
    "one unused name for two": ("forbid(_x, _x, _r, _y);", [(12, "`_x` names two arguments")]),
    "a name that oso gives": (
        "forbid(_value_2: Person, _a, _r, _x);",
        [(8, "the name `_value_2` is reserved")],
    ),
    "an unused name that is used": (
        "forbid(_p, _a, _r, _x) if _p.registered;",
        [(27, "`_p` begins with `_`, as what a rule does not use")],
    ),
}


@pytest.mark.parametrize(("text", "problems"), HEADS.values(), ids=HEADS)
def test_a_head_that_no_question_matches_is_told(
    text: str, problems: list[tuple[int, str]]
) -> None:
    """A forbid that can never apply would be taken for one that does."""
    _rules, found = read("a.polar", text)

    assert [(1, *problem) for problem in problems] == [
        (one.line, one.column, one.message) for one in found
    ]


@pytest.mark.parametrize(
    "head",
    [
        "_p: Person, _a, _r: Process, _x",
        "_, _, _, _",
        '_p, "open", _r: Company, "first"',
        '_p: Login, "open", _r: Process, "first"',
        '_p: Subject, "open", _r: Company, "first"',
        '_p: Subject, "read", _r: Resource, "first"',
        '_p: Person, "Ler laudo", _r: Resource, "first"',
        "_p: Login, _a, _r: Resource, _x",
        'p, a, r, reason) if reason = "x" and f(p, a, r',
    ],
)
def test_a_head_that_can_match_is_read(head: str) -> None:
    """Who acts, an action, what is acted on, and a reason, each of a class or not."""
    rules, problems = read("a.polar", f"forbid({head});")

    assert ([], 1) == (problems, len(rules))
