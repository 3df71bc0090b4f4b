"""
The last policy that was good, kept on disk for a start on which the folder's is not.

One file holds the bytes of what decides and of its tests. It is replaced in one piece, and
believed only if its own digest says that it is whole. Beside it every policy that was ever in
force is kept in an archive.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from authz_service.domain.errors import PolicyInvalid, Problem
from authz_service.policy.bundle import Source
from authz_service.policy.live.archive import Archive
from authz_service.policy.live.content import Content
from authz_service.policy.live.disk import alone, replacing
from authz_service.policy.live.texts import sources_of, texts_of

Coming = Callable[[str, str | None], None]
"""
Hears of a policy that is about to come into force: its digest, and that of the one before.

It is the last thing before that. If it raises, nothing has changed.
"""

ARCHIVE = "archive"
"""The name of the folder of the archive, beside the last good policy."""

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """
    What was kept.

    Attributes:
        content: what decides, with its tests.
        since: since when this policy is in force.
        questions: how many its tests asked when it passed.
    """

    content: Content
    since: datetime
    questions: int


class LastGood:
    """
    Keeps the last good policy; any number of processes may keep theirs in the same file.

    Args:
        path: the file; it and its folder are made if absent, for the owner only. The archive is
            the folder ``archive`` beside it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._archive = Archive(path.parent / ARCHIVE)

    def keep(self, content: Content, questions: int, now: datetime, coming: Coming) -> datetime:
        """
        Keep *content* in the place of what there was, and give since when its policy is in force.

        *coming* is told of a policy that is another one than the one before, so once, whichever
        of several workers comes first. What decides goes into the archive before that.

        Args:
            content: what has passed.
            questions: how many its tests asked.
            now: the present instant.
            coming: hears of it.

        Raises:
            OSError: it cannot be kept; nothing has changed then.
            PolicyInvalid: it has no tests any more, which those who lose them need not notice;
                nothing has changed then either.
        """
        # What is not read is told of the folder; it is no part of what is good.
        content = replace(content, passed_over=())
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with alone(self._path.parent):
            try:
                before = self.read()
            except PolicyInvalid:
                # Damaged, which is told when it is needed; from now on it is whole again.
                before = None
            if before is not None and before.questions and not questions:
                raise PolicyInvalid([_tests_gone(before.questions)])
            # Also of the same as before: what kept that may have known no archive.
            self._archive.keep(content.sources)
            if before is not None and before.content == content:
                return before.since
            same = before is not None and before.content.policy == content.policy
            since = before.since if before is not None and same else now
            with replacing(self._path, _written(Kept(content, since, questions))):
                if not same:
                    coming(content.policy, None if before is None else before.content.policy)
        return since

    def recall(self, digest: str) -> tuple[Source, ...] | None:
        """
        Give what decided under the policy of *digest*, or None if none of it was ever in force.

        Raises:
            PolicyInvalid: what was kept cannot be read, or is not whole.
        """
        sources = self._archive.read(digest)
        if sources is not None:
            return sources
        # One of before there was an archive.
        kept = self.read()
        return None if kept is None or kept.content.policy != digest else kept.content.sources

    def read(self) -> Kept | None:
        """
        Give what was kept, or None if nothing was.

        Raises:
            PolicyInvalid: the file cannot be read, or is not whole.
        """
        try:
            return _read(json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return None
        except OSError as error:
            message = f"the last good policy cannot be read: {error.strerror}"
        except Exception:  # noqa: BLE001 -- whatever it holds, a policy that can be mended is better
            message = "the last good policy is damaged, and not used"
        raise PolicyInvalid([Problem(self._path.name, 0, 0, message)])


def _tests_gone(questions: int) -> Problem:
    message = f"no test asks anything, where those of the policy in force ask {questions} questions"
    remedy = "bring the tests back; if they are meant to go, leave one case in place"
    return Problem(".", 0, 0, message, "tests-gone", remedy)


def _written(kept: Kept) -> bytes:
    content = kept.content
    return json.dumps(
        {
            "version": _VERSION,
            "digest": content.digest,
            "since": kept.since.astimezone(UTC).isoformat(),
            "questions": kept.questions,
            "sources": texts_of(content.sources),
            "suites": texts_of(content.suites),
        }
    ).encode()


def _read(found: Any) -> Kept:
    """Read what ``_written`` writes; raises whatever comes of anything else."""
    content = Content(sources_of(found["sources"]), sources_of(found["suites"]))
    since, questions = datetime.fromisoformat(found["since"]), found["questions"]
    whole = (found["version"], found["digest"]) == (_VERSION, content.digest)
    if not whole or since.tzinfo is None or type(questions) is not int:
        raise ValueError("not whole")
    return Kept(content, since, questions)
