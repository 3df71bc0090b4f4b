"""Everything that can be said of policy files by reading them: all of it at once, no more twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from authz_service.domain.decision import BUILT_IN_REASONS
from authz_service.domain.errors import Problem
from authz_service.policy.reading import reasons as reasons_file
from authz_service.policy.reading.reasons import Reason
from authz_service.policy.reading.syntax import Rule, parse
from authz_service.policy.reading.text import MAX_BYTES, inspect
from authz_service.policy.reading.together import check_together, unasked
from authz_service.policy.reading.toml_places import place_of
from authz_service.policy.reading.types import Flaw, flaws_of, undeclared


@dataclass(frozen=True, slots=True)
class Examined:
    """
    Policy files as they were read.

    Attributes:
        rules: the rules that could be read.
        texts: the text of each file with rules.
        reasons: the declared reasons by code.
        problems: what forbids to make a policy of the files.
        flaws: what cannot be meant in rules that could be read.
        unasked: helpers that no rule asks; nobody knows of any if a file is too large.
        spoken: every text of every rule, or None if a file is too large to know.
        reasons_text: the text of ``reasons.toml``.
    """

    rules: tuple[Rule, ...]
    texts: Mapping[str, str]
    reasons: Mapping[str, Reason]
    problems: tuple[Problem, ...]
    flaws: tuple[Flaw, ...]
    unasked: tuple[Problem, ...]
    spoken: frozenset[str] | None
    reasons_text: str


def examine(files: Iterable[tuple[str, bytes]]) -> Examined:
    """
    Read files, each with its name and content, and find all that is wrong with them.

    A rule that cannot be read does not hide what is wrong with the others, and is not told again
    as missing.
    """
    rules: list[Rule] = []
    texts: dict[str, str] = {}
    reasons: dict[str, Reason] = {}
    problems: list[Problem] = []
    broken: set[str] = set()
    spoken: set[str] = set()
    whole, reasons_text = True, ""
    for file, content in files:
        text, found = inspect(file, content)
        problems += found
        if len(content) > MAX_BYTES:
            whole = whole and file == reasons_file.FILE
        elif file == reasons_file.FILE:
            reasons_text = text
            reasons, wrong = reasons_file.read(text)
            problems += wrong
        else:
            reading = parse(file, text)
            rules += reading.rules
            problems += reading.problems
            broken |= reading.broken
            spoken |= reading.texts
            if reading.rules:  # oso refuses two files that hold the same, such as two empty ones.
                texts[file] = text
    problems += check_together(rules, broken, whole=whole)
    flaws = flaws_of(rules, broken)
    if reasons:
        flaws += undeclared(rules, reasons)
    return Examined(
        rules=tuple(rules),
        texts=texts,
        reasons=reasons,
        problems=tuple(problems),
        flaws=tuple(flaws),
        unasked=tuple(unasked(rules, broken)) if whole else (),
        spoken=frozenset(spoken) if whole else None,
        reasons_text=reasons_text,
    )


def unused_reasons(found: Examined) -> list[Problem]:
    """
    Find declared reasons that stand in no rule, not even in one that cannot be read.

    Such a text is never shown. It harms nobody, so only the check tells it: who takes a rule out
    in a hurry need not take its reason out as well.
    """
    if found.spoken is None:
        return []
    remedy = "leave it out, or correct the rule that was to give it"
    return [
        Problem(
            reasons_file.FILE,
            *place_of(found.reasons_text, "code", code),
            f"no rule gives the reason `{code}`",
            "reason-unused",
            remedy,
        )
        for code in found.reasons
        if code not in found.spoken and code not in BUILT_IN_REASONS
    ]
