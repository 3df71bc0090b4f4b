"""The mutation tool itself: which checks it finds, and that disabling one changes just that."""

from __future__ import annotations

import ast

import pytest

from tests.mutants.__main__ import TARGETS, TREE
from tests.mutants.finding import find, stale_exceptions
from tests.mutants.running import Target

SAMPLE = '''\
"""Ação, em português: offsets are counted in bytes."""


def sample(é, b, c, items):
    if é is None:
        raise ValueError("ação"); x = "é"
    if not b or (c and é == "ção"):  # some remark
        return 1
    if(b):
        return 2
    elif c and \\
            é:
        detail = f"{b}"
        raise KeyError(detail)
    else:
        b = 3
    if c:
        b = 4
    if (
        b == 4
        or c == 5
    ):
        return 6
    for item in items:
        if "é" in item: continue
        if item:
            break
    while b and c:
        if not (b and c): return "# mutant: no comment"
    return [one for one in items if one]
'''


SWITCHES = """\
options = {"verify_exp": True, "verify_aud": False, "strict": True, verify_x: True, **more}
others = {"require": ["exp", "iat"], "requires": ["sub"]}
"""


def found(text: str) -> list[tuple[int, str, bool | str | None]]:
    """Give line, source and replacement of every mutant."""
    return [(one.line, one.source, one.value) for one in find(text)]


def test_what_a_library_is_told_to_check_is_found() -> None:
    """A switch ``verify_…`` is turned off, a member of ``require`` left out, and nothing else."""
    expected = [(1, "True", False), (2, '"exp"', "iat"), (2, '"iat"', "exp")]
    assert expected == found(SWITCHES)
    assert "[('iat'), \"iat\"]" in find(SWITCHES)[1].applied(SWITCHES)


def test_every_check_that_leaves_is_found_whole_and_in_parts() -> None:
    """Raising, returning and continuing count, in ``elif`` and loops too; other bodies do not."""
    expected = [
        (7, 'not b or (c and é == "ção")', False),
        (7, "not b", False),
        (7, 'c and é == "ção"', False),
        (7, "c", True),
        (7, 'é == "ção"', True),
        (9, "b", False),
        (11, "c and \\ é", False),
        (11, "c", True),
        (12, "é", True),
        (20, "b == 4 or c == 5", False),
        (20, "b == 4", False),
        (21, "c == 5", False),
        (25, '"é" in item', False),
        (29, "not (b and c)", False),
        (29, "b", True),
        (29, "c", True),
    ]
    assert expected == found(SAMPLE)


@pytest.mark.parametrize(
    "body", ["raise E", "return", "return 1", "log()\n        raise E"], ids=repr
)
def test_a_body_that_ends_by_leaving_makes_a_check(body: str) -> None:
    """What is done before leaving does not matter."""
    assert [(2, "x", False)] == found(f"def f(x):\n    if x:\n        {body}\n")


@pytest.mark.parametrize("body", ["problems.append(x)", "yield x", "y = 1\n        yield y"])
def test_a_body_that_complains_makes_a_check(body: str) -> None:
    """A check may collect what is wrong instead of leaving at the first of it."""
    assert [(2, "x", False)] == found(f"def f(x):\n    if x:\n        {body}\n")


@pytest.mark.parametrize("body", ["pass", "y = 1", "assert y", "f()", "if y:\n            z = 1"])
def test_a_body_that_goes_on_makes_none(body: str) -> None:
    """An ``if`` that only chooses what to do next refuses nothing."""
    assert [] == found(f"def f(x):\n    if x:\n        {body}\n")


@pytest.mark.parametrize("number", range(len(find(SAMPLE))))
def test_disabling_one_check_changes_that_expression_and_no_other_character(number: int) -> None:
    """The source before and after the expression stays byte for byte, and is still Python."""
    mutant = find(SAMPLE)[number]
    changed = mutant.applied(SAMPLE)
    ast.parse(changed)
    raw = SAMPLE.encode()
    put = f"({mutant.value})".encode()
    assert raw[: mutant.start] + put + raw[mutant.end :] == changed.encode()
    assert mutant.source.split() == raw[mutant.start : mutant.end].decode().split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if x: raise E\n", "if (False): raise E\n"),
        ("if(x): raise E\n", "if((False)): raise E\n"),
        ('if"é"in x: raise E\n', "if(False): raise E\n"),
        ("if (\n    x\n): raise E\n", "if (\n    (False)\n): raise E\n"),
        ("é = 1\r\nif é: raise E\r\n", "é = 1\r\nif (False): raise E\r\n"),
        ("a = '\x0c'\nif x: raise E\n", "a = '\x0c'\nif (False): raise E\n"),
    ],
)
def test_the_whole_check_becomes_false(text: str, expected: str) -> None:
    """Whatever way the test is written, and however lines end."""
    assert expected == find(text)[0].applied(text)


@pytest.mark.parametrize(
    ("test", "parts"),
    [
        ("a or b", ["(False) or b", "a or (False)"]),
        ("a and b", ["(True) and b", "a and (True)"]),
        ("not (a and b)", ["not ((True) and b)", "not (a and (True))"]),
    ],
)
def test_a_part_is_replaced_by_what_leaves_the_others_to_decide(
    test: str, parts: list[str]
) -> None:
    """False decides nothing in an ``or``, True nothing in an ``and``."""
    text = f"if {test}: raise E\n"
    assert [f"if {part}: raise E\n" for part in parts] == [
        one.applied(text) for one in find(text)[1:]
    ]


def test_a_comment_with_a_reason_excepts_the_mutants_of_its_line() -> None:
    """Only that very line, and only with a reason; a string that looks like it is no comment."""
    text = (
        "if a: raise E  # mutant: b is true as well\n"
        "if (\n"
        "    b\n"
        "    or c  #mutant: because\n"
        "): raise E\n"
        "if d: raise E  # mutant:\n"
        'if e == "# mutant: x": raise E\n'
    )
    expected = [
        ("a", "b is true as well"),
        ("b or c", None),
        ("b", None),
        ("c", "because"),
        ("d", None),
        ('e == "# mutant: x"', None),
    ]
    assert expected == [(one.source, one.excepted) for one in find(text)]
    assert [1, 4] == stale_exceptions(text, set())
    assert [4] == stale_exceptions(text, {1})
    assert [] == stale_exceptions(text, {1, 4})


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: str(target.module))
def test_every_target_has_checks_that_can_be_disabled_and_tests(target: Target) -> None:
    """Module and tests are there, and each mutant is Python."""
    text = (TREE / target.module).read_text(encoding="utf-8")
    mutants = find(text)
    assert mutants
    for mutant in mutants:
        compile(mutant.applied(text), target.module, "exec")
    assert [] == [path for path in target.tests if not (TREE / path).exists()]


def test_a_raise_that_nothing_stands_over_is_a_check() -> None:
    """What refuses whatever comes is disabled by letting it pass."""
    text = (
        "def shut(self):\n"
        '    """Refuse."""\n'
        "    raise Refused('new')\n"
        "def none(self):\n"
        "    for one in self.many():\n"
        "        raise Refused('print')\n"
        "def turned(self):\n"
        "    try:\n"
        "        return self.one()\n"
        "    except KeyError:\n"
        "        raise Refused('one') from None\n"
    )

    found = find(text)
    assert [3, 6, 11] == [mutant.line for mutant in found]
    for mutant in found:
        changed = mutant.applied(text)
        assert mutant.source not in changed
        assert "    pass\n" in changed
        compile(changed, "changed.py", "exec")
