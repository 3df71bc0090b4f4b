"""Policy files → one immutable policy with a digest, or every problem with its place."""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lark import Token
from polar.exceptions import OsoError

from authz_service.domain.errors import PolicyInvalid, Problem
from authz_service.policy import reasons as reasons_file
from authz_service.policy.combining import LoadedRule
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.constants import constants_of, sees_action
from authz_service.policy.engine import Engine
from authz_service.policy.reasons import Reason
from authz_service.policy.runner import GuardedPolar
from authz_service.policy.syntax import Rule, own_name, texts_of
from authz_service.policy.syntax import read as read_rules
from authz_service.policy.text import MAX_BYTES, Unreadable, decode
from authz_service.policy.together import check_together
from authz_service.policy.types import Flaw, concerns, flaws_of, silent_flaw, undeclared
from authz_service.policy.vocabulary import VOCABULARY

TEST_SUFFIX = "_test.toml"
"""How the name of a test file ends."""
MAX_FILES = 200
"""How many policy files there may be."""

_PLACE = re.compile(r" at line (\d+), column (\d+) of file (.+):$")


@dataclass(frozen=True, slots=True)
class Source:
    """
    One file that decides: rules, or the reasons.

    Attributes:
        file: its path inside the policy folder, with slashes.
        content: its bytes.
    """

    file: str
    content: bytes


def below(folder: Path, ending: str) -> list[Path]:
    """
    Give the files below *folder* whose names end with *ending*, in a fixed order.

    What begins with a dot is left alone: editors and Kubernetes keep their own there.

    Raises:
        OSError: a folder cannot be read, or is a link, which is not followed. To pass it
            over in silence could mean to lose a forbid.
    """
    paths = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            if path.is_symlink():
                raise NotADirectoryError(errno.ENOTDIR, "it is a link to a folder", str(path))
            paths += below(path, ending)
        elif path.name.endswith(ending):
            paths.append(path)
    return paths


def collect(folder: Path) -> tuple[Source, ...]:
    """
    Read the files that decide: every ``*.polar`` below *folder*, and ``reasons.toml``.

    Raises:
        PolicyInvalid: there is no such folder, something cannot be read, or there are too
            many files.
    """
    if not folder.is_dir():
        message = "there is no policy folder of this name"
        raise PolicyInvalid([Problem(".", 0, 0, message)])
    try:
        paths = below(folder, ".polar")
    except OSError as error:
        raise PolicyInvalid([_unreadable(Path(error.filename), folder, error)]) from error
    if len(paths) > MAX_FILES:
        raise PolicyInvalid([Problem(".", 0, 0, f"there are more than {MAX_FILES} policy files")])
    sources, problems = [], []
    for path in [*paths, folder / reasons_file.FILE]:
        file = path.relative_to(folder).as_posix()
        if not file.isprintable():
            problems.append(Problem(ascii(file), 0, 0, "has a name that cannot be printed"))
            continue
        try:
            with path.open("rb") as opened:
                sources.append(Source(file, opened.read(MAX_BYTES + 1)))
        except OSError as error:
            problems.append(_unreadable(path, folder, error))
    if problems:
        raise PolicyInvalid(problems)
    return tuple(sources)


def strays(folder: Path) -> list[Problem]:
    """
    Find files that look as if they were meant, but are not read for their names.

    A rule in ``opening.polar.txt`` forbids nothing, a test in ``opening-test.toml`` asks
    nothing. The service passes them over, as an editor's copies; the check tells them.
    """
    problems = []
    for path in below(folder, ""):
        file = path.relative_to(folder).as_posix()
        if ".polar" in path.name.lower() and not path.name.endswith(".polar"):
            problems.append(Problem(file, 0, 0, "is not read; its name has to end with `.polar`"))
        test = path.name.endswith(TEST_SUFFIX)
        if path.suffix.lower() == ".toml" and not test and file != reasons_file.FILE:
            message = f"is not read; a test's name has to end with `{TEST_SUFFIX}`"
            problems.append(Problem(file, 0, 0, message))
    return problems


def _unreadable(path: Path, folder: Path, error: OSError) -> Problem:
    file = path.relative_to(folder).as_posix()
    return Problem(file, 0, 0, f"cannot be read: {error.strerror}")


