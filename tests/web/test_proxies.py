"""The source of a call: whom a trusted proxy has heard, and nobody's mere word."""

from __future__ import annotations

import http.client
import ipaddress
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from authz_service.domain.clients import parse_network
from authz_service.domain.decision import Caller
from authz_service.server import Server
from authz_service.web.proxies import TrustedProxies, source
from tests.fakes.service import Service

PROXY, INNER, CALLER = "10.0.0.5", "10.0.9.9", "203.0.113.7"
TRUSTED = tuple(map(ipaddress.ip_network, ("10.0.0.0/16", "fd00::/8")))

CASES: dict[str, tuple[str | None, str | None, str | None]] = {
    "nobody in between": (CALLER, None, CALLER),
    "a stranger's word": (CALLER, "10.1.2.3", CALLER),
    "a stranger's word, a trusted address in it": (CALLER, PROXY, CALLER),
    "a proxy's word": (PROXY, CALLER, CALLER),
    "a proxy that says nothing": (PROXY, None, PROXY),
    "a proxy that says nothing in a header": (PROXY, "", PROXY),
    "empty elements": (PROXY, f" , {CALLER},, ", CALLER),
    "what the caller has made up before": (PROXY, f"127.0.0.1, {CALLER}", CALLER),
    "a trusted address that the caller has made up": (PROXY, f"{INNER}, {CALLER}", CALLER),
    "nonsense that the caller has made up": (PROXY, f"x, ;, {CALLER}", CALLER),
    "two proxies": (PROXY, f"{CALLER}, {INNER}", CALLER),
    "two proxies, something made up": (PROXY, f"127.0.0.1, {CALLER}, {INNER}", CALLER),
    "proxies alone": (PROXY, f"{INNER}, 10.0.9.8", INNER),
    "tabs and spaces": (PROXY, f"\t{CALLER} ,\t {INNER} ", CALLER),
    "with a port": (PROXY, f"{CALLER}:49152", CALLER),
    "IPv6": (PROXY, "2001:db8::1", "2001:db8::1"),
    "IPv6 in another form": (PROXY, "2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
    "IPv6 in brackets": (PROXY, "[2001:db8::1]", "2001:db8::1"),
    "IPv6 with a port": (PROXY, "[2001:db8::1]:443", "2001:db8::1"),
    "a proxy of IPv6": ("fd00::1", CALLER, CALLER),
    "an untrusted peer of IPv6": ("2001:db8::1", CALLER, "2001:db8::1"),
    "a mapped proxy": (f"::ffff:{PROXY}", CALLER, CALLER),
    "a mapped stranger": (f"::ffff:{CALLER}", "10.1.2.3", CALLER),
    "a mapped caller": (PROXY, f"::ffff:{CALLER}", CALLER),
    "a mapped caller in brackets": (PROXY, f"[::ffff:{CALLER}]:1", CALLER),
    "a mapped proxy between": (PROXY, f"{CALLER}, ::ffff:{INNER}", CALLER),
    "a link-local peer": ("fe80::1%eth0", CALLER, "fe80::1"),
    "a link-local proxy": ("fd00::1%eth0", CALLER, CALLER),
    "unknown": (PROXY, "unknown", None),
    "unknown behind a proxy": (PROXY, f"{CALLER}, unknown, {INNER}", None),
    "hidden": (PROXY, "_hidden", None),
    "a name": (PROXY, "caller.example", None),
    "no address": (PROXY, "203.0.113.256", None),
    "leading zeros": (PROXY, "203.0.113.007", None),
    "half an address": (PROXY, "203.0.113", None),
    "a number": (PROXY, "3405803783", None),
    "a network": (PROXY, f"{CALLER}/32", None),
    "quotes": (PROXY, f'"{CALLER}"', None),
    "a pair of RFC 7239": (PROXY, f"for={CALLER}", None),
    "a port that is none": (PROXY, f"{CALLER}:x", None),
    "a port that is too long": (PROXY, f"{CALLER}:123456", None),
    "brackets around IPv4": (PROXY, f"[{CALLER}]", None),
    "one bracket": (PROXY, "[2001:db8::1", None),
    "a zone": (PROXY, "fe80::1%72268402517", None),
    "another script's digits": (PROXY, "٢٠٣.0.113.7", None),
    "a semicolon for a comma": (PROXY, f"{CALLER};{INNER}", None),
    "no peer": (None, CALLER, None),
    "a peer without an address": ("localhost", CALLER, None),
}


@pytest.mark.parametrize(("peer", "forwarded", "expected"), CASES.values(), ids=CASES)
def test_the_source_is_whom_the_last_trusted_proxy_has_heard(
    peer: str | None, forwarded: str | None, expected: str | None
) -> None:
    """Only what a trusted proxy has added counts; what it cannot say is said to be unknown."""
    assert expected == source(peer, forwarded, TRUSTED)


@pytest.mark.parametrize("peer", [PROXY, "127.0.0.1", "fd00::1"])
def test_by_default_nobody_is_believed(peer: str) -> None:
    """Without the setting the source is the other end of the connection, whatever it says."""
    assert peer == source(peer, CALLER, ())


def behind(service: Service, peer: str | None, forwarded: str | None, **headers: str) -> Any:
    """Give what the application sees of a call: its status, and who is on record for it."""
    app = TrustedProxies(service.app.wsgi_app, TRUSTED)
    service.app.wsgi_app = app  # type: ignore[method-assign]  # as Flask means it to be wrapped
    if forwarded is not None:
        headers["X-Forwarded-For"] = forwarded
    environ: dict[str, Any] = {} if peer is None else {"REMOTE_ADDR": peer}
    return service.http.get(
        "/metrics",
        headers={"Authorization": f"Bearer {service.key}", **headers},
        environ_overrides=environ,
    )


@pytest.mark.parametrize(
    ("network", "forwarded", "status"),
    [
        ("203.0.113.0/24", CALLER, 200),
        ("203.0.113.0/24", "198.51.100.1", 401),
        ("203.0.113.0/24", f"{CALLER}, 198.51.100.1", 401),
        ("203.0.113.0/24", None, 401),
        ("10.0.0.0/16", CALLER, 401),
        ("10.0.0.0/16", "unknown", 401),
        ("0.0.0.0/0", "unknown", 401),
        ("0.0.0.0/0", CALLER, 200),
    ],
)
def test_networks_of_keys_are_held_to_the_source(
    service: Service, network: str, forwarded: str | None, status: int
) -> None:
    """A key counts from its networks as they are behind the proxy, never from the proxy's own."""
    networks = (parse_network(network),)
    service.key = service.clients.add("bound", ["metrics"], Caller("tests"), networks=networks)
    assert status == behind(service, PROXY, forwarded).status_code


@pytest.mark.parametrize(("peer", "kept"), [(PROXY, CALLER), ("198.51.100.1", "198.51.100.1")])
def test_records_have_the_source(service: Service, peer: str, kept: str) -> None:
    """Who called from where stands in the record of what was done."""
    behind(service, peer, CALLER)
    body = {"cpf": "18762794604", "registered": True, "confirmed": True}
    service.http.post(
        "/v1/people",
        json=body,
        headers={"Authorization": f"Bearer {service.key}", "X-Forwarded-For": CALLER},
        environ_overrides={"REMOTE_ADDR": peer},
    )
    assert kept == service.log.records[-1].caller.address


@pytest.mark.parametrize(
    "header", ["Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP", "X-Forwarded-Host"]
)
def test_no_other_header_says_who_calls(service: Service, header: str) -> None:
    """A trusted proxy is believed by one header; others could come from anybody through it."""
    networks = (parse_network("203.0.113.0/24"),)
    service.key = service.clients.add("bound", ["metrics"], Caller("tests"), networks=networks)
    words = {header: f"for={CALLER}" if header == "Forwarded" else CALLER}
    assert 401 == behind(service, PROXY, None, **words).status_code


def told(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer with the address of the caller."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(environ.get("REMOTE_ADDR")).encode()]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("X-Forwarded-For", CALLER)], CALLER),
        ([("X-Forwarded-For", "10.1.1.1"), ("X-Forwarded-For", CALLER)], CALLER),
        ([("X-Forwarded-For", CALLER), ("x-forwarded-for", "127.0.0.9")], CALLER),
        ([("X_Forwarded_For", CALLER)], "127.0.0.1"),
        ([("Forwarded", f"for={CALLER}"), ("X-Forwarded-Host", "x")], "127.0.0.1"),
    ],
    ids=["one", "two", "two, a proxy's last", "with underscores", "others"],
)
def test_the_server_hands_the_headers_on(headers: list[tuple[str, str]], expected: str) -> None:
    """Waitress neither reads the header itself nor takes it away; several are one list."""
    app = TrustedProxies(told, (ipaddress.ip_network("127.0.0.0/8"),))
    server = Server(app, "127.0.0.1", 0)
    serving = threading.Thread(target=server.serve)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    serving.start()
    try:
        connection.putrequest("GET", "/")
        for name, value in [*headers, ("Connection", "close")]:
            connection.putheader(name, value)
        connection.endheaders()
        with connection.getresponse() as answer:
            assert expected == answer.read().decode()
    finally:
        connection.close()
        server.stop()
        serving.join()


def test_what_is_remembered_of_sources_is_bounded() -> None:
    """The same caller is read once; another one is another, and long lists fill no memory."""
    app = TrustedProxies(told, (ipaddress.ip_network("127.0.0.0/8"),))

    def asked(forwarded: str) -> str:
        environ = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": forwarded}
        return b"".join(app(environ, lambda *_: None)).decode()

    long = ", ".join([CALLER] * 1_000)
    assert [CALLER, "192.0.2.1", CALLER, CALLER] == [
        asked(one) for one in (CALLER, "192.0.2.1", CALLER, long)
    ]
    known = app._known.cache_info()
    assert (1, 2, True) == (known.hits, known.currsize, known.maxsize is not None)
