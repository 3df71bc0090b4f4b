"""What is told of a mistake says what to do about it, in words that were probably meant."""

from __future__ import annotations

import pytest

from authz_service.domain.decision import BUILT_IN_REASONS
from authz_service.domain.errors import Problem
from authz_service.policy.bundle import Source, build, examined
from authz_service.policy.reading.examining import unused_reasons
from authz_service.policy.reading.text import MAX_BYTES
from tests.policy.compiled import reasons

SOUND = 'permit(_p: Person, "open", _r: Process, "first");\n'
HEAD = 'forbid(p: Person, "open", r: Process, "second") if p.registered and r.state = "open" and\n'
HELPERS = "speaks(s: Standing) if s.in_force;\nhalf(_a, _b);\nhalf(_a, _b, _c);\n"
BOTH = reasons(["first", "second"])


def told(*texts: str) -> list[Problem]:
    """Examine files of rules with helpers beside them, and give all that is told, in order."""
    files = [Source(f"{number}.polar", text.encode()) for number, text in enumerate(texts)]
    found = examined([*files, Source("h.polar", f"{SOUND}{HELPERS}".encode()), BOTH])
    return sorted([*found.problems, *(flaw.problem for flaw in found.flaws)])


CONDITIONS = {
    "&&": ("p.confirmed && r.version = 1", "refused", "write `and`"),
    "||": ("p.confirmed || r.version = 1", "refused", "write `or`"),
    "!": ("!p.confirmed", "refused", "write `not` before a condition, or `!=` between two values"),
    "==": ("r.version == 3", "syntax", "write one `=`"),
    ":=": ("r.version := 3", "syntax", "write `=` to compare"),
    "<>": ("r.version <> 3", "syntax", "write `!=` for `<>`"),
    "True": ("p.confirmed = True", "syntax", "write `true` for `True`"),
    "None": ("r.question.recipient = None", "syntax", "write `nil` for `None`"),
    "null": ("r.question.recipient = null and p.confirmed", "unknown-name", "write `nil`"),
    "AND": ("p.confirmed AND p.registered", "syntax", "write `and` for `AND`"),
    "a word in Portuguese": ("p.confirmed ou p.registered", "syntax", "write `or` for `ou`"),
    "nao": ("nao p.registered", "syntax", "write `not` for `nao`"),
    "a misspelt word": ("p.confirmed adn p.registered", "syntax", "did you mean `and`?"),
    "no word": ("p.confirmed p.registered", "syntax", "join two conditions by `and` or `or`"),
    "true alone": ("true", "syntax", "compare it with a fact, as in `person.registered = true`"),
    "and beside or": (
        "p.confirmed or p.registered",
        "syntax",
        "say in parentheses what belongs together",
    ),
    "two commas": ('r.id in ["a",,"b"]', "syntax", "see how a rule reads in README.md"),
    "a call that is not closed": ("half(p, r", "syntax", "a bracket is not closed"),
    "a list that is not closed": ('r.id in ["a"', "syntax", "a condition is missing before it"),
    "not twice": (
        "not not p.x",
        "syntax",
        "leave one `not` out, or put what it denies in brackets",
    ),
    "a bracket too few": ("(p.confirmed", "syntax", "a bracket is not closed"),
    "a bracket too many": (
        "p.confirmed)",
        "syntax",
        "a bracket is closed too often, or holds nothing",
    ),
    "a call of a fact": ("p.cpf()", "syntax", "facts are read, never called"),
    "in a fact": ("3 in r.version", "syntax", "lists hold fixed values and stand behind `in`"),
    "a list of facts": (
        "r.id in [p.cpf]",
        "syntax",
        "lists hold fixed values and stand behind `in`",
    ),
    "a text by itself": (
        'r.code = "P061" "P062"',
        "syntax",
        "texts stand beside `=`, `!=`, in a list, or as an argument",
    ),
    "a class in a condition": (
        "Person.confirmed",
        "syntax",
        "names begin with a small letter; a class stands in the head of a rule",
    ),
    "a sign alone": ("= 3", "syntax", "see how a rule reads in README.md"),
    "quotes of a word processor": (
        "r.code = “P061”",
        "refused",
        'write the straight `"`, as outside of a word processor',
    ),
    "an accent": (
        "p.situação",
        "refused",
        "names have small letters without accents, digits and `_`; texts stand in quotes",
    ),
    "an argument": ("pp.confirmed", "unknown-name", "did you mean `p`?"),
    "another argument": ("zz.confirmed", "unknown-name", "begin with one of: `p`, `r`"),
    "a fact": ("p.confirmd", "unknown-fact", "did you mean `confirmed`?"),
    "a fact that is none at all": ("p.xyz", "unknown-fact", "ask for one of them"),
    "a fact with an underscore": ("p._confirmed", "unknown-fact", "did you mean `confirmed`?"),
    "a fact of a word": ("r.state.open", "unknown-fact", "end with `state`"),
    "a word": ('r.state = "closd"', "unknown-value", "did you mean `closed`?"),
    "a word in capitals": ('r.state = "CLOSED"', "unknown-value", "did you mean `closed`?"),
    "a word with an accent": (
        'r.company.standing.role = "sócio"',
        "unknown-value",
        "did you mean `socio`?",
    ),
    "a word that is none at all": ('r.state = "xyz"', "unknown-value", "write one of them"),
    "a flag as a text": (
        'p.registered = "true"',
        "wrong-type",
        "write the fact alone, or `not` before it",
    ),
    "a bag": (
        "r.question.context = 1",
        "wrong-type",
        "compare one of its members, as in `question.context.channel`",
    ),
    "a number in quotes": (
        'r.version = "3"',
        "unknown-value",
        "write a whole number, without quotes",
    ),
    "a helper": ("speks(r.company.standing)", "unknown-helper", "did you mean `speaks`?"),
    "a helper that is none at all": ("xyz(r)", "unknown-helper", "write a rule `xyz`"),
    "a helper with another arity": ("half(r)", "unknown-helper", "it takes 2 or 3"),
    "a helper that takes something else": (
        "speaks(r.company)",
        "wrong-type",
        "see what `speaks` at h.polar:2 takes",
    ),
    "a long name": (f"p.{'a' * 1_001}", "too-large", "shorten it"),
}


