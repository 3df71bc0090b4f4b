"""Policy files become one policy with a digest, or every problem with its place."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authz_service.domain.errors import PolicyInvalid, Problem
from authz_service.policy.border.runner import GuardedPolar
from authz_service.policy.bundle import (
    MAX_FILES,
    Source,
    _load,
    below,
    build,
    collect,
    digest_of,
    strays,
)
from authz_service.policy.compiled import _LONGEST_KEPT, _TEXTS
from authz_service.policy.live.content import look_into
from authz_service.policy.reading.text import MAX_BYTES
from authz_service.usecases.ports import Text
from tests.policy.compiled import policy, reasons
from tests.policy.facts import OPEN, facts

PERMIT = 'permit(_p: Person, "open", _r: Process, "first");'
FORBID = 'forbid(_p: Person, "open", _r: Process, "second");'
SINGLETON = "Singleton variable p is unused or undefined; try renaming to _p or _"


def told(error: PolicyInvalid) -> list[tuple[str, int, int, str]]:
    """Give places and messages; every problem has a remedy, too."""
    assert all(one.remedy for one in error.problems)
    return [(one.file, one.line, one.column, one.message) for one in error.problems]


def problems_of(sources: list[Source]) -> tuple[Problem, ...]:
    """Build a policy that has to be refused, and give its problems."""
    with pytest.raises(PolicyInvalid) as caught:
        build(sources)
    return caught.value.problems


def problems_in(folder: Path) -> list[tuple[str, str]]:
    """Collect a folder that has to be refused, and give files and messages."""
    with pytest.raises(PolicyInvalid) as caught:
        collect(folder)
    assert {(0, 0)} == {(one.line, one.column) for one in caught.value.problems}
    return [(one.file, one.message) for one in caught.value.problems]


def test_the_digest_changes_with_whatever_is_said() -> None:
    """Another content, another name, another split of the same bytes: another digest."""
    variants = [
        [Source("a.polar", b"xy"), Source("b.polar", b"z")],
        [Source("a.polar", b"xY"), Source("b.polar", b"z")],
        [Source("a.polar", b"x"), Source("b.polar", b"yz")],
        [Source("c.polar", b"xy"), Source("b.polar", b"z")],
        [Source("a.polar", b"xyb.polarz")],
        [Source("a.polar", b"xy")],
        [Source("a.polarx", b"y"), Source("b.polar", b"z")],
        [Source("a.polar", b"z"), Source("b.polar", b"xy")],
    ]

    for one, other in combinations(variants, 2):
        assert digest_of(one) != digest_of(other)


def test_the_digest_does_not_depend_on_the_order_of_files() -> None:
    """The same files are the same policy, however the system lists them."""
    sources = [Source("b.polar", PERMIT.encode()), Source("a.polar", b""), reasons()]

    digest = build(sources).digest

    assert digest == build(sources[::-1]).digest == digest_of(sources)
    assert re.fullmatch("[0-9a-f]{64}", digest)


def test_a_policy_knows_its_rules_and_its_texts() -> None:
    """Permits and forbids have places, helpers are none of them, and reasons have texts."""
    text = f"{PERMIT}\n\nhelper(_a);\n{FORBID}"

    compiled = policy({"a.polar": PERMIT, "sub/b.polar": text})

    assert [("permit", "a.polar:1"), ("permit", "sub/b.polar:1"), ("forbid", "sub/b.polar:4")] == [
        (rule.kind, rule.place) for rule in compiled.rules
    ]
    assert 3 == len({rule.name for rule in compiled.rules})
    assert ("second",) == compiled.evaluate(OPEN, facts()).reasons
    assert Text("FIRST", "first C P", "first") == compiled.text(
        "first", "open", {"cnpj": "C", "processo": "P"}
    )


def test_a_text_is_filled_in_once() -> None:
    """Of the same particulars it is the same object; of any others it is their own."""
    compiled = policy(PERMIT)
    asked = [
        (reason, action, {"cnpj": cnpj, "processo": process})
        for reason in ("first", "second")
        for action in ("open", "delegate")
        for cnpj in ("C", "D")
        for process in ("", "P")
    ]
    given = [compiled.text(*one) for one in asked]
    assert [
        Text(one.upper(), f"{one} {at['cnpj']} {at['processo']}", one) for one, _, at in asked
    ] == (given)
    assert [True] * len(asked) == [
        one is compiled.text(reason, action, dict(at))
        for one, (reason, action, at) in zip(given, asked, strict=True)
    ]


def test_so_many_texts_are_kept() -> None:
    """When there is no more room all are forgotten; what is said stays what it was."""
    compiled = policy(PERMIT)
    first = compiled.text("first", "open", {"cnpj": "C", "processo": "0"})
    for number in range(1, _TEXTS):
        compiled.text("first", "open", {"cnpj": "C", "processo": str(number)})
    assert _TEXTS == len(compiled._texts)
    assert first is compiled.text("first", "open", {"cnpj": "C", "processo": "0"})

    assert f"first C {_TEXTS}" == (
        compiled.text("first", "open", {"cnpj": "C", "processo": str(_TEXTS)}).pt
    )
    assert 1 == len(compiled._texts)
    again = compiled.text("first", "open", {"cnpj": "C", "processo": "0"})
    assert (True, False) == (again == first, again is first)


@pytest.mark.parametrize("long", ["action", "processo"])
def test_long_texts_are_not_kept(long: str) -> None:
    """Nobody fills the memory with what a request makes long; it is said all the same."""
    compiled = policy(PERMIT)
    # A process stands in its text, too.
    times = {"action": 1, "processo": 2}[long]
    beside = len("first" * 2 + " C " + "C")
    most = (_LONGEST_KEPT - beside) // times
    for length, kept in ((most, True), (most + 1, False)):
        text = "x" * length
        action, process = (text, "") if long == "action" else ("", text)
        first, again = (
            compiled.text("first", action, {"cnpj": "C", "processo": process}) for _ in range(2)
        )
        assert Text("FIRST", f"first C {process}", "first") == first == again
        assert kept is (first is again)
    assert 1 == len(compiled._texts)


def test_a_rule_in_a_comment_or_a_text_is_no_rule() -> None:
    """Only real heads get names of their own; the words in texts stay as they are."""
    compiled = policy(f'# {PERMIT}\n{PERMIT} # {FORBID}\nhelper("permit(1, 2, 3, 4);");')

    assert ["rules.polar:2"] == [rule.place for rule in compiled.rules]
    assert compiled.evaluate(OPEN, facts()).allowed


def test_empty_files_are_allowed() -> None:
    """A file whose rules were all taken out is no mistake, nor are two of them."""
    assert policy({"a.polar": PERMIT, "b.polar": "", "c.polar": "", "d.polar": "# é\n"}).rules


PLACES = {
    "in the first line": ("", 1),
    "below others": (f"{PERMIT}\n\n", 3),
    "below a comment with accents": ("# Sócio e não atuante, é só isso: ação 😀\n", 2),
    "behind a text with accents": ('helper("São Paulo", "ação", "😀"); ', 1),
    "below lines of Windows": ("# é\r\n\r\n", 3),
}


@pytest.mark.parametrize(("before", "line"), PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("after", ["", "\n", "\n# é e ã\n", "  # 😀"])
def test_a_problem_that_oso_finds_has_its_true_place(before: str, line: int, after: str) -> None:
    """Neither an accent before a problem nor one behind it moves its place."""
    text = f'{before}helper(p, "open");{after}'
    column = len(before) - before.rfind("\n") + len("helper(")

    with pytest.raises(PolicyInvalid) as caught:
        _load(GuardedPolar(), [("com espaço.polar", text)])

    assert [("com espaço.polar", line, column, SINGLETON)] == told(caught.value)


def test_oso_aborts_the_process_where_its_places_lie_behind_the_text() -> None:
    """What the room for accents prevents is real: oso itself kills its process."""
    script = (
        "from authz_service.policy.border.runner import GuardedPolar\n"
        "GuardedPolar().load([('a', '# ' + chr(233) * 50 + chr(10) + 'helper(p);')])"
    )

    child = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)

    assert child.returncode < 0


def test_two_files_that_hold_the_same_rules_are_told() -> None:
    """A file that was copied by mistake is named, not merged."""
    copies = [Source("b.polar", PERMIT.encode()), Source("c.polar", PERMIT.encode())]

    helpers = [Source(one.file, b"helper(_);") for one in copies]

    [problem] = problems_of([Source("a.polar", PERMIT.encode()), *helpers, reasons()])

    message = "there is a `helper` in `b.polar` already"
    assert ("c.polar", 1, 1, message) == (
        problem.file,
        problem.line,
        problem.column,
        problem.message,
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("helper(p);", ("é.polar", 1, 8, SINGLETON)),
        ("helper(_p: Prson);", ("é.polar", 1, 12, "[warning] Unknown specializer Prson")),
        (
            'helper("é", 1);\nother(_p) if "ã" = 1 and x(_p);',
            ("é.polar", 2, 26, "Call to undefined rule: x(_p)"),
        ),
    ],
)
def test_a_text_of_oso_is_a_problem_without_advertisement(
    text: str, problem: tuple[str, int, int, str]
) -> None:
    """Errors and warnings of oso become one line with their place, and nothing is sold."""
    with pytest.raises(PolicyInvalid) as caught:
        _load(GuardedPolar(), [("é.polar", text)])

    assert [problem] == told(caught.value)
    assert "oso" not in str(caught.value).lower()


def test_a_text_of_oso_without_a_place_is_a_problem_too() -> None:
    """What oso says of no place in particular is told of the folder."""
    polar = GuardedPolar()
    polar.load([("a.polar", "helper(1);")])

    with pytest.raises(PolicyInvalid) as caught:
        _load(polar, [("\udcff", "helper(2);")])

    [problem] = caught.value.problems
    assert (".", 0, 0) == (problem.file, problem.line, problem.column)
    assert "Get help" not in problem.message


def fill(folder: Path, *files: str) -> None:
    """Put *files* with sound rules and the reasons into *folder*."""
    folder.mkdir(exist_ok=True)
    (folder / "reasons.toml").write_bytes(reasons().content)
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {file}\n{PERMIT}", encoding="utf-8")


def test_every_policy_file_below_the_folder_is_read(tmp_path: Path) -> None:
    """Nested files count, and only policies and reasons are read."""
    fill(tmp_path, "b.polar", "a/z.polar", "a/b/c.polar", "ação e fim.polar", "README.md")
    fill(tmp_path, "a_test.toml", "c.polar.txt")

    sources = collect(tmp_path)

    rules = ["a/b/c.polar", "a/z.polar", "ação e fim.polar", "b.polar"]
    assert sorted([*rules, "reasons.toml"]) == sorted(one.file for one in sources)
    assert "reasons.toml" == sources[-1].file
    assert (tmp_path / "b.polar").read_bytes() in [one.content for one in sources]


def test_hidden_files_are_left_alone(tmp_path: Path) -> None:
    """Neither an editor's lock nor the folders behind a Kubernetes volume are policies."""
    fill(tmp_path, "..2026_11_20/a.polar", ".git/b.polar", ".hidden.polar")
    (tmp_path / "..data").symlink_to("..2026_11_20", target_is_directory=True)
    (tmp_path / "a.polar").symlink_to("..data/a.polar")
    (tmp_path / ".#a.polar").symlink_to("somebody@host.1234")

    assert ["a.polar", "reasons.toml"] == [one.file for one in collect(tmp_path)]


