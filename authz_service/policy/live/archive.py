"""
Every policy that was ever in force, so that a decision of months ago can be made again.

One file for each, named by the digest that stands in the records. It holds the bytes of what
decides, and is believed only if they have that digest. Policies are small and change seldom:
none is ever removed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from authz_service.domain.errors import PolicyInvalid, Problem
from authz_service.policy.bundle import Source, digest_of
from authz_service.policy.live.disk import alone, replacing
from authz_service.policy.live.texts import sources_of, texts_of

_DIGEST = re.compile("[0-9a-f]{64}")
_VERSION = 1


class Archive:
    """
    Keeps policies by their digests; any number of processes may keep theirs in one folder.

    Args:
        folder: where the files are; it is made if absent, for the owner only.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, sources: Sequence[Source]) -> None:
        """
        Keep what decides, unless it is there already and whole.

        Raises:
            OSError: it cannot be kept.
        """
        digest = digest_of(sources)
        if self._whole(digest):
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        written = {"version": _VERSION, "digest": digest, "sources": texts_of(sources)}
        with alone(self._folder), replacing(self._path(digest), json.dumps(written).encode()):
            pass

    def read(self, digest: str) -> tuple[Source, ...] | None:
        """
        Give what decided under *digest*, or None if no such policy was kept.

        Raises:
            PolicyInvalid: the file cannot be read, or is not whole.
        """
        if not _DIGEST.fullmatch(digest):
            return None
        path = self._path(digest)
        try:
            found = json.loads(path.read_bytes())
            sources = sources_of(found["sources"])
            if (found["version"], digest_of(sources)) == (_VERSION, digest):
                return sources
            message = "the policy that was kept is damaged, and not used"
        except FileNotFoundError:
            return None
        except OSError as error:
            message = f"the policy that was kept cannot be read: {error.strerror}"
        except Exception:  # noqa: BLE001 -- whatever it holds, it is not what was kept
            message = "the policy that was kept is damaged, and not used"
        raise PolicyInvalid([Problem(path.name, 0, 0, message)])

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.json"

    def _whole(self, digest: str) -> bool:
        try:
            return self.read(digest) is not None
        except PolicyInvalid:
            # Damaged, which is told when it is needed; from now on it is whole again.
            return False
