"""The key that signs the heads of a log, made when it is first needed."""

from __future__ import annotations

import hashlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from authz_service.domain.errors import InvalidInput
from authz_service.journal.places import locked, make_folder, sync_folder

PRIVATE = "key.pem"
PUBLIC = "key.pub.pem"
_FORMAT = serialization.PublicFormat.SubjectPublicKeyInfo


@dataclass(frozen=True, slots=True)
class PublicKey:
    """
    What checks signatures.

    Attributes:
        key: the key.
    """

    key: Ed25519PublicKey

    @classmethod
    def read(cls, file: Path) -> PublicKey:
        """
        Read a key from a file.

        Raises:
            InvalidInput: there is no Ed25519 public key in it.
            OSError: it cannot be read.
        """
        try:
            key = serialization.load_pem_public_key(file.read_bytes())
        except (ValueError, UnsupportedAlgorithm) as error:
            raise InvalidInput(str(file), "holds no public key") from error
        if not isinstance(key, Ed25519PublicKey):
            raise InvalidInput(str(file), "holds no Ed25519 public key")
        return cls(key)

    @property
    def pem(self) -> bytes:
        """The key as a file holds it."""
        return self.key.public_bytes(serialization.Encoding.PEM, _FORMAT)

    def verifies(self, signature: bytes, signed: bytes) -> bool:
        """Tell whether *signature* was made with the private key, of these very bytes."""
        try:
            self.key.verify(signature, signed)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Key:
    """
    The key of one log.

    Attributes:
        private: signs.
    """

    private: Ed25519PrivateKey

    @property
    def public(self) -> PublicKey:
        """What checks its signatures."""
        return PublicKey(self.private.public_key())

    @property
    def machine(self) -> str:
        """The machine's name and the beginning of the key's digest: no other log has both."""
        raw = self.private.public_key().public_bytes_raw()
        return f"{socket.gethostname()[:64]}-{hashlib.sha256(raw).hexdigest()[:16]}"

    def sign(self, content: bytes) -> bytes:
        """Sign."""
        return self.private.sign(content)


def own(log: Path) -> Key:
    """
    Give the key of a log; make it if there is none.

    Raises:
        OSError: it cannot be read or written, or is none.
    """
    try:
        return _read(log / PRIVATE)
    except FileNotFoundError:
        make_folder(log)
    with locked(log, "key"):
        try:
            return _read(log / PRIVATE)
        except FileNotFoundError:
            key = Key(Ed25519PrivateKey.generate())
            pem = key.private.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            # The public one first: a private one without it would never be written again.
            put(log / PUBLIC, key.public.pem, 0o644)
            put(log / PRIVATE, pem, 0o600)
            return key


def put(file: Path, content: bytes, mode: int = 0o600) -> None:
    """Have a file hold *content*, whole and on the disk, or what it held before."""
    part = file.with_name(f"{file.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as written:
        written.write(content)
        written.flush()
        os.fsync(written.fileno())
    part.replace(file)
    sync_folder(file.parent)


def _read(file: Path) -> Key:
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise OSError(0, f"{PRIVATE} holds no private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise OSError(0, f"{PRIVATE} holds no Ed25519 private key")
    return Key(key)