@pytest.mark.parametrize(("body", "check", "remedy"), CONDITIONS.values(), ids=CONDITIONS)
def test_a_mistake_in_a_condition_has_a_remedy(body: str, check: str, remedy: str) -> None:
    """One mistake is one problem, with a code for programs and a remedy for people."""
    assert [(check, remedy)] == [(one.check, one.remedy) for one in told(f"{HEAD}{body};")]


HEADS = {
    "a class": ('forbid(_p: Persn, _a, _r, "second");', "unknown-class", "did you mean `Person`?"),
    "a class in another case": (
        'forbid(_p: PERSON, _a, _r, "second");',
        "unknown-class",
        "did you mean `Person`?",
    ),
    "an action": (
        'forbid(_p, "opne", _r: Process, "second");',
        "unknown-action",
        "did you mean `open`?",
    ),
    "an action of another service": (
        'forbid(_p, "sign", _r, "second");',
        "unknown-action",
        "of another service's, write `: Resource`",
    ),
    "a reason": (
        'forbid(_p, _a, _r: Process, "secnd");',
        "reason-unknown",
        "did you mean `second`?",
    ),
    "a reason that is none at all": (
        'forbid(_p, _a, _r: Process, "xyz");',
        "reason-unknown",
        "add a [[reason]] with this code there",
    ),
    "the service's own reason": (
        'forbid(_p, _a, _r: Process, "no-permit");',
        "reason-unknown",
        "choose another reason",
    ),
    "who acts as a text": ('forbid("x", _a, _r, "second");', "head", "write a name there"),
    "who acts as what is acted on": (
        'forbid(_p: Process, _a, _r, "second");',
        "head",
        "write one of: Person, Login, Subject",
    ),
    "an action with a class": (
        'forbid(_p, _a: Person, _r, "second");',
        "head",
        "leave the class out",
    ),
    "a number for a reason": (
        "forbid(_p, _a, _r, 1);",
        "head",
        "write a text in double quotes",
    ),
    "an argument too few": (
        'forbid(_p: Person, "open", _r: Process);',
        "head",
        'write as in forbid(_person: Person, "open", process: Process, "some-reason")',
    ),
    "another word for if": (
        'forbid(p: Person, _a, _r: Process, "second") wenn p.confirmed;',
        "syntax",
        "see how a rule reads in README.md",
    ),
    "allow": ("allow(_p, _a, _r);", "reserved-name", "write `permit`"),
    "an unused name": (
        'forbid(p: Person, _a, _r: Process, "second");',
        "unused-name",
        "rename it to `_p`, if that is meant",
    ),
    "a name said to be unused": (
        'forbid(_p: Person, _a, _r: Process, "second") if _p.confirmed;',
        "unused-name",
        "take the `_` away, in the head as well",
    ),
    "a name unused in the head alone": (
        'forbid(_p: Person, _a, _r: Process, "second") if p.confirmed;',
        "unknown-name",
        "take the `_` away from `_p` in the head",
    ),
    "a name where there is none": (
        'half("a", "b", "c", "d") if p.confirmed;',
        "unknown-name",
        "name one there",
    ),
    "a class for a constant": (
        "other(nil: Person);",
        "syntax",
        "only a name can have a class",
    ),
    "a misspelt forbid": (
        'forbit(_p: Person, "open", _r: Process, "second");',
        "helper-unasked",
        "did you mean `forbid`?",
    ),
    "what looks like a rule": (
        'veto(_p: Person, "open", _r: Process, "second");',
        "helper-unasked",
        "is `permit` or `forbid` meant?",
    ),
    "a rule without an end": (
        'other("x")\nanother("y");',
        "syntax",
        "the rule before has no `;` at its end",
    ),
    "the last rule without an end": ('other("x")', "syntax", "write `;` behind it"),
    "an actor of any class": (
        'forbid(p, _a, _r: Process, "second") if p.registered;',
        "no-class",
        "give it one of: Person, Login, Subject",
    ),
}


