"""
Cerbos, the peer: brought by npm, and told our rules of opening in its own language.

It is used in the way that is fastest for it: the policy is read once and held in memory, nothing
is watched, audit and telemetry are off, and of its own log only errors are written. It looks up
nothing: whoever asks it brings the facts (``mixes``).
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.bench.plane.seeding import CACHE

VERSION = "0.51.0"
_BINARIES = "node_modules/@cerbos/cerbos-*/cerbos-*"

POLICY = """\
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: process
  version: default
  rules:
    # A partner or the legal representative opens any process for the company.
    - actions: ["open"]
      effect: EFFECT_ALLOW
      roles: ["*"]
      condition:
        match:
          expr: >-
            R.attr.standing.role in ["socio", "representante_legal"] &&
            R.attr.standing.in_force && R.attr.standing.days <= 7
    # A member opens what was delegated, while somebody of standing is behind it.
    - actions: ["open"]
      effect: EFFECT_ALLOW
      roles: ["*"]
      condition:
        match:
          expr: >-
            P.attr.confirmed && R.attr.delegation.state == "in_force" && (
              (R.attr.delegation.backing.role in ["socio", "representante_legal"] &&
               R.attr.delegation.backing.in_force && R.attr.delegation.backing.days <= 365) ||
              (R.attr.bond.in_force &&
               R.attr.delegation.matriz_backing.role in ["socio", "representante_legal"] &&
               R.attr.delegation.matriz_backing.in_force &&
               R.attr.delegation.matriz_backing.days <= 365))
    # What is not in the catalogue, or closed, is not opened.
    - actions: ["open"]
      effect: EFFECT_DENY
      roles: ["*"]
      condition:
        match:
          expr: R.attr.state in ["unknown", "closed"]
    # Nobody acts for a foreign company that was not validated.
    - actions: ["open"]
      effect: EFFECT_DENY
      roles: ["*"]
      condition:
        match:
          expr: R.attr.origin == "foreign" && R.attr.validation != "validated"
"""

_CONFIGURATION = """\
server:
  httpListenAddr: "127.0.0.1:{http}"
  grpcListenAddr: "127.0.0.1:{grpc}"
audit:
  enabled: false
telemetry:
  disabled: true
storage:
  driver: disk
  disk:
    directory: "{policies}"
    watchForChanges: false
"""


class CerbosMissing(Exception):
    """Cerbos is not to be had here; says why."""


def binary() -> Path:
    """
    Give Cerbos's program, out of the cache or fetched now.

    Raises:
        CerbosMissing: there is no npm, or it could not fetch it.
    """
    folder = CACHE / f"cerbos-{VERSION}"
    found = _found(folder)
    if found is not None:
        return found
    npm = shutil.which("npm")
    if npm is None:
        raise CerbosMissing("there is no npm to bring it")
    folder.mkdir(parents=True, exist_ok=True)
    brought = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--prefix", ".", f"cerbos@{VERSION}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    found = _found(folder)
    if brought.returncode or found is None:
        errors = [one for one in brought.stderr.splitlines() if one.startswith("npm error")]
        why = " / ".join(errors[:2]) or "it has no program for this machine"
        raise CerbosMissing(f"npm could not bring it: {why}")
    return found


def _found(folder: Path) -> Path | None:
    return next((one for one in folder.glob(_BINARIES) if one.is_file()), None)


def command(program: Path, folder: Path, http: int, grpc: int) -> list[str | Path]:
    """Write policy and configuration into *folder*, and give the command that serves them."""
    policies = folder / "policies"
    policies.mkdir()
    (policies / "process.yaml").write_text(POLICY)
    configuration = folder / "cerbos.yaml"
    configuration.write_text(_CONFIGURATION.format(http=http, grpc=grpc, policies=policies))
    return [
        program,
        "server",
        f"--config={configuration}",
        "--log-level=error",
        "--debug-listen-addr=",
    ]
