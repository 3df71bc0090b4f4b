"""The companies API (Cadastro de Pessoas Jurídicas, empresas v2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from tests.govbr.faults import failure
from tests.govbr.flow import Flow
from tests.govbr.people import Account, Link, People
from tests.govbr.tokens import BRASILIA, written


def bearer() -> str:
    """Give the access_token of the request, or an empty text."""
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


def blueprint(people: People, flow: Flow) -> Blueprint:
    """Build the two addresses of the API."""
    bp = Blueprint("empresas", __name__, url_prefix="/empresas/v2/empresas")

    def entitled(cpf: str) -> Account | Response:
        """
        Give the account whose companies are asked for, or why they are not told.

        The manual names the first two codes. What the real API says to somebody else's token
        is not known.
        """
        grant = flow.grant_of(bearer())
        if grant is None:
            return failure(401, "ACCESSTOKEN_MUSTBEVALID")
        if "govbr_empresa" not in grant.scopes:
            return failure(401, "ACCESSTOKEN_SCOPE_MUSTCONTAINSEXPECTEDSCOPE")
        if grant.account.cpf != cpf:
            return failure(403, "the access_token is another person's")
        return people.find(cpf)

    @bp.get("")
    def listed() -> ResponseReturnValue:
        """List the companies of a person."""
        account = entitled(request.args.get("filtrar-por-participante", ""))
        if isinstance(account, Response):
            return account
        return jsonify([_company(account, link) for link in account.links.values()])

    @bp.get("/<cnpj>/participantes/<cpf>")
    def participant(cnpj: str, cpf: str) -> ResponseReturnValue:
        """Tell what a person is in a company."""
        account = entitled(cpf)
        if isinstance(account, Response):
            return account
        link = account.links.get(cnpj)
        if link is None:
            return failure(404, "the person is no participant of the company")
        return jsonify(_participant(account, link))

    return bp


def _company(account: Account, link: Link) -> Mapping[str, Any]:
    return {
        "cnpj": int(link.cnpj) if account.plain else link.cnpj,
        "razaoSocial": link.company_name,
        "dataCriacao": written(link.created),
    }


def _participant(account: Account, link: Link) -> Mapping[str, Any]:
    """
    Give a participant in the forms of the manual's example.

    The role of a colaborador is absent, ``cadastrador`` is text. A plain account has what
    others met: numbers that lost their zeros, booleans, and the dates of the manual's text.
    """
    told: dict[str, Any] = {
        "cpf": int(account.cpf) if account.plain else account.cpf,
        "cadastrador": link.cadastrador if account.plain else str(link.cadastrador).lower(),
        "dataCriacao": written(link.created),
    }
    if link.atuacao is not None:
        told["atuacao"] = link.atuacao
    if link.registrar is not None:
        told["cpfCadastrador"] = link.registrar
    if link.expires is not None:
        told["dataExpiracao"] = (
            f"{link.expires.astimezone(BRASILIA):%Y-%m-%d %H:%M:%S}"
            if account.plain
            else written(link.expires)
        )
    return told
