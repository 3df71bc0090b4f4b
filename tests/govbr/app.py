"""The addresses of the simulator: those of GOV.BR, and those that command it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, redirect, render_template_string, request
from flask.typing import ResponseReturnValue

from tests.govbr import commands, empresas
from tests.govbr.faults import Faults, failure
from tests.govbr.flow import LOGOUT_URI, SCOPES, Flow, Refused
from tests.govbr.keys import SigningKeys
from tests.govbr.page import PAGE
from tests.govbr.people import NoSuchAccount, People
from tests.govbr.tokens import userinfo
from tests.govbr.ways import WAYS


@dataclass(frozen=True)
class Parts:
    """
    What the simulator is made of.

    Attributes:
        issuer: ``iss``, with its slash.
        people: the accounts.
        keys: what signs.
        flow: codes and tokens.
        faults: what is wrong now.
    """

    issuer: str
    people: People
    keys: SigningKeys
    flow: Flow
    faults: Faults


def create_app(parts: Parts) -> Flask:
    """Put the addresses together."""
    app = Flask(__name__)
    app.register_blueprint(_entrance(parts))
    app.register_blueprint(_provider(parts))
    app.register_blueprint(empresas.blueprint(parts.people, parts.flow))
    app.register_blueprint(commands.blueprint(parts.people, parts.keys, parts.faults))
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(NoSuchAccount, _no_such_account)

    @app.before_request
    def suffer() -> Response | None:
        """Let the part that is asked have its fault."""
        return parts.faults.suffer(request.path.split("/")[1])

    return app


def _entrance(parts: Parts) -> Blueprint:
    """Build what a sign-in goes through."""
    bp = Blueprint("entrance", __name__)

    @bp.get("/authorize")
    def authorize() -> ResponseReturnValue:
        """Show a person the accounts and the ways into them."""
        parts.flow.asked(request.args)
        return render_template_string(
            PAGE, people=parts.people, ways=WAYS.values(), sent=request.args
        )

    @bp.post("/authorize")
    def enter() -> ResponseReturnValue:
        """Send the person back to the client, with a code."""
        asked = parts.flow.asked(request.form)
        account = parts.people.find(request.form.get("cpf", ""))
        way = WAYS.get(request.form.get("way", ""))
        if way is None:
            raise Refused(400, "invalid_request", "there is no such way in")
        query = urlencode({"code": parts.flow.code(asked, account, way), "state": asked.state})
        return redirect(f"{asked.redirect_uri}?{query}")

    @bp.post("/token")
    def token() -> ResponseReturnValue:
        """Give tokens for a code; the parameters may stand in the address, as in Java's sample."""
        given: Mapping[str, str] = request.values
        return parts.flow.redeem(given, request.headers.get("Authorization"), parts.issuer)

    return bp


def _provider(parts: Parts) -> Blueprint:
    """Build what clients ask besides."""
    bp = Blueprint("provider", __name__)

    @bp.route("/jwk", methods=["GET", "POST"])
    def jwk() -> ResponseReturnValue:
        """Publish the keys."""
        return parts.keys.document()

    @bp.get("/userinfo/", strict_slashes=False)
    def about() -> ResponseReturnValue:
        """Tell about the person of an access_token."""
        grant = parts.flow.grant_of(empresas.bearer())
        if grant is None:
            return failure(401, "ACCESSTOKEN_MUSTBEVALID")
        return userinfo(grant)

    @bp.route("/logout", methods=["GET", "POST"])
    def logout() -> ResponseReturnValue:
        """Send the person to the client's registered page."""
        if request.values.get("post_logout_redirect_uri") != LOGOUT_URI:
            return failure(400, "post_logout_redirect_uri is not registered")
        return redirect(LOGOUT_URI)

    @bp.get("/.well-known/openid-configuration")
    def discovery() -> ResponseReturnValue:
        """Tell as much, and as little, as the real document."""
        return _discovery(parts.issuer)

    return bp


def _refused(error: Refused) -> ResponseReturnValue:
    if error.error is None:
        return Response(status=error.status)
    return failure(error.status, str(error), error.error)


def _no_such_account(error: NoSuchAccount) -> ResponseReturnValue:
    return failure(404, str(error))


def _discovery(issuer: str) -> dict[str, Any]:
    """
    Give the discovery document as it was seen on the real staging.

    It says nothing of PKCE, of logout, or of ``cnpj``, ``amr`` and ``reliability_info``, so a
    library that configures itself by it leaves PKCE out.
    """
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}authorize",
        "token_endpoint": f"{issuer}token",
        "userinfo_endpoint": f"{issuer}userinfo",
        "jwks_uri": f"{issuer}jwk",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": ["RS256", "RS512"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "scopes_supported": [one for one in SCOPES if one != "govbr_confiabilidades_idtoken"],
        "claims_supported": ["sub", "name", "email", "email_verified", "phone_number", "picture"],
    }
