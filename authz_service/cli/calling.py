"""What the verbs share: who acts, how a service is had, how files are read and failures told."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from authz_service.bootstrap import Service, build
from authz_service.domain.errors import InvalidInput
from authz_service.metrics import Share
from authz_service.settings import Settings

ALONE = "0"
"""The place of what serves without a supervisor."""

# argparse has no public name for it.
Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001
"""What a module adds its verbs to."""


def fail(*lines: str) -> int:
    """Say on stderr what went wrong, and give the exit code for it."""
    for line in lines:
        print(line, file=sys.stderr)
    return 1


def settings() -> Settings:
    """
    Read the settings.

    Raises:
        SettingsInvalid: with every problem.
    """
    return Settings.from_env(os.environ)


@contextmanager
def service(share: Share | None = None, *, serving: bool = False) -> Iterator[Service]:
    """
    Put the service together for one verb, and let go of it afterwards.

    Args:
        share: its part in the metrics of several workers, or None where it is alone.
        serving: whether it serves, and so has chains of the decision log for itself.
    """
    if serving:
        built = build(settings(), share=share, place=ALONE if share is None else share.place)
    else:
        built = build(settings(), share=share)
    try:
        yield built
    finally:
        built.close()


def read_text(file: str) -> str:
    """
    Give the text of a file, or of standard input if *file* is ``-``.

    Raises:
        InvalidInput: it is not UTF-8.
        OSError: it cannot be read.
    """
    try:
        if file == "-":
            return sys.stdin.buffer.read().decode("utf-8")
        return Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(file, "is not UTF-8; save it as UTF-8") from error


def secret(given: str) -> str:
    """
    Give a person's number or login that stands on the command line, or on stdin for ``-``.

    From stdin, it stands neither in the shell's history nor in a list of processes.
    """
    return read_text("-").strip() if given == "-" else given


def instant(text: str) -> datetime:
    """Read an instant with its offset, for argparse."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("needs an offset, such as 2027-01-31T00:00:00-03:00")
    return moment