@pytest.mark.parametrize(("text", "check", "remedy"), HEADS.values(), ids=HEADS)
def test_a_mistake_in_a_head_has_a_remedy(text: str, check: str, remedy: str) -> None:
    """One mistake is one problem, here too."""
    assert [(check, remedy)] == [(one.check, one.remedy) for one in told(text)]


def test_a_problem_is_told_in_one_line() -> None:
    """Place, message, remedy; without a remedy there is nothing behind the message."""
    [problem] = told(f"{HEAD}p.confirmd;")

    assert (
        "0.polar:2:3: Person has no fact `confirmd`; there are: cpf, registered, confirmed; "
        "did you mean `confirmed`?"
    ) == str(problem)
    assert "a.polar:1:2: is wrong" == str(Problem("a.polar", 1, 2, "is wrong"))


EVERYTHING = [
    f"{HEAD}p.confirmed && r.version = 1;\n",
    'forbid(_p: Person, "open", r: Process, "secnd") if r.state = "opne" and speks(r);\n',
    "speks2(s: Standing) if s.in_farce;\ncut;\n",
]


def test_all_mistakes_are_told_at_once() -> None:
    """A rule that cannot be read does not hide those of others: syntax, facts, types, reasons."""
    assert [
        ("0.polar", 2, "refused"),
        ("1.polar", 1, "reason-unknown"),
        ("1.polar", 1, "unknown-value"),
        ("1.polar", 1, "unknown-helper"),
        ("2.polar", 1, "unknown-fact"),
        ("2.polar", 2, "refused"),
    ] == [(one.file, one.line, one.check) for one in told("".join(EVERYTHING[:1]), *EVERYTHING[1:])]


BROKEN = {
    "the helper": "helper(s: Standing) if s.in_force && s.role;",
    "a rule before the helper": 'other("x")\nhelper(s: Standing) if s.in_force;',
    "one of its alternatives": "helper(_c: Company);\nhelper(s: Standing) if s.in_force && s.x;",
}


