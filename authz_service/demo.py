"""
The demonstration: the company of Inmetro's document, and a walk through its story.

The walk is the few lines of ``curl`` that ``authz demo`` prints, that the README shows,
and that a test runs as they are. Persons, company and processes are those of the document
"Programa Cadastro Único", Etapa 1.

It has two forms. With a command that signs people in, tokens say who is what and who acts,
and the key that is shown may assert nothing. Without one a caller asserts it.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from authz_service.bootstrap import Service
from authz_service.domain.clients import Client
from authz_service.domain.decision import Caller
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Role

COMPANY = "52420282000180"
REPRESENTATIVE = "72268402517"
MEMBER = "18762794604"
ASSERTING = Client(
    "demo", frozenset(("decide", "delegations", "actor:assert", "standing:assert", "metrics"))
)
"""Who calls in the walk in which standing is asserted."""
SIGNING_IN = Client(
    "demo-sign-in", frozenset(("decide", "identities", "confirmations", "delegations", "metrics"))
)
"""Who calls in the walk with sign-ins; it may assert nothing."""

CATALOGUE = """code,title,version
P001,Acreditação Inicial de Organismos,3
P004,Extensão/Redução de Escopo/Cancelamento/Suspensão da Acreditação,3
P015,Acreditação Inicial,2
P018,Alterações,2
P020,Apreciação Técnica de Modelos,3
P034,Feedback sobre a atuação da equipe avaliadora/inspetora,1
P061,Cadastro de Empresas,1
P061,Registro,2
P070,Análise de Licença de Importação para Anuência,4
P130,Processo de acreditação e reconhecimento,1
"""
"""The ten processes of the document's screen."""


def header_file(data_dir: Path) -> Path:
    """Give the file that holds the demo's key, as the header that ``curl -H @FILE`` sends."""
    return data_dir / "demo.header"


def seed(service: Service, caller: Caller, *, signing_in: bool) -> None:
    """
    Put the demo data into the store, and the story back to its beginning.

    Only the document's two persons are touched: they are forgotten, with all that was delegated
    to the member. Where nobody signs in, the seed asserts that both are registered and confirmed,
    and that one is a partner of the company.

    Raises:
        Unavailable: no store, or no log.
    """
    service.cataloguer.import_text(CATALOGUE, caller)
    representative, member = Cpf.parse(REPRESENTATIVE), Cpf.parse(MEMBER)
    for person in (representative, member):
        service.privacy.erase(person, caller)
        if not signing_in:
            service.registrar.person(person, registered=True, confirmed=True, caller=caller)
    if not signing_in:
        company = Cnpj.parse(COMPANY)
        service.registrar.standing(company, representative, Role.SOCIO, None, caller)
    _write_key(service, SIGNING_IN if signing_in else ASSERTING, caller)


def _write_key(service: Service, client: Client, caller: Caller) -> None:
    """Give the client a new key, the only one, in a file that only its owner can read."""
    known = {one.name for one in service.clients.list()}
    for earlier in sorted(known & {ASSERTING.name, SIGNING_IN.name}):
        service.clients.revoke(earlier, caller)
    if client.name in known:
        key = service.clients.add_key(client.name, caller)
    else:
        key = service.clients.add(client.name, client.scopes, caller)
    path = header_file(service.settings.data_dir)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"Authorization: Bearer {key}\n")


