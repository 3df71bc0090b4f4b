"""
The demonstration: the company of Inmetro's document, and a walk through its story.

The walk is the few lines of ``curl`` that ``authz demo`` prints, that the README shows,
and that a test runs as they are. Persons, company and processes are those of the document
"Programa Cadastro Único", Etapa 1.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from authz_service.bootstrap import Service
from authz_service.domain.decision import Caller
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Evidence, Role
from authz_service.usecases.acting import Acting

COMPANY = "52420282000180"
REPRESENTATIVE = "72268402517"
MEMBER = "18762794604"
CLIENT = "demo"
SCOPES = ("decide", "delegations", "actor:assert", "standing:assert", "metrics")

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


def seed(service: Service, caller: Caller) -> None:
    """
    Put the demo data into the store, and the story back to its beginning.

    Only the document's company and persons are touched: the member loses what earlier
    walks delegated to him, with a line in the history.

    Raises:
        Unavailable: no valid policy, no store, or no log.
    """
    service.cataloguer.import_text(CATALOGUE, caller)
    company, representative = Cnpj.parse(COMPANY), Cpf.parse(REPRESENTATIVE)
    member = Cpf.parse(MEMBER)
    service.registrar.person(representative, registered=True, confirmed=True, caller=caller)
    service.registrar.person(member, registered=True, confirmed=True, caller=caller)
    service.registrar.standing(company, representative, Role.SOCIO, None, caller)
    acting = Acting(representative, Evidence.ASSERTED, caller, "demo: back to the beginning")
    service.desk.replace_set(acting, company, member, [])
    _write_key(service, caller)


def _write_key(service: Service, caller: Caller) -> None:
    """Give the demo's client a new key, in a file that only its owner can read."""
    if any(client.name == CLIENT for client in service.clients.list()):
        service.clients.revoke(CLIENT, caller)
        key = service.clients.add_key(CLIENT, caller)
    else:
        key = service.clients.add(CLIENT, SCOPES, caller)
    path = header_file(service.settings.data_dir)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"Authorization: Bearer {key}\n")


def walk(data_dir: Path, port: int) -> list[tuple[str, str]]:
    """Give the steps of the story: what happens, and the shell line that does it."""
    address = f"http://127.0.0.1:{port}"
    header = shlex.quote(f"@{header_file(data_dir)}")

    def asking(process: str) -> str:
        body = f'{{"cpf":"{MEMBER}","cnpj":"{COMPANY}","processo":"{process}","acao":"iniciar"}}'
        return _curl(f"{address}/v1/orquestra/decisao", header, body)

    def delegating(processes: str) -> str:
        body = (
            f'{{"actor":"{REPRESENTATIVE}","company":"{COMPANY}","member":"{MEMBER}",'
            f'"processes":[{processes}]}}'
        )
        return _curl(f"{address}/v1/delegations", header, body, method="PUT")

    standing = f'{{"cpf":"{REPRESENTATIVE}","company":"{COMPANY}","role":"socio"}}'
    authzen = (
        f'{{"subject":{{"type":"person","id":"{MEMBER}"}},"action":{{"name":"open"}},'
        f'"resource":{{"type":"process","id":"P061 - Registro v.2",'
        f'"properties":{{"cnpj":"{COMPANY}"}}}}}}'
    )
    metrics = f"curl -s {address}/metrics -H {header} | grep authz_decisions_total"
    log = f"tail -n 3 {shlex.quote(str(data_dir / 'decisions.jsonl'))}"
    return [
        (
            "A caller with the scope for it says who is a partner of the company.",
            _curl(f"{address}/v1/standing", header, standing),
        ),
        ("Orquestra asks: may the member open P001? Not yet.", asking("P001")),
        (
            "The representative delegates three of the ten processes.",
            delegating('"P001","P015","P061 - Registro v.2"'),
        ),
        ("Asked again: yes.", asking("P001")),
        ("One of the other seven: no.", asking("P070")),
        (
            "The set is replaced (Atualizar), and P015 drops out.",
            delegating('"P001","P061 - Registro v.2"'),
        ),
        ("The next question about it: no.", asking("P015")),
        (
            "The same kind of question in OpenID AuthZEN.",
            _curl(f"{address}/access/v1/evaluation", header, authzen),
        ),
        ("Each answer has been counted ...", metrics),
        ("... and is in the decision log, persons as surrogates.", log),
    ]


def _curl(url: str, header: str, body: str, method: str = "POST") -> str:
    chosen = "" if method == "POST" else f"-X {method} "
    json_type = "-H 'Content-Type: application/json'"
    return f"curl -s {chosen}{url} -H {header} {json_type} -d {shlex.quote(body)}"


def script(data_dir: Path, port: int) -> str:
    """Give the walk as a text to read, and to paste into a shell."""
    return "\n".join(f"# {said}\n{line}" for said, line in walk(data_dir, port))
