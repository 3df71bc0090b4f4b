"""The first day of an operator, as ``docs/operation.md`` tells it, from the wheel on."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import written
from tests.operation.house import ROOT, Running, authz, environment, free_port
from tests.postgres import Postgres, running

CSV = "code,title,version\nP001,Registro,1\n"
ASK = {"cpf": "18762794604", "cnpj": "52420282000180", "processo": "P001", "acao": "iniciar"}
CALLER = "127.0.0.2"
"""Where the caller calls from; the proxy is at 127.0.0.1."""
SAMPLES = re.compile(rb"^authz_(?:decisions_total|workers)\b.*$", re.MULTILINE)
COUNTED = {
    b'authz_decisions_total{action="open",decision="deny",reason="no-permit"} 1.0',
    b"authz_workers 2.0",
}
EMPTY = {"PYTHONPATH": "", "AUTHZ_POLICIES": ""}
"""What keeps the repository out: neither its modules nor its policies."""


def sources() -> list[str]:
    """Give what the image is built of, which is all that the wheel takes."""
    text = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    return [name for line in lines for name in line.split()]


def install(folder: Path) -> Path:
    """
    Build the wheel, and install it into an environment of its own; give its ``authz``.

    The dependencies are those of the environment that runs the tests, without what points from
    there to the repository: what belongs to this package comes from the wheel alone.
    """
    tree, home = folder / "tree", folder / "venv"
    for name in sources():
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, target, symlinks=True, ignore=ignored)
        else:
            shutil.copy(ROOT / name, target)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-index", "--no-deps"]
    build = ["--no-build-isolation", "--wheel-dir", str(folder), str(tree)]
    subprocess.run([*pip, "wheel", *offline, *build], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    [wheel] = folder.glob("*.whl")
    subprocess.run([*pip, "--python", str(home), "install", *offline, str(wheel)], check=True)
    [packages] = home.glob("lib/python*/site-packages")
    # A folder that is named like this is searched for modules; what would extend it is not read.
    (packages / "tests.pth").write_text(str(Path(pytest.__file__).parents[1]) + "\n")
    where = [
        str(home / "bin" / "python"),
        "-P",
        "-c",
        "import authz_service as a; print(a.__file__)",
    ]
    shown = subprocess.run(
        where, check=True, capture_output=True, text=True, env=environment(**EMPTY)
    )
    assert Path(shown.stdout.strip()).is_relative_to(packages)
    return home / "bin" / "authz"


@dataclass
class House:
    """An installed service in a folder of its own, and how its verbs are run."""

    folder: Path
    program: Path
    settings: Mapping[str, str]

    def verb(self, *arguments: str) -> str:
        """Run a verb to its success, and give what it prints."""
        done = subprocess.run(
            [self.program, *arguments],
            cwd=self.folder,
            env=environment(**self.settings),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert 0 == done.returncode, done.stderr
        return done.stdout.strip()

    def answered(self, route: str) -> set[int]:
        """Give the processes that have answered on a route, by the application log."""
        lines = (self.folder / "stderr.txt").read_text().splitlines()
        known = [json.loads(line) for line in lines if line.startswith("{")]
        return {line["pid"] for line in known if line.get("route") == route}

    def logged(self) -> list[dict[str, Any]]:
        """Give the decisions in the log."""
        return written.decisions(self.folder / "data")


def furnished(folder: Path, server: Postgres) -> House:
    """Install, make the tables, and take a process in, as the operator does."""
    settings = EMPTY | {
        "AUTHZ_DATA_DIR": "data",
        "AUTHZ_DATABASE_URL": server.new(),
        "AUTHZ_WORKERS": "2",
        "AUTHZ_TRUSTED_PROXIES": "127.0.0.1",
        "AUTHZ_PDP_ID": "https://authz.example",
    }
    house = House(folder, install(folder), settings)
    (folder / "processes.csv").write_text(CSV)
    house.verb("db", "upgrade")
    house.verb("catalogue", "import", "processes.csv")
    return house


def program(name: str) -> str | None:
    """Give the path of a program, also where only root's path names it."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


