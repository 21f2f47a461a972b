"""Sign-in by OAuth: what is asked for, what comes back, and what every refusal means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from servers.oauth import AuthorizationServer

from mail_crm_link.connectors.errors import ConnectorError, NotAllowed, ProviderBroken, SignInNeeded, Transient
from mail_crm_link.connectors.oauth import Endpoints, OAuth, challenge, consent_refusal, microsoft, new_verifier

REDIRECT = "https://odoo.example/mail_crm_link/oauth/google"
SCOPES = ("openid", "mail.read")


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    with AuthorizationServer(redirects={REDIRECT}) as running:
        yield running


def endpoints(server: AuthorizationServer) -> Endpoints:
    return Endpoints(f"{server.url}/authorize", f"{server.url}/token", f"{server.url}/revoke")


@pytest.fixture
def oauth(server: AuthorizationServer) -> OAuth:
    return OAuth(endpoints(server), "client-1", "secret-1", REDIRECT)


def code_of(oauth: OAuth, verifier: str) -> str:
    """The code that a person's browser would bring back."""
    answer = requests.get(oauth.consent_url(SCOPES, "state-1", verifier), allow_redirects=False, timeout=5)
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


def test_a_challenge_is_the_one_of_the_rfc() -> None:
    # RFC 7636, appendix B
    assert challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert 43 <= len(new_verifier()) <= 128 and new_verifier() != new_verifier()


def test_the_browser_brings_only_what_may_be_seen(oauth: OAuth) -> None:
    verifier = new_verifier()
    url = oauth.consent_url(SCOPES, "state-1", verifier, "anna@our.example", prompt="consent")
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert query == {
        "client_id": "client-1",
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": "openid mail.read",
        "state": "state-1",
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
        "login_hint": "anna@our.example",
        "prompt": "consent",
    }
    assert verifier not in url and "secret-1" not in url


def test_a_code_becomes_tokens_once(oauth: OAuth) -> None:
    verifier = new_verifier()
    code = code_of(oauth, verifier)
    tokens = oauth.redeem(code, verifier)
    assert tokens.addresses() == {"anna@our.example"}
    assert tokens.scopes == set(SCOPES) and tokens.seconds == 3600 and tokens.refresh
    assert tokens.access not in repr(tokens) and tokens.refresh not in repr(tokens)
    with pytest.raises(SignInNeeded) as caught:
        oauth.redeem(code, verifier)
    assert caught.value.cause == "code_expired"


def test_a_code_is_worth_nothing_without_its_verifier(oauth: OAuth) -> None:
    code = code_of(oauth, new_verifier())
    with pytest.raises(SignInNeeded):
        oauth.redeem(code, new_verifier())


def test_a_rotated_refresh_token_replaces_the_last(server: AuthorizationServer, oauth: OAuth) -> None:
    verifier = new_verifier()
    first = oauth.redeem(code_of(oauth, verifier), verifier)
    assert oauth.refresh(first.refresh).refresh == ""
    server.rotates = True
    second = oauth.refresh(first.refresh)
    assert second.refresh not in ("", first.refresh)
    with pytest.raises(SignInNeeded):
        oauth.refresh(first.refresh)
    assert oauth.refresh(second.refresh).access


@pytest.mark.parametrize(
    ("status", "headers", "cause", "seconds"),
    [(503, {}, "unavailable", None), (429, {"Retry-After": "7"}, "throttled", 7.0), (500, {}, "unavailable", None)],
)
def test_a_server_in_trouble_costs_no_consent(
    server: AuthorizationServer, oauth: OAuth, status: int, headers: dict[str, str], cause: str, seconds: float | None
) -> None:
    server.faults.append((status, headers))
    with pytest.raises(Transient) as caught:
        oauth.refresh("refresh-1")
    assert (caught.value.cause, caught.value.retry_after) == (cause, seconds)


def test_a_server_that_is_not_there_costs_no_consent(server: AuthorizationServer) -> None:
    nowhere = Endpoints("http://127.0.0.1:9/a", "http://127.0.0.1:9/t", "http://127.0.0.1:9/r")
    with pytest.raises(Transient) as caught:
        OAuth(nowhere, "client-1", "secret-1", REDIRECT).refresh("refresh-1")
    assert caught.value.cause == "refused" and "secret-1" not in str(caught.value)


