"""The files in ``deploy/`` speak of settings, routes and metrics that the service really has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from authz_service.metrics import Metrics
from authz_service.server import IDLE_SECONDS
from authz_service.settings import SETTINGS, Settings, example
from authz_service.workers.supervisor import PATIENCE_SECONDS
from tests.operation.house import ROOT, authz

DEPLOY = ROOT / "deploy"
MANIFEST = DEPLOY / "kubernetes" / "authz.yaml"
COMPOSE = DEPLOY / "docker" / "compose.yaml"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
OPERATION = ROOT / "docs" / "operation.md"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "authz.json"
FILES = sorted(path.relative_to(DEPLOY).as_posix() for path in DEPLOY.rglob("*") if path.is_file())
NAMES = {setting.name for setting in SETTINGS}


def needs(program: str, package: str) -> str:
    """Give the path of a program of the operating system, or skip where it is not installed."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed here (Debian: {package})")
    return found


def run(*command: str, folder: Path = DEPLOY) -> str:
    """Run a program to its success, and give all that it says."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout + done.stderr


def manifests(path: Path) -> list[dict[str, Any]]:
    """Read all documents of a YAML file."""
    return list(yaml.safe_load_all(path.read_text()))


@pytest.mark.parametrize("name", FILES)
def test_every_setting_that_a_file_names_exists(name: str) -> None:
    """A setting that was renamed would be refused at the start, on somebody's worst day."""
    named = set(re.findall(r"AUTHZ_[A-Z_]*[A-Z]", (DEPLOY / name).read_text()))
    assert set() == named - NAMES


def test_the_example_environment_is_made_of_the_settings(tmp_path: Path) -> None:
    """The file has every setting at its default, and the service starts from it as it stands."""
    text = (DEPLOY / "authz.env.example").read_text()

    assert example() + "\n" == text == authz(tmp_path, "settings", "--env").stdout
    given = dict(line.split("=", 1) for line in text.splitlines() if re.match("[A-Z]", line))
    assert Settings.from_env(given) == Settings.from_env({})
    told = {line.lstrip("#").split("=")[0] for line in text.splitlines() if "=" in line}
    assert NAMES <= told