@contextmanager
def proxy(nginx: str, folder: Path, upstream: int) -> Iterator[int]:
    """Run nginx as the example has it, but for names, paths and ports; give its port."""
    port = free_port()
    text = (ROOT / "deploy" / "nginx" / "authz.conf").read_text()
    for theirs, ours in (
        ("/etc/nginx/authz/", f"{folder}/"),
        ("/var/log/nginx/", f"{folder}/"),
        ("listen [::]:443 ssl;", ""),
        ("listen 443 ", f"listen 127.0.0.1:{port} "),
        ("server 127.0.0.1:8080;", f"server 127.0.0.1:{upstream};"),
    ):
        assert theirs in text
        text = text.replace(theirs, ours)
    (folder / "authz.conf").write_text(text)
    own = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # Only root may be told as whom to work.
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user}daemon off;\nmaster_process off;\npid {folder}/pid;\n"
        f"error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\n{own}include {folder}/authz.conf;\n}}\n"
    )
    command = [nginx, "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command) as process:
        try:
            until = time.monotonic() + 10
            while not (folder / "pid").exists() and time.monotonic() < until:
                assert process.poll() is None, (folder / "error.log").read_text()
                time.sleep(0.02)
            yield port
        finally:
            process.terminate()


def certificates(openssl: str, folder: Path) -> None:
    """Make the proxy's certificate, and an authority for callers with one that it has signed."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    own = [openssl, "req", "-x509", *key, "-days", "2"]
    signed = ["-CA", "clients-ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"]
    for command in (
        [*own, "-keyout", "server.key", "-out", "server.pem", "-subj", "/CN=authz.example"],
        [*own, "-keyout", "ca.key", "-out", "clients-ca.pem", "-subj", "/CN=callers"],
        [openssl, "req", *key, "-keyout", "orquestra.key", "-out", "csr", "-subj", "/CN=orquestra"],
        [openssl, "x509", "-req", "-in", "csr", *signed, "-out", "orquestra.pem"],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)


def send(port: int, folder: Path, method: str, path: str, key: str, *, certificate: bool) -> int:
    """Send a request through the proxy from ``CALLER``, and give its status."""
    context = ssl.create_default_context(cafile=folder / "server.pem")
    context.check_hostname = False
    if certificate:
        context.load_cert_chain(folder / "orquestra.pem", folder / "orquestra.key")
    connection = http.client.HTTPSConnection(
        "127.0.0.1", port, timeout=10, context=context, source_address=(CALLER, 0)
    )
    # What the caller says of itself in the last header is a lie.
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "X-Forwarded-For": "10.9.9.9",
    }
    try:
        body = json.dumps(ASK) if method == "POST" else None
        connection.request(method, path, body, headers)
        with connection.getresponse() as answer:
            answer.read()
            return answer.status
    finally:
        connection.close()


def through_the_proxy(house: House, service: Running, key: str) -> None:
    """Ask through the example proxy; skip, visibly, where there is none to be had."""
    nginx, openssl = program("nginx"), program("openssl")
    if nginx is None or openssl is None:
        pytest.skip("all but the proxy passed: nginx and openssl are not installed here")
    folder = house.folder / "nginx"
    folder.mkdir()
    certificates(openssl, folder)
    decision, asked = "/v1/orquestra/decisao", len(house.logged())
    with proxy(nginx, folder, service.port) as port:
        assert 200 == send(port, folder, "POST", decision, key, certificate=True)
        [record] = house.logged()[asked:]
        assert {"name": "orquestra", "address": CALLER} == record["caller"]
        # The key alone is not enough, on a route of a later version neither.
        assert 403 == send(port, folder, "POST", decision, key, certificate=False)
        assert 403 == send(port, folder, "GET", "/later", key, certificate=False)
        assert 404 == send(port, folder, "GET", "/metrics", key, certificate=True)
        for path in ("/healthz", "/docs", "/openapi.json", "/.well-known/authzen-configuration"):
            assert 200 == send(port, folder, "GET", path, "", certificate=False)
    assert decision in (folder / "authz.log").read_text()


def test_the_first_day_goes_as_the_page_on_operation_tells_it(tmp_path: Path) -> None:
    """The wheel alone, two workers, PostgreSQL, a proxy: keys, decision, metrics, a clean stop."""
    with running() as server:
        house = furnished(tmp_path, server)
        # Bound to where the caller is: through the proxy it counts, without it it does not.
        key = house.verb("client", "add", "orquestra", "--scope", "decide", "--network", CALLER)
        near = house.verb("client", "add", "near", "--scope", "decide")
        scrape = house.verb("client", "add", "prometheus", "--scope", "metrics")
        service = Running(tmp_path, program=[str(house.program)], **house.settings)
        try:
            assert service.send("GET", "/readyz").json["ready"]
            # The policies are those of the repository, although they come out of the wheel.
            checked = authz(tmp_path, "policy", "check", str(ROOT / "policies")).stdout
            first = service.send("POST", "/v1/orquestra/decisao", ASK, key=near)
            assert (200, "SEM_PERMISSAO") == (first.status, first.json["codigo"])
            assert 401 == service.send("POST", "/v1/orquestra/decisao", ASK, key=key).status
            [record] = house.logged()
            assert record["policy_digest"] in checked

            samples: set[bytes] = set()
            until = time.monotonic() + 20
            while len(house.answered("/metrics")) < 2 and time.monotonic() < until:
                samples |= set(SAMPLES.findall(service.send("GET", "/metrics", key=scrape).body))
            # Both workers were scraped, and both told what one of them has done.
            assert 2 == len(house.answered("/metrics"))
            assert COUNTED == samples

            through_the_proxy(house, service, key)
            assert 0 == service.stop()
        finally:
            service.kill()