def test_a_linked_file_is_read(tmp_path: Path) -> None:
    """A link to a file is the file."""
    fill(tmp_path / "policies", "a.polar")
    (tmp_path / "else.polar").write_text(FORBID, encoding="utf-8")
    (tmp_path / "policies" / "b.polar").symlink_to(tmp_path / "else.polar")

    assert FORBID.encode() in [one.content for one in collect(tmp_path / "policies")]


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """Every file that cannot be read is named; without the reasons there is no policy."""
    for name in ("b.polar", "a.polar"):
        (tmp_path / name).symlink_to("nowhere")

    missing = "cannot be read: No such file or directory"
    assert [(file, missing) for file in ("a.polar", "b.polar", "reasons.toml")] == problems_in(
        tmp_path
    )


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _socket(path: Path) -> None:
    # By a short name: how long the address of a socket may be is bounded.
    with socket.socket(socket.AF_UNIX) as bound, contextlib.chdir(path.parent):
        bound.bind(path.name)


OPENED = Path("/proc/self/fd")
NO_FILES = {"pipe": _pipe, "device": _zeros, "socket": _socket}


@pytest.mark.parametrize("make", NO_FILES.values(), ids=NO_FILES)
@pytest.mark.parametrize("file", ["a.polar", "reasons.toml", "a_test.toml"])
def test_what_is_no_file_is_told_at_once(
    file: str, make: Callable[[Path], None], tmp_path: Path
) -> None:
    """A pipe that nobody writes into, say, keeps neither the service nor the check waiting."""
    fill(tmp_path)
    (tmp_path / file).unlink(missing_ok=True)
    make(tmp_path / file)
    found: list[Problem] = []
    # In a thread that may be left behind: what waits here waits for ever.
    looking = Thread(target=lambda: found.extend(look_into(tmp_path).problems), daemon=True)
    looking.start()
    looking.join(timeout=30)
    remedy = "put a file, or a link to one, in its place, or take it away"
    assert [Problem(file, 0, 0, "is no file", "unreadable", remedy)] == found