def test_the_manifest_probes_what_is_there_and_locks_the_containers() -> None:
    """Probes ask the open routes on the service's port; no container runs as root or writes."""
    [replicas] = [one for one in manifests(MANIFEST) if one["kind"] == "StatefulSet"]
    pod = replicas["spec"]["template"]["spec"]
    [container] = pod["containers"]

    assert {"/healthz", "/readyz"} == {
        container[probe]["httpGet"]["path"]
        for probe in ("livenessProbe", "readinessProbe", "startupProbe")
    }
    assert [{"name": "http", "containerPort": Settings.from_env({}).port}] == container["ports"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    for one in (*pod["initContainers"], container):
        assert {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        } == one["securityContext"]


def test_the_composition_locks_the_service_and_upgrades_first() -> None:
    """The service starts on an upgraded database, writes /data alone, and has no capability."""
    services = yaml.safe_load(COMPOSE.read_text())["services"]

    assert {"database", "upgrade", "authz", "prometheus", "grafana"} == set(services)
    assert ["authz", "db", "upgrade"] == services["upgrade"]["command"]
    own = services["authz"]
    assert {"upgrade": {"condition": "service_completed_successfully"}} == own["depends_on"]
    assert (True, ["ALL"]) == (own["read_only"], own["cap_drop"])
    # Nothing is reachable from outside the machine but through a proxy.
    ports = [port for one in services.values() for port in one.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_image_is_locked_and_nobodys_root() -> None:
    """Dependencies come by hash, the user is a number, and Python is one of the tested ones."""
    text = (DEPLOY / "docker" / "Dockerfile").read_text()

    assert "--no-deps --require-hashes -r requirements/run.txt" in text
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    assert {"3.12"} == set(re.findall(r"^FROM python:([0-9.]+)-slim", text, re.MULTILINE))
    copied = re.findall(r"^COPY (?!--from)(\S+(?: \S+)*) \S+$", text, re.MULTILINE)
    sources = {name for line in copied for name in line.split()}
    assert all((ROOT / name).exists() for name in sources)
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    assert sources <= allowed


def test_whoever_stops_the_service_waits_for_it() -> None:
    """A stop answers those who are being answered; nobody ends it before it has ended itself."""
    pod = next(one for one in manifests(MANIFEST) if one["kind"] == "StatefulSet")
    pod = pod["spec"]["template"]["spec"]
    own = yaml.safe_load(COMPOSE.read_text())["services"]["authz"]
    unit = (DEPLOY / "systemd" / "authz.service").read_text()

    assert pod["terminationGracePeriodSeconds"] > PATIENCE_SECONDS
    assert int(own["stop_grace_period"].removesuffix("s")) > PATIENCE_SECONDS
    assert int(re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)[0]) > PATIENCE_SECONDS
    # The workers are told by their supervisor, once.
    assert "\nKillMode=mixed\n" in unit


def test_the_proxy_lets_go_of_a_connection_before_the_service_does() -> None:
    """Whoever sends on a connection that is being closed hears a 502, and asks in vain."""
    text = (DEPLOY / "nginx" / "authz.conf").read_text()
    assert int(re.findall(r"^ +keepalive_timeout (\d+)s;$", text, re.MULTILINE)[0]) < IDLE_SECONDS


def test_the_proxy_keeps_no_body_and_no_query() -> None:
    """Bodies hold CPFs, queries may: the first stay in memory, the second in no log."""
    text = (DEPLOY / "nginx" / "authz.conf").read_text()
    [longest] = re.findall(r"^ +client_max_body_size (\w+);$", text, re.MULTILINE)

    assert [longest] == re.findall(r"^ +client_body_buffer_size (\w+);$", text, re.MULTILINE)
    [form] = re.findall(r"^log_format authz (.*?);$", text, re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"\$(\w+)", form))
    assert set() == named & {"request", "request_uri", "args", "query_string", "http_referer"}
    # nginx quotes the request with its query in all that is less urgent.
    assert ["emerg"] == re.findall(r"^ +error_log \S+ (\w+);$", text, re.MULTILINE)


def test_decisions_and_pages_may_be_apart() -> None:
    """What goes to the service for decisions are routes; all else goes to the other one."""
    apart = (DEPLOY / "nginx" / "pages-apart.conf").read_text()
    whole = (DEPLOY / "nginx" / "authz.conf").read_text()
    routes = json.loads((ROOT / "schemas" / "openapi.json").read_text())["paths"]
    sent = re.findall(r"^ +(/\S+) authz;$", apart, re.MULTILINE)

    assert len(sent) == 3
    assert set() == set(sent) - set(routes)
    assert {"authz", "authz_pages"} == set(
        re.findall(r"^upstream (\w+) {$", whole + apart, re.MULTILINE)
    )
    [seconds] = re.findall(r"^ +keepalive_timeout (\d+)s;$", apart, re.MULTILINE)
    assert int(seconds) < IDLE_SECONDS


def test_the_proxy_sends_no_header_that_passes_for_another() -> None:
    """A header with `_` and one with `-` are one to an application, and one of them is believed."""
    text = (DEPLOY / "nginx" / "authz.conf").read_text()
    assert "\n    underscores_in_headers off;\n" in text
    # A thread of the service waits for each body that is on its way.
    assert "\n    proxy_request_buffering on;\n" in text


def test_the_unit_allows_what_waitress_asks_of_the_system() -> None:
    """A call that is not allowed ends the process."""
    unit = (DEPLOY / "systemd" / "authz.service").read_text()
    filters = re.findall(r"^SystemCallFilter=(.*)$", unit, re.MULTILINE)
    assert [
        "@system-service",
        "~@privileged @resources",
        "sched_setaffinity setpriority",
    ] == filters


