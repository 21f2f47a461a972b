"""What IMAP and SMTP servers mean when they refuse: response codes (RFC 5530), and the words of the large providers."""

from __future__ import annotations

import re
from typing import NamedTuple

from .errors import ConnectorError, FolderGone, NotAllowed, SignInNeeded, Transient


class Verdict(NamedTuple):
    """The consequence and the cause of a refusal."""

    error: type[ConnectorError]
    cause: str

    def told(self, detail: str, wait: float | None = None) -> ConnectorError:
        """The error for a refusal in these words.

        :param wait: seconds after which the server wants to be asked again
        """
        if issubclass(self.error, Transient):
            return Transient("The server refused", detail, cause=self.cause, retry_after=wait)
        return self.error("The server refused", detail, cause=self.cause)


# The first pattern that is found decides, so what is special stands before what is general: Gmail says both
# "[ALERT] Application-specific password required" and "[OVERQUOTA] Account exceeded command or bandwidth limits".
_WORDS: tuple[tuple[str, Verdict], ...] = (
    (r"application-specific password|app(lication)?[ -]password|app-specific", Verdict(SignInNeeded, "app_password")),
    (r"authori[sz](ation|ed) code|third[- ]party password", Verdict(SignInNeeded, "app_password")),
    # Yandex says so of a password of the web page, and no less often of a right one without IMAP.
    (r"invalid credentials or imap is disabled", Verdict(SignInNeeded, "app_password")),
    (r"smtpclientauthentication is disabled", Verdict(NotAllowed, "smtp_off")),
    (r"basic ?auth|modern auth|legacy auth|oauth.{0,20}required", Verdict(NotAllowed, "basic_auth_off")),
    (
        r"webalert|web login required|log ?in (to your account )?via (your|a) web ?browser",
        Verdict(SignInNeeded, "web_login"),
    ),
    (r"please verify your account|unsafe login|verify.{0,20}identity", Verdict(SignInNeeded, "web_login")),
    (
        r"\b(imap4?|pop3?)\b.{0,40}(disabled|not enabled|not allowed|deaktiviert|nicht aktiv|ausgeschaltet|desactiv)",
        Verdict(NotAllowed, "imap_off"),
    ),
    (
        r"(not enabled for|yet to enable|enable|aktivieren sie) (pop3? ?(/|and|und|or|oder) ?)?imap|imap access",
        Verdict(NotAllowed, "imap_off"),
    ),
    (
        r"simultaneous|too many (concurrent |open )?connections|connections? limit|mail_max_userip|"
        r"zu viele verbindungen",
        Verdict(Transient, "too_many_connections"),
    ),
    (
        r"maximum (number of )?connections|too many sessions|concurrent sessions|thread limit exceeded",
        Verdict(Transient, "too_many_connections"),
    ),
    (
        r"throttl|rate limit|limit exceeded|\[tss?\d+\]|bandwidth|backoff|"
        r"too many (bad|login|auth|request|command|invalid|failed)",
        Verdict(Transient, "throttled"),
    ),
    (r"\[limit\]|slow down|try again in \d", Verdict(Transient, "throttled")),
    (
        r"\[overquota\]|over ?quota|quota exceeded|mailbox (is )?full|postfach.{0,20}voll",
        Verdict(Transient, "over_quota"),
    ),
    (
        r"suspended|(account|user|konto|postfach).{0,40}(locked|blocked|disabled|not active|inactive|expired|gesperrt)",
        Verdict(NotAllowed, "account_locked"),
    ),
    (
        r"\[(unavailable|in-?use|serverbug)\]|temporar|vorübergehend|try again|später erneut|"
        r"(server|system) (error|busy|unavailable)|"
        r"internal error|lookup failed",
        Verdict(Transient, "unavailable"),
    ),
    (r"not connected|timeout|lockdown|session (expired|invalidated)", Verdict(Transient, "unavailable")),
    (
        r"\[privacyrequired\]|plaintext auth|logindisabled|requires (tls|ssl|encryption)",
        Verdict(NotAllowed, "plain_login_off"),
    ),
    (
        r"\[expired\]|\[authenticationfailed\]|(invalid|bad) credentials|anmeldung fehlgeschlagen|"
        r"(authentication|login) (failed|fails)",
        Verdict(SignInNeeded, "wrong_password"),
    ),
    (r"\[(authorizationfailed|contactadmin)\]", Verdict(NotAllowed, "account_locked")),
    (r"\[noperm\]|permission denied|access denied|\bacl\b|not permitted", Verdict(FolderGone, "folder_denied")),
    (
        r"\[(nonexistent|trycreate|cannot)\]|(doesn't|does not) exist|no such|unknown mailbox|not found",
        Verdict(FolderGone, "folder_missing"),
    ),
)
_TABLE = tuple((re.compile(pattern, re.IGNORECASE), verdict) for pattern, verdict in _WORDS)

# These say nothing more than "failed" where a password of the web page can never work.
_APP_PASSWORD_HOSTS = ("gmail.com", "googlemail.com", "yahoo.com", "aol.com", "me.com", "icloud.com", "fastmail.com")
_NO_PASSWORD_HOSTS = ("outlook.com", "office365.com", "hotmail.com", "live.com")

_BACKOFF = re.compile(r"(?:backoff time|try again in)\D{0,5}(\d+)\s*(milli|ms|second|s\b|minute|hour)", re.IGNORECASE)
_UNITS = {"milli": 0.001, "ms": 0.001, "second": 1.0, "s": 1.0, "minute": 60.0, "hour": 3600.0}


def refusal(text: str, default: Verdict) -> ConnectorError:
    """The error for a server's words; ``default`` where they say nothing we know."""
    verdict = next((verdict for pattern, verdict in _TABLE if pattern.search(text)), default)
    return verdict.told(text, retry_after(text))


def login_refusal(text: str, host: str) -> ConnectorError:
    """The error for a refused sign-in, which some providers explain only by being who they are."""
    error = refusal(text, Verdict(SignInNeeded, "wrong_password"))
    if error.cause == "wrong_password" and _belongs(host, _NO_PASSWORD_HOSTS):
        return NotAllowed(error.message, text, cause="basic_auth_off")
    if error.cause == "wrong_password" and _belongs(host, _APP_PASSWORD_HOSTS):
        return SignInNeeded(error.message, text, cause="app_password")
    if isinstance(error, FolderGone):
        return SignInNeeded(error.message, text)
    return error


def _belongs(host: str, domains: tuple[str, ...]) -> bool:
    return any(host.lower() == domain or host.lower().endswith("." + domain) for domain in domains)


def retry_after(text: str) -> float | None:
    """Seconds the server wants to be left alone, as far as its words name them."""
    match = _BACKOFF.search(text)
    if not match:
        return None
    return int(match.group(1)) * _UNITS[match.group(2).lower()]
