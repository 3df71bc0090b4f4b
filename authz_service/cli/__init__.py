"""
The command line: one verb for each thing that an operator or a policy author does.

Exit codes: 0 done; 1 it was not, and stderr says why; 2 the call itself is wrong.
What a program may read goes to stdout, everything else to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from authz_service import applog, demo, render
from authz_service.bootstrap import Service, build
from authz_service.domain.clients import SCOPES, parse_network
from authz_service.domain.decision import Caller, Impossible
from authz_service.domain.errors import (
    AuthzError,
    InvalidInput,
    PolicyInvalid,
    PolicyUnavailable,
    SettingsInvalid,
)
from authz_service.domain.identifiers import Cpf
from authz_service.policy import sandbox, suite
from authz_service.policy.bundle import build as build_policy
from authz_service.policy.bundle import collect, strays
from authz_service.server import Server
from authz_service.settings import Settings, read_port, table
from authz_service.usecases.catalogue import CatalogueInvalid
from authz_service.web.authzen import read_question

OPERATOR = Caller("operator")
"""Who acts from the shell; that person is known to the operating system, not to us."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and give its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except SettingsInvalid as error:
        return _fail("the settings cannot be used:", *error.problems)
    except PolicyInvalid as error:
        return _fail(*map(str, error.problems))
    except CatalogueInvalid as error:
        return _fail("nothing was imported:", *error.problems)
    except AuthzError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{error.filename or 'system'}: {error.strerror}")


def _fail(*lines: str) -> int:
    for line in lines:
        print(line, file=sys.stderr)
    return 1


@contextmanager
def _service() -> Iterator[Service]:
    service = build(Settings.from_env(os.environ))
    try:
        yield service
    finally:
        service.close()


def _serve(options: argparse.Namespace) -> int:
    applog.configure()
    with _service() as service:
        settings = service.settings
        service.load_policy()
        applog.policy_problems(service.policy.problems)
        if settings.govbr is None:
            applog.sign_in_off()
        service.ask_govbr()
        host, port = options.host or settings.host, options.port or settings.port
        server = Server(service.app(), host, port)
        server.heed_signals()
        print(f"serving on http://{host}:{server.port}", file=sys.stderr, flush=True)
        server.serve()
    return 0


def _demo(options: argparse.Namespace) -> int:
    applog.configure()
    with _service() as service:
        settings = service.settings
        service.load_policy()
        if service.policy.problems:
            raise PolicyInvalid(service.policy.problems)
        # First the port: who cannot serve must not take the story back either.
        server = Server(service.app(), settings.host, options.port or settings.port)
        server.heed_signals()
        demo.seed(service, OPERATOR, signing_in=options.sign_in is not None)
        service.ask_govbr()
        print(demo.script(settings.data_dir, server.port, options.sign_in), flush=True)
        print(f"\nserving the demo on http://{settings.host}:{server.port}", flush=True)
        server.serve()
    return 0


def _client_add(options: argparse.Namespace) -> int:
    with _service() as service:
        networks = tuple(parse_network(one) for one in options.network)
        if options.verb == "add":
            key = service.clients.add(
                options.name,
                options.scope,
                OPERATOR,
                expires_at=options.expires,
                networks=networks,
            )
        else:
            key = service.clients.add_key(
                options.name, OPERATOR, expires_at=options.expires, networks=networks
            )
        print(key)
        print("this key is not shown again", file=sys.stderr)
    return 0


def _client_revoke(options: argparse.Namespace) -> int:
    with _service() as service:
        count = service.clients.revoke(options.name, OPERATOR, options.key)
        print(f"{count} keys revoked", file=sys.stderr)
    return 0


def _client_list(_options: argparse.Namespace) -> int:
    with _service() as service:
        print(render.clients(service.clients.list()))
    return 0


def _catalogue_import(options: argparse.Namespace) -> int:
    text = _read_text(options.file)
    with _service() as service:
        done = service.cataloguer.import_text(text, OPERATOR)
        for process in done.added:
            print(f"added    {process.id}  {process.label}")
        for process in done.changed:
            print(f"changed  {process.id}  {process.label}")
        print(
            f"{len(done.added)} added, {len(done.changed)} changed, {done.unchanged} unchanged",
            file=sys.stderr,
        )
    return 0


def _catalogue_list(_options: argparse.Namespace) -> int:
    with _service() as service:
        for process in service.store.catalogue.processes():
            print(f"{process.id}\t{process.label}\t{process.state}")
    return 0


def _policy_check(options: argparse.Namespace) -> int:
    folder = _folder(options)
    sources = collect(folder)
    sandbox.check(sources)
    policy = build_policy(sources)
    problems = sorted([*policy.flaws, *strays(folder)])
    if problems:
        raise PolicyInvalid(problems)
    print(f"{len(sources) - 1} files, {len(policy.rules)} rules, digest {policy.digest}")
    return 0


def _policy_test(options: argparse.Namespace) -> int:
    folder = _folder(options)
    sources = collect(folder)
    sandbox.check(sources)
    if misnamed := strays(folder):
        raise PolicyInvalid(misnamed)
    report = suite.run(build_policy(sources), folder)
    for difference in report.differences:
        print(difference, file=sys.stderr)
    failed = len(report.differences)
    print(f"{report.files} files, {report.asked} questions, {failed} answered otherwise")
    if not report.asked:
        return _fail("there is nothing to ask: no *_test.toml beside the policies")
    return 1 if failed else 0