def test_the_image_has_the_server_that_it_names() -> None:
    """Granian is an extra, without which the image would not start."""
    text = (DEPLOY / "docker" / "Dockerfile").read_text()
    [server] = re.findall(r"^ +AUTHZ_SERVER=(\w+) ", text, re.MULTILINE)
    locked = (ROOT / "requirements" / "run.txt").read_text()
    assert re.search(rf"^{server}==", locked, re.MULTILINE)


def test_every_alert_says_on_the_page_what_to_do() -> None:
    """Who is woken by an alert finds it in the manual; who reads of one there will hear it."""
    alerts = set(re.findall(r"^ +- alert: (\w+)$", ALERTS.read_text(), re.MULTILINE))
    tested = set(
        re.findall(r"alertname: (\w+)", (DEPLOY / "prometheus/alerts_test.yml").read_text())
    )
    manual = set(re.findall(r"^\| `(Authz\w+)` \|", OPERATION.read_text(), re.MULTILINE))

    assert alerts == manual
    assert alerts == tested


def metric_names() -> set[str]:
    """Give every name under which the service's metrics are scraped."""
    metrics = Metrics()
    metrics.watch_keys(lambda: None)
    metrics.watch_policy()
    text = metrics.exposition()[0].decode()
    found: set[str] = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        found |= {name}
        if kind == "histogram":
            found |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"}
    return found


@pytest.mark.parametrize("path", [ALERTS, DASHBOARD], ids=["alerts", "dashboard"])
def test_every_metric_that_is_watched_exists(path: Path) -> None:
    """An alert on a metric that nobody counts would be silent for ever."""
    watched = set(re.findall(r"\bauthz_[a-z_]+[a-z]\b", path.read_text()))

    assert watched
    assert set() == watched - metric_names()


def test_the_dashboard_draws_every_panel_from_prometheus() -> None:
    """Each panel has a title and asks the data source that is provisioned beside it."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    provisioned = yaml.safe_load(
        (DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text()
    )["datasources"][0]["uid"]

    assert len(panels) >= 10
    assert {provisioned} == {panel["datasource"]["uid"] for panel in panels}
    assert all(panel["title"] and panel["targets"] for panel in panels)


def test_promtool_accepts_rules_and_configuration(tmp_path: Path) -> None:
    """Prometheus' own checker reads the configuration and the alerts, and their tests pass."""
    promtool = needs("promtool", "prometheus")
    folder = tmp_path / "prometheus"
    shutil.copytree(DEPLOY / "prometheus", folder)
    (folder / "key").write_text("key")
    configuration = folder / "prometheus.yml"
    configuration.write_text(
        configuration.read_text().replace("/run/secrets/metrics_key", str(folder / "key"))
    )

    assert "SUCCESS" in run(promtool, "check", "config", "prometheus.yml", folder=folder)
    assert "SUCCESS" in run(promtool, "test", "rules", "alerts_test.yml", folder=folder)


def test_promtool_accepts_every_query_of_the_dashboard(tmp_path: Path) -> None:
    """A query with a mistake would be an empty panel."""
    promtool = needs("promtool", "prometheus")
    panels = json.loads(DASHBOARD.read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    rules = [
        {"record": f"panel:{number}", "expr": query.replace("$__rate_interval", "5m")}
        for number, query in enumerate(queries)
    ]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))

    assert f"{len(rules)} rules found" in run(promtool, "check", "rules", str(file))


def test_systemd_accepts_the_unit_and_finds_it_hardened(tmp_path: Path) -> None:
    """The service manager reads every line of the unit, and its own measure of exposure is low."""
    analyze = needs("systemd-analyze", "systemd")
    text = (DEPLOY / "systemd" / "authz.service").read_text()
    unit = tmp_path / "authz.service"
    # The program is not where it will be; everything else has to be right.
    unit.write_text(text.replace("/opt/authz/bin/authz", "/bin/true"))

    assert "" == run(analyze, "verify", "--man=no", str(unit))
    security = run(analyze, "security", "--offline=true", "--no-pager", str(unit))
    found = re.search(r"exposure level for authz.service: ([0-9.]+)", security)
    assert found is not None
    assert float(found[1]) < 2.0
