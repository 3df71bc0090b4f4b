"""Policy files → one immutable policy with a digest, or every problem with its place."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lark import Token
from polar.exceptions import OsoError

from authz_service.domain.errors import PolicyInvalid, Problem
from authz_service.policy.border.runner import GuardedPolar
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.diagrams.combining import LoadedRule
from authz_service.policy.diagrams.engine import Engine
from authz_service.policy.reading import reasons as reasons_file
from authz_service.policy.reading.constants import constants_of, sees_action
from authz_service.policy.reading.examining import Examined, examine
from authz_service.policy.reading.syntax import Rule, own_name, texts_of
from authz_service.policy.reading.text import MAX_BYTES
from authz_service.policy.reading.types import concerns, silent_flaws
from authz_service.policy.vocabulary import VOCABULARY

TEST_SUFFIX = "_test.toml"
"""How the name of a test file ends."""
MAX_FILES = 200
"""How many policy files there may be."""
MAX_DEPTH = 20
"""How many folders may lie in each other below the policy folder."""

_READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_PLACE = re.compile(r" at line (\d+), column (\d+) of file (.+):$")
_OSO = "see how a rule reads in README.md"


@dataclass(frozen=True, slots=True)
class Source:
    """
    One file: rules, the reasons, or tests.

    Attributes:
        file: its path inside the policy folder, with slashes.
        content: its bytes.
    """

    file: str
    content: bytes


def below(folder: Path, ending: str, depth: int = MAX_DEPTH) -> list[Path]:
    """
    Give the files below *folder* whose names end with *ending*, in a fixed order.

    What begins with a dot is left alone: editors and Kubernetes keep their own there.

    Raises:
        OSError: a folder cannot be read, is a link, which is not followed, or lies in more than
            *depth* others. To pass it over in silence could mean to lose a forbid.
    """
    paths = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            if path.is_symlink():
                raise NotADirectoryError(errno.ENOTDIR, "it is a link to a folder", str(path))
            if not depth:
                message = f"it lies more than {MAX_DEPTH} folders deep"
                raise OSError(errno.ENAMETOOLONG, message, str(path))
            paths += below(path, ending, depth - 1)
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
        raise PolicyInvalid([Problem(".", 0, 0, message, "unreadable", "correct its name")])
    return _contents(folder, [*_listed(folder, ".polar"), folder / reasons_file.FILE])


def collect_suites(folder: Path) -> tuple[Source, ...]:
    """
    Read the tests: every ``*_test.toml`` below *folder*.

    Raises:
        PolicyInvalid: as ``collect`` does.
    """
    return _contents(folder, _listed(folder, TEST_SUFFIX))


def _listed(folder: Path, ending: str) -> list[Path]:
    try:
        paths = below(folder, ending)
    except OSError as error:
        raise PolicyInvalid([_unreadable(Path(error.filename), folder, error)]) from error
    if len(paths) > MAX_FILES:
        message = f"there are more than {MAX_FILES} files whose names end with `{ending}`"
        remedy = "put some of them together"
        raise PolicyInvalid([Problem(".", 0, 0, message, "too-large", remedy)])
    return paths


def _contents(folder: Path, paths: Sequence[Path]) -> tuple[Source, ...]:
    sources, problems = [], []
    for path in paths:
        file = path.relative_to(folder).as_posix()
        if not file.isprintable():
            message = "has a name that cannot be printed"
            problems.append(Problem(ascii(file), 0, 0, message, "unreadable", "rename it"))
            continue
        try:
            sources.append(Source(file, _content(path)))
        except OSError as error:
            problems.append(_unreadable(path, folder, error))
    if problems:
        raise PolicyInvalid(problems)
    return tuple(sources)


def _content(path: Path) -> bytes:
    """
    Read a file, one byte more than one may have.

    What is no file would keep whoever reads it waiting: a pipe until somebody writes, a device
    for ever. A link to a file is one, since Kubernetes mounts every file as such.

    Raises:
        OSError: it cannot be read; ENXIO, as of a socket, where it is no file.
    """
    descriptor = os.open(path, _READING)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        with open(descriptor, "rb", closefd=False) as opened:
            return opened.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def strays(folder: Path) -> list[Problem]:
    """
    Find files that look as if they were meant, but are not read for their names.

    A rule in ``opening.polar.txt`` forbids nothing, a test in ``opening-test.toml`` asks
    nothing. The service passes them over, as an editor's copies; the check tells them.
    """
    problems = []
    for path in below(folder, ""):
        file = _named(path, folder)
        if ".polar" in path.name.lower() and not path.name.endswith(".polar"):
            remedy = "its name has to end with `.polar`"
            problems.append(Problem(file, 0, 0, "is not read", "not-read", remedy))
        test = path.name.endswith(TEST_SUFFIX)
        if path.suffix.lower() == ".toml" and not test and file != reasons_file.FILE:
            remedy = f"a test's name has to end with `{TEST_SUFFIX}`"
            problems.append(Problem(file, 0, 0, "is not read", "not-read", remedy))
    return problems


def _named(path: Path, folder: Path) -> str:
    """Give a path inside the folder in characters that can be shown."""
    file = path.relative_to(folder).as_posix()
    return file if file.isprintable() else ascii(file)


def _unreadable(path: Path, folder: Path, error: OSError) -> Problem:
    file = _named(path, folder)
    if error.errno == errno.ENXIO:
        remedy = "put a file, or a link to one, in its place, or take it away"
        return Problem(file, 0, 0, "is no file", "unreadable", remedy)
    remedy = "see whether it is there, and who may read it"
    return Problem(file, 0, 0, f"cannot be read: {error.strerror}", "unreadable", remedy)


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
    return policy_of(examined(sources), digest_of(sources))


def examined(sources: Sequence[Source]) -> Examined:
    """Read *sources*, and find all that can be found by reading."""
    return examine((one.file, one.content) for one in sources)


def policy_of(found: Examined, digest: str) -> CompiledPolicy:
    """
    Make a policy of what was read, whose sources have *digest*.

    Raises:
        PolicyInvalid: with every problem that was found, or that oso finds.
    """
    told = sorted(flaw.problem for flaw in found.flaws)
    if found.problems:
        raise PolicyInvalid(sorted([*found.problems, *told]))
    loaded, renamed = _rename(found)
    polar = GuardedPolar(texts_of(found.rules))
    _load(polar, renamed)
    engine = Engine(polar, loaded, list(found.reasons))
    constants = constants_of(found.rules)
    return CompiledPolicy(engine, found.reasons, digest, loaded, told, constants)


def _rename(found: Examined) -> tuple[list[LoadedRule], list[tuple[str, str]]]:
    """Give every permit and forbid a name of its own, so that it can be asked by itself."""
    loaded: list[LoadedRule] = []
    named = {file: dict[int, str]() for file in found.texts}
    silent = silent_flaws(found.rules, found.flaws)
    for position, rule in enumerate(found.rules):
        named[rule.file].update(_classes(rule))
        if rule.decides:
            name = own_name(rule, len(loaded) + 1)
            flaw = silent.get(position)
            about = (*concerns(rule), sees_action(rule))
            loaded.append(LoadedRule(name, rule.name, rule.place, flaw, *about))
            named[rule.file][rule.offset] = name
    return loaded, [(file, _replaced(text, named[file])) for file, text in found.texts.items()]


def _replaced(text: str, names: Mapping[int, str]) -> str:
    """Put *names* at their offsets over what stands there."""
    parts, end = [], 0
    for offset, name in sorted(names.items()):
        parts += [text[end:offset], name]
        end = offset + len(name)
    return "".join([*parts, text[end:]])


def _classes(rule: Rule) -> Iterator[tuple[int, str]]:
    """Give the places of classes in the head of a rule, each with its name in oso."""
    for parameter in rule.parameters:
        for token in parameter.children:
            if isinstance(token, Token) and token.type == "CLASS":  # mutant: each is a token
                yield token.start_pos or 0, VOCABULARY[token].in_polar


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
        return Problem(".", 0, 0, said, "oso", _OSO)
    line, column, file = int(place[1]), int(place[2]), place[3]
    above = texts[file].split("\n")[: line - 1]
    offset = sum(len(one) + 1 for one in above) + column - 1
    before = texts[file].encode()[:offset].decode(errors="ignore")
    true_column = len(before) - before.rfind("\n")
    return Problem(file, before.count("\n") + 1, true_column, said[: place.start()], "oso", _OSO)