def test_who_looked_at_what_is_no_file_holds_nothing_open(tmp_path: Path) -> None:
    """However often a folder is looked at, its pipes and files are closed again."""
    fill(tmp_path, "a.polar")
    before = len([*OPENED.iterdir()])
    assert collect(tmp_path)
    os.mkfifo(tmp_path / "b.polar")
    assert [("b.polar", "is no file")] == problems_in(tmp_path)
    assert before == len([*OPENED.iterdir()])


def test_a_linked_folder_is_told(tmp_path: Path) -> None:
    """A folder that nobody would follow is told, since a forbid in it would be missing."""
    fill(tmp_path / "policies", "sub/a.polar")
    (tmp_path / "other").mkdir()
    (tmp_path / "policies" / "sub" / "b").symlink_to(tmp_path / "other", target_is_directory=True)

    assert [("sub/b", "cannot be read: it is a link to a folder")] == problems_in(
        tmp_path / "policies"
    )


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path) -> None:
    """A folder without permission is an error and not an empty folder."""
    fill(tmp_path, "closed/a.polar")
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from authz_service.policy.bundle import collect\n"
        "from authz_service.domain.errors import PolicyInvalid\n"
        "os.chmod(sys.argv[1], 0o755)\n"
        "os.chmod(sys.argv[1] + '/closed', 0)\n"
        "if os.getuid() == 0:\n"
        "    os.setgid(65534); os.setuid(65534)\n"
        "try:\n"
        "    os.chdir(sys.argv[1])\n"
        "    print('read', collect(Path('.')))\n"
        "except PolicyInvalid as error:\n"
        "    print(error)\n"
    )
    for parent in tmp_path.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)

    child = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    (tmp_path / "closed").chmod(0o755)

    said = "closed:0:0: cannot be read: Permission denied; see whether it is there"
    assert child.stdout.startswith(said), child.stderr