def digest_of(sources: Sequence[Source]) -> str:
    """Give the SHA-256 of names and contents; lengths keep two splits of one text apart."""
    total = hashlib.sha256()
    for source in sorted(sources, key=lambda one: one.file):
        for part in (source.file.encode(), source.content):
            total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()


def build(sources: Sequence[Source]) -> CompiledPolicy:
    """
    Make a policy of *sources*.

    Call it with what ``sandbox.check`` has accepted: a hostile text can kill the process.

    Raises:
        PolicyInvalid: with every problem that was found.
    """
    reasons: dict[str, Reason] = {}
    rules: list[Rule] = []
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    for source in sources:
        try:
            text = decode(source.file, source.content)
        except Unreadable as error:
            problems.append(error.problem)
            continue
        if source.file == reasons_file.FILE:
            reasons, found = reasons_file.read(text)
        else:
            read, found = read_rules(source.file, text)
            rules += read
            if read:  # oso refuses two files that hold the same, such as two empty ones.
                texts[source.file] = text
        problems += found
    if not problems:
        problems = check_together(rules)
    if problems:
        raise PolicyInvalid(sorted(problems))
    flaws = [*flaws_of(rules), *undeclared(rules, reasons)]
    loaded, renamed = _rename(rules, texts, flaws)
    polar = GuardedPolar(texts_of(rules))
    _load(polar, renamed)
    engine = Engine(polar, loaded, list(reasons))
    told = sorted(flaw.problem for flaw in flaws)
    constants = constants_of(rules)
    return CompiledPolicy(engine, reasons, digest_of(sources), loaded, told, constants)


def _rename(
    rules: Sequence[Rule], texts: Mapping[str, str], flaws: Sequence[Flaw]
) -> tuple[list[LoadedRule], list[tuple[str, str]]]:
    """Give every permit and forbid a name of its own, so that it can be asked by itself."""
    loaded = []
    named = {file: _classes(rules, file) for file in texts}
    for number, rule in enumerate((one for one in rules if one.decides), start=1):
        name = own_name(rule, number)
        loaded.append(
            LoadedRule(
                name,
                rule.name,
                rule.place,
                silent_flaw(rule, rules, flaws),
                *concerns(rule),
                sees_action(rule),
            )
        )
        named[rule.file].append((rule.offset, name))
    renamed = []
    for file, text in texts.items():
        changed = text
        for offset, name in named[file]:
            changed = changed[:offset] + name + changed[offset + len(name) :]
        renamed.append((file, changed))
    return loaded, renamed


def _classes(rules: Sequence[Rule], file: str) -> list[tuple[int, str]]:
    """Give the places of classes in the heads of a file, each with its name in oso."""
    return [
        (token.start_pos or 0, VOCABULARY[token].in_polar)
        for rule in rules
        if rule.file == file
        for parameter in rule.parameters
        for token in parameter.children
        if isinstance(token, Token) and token.type == "CLASS"
    ]


def _load(polar: GuardedPolar, sources: Sequence[tuple[str, str]]) -> None:
    # oso takes offsets of bytes for those of characters, and aborts the process where one
    # lies behind the end of a text with accents: as many spaces give it room.
    padded = [(file, text + " " * (len(text.encode()) - len(text))) for file, text in sources]
    texts = dict(padded)
    try:
        warnings = polar.load(padded)
    except OsoError as error:
        raise PolicyInvalid([_translate(str(error), texts)]) from error
    if warnings:
        raise PolicyInvalid([_translate(warning, texts) for warning in warnings])


def _translate(message: str, texts: Mapping[str, str]) -> Problem:
    """Turn a message of oso into ours: its true place, its first line, no advertisement."""
    said = message.strip().splitlines()[0]
    place = _PLACE.search(said)
    if place is None:
        return Problem(".", 0, 0, said)
    line, column, file = int(place[1]), int(place[2]), place[3]
    above = texts[file].split("\n")[: line - 1]
    offset = sum(len(one) + 1 for one in above) + column - 1
    before = texts[file].encode()[:offset].decode(errors="ignore")
    true_column = len(before) - before.rfind("\n")
    return Problem(file, before.count("\n") + 1, true_column, said[: place.start()])