@pytest.mark.parametrize("helper", BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_read_is_not_told_as_missing(helper: str) -> None:
    """A mistake in a helper is one problem, however many rules ask it."""
    asks = 'forbid(_p, _a, r: Process, "second") if helper(r.company.standing);'

    assert ["0.polar"] == [one.file for one in told(helper, asks, asks)]


def test_a_permit_that_cannot_be_read_is_not_told_as_missing() -> None:
    """The only permit of all, with a mistake in it, is one problem."""
    found = examined([Source("a.polar", b'permit(_p, _a, _r, "first") if cut;'), BOTH])

    assert ["refused"] == [one.check for one in found.problems]


def test_a_helper_asked_by_a_broken_rule_alone_is_not_told() -> None:
    """A helper of four arguments is no misspelt forbid while somebody may ask it."""
    asks = 'forbid(p, _a, r, "second") if four(p, r, 1, 2) && r.x;'

    assert ["0.polar"] == [one.file for one in told(asks, "four(_a, _b, _c, _d);")]


def test_a_file_that_is_too_large_hides_no_more_than_itself() -> None:
    """What other files miss may stand in it, so it is not told as missing."""
    files = [
        Source("a.polar", b"#" * (MAX_BYTES + 1)),
        Source("b.polar", b'forbid(_p, _a, r: Process, "first") if far(r) and r.state = "opne";'),
    ]
    found = examined([*files, reasons(["first", "second"])])

    assert ["too-large"] == [one.check for one in found.problems]
    assert ["unknown-value"] == [one.problem.check for one in found.flaws]
    assert [] == unused_reasons(found)


def test_without_reasons_no_reason_is_unknown() -> None:
    """A file of reasons that cannot be read is told, and not once more for each rule."""
    found = examined([Source("a.polar", SOUND.encode()), Source("reasons.toml", b"x =")])

    assert ["toml"] == [one.check for one in found.problems]
    assert () == found.flaws


def test_an_unused_reason_is_told_with_its_line() -> None:
    """It forbids nothing: the policy is built all the same. The service's own are always used."""
    sources = [Source("a.polar", SOUND.encode()), reasons(["first", "late"])]
    [problem] = unused_reasons(examined(sources))

    assert ("reasons.toml", "reason-unused") == (problem.file, problem.check)
    line = sources[1].content.decode().splitlines()[problem.line - 1]
    assert ('code = "late"', 1) == (line, problem.column)
    assert () == build(sources).flaws
    assert BUILT_IN_REASONS


def test_an_unused_reason_without_a_line_of_its_own_is_told() -> None:
    """Who writes the key in quotes still hears of it."""
    table = b'[[reason]]\n"code" = "late"\ncodigo = "LATE"\npt = "a"\nen = "a"\n'
    sources = [
        Source("a.polar", SOUND.encode()),
        Source("reasons.toml", reasons(["first"]).content + table),
    ]
    [problem] = unused_reasons(examined(sources))

    assert (0, 0, "reason-unused") == (problem.line, problem.column, problem.check)


def test_a_reason_in_a_rule_that_cannot_be_read_is_used() -> None:
    """Whoever mends the rule needs its reason."""
    bad = b'forbid(_p, _a, _r, "late") if cut;\nforbid(_p, _a, _r, x) if x = "other";'
    sources = [Source("a.polar", SOUND.encode() + bad), reasons(["first", "late", "other"])]

    assert [] == unused_reasons(examined(sources))


SAID_ONCE = {
    "an actor in the hands of nobody": (
        'forbid(actor, "open", _r: Process, "second") if nobody(actor);',
        ["unknown-helper"],
    ),
    "a reason that has a name": (
        'forbid(_p: Person, "open", _r: Process, reason) if reason = "second";',
        [],
    ),
    "what looks like a rule": (
        'veto(_p: Person, "open", _r: Process, "second");',
        ["helper-unasked"],
    ),
    "a helper that nobody asks": ("half(_a, _b);", ["helper-unasked"]),
    "a helper of the name of what cannot be read": (
        (
            'forbid(nobody, "open", _r: Process, "second") if nobody.x y z;\n'
            'forbid(p: Person, "open", _r: Process, "second") if nobody(p);'
        ),
        ["syntax", "unknown-helper"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), SAID_ONCE.values(), ids=SAID_ONCE)
def test_a_mistake_is_told_once(text: str, expected: list[str]) -> None:
    """No other problem comes along with it, and no problem where there is no mistake."""
    found = examined([Source("a.polar", f"{SOUND}{text}".encode()), BOTH])

    told_at_all = [*found.problems, *(flaw.problem for flaw in found.flaws), *found.unasked]
    assert expected == [one.check for one in told_at_all]