def test_a_name_that_cannot_be_shown_is_told_in_other_characters(tmp_path: Path) -> None:
    """Whatever bytes a name has: what is told of it can be printed everywhere."""
    link = tmp_path / os.fsdecode(b"a\xe7\xf5es")
    link.symlink_to(tmp_path.parent)
    with pytest.raises(PolicyInvalid) as caught:
        collect(tmp_path)
    link.unlink()
    (tmp_path / os.fsdecode(b"\xe7.polar.txt")).touch()

    told = [*caught.value.problems, *strays(tmp_path)]
    assert ["'a\\udce7\\udcf5es'", "'\\udce7.polar.txt'"] == [one.file for one in told]


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    """A mistyped folder is no empty policy; a file is no folder."""
    (tmp_path / "file").write_text("", encoding="utf-8")

    for name in ("nowhere", "file"):
        assert [(".", "there is no policy folder of this name")] == problems_in(tmp_path / name)


def test_there_is_a_most_of_files(tmp_path: Path) -> None:
    """As many files as may be are read, one more is refused."""
    fill(tmp_path, *(f"{number}.polar" for number in range(MAX_FILES)))
    assert MAX_FILES + 1 == len(collect(tmp_path))

    fill(tmp_path, "one/more.polar")
    assert [
        (".", f"there are more than {MAX_FILES} files whose names end with `.polar`")
    ] == problems_in(tmp_path)