def test_the_check_tells_a_wrong_secret_from_a_right_one(server: AuthorizationServer, oauth: OAuth) -> None:
    oauth.check()
    with pytest.raises(NotAllowed) as caught:
        OAuth(endpoints(server), "client-1", "wrong", REDIRECT).check()
    assert caught.value.cause == "oauth_client" and "wrong" not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "is_wrong"),
    [
        ((401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret."}), True),
        ((401, {"error": "invalid_client", "error_description": "AADSTS7000222: The secrets are expired."}), True),
        ((400, {"error": "invalid_request", "error_description": "AADSTS50059: No tenant."}), False),
        ((401, {"error": "unauthorized_client", "error_description": "AADSTS7000229: No service principal."}), False),
        ((200, {"access_token": "x"}), False),
    ],
)
def test_a_secret_is_checked_also_where_the_code_is_looked_at_first(
    monkeypatch: pytest.MonkeyPatch, oauth: OAuth, said: tuple[int, object], is_wrong: bool
) -> None:
    words = "AADSTS9002313: Invalid request. Request is malformed or invalid."
    answers = iter([_Answer(400, {"error": "invalid_grant", "error_description": words}), _Answer(*said)])
    monkeypatch.setattr(requests, "post", lambda *args, **options: next(answers))
    with pytest.raises(NotAllowed) if is_wrong else nullcontext():
        oauth.check(["https://graph.microsoft.com/.default"])


def test_revoking_twice_is_no_error(server: AuthorizationServer, oauth: OAuth) -> None:
    verifier = new_verifier()
    tokens = oauth.redeem(code_of(oauth, verifier), verifier)
    assert oauth.revoke(tokens.refresh) and oauth.revoke(tokens.refresh)
    with pytest.raises(SignInNeeded):
        oauth.refresh(tokens.refresh)
    unable = OAuth(Endpoints("", f"{server.url}/token"), "client-1", "secret-1", REDIRECT)
    assert not unable.revoke(tokens.refresh)


class _Answer:
    headers: dict[str, str] = {}

    def __init__(self, status: int, content: object) -> None:
        self.status_code = status
        self._content = content

    def json(self) -> object:
        return self._content


@pytest.mark.parametrize(
    ("status", "content", "kind", "cause"),
    [
        # Google and Microsoft, from their pages on errors of the token endpoint
        (
            400,
            {"error": "invalid_grant", "error_description": "Account has been deleted"},
            SignInNeeded,
            "consent_expired",
        ),
        (400, {"error": "interaction_required", "error_description": "AADSTS50076"}, SignInNeeded, "consent_expired"),
        (401, {"error": "unauthorized_client"}, NotAllowed, "oauth_client"),
        (
            401,
            {"error": "deleted_client", "error_description": "The OAuth client was deleted."},
            NotAllowed,
            "oauth_client",
        ),
        (
            400,
            {"error": "invalid_request", "error_description": "AADSTS90002: Tenant 'contoso' not found."},
            NotAllowed,
            "oauth_client",
        ),
        (400, {"error": "admin_policy_enforced"}, NotAllowed, "consent_forbidden"),
        (403, {"error": "access_denied", "error_description": "Account restricted"}, NotAllowed, "consent_forbidden"),
        (400, {"error": "temporarily_unavailable"}, Transient, "unavailable"),
        (400, [], ProviderBroken, "protocol"),
        (200, {}, ProviderBroken, "protocol"),
        (302, {}, ProviderBroken, "protocol"),
    ],
)
def test_refusals_have_their_consequence(
    monkeypatch: pytest.MonkeyPatch, oauth: OAuth, status: int, content: object, kind: type[ConnectorError], cause: str
) -> None:
    monkeypatch.setattr(requests, "post", lambda *args, **options: _Answer(status, content))
    with pytest.raises(kind) as caught:
        oauth.refresh("refresh-1")
    assert caught.value.cause == cause


@pytest.mark.parametrize(
    ("code", "text", "kind", "cause"),
    [
        ("access_denied", "", SignInNeeded, "consent_refused"),
        (
            "consent_required",
            "AADSTS65004: User declined to consent to access the app.",
            SignInNeeded,
            "consent_refused",
        ),
        (
            "access_denied",
            "AADSTS90094: An administrator of Contoso has set a policy that prevents you from granting Odoo the"
            " permissions it is requesting.",
            NotAllowed,
            "consent_forbidden",
        ),
        ("admin_policy_enforced", "", NotAllowed, "consent_forbidden"),
        ("server_error", "", Transient, "unavailable"),
        ("temporarily_unavailable", "", Transient, "unavailable"),
        ("unauthorized_client", "AADSTS700016: Application was not found.", NotAllowed, "oauth_client"),
        ("invalid_request", "AADSTS50194: Not a multi-tenant application.", NotAllowed, "oauth_client"),
        ("", "", NotAllowed, "consent_forbidden"),
    ],
)
def test_what_comes_back_in_place_of_a_code_has_its_consequence(
    code: str, text: str, kind: type[ConnectorError], cause: str
) -> None:
    error = consent_refusal(code, text)
    assert (type(error), error.cause) == (kind, cause)


def test_an_identity_for_another_application_is_none(
    monkeypatch: pytest.MonkeyPatch, server: AuthorizationServer
) -> None:
    oauth = OAuth(endpoints(server), "client-1", "secret-1", REDIRECT)
    verifier = new_verifier()
    code = code_of(oauth, verifier)
    server.__dict__["_id_token"] = lambda grant: "e30.eyJhdWQiOiAib3RoZXIiLCAiZW1haWwiOiAiYUBiLmMifQ."
    assert oauth.redeem(code, verifier).addresses() == frozenset()


def test_national_clouds_have_their_own_endpoints() -> None:
    assert microsoft("https://login.microsoftonline.us/", "contoso.example").token == (
        "https://login.microsoftonline.us/contoso.example/oauth2/v2.0/token"
    )
