"""
Policy files that crash, hang or bloat oso, or whoever reads them: all have to be refused.

Each is made when it is asked for, since some are large. ``Candidate`` is what a gate is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from authz_service.policy.bundle import Source
from authz_service.policy.reading.text import MAX_BYTES
from tests.policy.compiled import reasons

HEAD = 'permit(p: Person, "open", r: Process, "first") if p.registered and r.state = "open"'
SOUND = f"{HEAD};\n"
DEEP = 10_000
SAME = ", ".join(['"open"'] * 20)
EQUAL = ", ".join("1." + "0" * zeros for zeros in range(1, 10))
WORLD = """now = 2026-11-20T12:00:00-03:00
[people]
ana = {}
[companies]
acme = {}
[processes]
P001 = {}
"""
FIRST = reasons(["first"])


class Candidate(NamedTuple):
    """What is put before the gate."""

    sources: tuple[Source, ...]
    suites: tuple[Source, ...] = ()


def _rules(text: str | bytes) -> Candidate:
    raw = text if isinstance(text, bytes) else text.encode()
    return Candidate((Source("a.polar", raw), FIRST))


def _condition(body: str) -> Candidate:
    return _rules(f"{HEAD} and {body};")


def _chain(last: str, *links: str) -> Candidate:
    return _rules(f"{HEAD} and h0(r);\n" + "\n".join(links) + last)


def _fan(width: int, depth: int) -> Candidate:
    """Make helpers of which each asks the next one *width* times."""
    asks = [f"h{n}(r: Process) if {' and '.join([f'h{n + 1}(r)'] * width)};" for n in range(depth)]
    return _chain(f'\nh{depth}(r: Process) if r.state = "open";', *asks)


def _alternatives(times: int) -> Candidate:
    """Make a condition that holds in 2 ** *times* ways."""
    return _condition(" and ".join(['(r.state = "open" or r.state != "closed")'] * times))


def _toml(text: str) -> Candidate:
    """Put *text* behind sound reasons."""
    file = FIRST.content + text.encode()
    return Candidate((Source("a.polar", SOUND.encode()), Source("reasons.toml", file)))


def _suite(text: str) -> Candidate:
    tests = Source("a_test.toml", f"{WORLD}{text}".encode())
    return Candidate((Source("a.polar", SOUND.encode()), FIRST), (tests,))


def _many_questions() -> Candidate:
    names = [f"n{number}" for number in range(2_000)]
    people = "\n".join(f"{name} = {{}}" for name in names)
    world = WORLD.replace("[companies]", f"{people}\n[companies]")
    case = (
        f'[[case]]\nname = "all"\npeople = {names}\nactions = {names}\nprocesses = {names}\n'
        'company = "acme"\n'
    )
    tests = Source("a_test.toml", f"{world}{case}".encode())
    return Candidate((Source("a.polar", SOUND.encode()), FIRST), (tests,))


def _many_files() -> Candidate:
    """Make as much to read as a folder may hold; every file by itself is small enough."""
    rule = 'permit(_p: Person, "open", r: Process, "first") if r.state = "open";\n'
    text = (rule * (MAX_BYTES // len(rule))).encode()
    return Candidate((*(Source(f"{n}.polar", text + b"#%d" % n) for n in range(200)), FIRST))


LENGTHS = {
    "nested lists": lambda: _condition(f"{'[' * DEEP}{']' * DEEP} = 1"),
    "nested lists behind in": lambda: _condition(f"1 in {'[' * DEEP}{']' * DEEP}"),
    "nested dictionaries": lambda: _condition(f"{'{a:' * DEEP}1{'}' * DEEP} = 1"),
    "nested parentheses": lambda: _condition(f"{'(' * DEEP}p.registered{')' * DEEP}"),
    "open parentheses": lambda: _condition("(" * DEEP),
    "nested calls": lambda: _condition(f"{'h(' * DEEP}r{')' * DEEP}"),
    "nested patterns": lambda: _rules(f"h({'p: Person{a: ' * DEEP}1{'}' * DEEP});\n{SOUND}"),
    "nested not": lambda: _condition("not " * DEEP + "p.registered"),
    "nested not in parentheses": lambda: _condition(f"{'not (' * DEEP}p.registered{')' * DEEP}"),
    "a chain of dots": lambda: _condition("r" + ".a" * DEEP),
    "a chain of sums": lambda: _condition("1" + "+1" * DEEP + " = 1"),
    "a chain of minus": lambda: _condition(f"{'-' * DEEP}1 = 1"),
    "100,000 and": lambda: _condition(" and ".join(["p.x"] * 100_000)),
    "and to the brim": lambda: _condition(" and ".join(["p.x"] * 30_000)),
    "or to the brim": lambda: _condition(f"({' or '.join(['p.x'] * 30_000)})"),
    "a long list": lambda: _condition(f"r.version in [{','.join(['1'] * 100_000)}]"),
    "many arguments": lambda: _rules(f"h({','.join(f'_a{n}' for n in range(20_000))});\n{SOUND}"),
    "a long name": lambda: _rules(f"{'h' * 200_000}(_p);\n{SOUND}"),
    "a long fact": lambda: _condition(f"r.{'a' * 200_000}"),
    "a long class": lambda: _rules(f"h(_p: P{'a' * 200_000});\n{SOUND}"),
    "a long text": lambda: _condition(f'r.code = "{"A" * 200_000}"'),
    "a gigantic text": lambda: _condition(f'r.code = "{"A" * 2_000_000}"'),
    "a text without an end": lambda: _condition('r.code = "' + "A" * 200_000),
    "a huge number": lambda: _condition(f"r.version = {'9' * 5_000}"),
    "a huge fraction": lambda: _condition(f"r.version = 0.{'0' * 5_000}1"),
    "a huge exponent": lambda: _condition("r.version < 1e999999999"),
    "2 ** 63": lambda: _condition(f"r.version < {2**63}"),
    "semicolons": lambda: _rules(";" * (MAX_BYTES - 1)),
    "quotes": lambda: _rules('"' * (MAX_BYTES - 1)),
}
BYTES = {
    "NUL": lambda: _rules(SOUND.encode() + b"# \0 cut;"),
    "only NUL": lambda: _rules(b"\0" * 1_000),
    "NUL in a text": lambda: _condition('r.code = "P061\0"'),
    "a surrogate by itself": lambda: _rules(SOUND.encode() + b"# \xed\xa0\x80"),
    "an overlong form": lambda: _rules(SOUND.encode() + b"# \xc0\xaf"),
    "beyond Unicode": lambda: _rules(SOUND.encode() + b"# \xf5\x80\x80\x80"),
    "half a character": lambda: _rules(SOUND.encode() + b"# \xf0\x9f"),
    "a reversed direction of reading": lambda: _rules(f"{SOUND}# \u202e;eslaf fi ;tuc"),
    "an isolate": lambda: _rules(f"{SOUND}# \u2066"),
    "a tag": lambda: _condition(f'r.code = "P061{chr(0xE0041)}"'),
    "a variation": lambda: _condition('r.code = "P061\ufe0f"'),
    "a filler": lambda: _condition('r.code = "P061\u3164"'),
    "a line that oso sees": lambda: _rules(f"# why\rforbid(_p, _a, _r, _x);\n{SOUND}"),
    "a name that looks like another": lambda: _condition("р.registered"),  # Cyrillic
    "a bomb of accents": lambda: _rules(f"{SOUND}# a{chr(0x301) * 50_000}"),
}
MEANINGS = {
    "cut": lambda: _condition("cut"),
    "print": lambda: _condition("print(p.cpf)"),
    "debug": lambda: _condition("debug()"),
    "new": lambda: _condition("x = new Person()"),
    "forall": lambda: _condition("forall(x in [], x = 1)"),
    "a way to the server": lambda: _condition("p.__class__.__base__.__subclasses__()"),
    "a way to the server without a call": lambda: _condition("p.cpf.__class__"),
    "an inline query": lambda: _rules(f"{SOUND}?= debug();"),
    "recursion": lambda: _chain("h0(r: Process) if h0(r);"),
    "recursion of two": lambda: _chain("h0(r: Process) if h1(r);\nh1(r: Process) if h0(r);"),
    "recursion of thousands": lambda: _chain(
        "h5000(r: Process) if h0(r);",
        *(f"h{n}(r: Process) if h{n + 1}(r);" for n in range(5_000)),
    ),
    "recursion under not": lambda: _chain("h0(r: Process) if not h0(r);"),
    "a chain of helpers": lambda: _chain(
        "h5000(_r);", *(f"h{n}(r) if h{n + 1}(r);" for n in range(5_000))
    ),
    "a chain of not": lambda: _chain(
        "h700(_r);", *(f"h{n}(r) if not h{n + 1}(r);" for n in range(700))
    ),
    "helpers that ask the next one twice": lambda: _fan(2, 15),
    "helpers that ask the next one ten times": lambda: _fan(10, 10),
    "helpers that ask the next one twice under not": lambda: _chain(
        '\nh12(r: Process) if r.state = "open";',
        *(f"h{n}(r: Process) if not (h{n + 1}(r) and not h{n + 1}(r));" for n in range(12)),
    ),
    "twelve alternatives": lambda: _alternatives(12),
    "ninety alternatives": lambda: _alternatives(90),
    "the same word many times": lambda: _condition(" and ".join([f"r.state in [{SAME}]"] * 10)),
    "the same number many times": lambda: _condition(
        " and ".join([f"r.version in [{EQUAL}]"] * 10)
    ),
    "a helper by the thousand, asked thrice": lambda: _rules(
        f"{HEAD} and h(r) and h(r) and h(r);\n" + 'h(r: Process) if r.state = "open";\n' * 1_000
    ),
    "10,000 rules": lambda: _rules("permit(_,_,_,_);\n" * 10_000),
}
TOML = {
    "brackets in the reasons": lambda: _toml(f"x = {'[' * 50_000}"),
    "tables in the reasons": lambda: _toml(f"x = {'{a=' * 50_000}"),
    "a number in the reasons": lambda: _toml(f"x = {'9' * 100_000}"),
    "spaces in the reasons": lambda: _toml(f"{' ' * 200_000}x{' ' * 20_000}= 1"),
    "quotes in the reasons": lambda: _toml('"' * 200_001),
    "many reasons": lambda: _toml("[[reason]]\n" * 20_000),
    "many unknown keys": lambda: _toml("".join(f"k{n} = 1\n" for n in range(20_000))),
    "brackets in a test": lambda: _suite(f"x = {'[' * 50_000}"),
    "a number in a test": lambda: _suite(f"x = {'9' * 100_000}"),
    "an endless year in a test": lambda: _suite("x = 99999-01-01T00:00:00Z"),
}
SLOW: Mapping[str, Callable[[], Candidate]] = {
    "as many rules as a folder can hold": _many_files,
    "dots in the reasons": lambda: _toml(f"{'a.' * 50_000}a = 1"),
    "dots in a test": lambda: _suite(f"{'a.' * 50_000}a = 1"),
    "as many questions as nobody can ask": _many_questions,
}
"""Those that only the limits of the child refuse."""

QUICK: Mapping[str, Callable[[], Candidate]] = LENGTHS | BYTES | MEANINGS | TOML
"""Those that are refused by reading, before oso sees anything."""