def test_a_name_that_cannot_be_printed_is_refused(tmp_path: Path) -> None:
    """A file name cannot write into a log or a terminal what it likes."""
    fill(tmp_path, "a.polar", "b\nc.polar")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.polar")).write_bytes(PERMIT.encode())

    message = "has a name that cannot be printed"
    assert [(r"'b\nc.polar'", message), (r"'\udcff.polar'", message)] == problems_in(tmp_path)


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    """No more is read than what is needed to see that a file is too large."""
    fill(tmp_path)
    with (tmp_path / "a.polar").open("wb") as file:
        file.truncate(10 * MAX_BYTES)

    assert MAX_BYTES + 1 == len(collect(tmp_path)[0].content)


def test_files_come_in_a_fixed_order(tmp_path: Path) -> None:
    """However the system lists them, files have one order."""
    fill(tmp_path, "b.polar", "c/a.polar", "a.polar")

    listed = [path.relative_to(tmp_path).as_posix() for path in below(tmp_path, ".polar")]

    assert ["a.polar", "b.polar", "c/a.polar"] == listed


SNIPPETS = st.sampled_from(
    [PERMIT, FORBID, "helper(_);", "é", "😀", "\n", "\r\n", "# ", '"', ";", "cut", "helper(p);"]
).map(str.encode)


@settings(deadline=2_000)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a.polar", "sub/b.polar", "reasons.toml"]),
            st.one_of(st.binary(), st.lists(SNIPPETS, max_size=6).map(b"".join)),
        ),
        unique_by=lambda one: one[0],
    ),
    st.booleans(),
)
def test_any_bytes_become_a_policy_or_problems(files: list[tuple[str, bytes]], sound: bool) -> None:
    """No content of the files makes the building fail otherwise than with its problems."""
    sources = [Source(file, content) for file, content in files]
    if sound:
        sources = [one for one in sources if one.file != "reasons.toml"] + [reasons()]

    told: tuple[Problem, ...] = ()
    permits = 0
    try:
        permits = sum(rule.kind == "permit" for rule in build(sources).rules)
    except PolicyInvalid as error:
        told = error.problems

    assert bool(told) is not bool(permits)
    assert {one.file for one in told} <= {".", *(one.file for one in sources)}


def test_files_that_are_not_read_for_their_names_are_told(tmp_path: Path) -> None:
    """A rule or test under another name would do nothing, and nobody would hear of it."""
    (tmp_path / "sub").mkdir()
    for name in (
        "a.polar",
        "a_test.toml",
        "reasons.toml",
        "README.md",
        ".b.polar.swp",
        "b.polar.txt",
        "c.POLAR",
        "d-test.toml",
        "sub/reasons.toml",
    ):
        (tmp_path / name).touch()

    assert ["b.polar.txt", "c.POLAR", "d-test.toml", "sub/reasons.toml"] == [
        one.file for one in strays(tmp_path)
    ]
