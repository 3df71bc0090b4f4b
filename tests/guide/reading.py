"""A reader of the guide who does all that it says, and sees what comes of it."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Self

import pytest

from authz_service.cli import main
from tests.guide import PART
from tests.guide.mistakes import told
from tests.guide.vocabulary import as_markdown
from tests.operation.house import Running, environment, free_port, furnish

_CATALOGUE = "code,title,version\nP001,Acreditação Inicial,3\nP061,Cadastro de Empresas,1\n"
_STANDING = "cnpj,cpf,role\n52420282000180,18762794604,socio\n"
_MEMBERS = "cpf,registered_at,confirmed_at\n72268402517,2025-03-01,2025-03-02\n"
_SERVICE = "http://127.0.0.1:8080"
_KEPT = "servico"
_ONLY_LOOK = frozenset(("check", "test", "show", "explore", "status", "explain"))
_NOT_YET = "has not tried what the folder holds now"
_SECONDS = 60.0
_BUSY = " incomplete\n"
_TIMES = 4
"""So often a verb is run whose questions a busy machine has not answered in time."""


class Reader:
    """
    Does what the guide says.

    The reader's service knows two processes, one sócio and one member. What it has lies in the
    folder ``servico``: its policies in ``politicas``, its data in ``dados``. It runs from the
    part ``servico`` on.

    Args:
        home: an empty folder, in which the reader is.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._settings: dict[str, str] = {}
        self._looking = True
        self._service: Running | None = None

    def __enter__(self) -> Self:
        theirs = self._home / _KEPT
        furnish(theirs, _CATALOGUE)
        for name, in_portuguese in (("policies", "politicas"), ("var", "dados")):
            (theirs / name).rename(theirs / in_portuguese)
        for name, text in (("standing", _STANDING), ("members", _MEMBERS)):
            (theirs / f"{name}.csv").write_text(text, "utf-8")
        files = (f"--{name}={_KEPT}/{name}.csv" for name in ("members", "standing"))
        self._authz(["import", *files], AUTHZ_DATA_DIR=f"{_KEPT}/dados")
        return self

    def __exit__(self, *_of_an_error: object) -> None:
        if self._service is not None:
            self._service.kill()

    def read(self, page: str) -> str:
        """Do all that *page* says, and give the page with what came of it."""
        return PART.sub(self._part, page)

    def catch_up(self, page: str) -> None:
        """Do what *page* says as far as it changes anything, and look at nothing."""
        self._looking = False
        PART.sub(self._part, page)
        self._looking = True

    def _part(self, found: re.Match[str]) -> str:
        if found["name"] is not None:
            head = found[0].partition("\n")[0]
            return f"{head}\n{self._made(found)}<!-- fim -->"
        kind, *options = shlex.split(found["head"])
        if kind == "console":
            return f"```console\n{''.join(self._session(found['body']))}```"
        given = dict(one.split("=", 1) for one in options)
        if "file" in given:
            self._write(self._home / given["file"], found["body"], given.get("before"))
        return found[0]

    def _made(self, found: re.Match[str]) -> str:
        """
        Make a part anew, unless nobody looks.

        ``vocabulario``: what a rule may read. ``erros``: what is said of each mistake of a
        table. ``tabela FILE HEADING REASON ...``: rows of a decision table. ``servico``:
        nothing, but from there on the service runs.
        """
        if not self._looking:
            return found["made"]
        if found["name"] == "vocabulario":
            return f"{as_markdown()}\n"
        if found["name"] == "erros":
            return told(found["made"])
        if found["name"] == "tabela":
            return self._rows(*shlex.split(found["of"]))
        assert "servico" == found["name"]
        self._service = Running(
            self._home / _KEPT,
            AUTHZ_POLICIES="politicas",
            AUTHZ_DATA_DIR="dados",
            AUTHZ_PORT=str(free_port()),
        )
        return ""

    def _write(self, path: Path, text: str, before: str | None) -> None:
        if before is not None:
            old = path.read_text("utf-8")
            assert old.count(f"\n{before}\n") == 1, f"{path.name}: no single line `{before}`"
            text = old.replace(f"\n{before}\n", f"\n{text}\n\n{before}\n")
        path.write_text(text, "utf-8")

    def _session(self, body: str) -> Iterator[str]:
        for line in body.splitlines(keepends=True):
            if line.startswith("$ "):
                yield line
                yield self._run(line[2:].strip())

    def _run(self, command: str) -> str:
        """Run one command, and give what it says, wherever it says it."""
        verb, *words = shlex.split(command)
        if verb == "export":
            self._settings |= dict(one.split("=", 1) for one in words)
            return ""
        if not self._looking and (verb == "curl" or _ONLY_LOOK.intersection(words[:2])):
            return ""
        if verb == "curl":
            return self._fetched(words[-1])
        if verb == "authz":
            return self._patiently(words)
        shell = ["/bin/sh", "-c", command]
        return subprocess.run(
            shell, cwd=self._home, capture_output=True, text=True, check=True
        ).stdout

    def _fetched(self, address: str) -> str:
        assert self._service is not None
        assert address.startswith(_SERVICE)
        answer = self._service.send("GET", address.removeprefix(_SERVICE))
        return f"{answer.body.decode().strip()}\n"

    def _patiently(self, words: list[str]) -> str:
        """
        Run a verb, and again where what it says hangs on the moment.

        That is where the service has not seen the last edit yet; and where a rule was not explored
        to the end since the machine was busy for the half second that a question may take. What
        has other causes is told each time.
        """
        until = time.monotonic() + _SECONDS
        for _ in range(_TIMES):
            while _NOT_YET in (said := self._authz(words)):
                assert time.monotonic() < until, said
                time.sleep(0.2)
            if _BUSY not in said:
                break
        return said

    def _authz(self, words: list[str], **settings: str) -> str:
        said = io.StringIO()
        wanted = environment(**self._settings, **settings)
        with ExitStack() as stack:
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.chdir(self._home)
            for name in os.environ.keys() - wanted.keys():
                patch.delenv(name)
            for name, text in wanted.items():
                patch.setenv(name, text)
            stack.enter_context(redirect_stdout(said))
            stack.enter_context(redirect_stderr(said))
            try:
                main(words)
            except SystemExit as ended:
                raise AssertionError(said.getvalue()) from ended
        return said.getvalue()

    def _rows(self, file: str, heading: str, *reasons: str) -> str:
        """
        Give the rows with *reasons* of a table under *heading*, and its head.

        Without the columns that say nothing in these rows.
        """
        under = (self._home / file).read_text("utf-8").partition(f"\n## {heading}\n")[2]
        tables = re.findall(r"(?:^\|.*\n)+", under.partition("\n## ")[0], re.MULTILINE)
        for table in tables:
            head, _line, *rows = [line[1:-1].split("|") for line in table.splitlines()]
            kept = [row for row in rows if any(f"`{one}`" in row[-2] for one in reasons)]
            if kept:
                saying = [n for n in range(len(head)) if {row[n].strip() for row in kept} != {"—"}]
                lines = [[row[n] for n in saying] for row in (head, ["---"] * len(head), *kept)]
                return "".join(f"|{'|'.join(line)}|\n" for line in lines)
        raise AssertionError(f"{file}: no row under {heading} has the reason {reasons}")