def _explain(options: argparse.Namespace) -> int:
    question = read_question(_read_text(options.file).encode())
    if isinstance(question, Impossible):
        return _fail(f"denied before any rule is asked: {question.reason}")
    with _service() as service:
        service.load_policy()
        try:
            explanation = service.explainer.explain(question)
        except PolicyUnavailable:
            return _fail(*map(str, service.policy.problems))
        print(render.explanation(question, explanation, service.policy.current()))
    return 0


def _person(options: argparse.Namespace) -> int:
    # From stdin, the CPF stands neither in the shell's history nor in a list of processes.
    text = _read_text("-").strip() if options.cpf == "-" else options.cpf
    cpf = Cpf.parse(text)
    with _service() as service:
        if options.verb == "export":
            found = service.privacy.export(cpf, OPERATOR)
            print(json.dumps(found, ensure_ascii=False, indent=2))
        else:
            service.privacy.erase(cpf, OPERATOR)
            print("erased; the log keeps its lines, without a name for the person", file=sys.stderr)
    return 0


def _settings(_options: argparse.Namespace) -> int:
    print(table())
    return 0


def _folder(options: argparse.Namespace) -> Path:
    given: Path | None = options.folder
    return given or Settings.from_env(os.environ).policies


def _read_text(file: str) -> str:
    try:
        if file == "-":
            return sys.stdin.buffer.read().decode("utf-8")
        return Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(file, "is not UTF-8; save it as UTF-8") from error


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("needs an offset, such as 2027-01-31T00:00:00-03:00")
    return moment


def _port(text: str) -> int:
    port = read_port(text)
    if port is None:
        raise argparse.ArgumentTypeError("must be a whole number from 1 to 65535")
    return port


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="authz", description="Inmetro's authorization service", allow_abbrev=False
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    _add_serving(verbs)
    _add_clients(verbs)
    catalogue = verbs.add_parser("catalogue", help="the processes that may be requested")
    parts = catalogue.add_subparsers(required=True, metavar="VERB")
    importing = parts.add_parser("import", help="add and change processes from CSV or JSON")
    importing.add_argument("file", metavar="FILE", help="a file, or - for standard input")
    importing.set_defaults(run=_catalogue_import)
    parts.add_parser("list", help="show all").set_defaults(run=_catalogue_list)
    policy = verbs.add_parser("policy", help="the policy files")
    parts = policy.add_subparsers(required=True, metavar="VERB")
    for name, run, text in (
        ("check", _policy_check, "compile, and report problems with file, line and column"),
        ("test", _policy_test, "run the tests that stand beside the policies"),
    ):
        part = parts.add_parser(name, help=text)
        part.add_argument("folder", metavar="FOLDER", nargs="?", type=Path)
        part.set_defaults(run=run)
    explain = verbs.add_parser("explain", help="show one decision with its reasons and facts")
    explain.add_argument(
        "file", metavar="FILE", help="an AuthZEN evaluation request as JSON, or - for stdin"
    )
    explain.set_defaults(run=_explain)
    person = verbs.add_parser("person", help="what is kept of a person (LGPD)")
    parts = person.add_subparsers(required=True, metavar="VERB", dest="verb")
    for name, text in (
        ("export", "show all that is kept, as JSON"),
        ("erase", "forget the person, and the pairing with the name in the decision log"),
    ):
        part = parts.add_parser(name, help=text)
        part.add_argument("cpf", metavar="CPF", help="the person, or - to read it from stdin")
        part.set_defaults(run=_person)
    verbs.add_parser("settings", help="show all settings").set_defaults(run=_settings)
    return parser


def _add_serving(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    serve = verbs.add_parser("serve", help="serve over HTTP")
    serve.add_argument("--host", help="the address to listen on (AUTHZ_HOST)")
    serve.add_argument("--port", type=_port, help="the port to listen on (AUTHZ_PORT)")
    serve.add_argument("--server", choices=["waitress"], default="waitress")
    serve.set_defaults(run=_serve)
    showing = verbs.add_parser("demo", help="serve with demo data, and print a walk through it")
    showing.add_argument("--port", type=_port, help="the port to listen on (AUTHZ_PORT)")
    showing.add_argument(
        "--sign-in",
        metavar="COMMAND",
        help="what signs a person in at GOV.BR in the walk; without it, standing is asserted",
    )
    showing.set_defaults(run=_demo)


def _add_clients(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    client = verbs.add_parser("client", help="the programs that may call, and their keys")
    parts = client.add_subparsers(required=True, metavar="VERB", dest="verb")
    adding = parts.add_parser("add", help="add a client and print its key, once")
    adding.add_argument("name", metavar="NAME")
    adding.add_argument(
        "--scope", action="append", required=True, metavar="SCOPE", help=", ".join(SCOPES)
    )
    key = parts.add_parser("key", help="give a client one more key, and print it, once")
    key.add_argument("name", metavar="NAME")
    for part in (adding, key):
        part.add_argument("--expires", type=_instant, metavar="INSTANT")
        part.add_argument("--network", action="append", default=[], metavar="CIDR")
        part.set_defaults(run=_client_add)
    revoking = parts.add_parser("revoke", help="revoke one key of a client, or all")
    revoking.add_argument("name", metavar="NAME")
    revoking.add_argument("--key", metavar="ID", help="the id of one key; without it, all")
    revoking.set_defaults(run=_client_revoke)
    parts.add_parser("list", help="show all clients and their keys").set_defaults(run=_client_list)
