"""Sign-in by access token, and by password where there is no LOGIN, on real servers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from servers.dovecot import Dovecot
from servers.fault_proxy import FaultProxy
from servers.oauth import AuthorizationServer, Grant
from servers.submission import Submission

from mail_crm_link.connectors.errors import ConnectorError, NotAllowed, SignInNeeded
from mail_crm_link.connectors.imap import IMAPConnector
from mail_crm_link.connectors.sasl import TokenRefused, by_token
from mail_crm_link.connectors.smtp import SMTPConnector

ANNA = "anna@our.example"
UMLAUTS = "pässwörd✓"


class Tokens:
    """A token callable as the models have it: the stored token first, another one when that was refused."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)
        self.forced: list[bool] = []

    def __call__(self, force: bool) -> str:
        self.forced.append(force)
        if force:
            self._tokens.pop(0)
        return self._tokens[0]


@pytest.fixture(scope="module")
def authority() -> Iterator[AuthorizationServer]:
    with AuthorizationServer() as running:
        running.access_tokens["good"] = Grant(ANNA, "https://mail.google.com/")
        yield running


@pytest.fixture(scope="module")
def provider(authority: AuthorizationServer) -> Iterator[Dovecot]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Dovecot(settings=authority.dovecot_settings(Path(folder))) as running,
    ):
        Path(folder).chmod(0o755)
        yield running