def walk(data_dir: Path, port: int, sign_in: str | None) -> list[tuple[str, str]]:
    """
    Give the steps of the story: what happens, and the line of bash that does it.

    Args:
        data_dir: where key and decision log are.
        port: where the service listens.
        sign_in: the command that signs a person in at GOV.BR; it takes a name and ``--with WAY``
            and prints the tokens as JSON, or with ``--header`` the header that proves who acts.
            Without one, a caller asserts standing and who acts.
    """
    lines = _Lines(f"http://127.0.0.1:{port}", shlex.quote(f"@{header_file(data_dir)}"))
    acting = f'"actor":"{REPRESENTATIVE}",' if sign_in is None else ""
    proof = "" if sign_in is None else f" -H @<({sign_in} representante --with ecnpj --header)"
    proven = "" if sign_in is None else "; a fresh token proves who acts"

    def delegating(processes: str) -> str:
        body = f'{{{acting}"company":"{COMPANY}","member":"{MEMBER}","processes":[{processes}]}}'
        return lines.send("/v1/delegations", body, "-X PUT ", proof)

    ask_p001 = lines.ask("P001")
    first = _asserted(lines, ask_p001) if sign_in is None else _signed(lines, sign_in, ask_p001)
    authzen = (
        f'{{"subject":{{"type":"person","id":"{MEMBER}"}},"action":{{"name":"open"}},'
        f'"resource":{{"type":"process","id":"P061 - Registro v.2",'
        f'"properties":{{"cnpj":"{COMPANY}"}}}}}}'
    )
    log = shlex.quote(str(data_dir / "log" / "decision" / "0"))
    return [
        *first,
        (
            f"The representative delegates three of the ten processes{proven}.",
            delegating('"P001","P015","P061 - Registro v.2"'),
        ),
        ("Asked again: yes.", ask_p001),
        ("One of the other seven: no.", lines.ask("P070")),
        (
            "The set is replaced (Atualizar), and P015 drops out.",
            delegating('"P001","P061 - Registro v.2"'),
        ),
        ("The next question about it: no.", lines.ask("P015")),
        (
            "The same kind of question in OpenID AuthZEN.",
            lines.send("/access/v1/evaluation", authzen),
        ),
        (
            "Each answer has been counted ...",
            f"{lines.get('/metrics')} | grep authz_decisions_total",
        ),
        ("... and is in the decision log, persons as surrogates.", f"tail -n 3 {log}/*.jsonl"),
    ]


def _asserted(lines: _Lines, ask: str) -> Iterable[tuple[str, str]]:
    """Give the steps up to the first question, where a caller asserts standing."""
    standing = f'{{"cpf":"{REPRESENTATIVE}","company":"{COMPANY}","role":"socio"}}'
    yield (
        "A caller with the scope for it says who is a partner of the company.",
        lines.send("/v1/standing", standing),
    )
    yield "Orquestra asks: may the member open P001? Not yet.", ask


def _signed(lines: _Lines, sign_in: str, ask: str) -> Iterable[tuple[str, str]]:
    """Give the steps up to the delegation, where people sign in."""
    yield (
        "The representative signs in with the e-CNPJ; GOV.BR says what she is in the company.",
        f"{sign_in} representante --with ecnpj | {lines.send('/v1/identities')}",
    )
    yield "Orquestra asks: may the member open P001? Not yet.", ask
    yield (
        "The member signs in with a password, and has registered by that.",
        f"{sign_in} membro --with senha | {lines.send('/v1/identities')}",
    )
    yield (
        "Orquestra confirms the registration.",
        lines.send("/v1/confirmations", f'{{"cpf":"{MEMBER}"}}'),
    )


@dataclass(frozen=True, slots=True)
class _Lines:
    """Writes lines of curl to one address, with the header of one file."""

    address: str
    header: str

    def get(self, path: str) -> str:
        return f"curl -s {self.address}{path} -H {self.header}"

    def send(self, path: str, body: str = "@-", method: str = "", header: str = "") -> str:
        """Give the line that sends *body*, by default what comes through a pipe."""
        json_type = "-H 'Content-Type: application/json'"
        return (
            f"curl -s {method}{self.address}{path} -H {self.header}{header} {json_type} "
            f"-d {shlex.quote(body)}"
        )

    def ask(self, process: str) -> str:
        body = f'{{"cpf":"{MEMBER}","cnpj":"{COMPANY}","processo":"{process}","acao":"iniciar"}}'
        return self.send("/v1/orquestra/decisao", body)


def script(data_dir: Path, port: int, sign_in: str | None) -> str:
    """Give the walk as a text to read, and to paste into bash; arguments as of ``walk``."""
    return "\n".join(f"# {said}\n{line}" for said, line in walk(data_dir, port, sign_in))
