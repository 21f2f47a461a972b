"""What the servers that people use say, and what it means: case by case, in their own words."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest
from servers.canned_imap import CannedImap
from servers.certificates import issue, server_context

from mail_crm_link.connectors.errors import ConnectorError, NotAllowed, ProviderBroken, SignInNeeded, Transient
from mail_crm_link.connectors.imap import IMAPConnector
from mail_crm_link.connectors.network import broken
from mail_crm_link.connectors.refusals import login_refusal
from mail_crm_link.connectors.sasl import Credentials
from mail_crm_link.connectors.smtp import sign_in_refusal

GMAIL, OUTLOOK, YAHOO, ICLOUD = "gmail.com", "office365.com", "mail.yahoo.com", "mail.me.com"
GMX, WEB_DE, DOVECOT, COURIER, EXCHANGE = "gmx.net", "web.de", "dovecot.example", "courier.example", "exchange.example"

IMAP = [
    (GMAIL, "[AUTHENTICATIONFAILED] Invalid credentials (Failure)", SignInNeeded, "app_password"),
    (GMAIL, "[ALERT] Invalid credentials (Failure)", SignInNeeded, "app_password"),
    (
        GMAIL,
        "[ALERT] Please log in via your web browser: https://support.google.com/mail/accounts/answer/78754 (Failure)",
        SignInNeeded,
        "web_login",
    ),
    (
        GMAIL,
        "[ALERT] IMAP access is disabled for your domain. Please contact your domain administrator for questions about"
        " this feature. (Failure)",
        NotAllowed,
        "imap_off",
    ),
    (GMAIL, "Lookup failed q12mb1234567", Transient, "unavailable"),
    (GMAIL, "[UNAVAILABLE] System Error (Failure)", Transient, "unavailable"),
    (GMAIL, "[OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)", Transient, "throttled"),
    (GMAIL, "[ALERT] Too many simultaneous connections. (Failure)", Transient, "too_many_connections"),
    (OUTLOOK, "LOGIN failed.", NotAllowed, "basic_auth_off"),
    (OUTLOOK, "AUTHENTICATE failed.", NotAllowed, "basic_auth_off"),
    (OUTLOOK, "Server Unavailable. 15", Transient, "unavailable"),
    (OUTLOOK, "Session invalidated - AccessTokenExpired", Transient, "unavailable"),
    (OUTLOOK, "User is authenticated but not connected.", Transient, "unavailable"),
    (
        OUTLOOK,
        "Account is blocked. Login to your account via a web browser to verify your identity.",
        SignInNeeded,
        "web_login",
    ),
    (OUTLOOK, "Request is throttled. Suggested Backoff Time: 29581 milliseconds", Transient, "throttled"),
    (YAHOO, "[AUTHENTICATIONFAILED] LOGIN Invalid credentials", SignInNeeded, "app_password"),
    (YAHOO, "[AUTHORIZATIONFAILED] LOGIN Account locked", NotAllowed, "account_locked"),
    (YAHOO, "[INUSE] LOGIN Mailbox in use", Transient, "unavailable"),
    (YAHOO, "[LIMIT] LOGIN Rate limit hit.", Transient, "throttled"),
    (ICLOUD, "[AUTHENTICATIONFAILED] Authentication Failed", SignInNeeded, "app_password"),
    (GMX, "authentication failed", SignInNeeded, "wrong_password"),
    (GMX, "IMAP-Zugriff ist deaktiviert", NotAllowed, "imap_off"),
    (DOVECOT, "[AUTHENTICATIONFAILED] Authentication failed.", SignInNeeded, "wrong_password"),
    (DOVECOT, "[EXPIRED] Password expired", SignInNeeded, "wrong_password"),
    (DOVECOT, "[UNAVAILABLE] Temporary authentication failure. [mx:2026-01-01 10:00:00]", Transient, "unavailable"),
    (DOVECOT, "[UNAVAILABLE] Internal error occurred. Refer to server log.", Transient, "unavailable"),
    (
        DOVECOT,
        "[LIMIT] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)",
        Transient,
        "too_many_connections",
    ),
    (
        DOVECOT,
        "[PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.",
        NotAllowed,
        "plain_login_off",
    ),
    (DOVECOT, "[AUTHORIZATIONFAILED] User is disabled", NotAllowed, "account_locked"),
    (COURIER, "LOGIN Login failed.", SignInNeeded, "wrong_password"),
    (COURIER, "Maximum connection limit reached for 192.0.2.1", Transient, "too_many_connections"),
    (COURIER, "Temporary problem, please try again later", Transient, "unavailable"),
    (EXCHANGE, "LOGIN failed.", SignInNeeded, "wrong_password"),
    (EXCHANGE, "Login failed: authentication failure", SignInNeeded, "wrong_password"),
    (EXCHANGE, "Invalid user name or password. Please use full email address as user name.", SignInNeeded, ""),
    (GMAIL, "[IN-USE] Mailbox in use (Failure)", Transient, "unavailable"),
    (OUTLOOK, "LOGIN failed. Please try again later.", Transient, "unavailable"),
    (OUTLOOK, "BAD User is authenticated but not connected.", Transient, "unavailable"),
    (YAHOO, "[UNAVAILABLE] LOGIN Server error, please try again", Transient, "unavailable"),
    (YAHOO, "[SERVERBUG] SELECT Server error - Please try again later", Transient, "unavailable"),
    (YAHOO, "[LIMIT] FETCH Rate limit hit. Try again in 5 minutes", Transient, "throttled"),
    (YAHOO, "[AUTHENTICATIONFAILED] AUTHENTICATE Invalid credentials", SignInNeeded, "app_password"),
    (ICLOUD, "[UNAVAILABLE] Service temporarily unavailable", Transient, "unavailable"),
    (ICLOUD, "[LIMIT] Too many simultaneous connections.", Transient, "too_many_connections"),
    (GMX, "Bitte aktivieren Sie POP3/IMAP in den Einstellungen", NotAllowed, "imap_off"),
    (GMX, "Zu viele Verbindungen. Bitte versuchen Sie es später erneut.", Transient, "too_many_connections"),
    (WEB_DE, "Der Abruf per IMAP ist für dieses Postfach nicht aktiviert", NotAllowed, "imap_off"),
    (WEB_DE, "POP3/IMAP ist deaktiviert", NotAllowed, "imap_off"),
    (WEB_DE, "Ihr Postfach ist gesperrt", NotAllowed, "account_locked"),
    (WEB_DE, "Dienst vorübergehend gestört", Transient, "unavailable"),
    (WEB_DE, "Anmeldung fehlgeschlagen", SignInNeeded, "wrong_password"),
    (DOVECOT, "[INUSE] Mailbox is locked by another process", Transient, "unavailable"),
    (DOVECOT, "[OVERQUOTA] Quota exceeded (mailbox for user is full)", Transient, "over_quota"),
    (COURIER, "Maximum connections reached. Try again later.", Transient, "too_many_connections"),
    (COURIER, "Server Error: too many open connections", Transient, "too_many_connections"),
    (EXCHANGE, "Maximum number of concurrent sessions reached", Transient, "too_many_connections"),
    (EXCHANGE, "The IMAP4 service is disabled for this user", NotAllowed, "imap_off"),
    ("imap.qq.com", "Login fail. Please use authorized code to login.", SignInNeeded, "app_password"),
    (
        "imap.yandex.ru",
        "[AUTHENTICATIONFAILED] LOGIN invalid credentials or IMAP is disabled sc=cYXlpv732Cg1_010534_2-1e59ad28a72c",
        SignInNeeded,
        "app_password",
    ),
    ("imap.qq.com", "System busy!", Transient, "unavailable"),
    ("imap.163.com", "Unsafe Login. Please contact kefu@188.com for help", SignInNeeded, "web_login"),
    ("zimbra.example", "account(ann@zimbra.example) is not active", NotAllowed, "account_locked"),
]
SMTP = [
    (
        GMAIL,
        535,
        "5.7.8 Username and Password not accepted. For more information, go to …",
        SignInNeeded,
        "app_password",
    ),
    (
        GMAIL,
        534,
        "5.7.9 Application-specific password required. Learn more at https://support.google.com/mail/?p=InvalidSecondFactor",
        SignInNeeded,
        "app_password",
    ),
    (
        GMAIL,
        534,
        "5.7.14 <https://accounts.google.com/signin/continue?…> Please log in via your web browser and then try again.",
        SignInNeeded,
        "web_login",
    ),
    (GMAIL, 454, "4.7.0 Too many login attempts, please try again later.", Transient, "throttled"),
    (GMAIL, 421, "4.7.0 Try again later, closing connection.", Transient, "unavailable"),
    (
        OUTLOOK,
        535,
        "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
        NotAllowed,
        "smtp_off",
    ),
    (
        OUTLOOK,
        535,
        "5.7.139 Authentication unsuccessful, basic authentication is disabled. [AM0PR01]",
        NotAllowed,
        "basic_auth_off",
    ),
    (
        OUTLOOK,
        535,
        "5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy.",
        NotAllowed,
        "account_locked",
    ),
    (OUTLOOK, 535, "5.7.3 Authentication unsuccessful [AM0PR01]", NotAllowed, "basic_auth_off"),
    (OUTLOOK, 432, "4.3.2 Concurrent connections limit exceeded.", Transient, "too_many_connections"),
    (YAHOO, 535, "5.7.0 (#AUTH005) Too many bad auth attempts.", Transient, "throttled"),
    (YAHOO, 535, "5.7.8 Error: authentication failed", SignInNeeded, "app_password"),
    (ICLOUD, 535, "5.7.8 Error: authentication failed: UGFzc3dvcmQ6", SignInNeeded, "app_password"),
    (YAHOO, 535, "5.7.1 Service unavailable, please try again later", Transient, "unavailable"),
    (YAHOO, 421, "4.7.0 [TSS04] Messages temporarily deferred", Transient, "throttled"),
    (OUTLOOK, 432, "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", Transient, "too_many_connections"),
    (OUTLOOK, 451, "4.7.0 Temporary server error. Please try again later. PRX2", Transient, "unavailable"),
    (ICLOUD, 535, "5.7.0 Please try again later", Transient, "unavailable"),
    (WEB_DE, 450, "4.7.0 Mail rate limit exceeded", Transient, "throttled"),
    (WEB_DE, 535, "5.7.0 Authentication credentials invalid", SignInNeeded, "wrong_password"),
    (GMX, 535, "Authentication credentials invalid", SignInNeeded, "wrong_password"),
    (DOVECOT, 535, "5.7.8 Error: authentication failed: (reason unavailable)", SignInNeeded, "wrong_password"),
    (DOVECOT, 454, "4.7.0 Temporary authentication failure: Connection lost", Transient, "unavailable"),
    (DOVECOT, 454, "4.3.0 who knows", Transient, "unavailable"),
    (COURIER, 535, "Incorrect authentication data", SignInNeeded, "wrong_password"),
    (COURIER, 538, "Encryption required for requested authentication mechanism", NotAllowed, "plain_login_off"),
    (EXCHANGE, 535, "5.7.3 Authentication unsuccessful", SignInNeeded, "wrong_password"),
]


@pytest.mark.parametrize(("host", "text", "kind", "cause"), IMAP)
def test_imap(host: str, text: str, kind: type[ConnectorError], cause: str) -> None:
    error = login_refusal(text, f"imap.{host}" if not host.startswith("imap.") else host)
    assert (type(error), error.cause) == (kind, cause or "wrong_password")


@pytest.mark.parametrize(("host", "code", "text", "kind", "cause"), SMTP)
def test_smtp(host: str, code: int, text: str, kind: type[ConnectorError], cause: str) -> None:
    error = sign_in_refusal(code, text, "secret", Credentials("ann", "secret"), f"smtp.{host}")
    assert (type(error), error.cause) == (kind, cause)


@pytest.mark.parametrize(
    ("error", "kind", "cause"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), Transient, "host_unknown"),
        (ConnectionRefusedError(111, "Connection refused"), Transient, "refused"),
        (OSError(113, "No route to host"), Transient, "unreachable"),
        (OSError(101, "Network is unreachable"), Transient, "unreachable"),
        (TimeoutError("timed out"), Transient, "timeout"),
        (ConnectionResetError(104, "Connection reset by peer"), Transient, "disconnected"),
        (BrokenPipeError(32, "Broken pipe"), Transient, "disconnected"),
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), Transient, "disconnected"),
        (ssl.SSLError(1, "wrong version number"), ProviderBroken, "tls"),
    ],
)
def test_network(error: OSError, kind: type[ConnectorError], cause: str) -> None:
    told = broken(error, "mail.example.com")
    assert (type(told), told.cause) == (kind, cause)


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (9, "certificate_expired"),
        (10, "certificate_expired"),
        (18, "certificate_self_signed"),
        (2, "certificate_authority"),
        (19, "certificate_authority"),
        (20, "certificate_authority"),
        (21, "certificate_authority"),
        (23, "certificate"),
        (62, "certificate_host"),
        (64, "certificate_host"),
        (66, "certificate"),
    ],
)
def test_certificates(code: int, cause: str) -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, "told by OpenSSL"
    assert broken(error, "mail.example.com").cause == cause


def test_a_server_with_outdated_tls_is_told_from_one_without(tmp_path: Path) -> None:
    files = issue(tmp_path)
    trusting = ssl.create_default_context(cafile=str(files.authority))
    trusting.minimum_version = ssl.TLSVersion.TLSv1_3
    context = server_context(files)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    capability = b"* CAPABILITY IMAP4rev1 STARTTLS\r\n{tag} OK done\r\n"
    with CannedImap({"CAPABILITY": capability, "STARTTLS": b"{tag} OK begin\r\n"}, context=context) as server:
        connector = IMAPConnector("localhost", server.port, "starttls", "ann", "pw", timeout=2, ssl_context=trusting)
        with pytest.raises(ConnectorError) as caught:
            connector.open()
        assert caught.value.cause == "tls_outdated"