def rewritten(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """A change to what a server says of itself."""
    return lambda line: line.replace(old, new) if b"CAPABILITY" in line else line


@contextmanager
def saying(server: Dovecot, old: bytes, new: bytes) -> Iterator[FaultProxy]:
    with FaultProxy(server.host, server.port) as proxy:
        proxy.rewrite = rewritten(old, new)
        yield proxy


def signed_in(server: Dovecot | FaultProxy, login: str = ANNA, password: str = "", token: Tokens | None = None) -> int:
    """How many folders the account has."""
    connector = IMAPConnector("127.0.0.1", server.port, "none", login, password, token=token, timeout=5)
    connector.open()
    try:
        return len(connector.folders())
    finally:
        connector.close()


def refused(server: Dovecot | FaultProxy, tokens: Tokens) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        signed_in(server, token=tokens)
    assert "good" not in f"{caught.value}" and "bad" not in f"{caught.value}"
    return caught.value


class TestImap:
    def test_a_good_token_signs_in_at_once(self, provider: Dovecot) -> None:
        tokens = Tokens("good")
        assert signed_in(provider, token=tokens)
        assert tokens.forced == [False]

    def test_a_token_that_is_refused_is_replaced_once(self, provider: Dovecot) -> None:
        tokens = Tokens("bad", "good")
        assert signed_in(provider, token=tokens)
        assert tokens.forced == [False, True]

    def test_who_is_refused_twice_is_told_and_not_tried_again(self, provider: Dovecot) -> None:
        tokens = Tokens("bad", "bad too", "good")
        error = refused(provider, tokens)
        assert isinstance(error, SignInNeeded) and error.cause == "token_refused"
        assert "status=401" in error.detail
        assert tokens.forced == [False, True]

    def test_a_token_of_another_account_is_refused(self, provider: Dovecot, authority: AuthorizationServer) -> None:
        authority.access_tokens["bad, as it is bob's"] = Grant("bob@our.example", "")
        assert isinstance(refused(provider, Tokens("bad, as it is bob's", "bad")), TokenRefused)

    def test_the_standard_mechanism_is_used_where_it_is_the_only_one(self, provider: Dovecot) -> None:
        with saying(provider, b"AUTH=XOAUTH2 ", b"") as proxy:
            assert signed_in(proxy, token=Tokens("good"))
            assert isinstance(refused(proxy, Tokens("bad", "bad")), TokenRefused)

    def test_a_server_without_such_a_sign_in_is_no_case_for_the_owner_s_password(self, dovecot: Dovecot) -> None:
        error = refused(dovecot, Tokens("good"))
        assert isinstance(error, NotAllowed) and error.cause == "token_unknown"

    def test_waiting_for_news_signs_in_the_same_way(self, provider: Dovecot) -> None:
        tokens = Tokens("bad", "good")
        connector = IMAPConnector("127.0.0.1", provider.port, "none", ANNA, "", token=tokens, timeout=5)
        connector.idle().close()
        assert tokens.forced == [False, True]

    def test_the_signature_of_a_sign_in_outlives_its_token(self) -> None:
        first, second, password = (
            IMAPConnector("imap.gmail.com", 993, "ssl", ANNA, "", token=token)
            for token in (Tokens("a"), Tokens("b"), None)
        )
        assert first.signature() == second.signature() != password.signature()


@pytest.fixture(scope="module")
def umlauts() -> Iterator[Dovecot]:
    with Dovecot(password=UMLAUTS) as running:
        yield running


class TestPasswords:
    @pytest.mark.parametrize("offered", [b"LOGINDISABLED AUTH=PLAIN", b"LOGINDISABLED AUTH=LOGIN", b"AUTH=LOGIN"])
    def test_any_password_signs_in_without_the_command_for_it(self, umlauts: Dovecot, offered: bytes) -> None:
        with saying(umlauts, b"AUTH=PLAIN AUTH=LOGIN", offered) as proxy:
            assert signed_in(proxy, "ann", UMLAUTS)

    @pytest.mark.parametrize("offered", [b"LOGINDISABLED AUTH=PLAIN", b"LOGINDISABLED AUTH=LOGIN"])
    def test_a_wrong_one_is_refused(self, umlauts: Dovecot, offered: bytes) -> None:
        with saying(umlauts, b"AUTH=PLAIN AUTH=LOGIN", offered) as proxy, pytest.raises(SignInNeeded) as caught:
            signed_in(proxy, "ann", "wröng")
        assert caught.value.cause == "wrong_password"

    def test_a_server_that_takes_tokens_only_says_so(self, umlauts: Dovecot) -> None:
        with (
            saying(umlauts, b"AUTH=PLAIN AUTH=LOGIN", b"LOGINDISABLED AUTH=XOAUTH2") as proxy,
            pytest.raises(NotAllowed) as caught,
        ):
            signed_in(proxy, "ann", UMLAUTS)
        assert caught.value.cause == "basic_auth_off"


class TestSmtp:
    @pytest.fixture
    def submission(self) -> Iterator[Submission]:
        with Submission(takes_token=lambda login, token: (login, token) == (ANNA, "good")) as running:
            yield running

    def sent(self, submission: Submission, tokens: Tokens) -> None:
        connector = SMTPConnector("127.0.0.1", submission.port, "none", ANNA, "", token=tokens, timeout=5)
        connector.open()
        connector.send(ANNA, ["eva@mill.example"], b"Subject: Hi\r\n\r\nHi\r\n")
        connector.close()

    def test_mail_goes_out_by_token(self, submission: Submission) -> None:
        tokens = Tokens("bad", "good")
        self.sent(submission, tokens)
        assert [taken.login for taken in submission.taken] == [ANNA]
        assert tokens.forced == [False, True]

    def test_the_reason_of_a_refusal_is_answered_and_told(self, submission: Submission) -> None:
        with pytest.raises(TokenRefused) as caught:
            self.sent(submission, Tokens("bad", "bad"))
        assert submission.challenged == [b"", b""]
        assert "status=400" in caught.value.detail

    def test_a_server_without_such_a_sign_in_says_so(self) -> None:
        with Submission() as plain, pytest.raises(NotAllowed) as caught:
            self.sent(plain, Tokens("good"))
        assert caught.value.cause == "token_unknown"

    def test_a_password_beyond_ascii_goes_by_login_too(self) -> None:
        with Submission(password=UMLAUTS, mechanisms=("LOGIN",)) as server:
            connector = SMTPConnector("127.0.0.1", server.port, "none", "jürgen", UMLAUTS, timeout=5)
            connector.open()
            connector.close()


def test_names_cannot_end_the_response_that_they_stand_in() -> None:
    mechanism = by_token("a=b,c", "t", ["OAUTHBEARER"], "imap.example", 993)
    assert mechanism.respond() == b"n,a=a=3Db=2Cc,\1host=imap.example\1port=993\1auth=Bearer t\1\1"
