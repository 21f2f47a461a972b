"""Whether a mail was written by a program.

What the header fields of the RFCs say comes first, then what widespread programs add, then the sender's address; the
first rule that hits gives the verdict. A mail a person wrote to a person has none of these.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .addresses import normalize
from .fields import content_type, first
from .header import Header

Kind = Literal["none", "bulk", "auto_reply", "bounce", "notification"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What kind of automatic mail it is, and by what it shows (English, a part of a sentence)."""

    kind: Kind
    reason: str


NOT_AUTOMATIC = Verdict("none", "")

# Nobody reads what is sent to these (RFC 5321, RFC 3834, custom).
_ROBOTS = re.compile(
    r"""(?:
      (?:no|do[-_.]?not|dont|non|ne[-_.]?pas|nicht|keine|nao)[-_.]?(?:reply|repl|respond|rispondere|antworten|antwort
        |repondre|responder|responda)(?:s|ies)?
    | mailer[-_.]?daemon | postmaster | mail[-_.]?daemon | mdaemon | majordomo | listserv | mailman | listproc
    | bounces? | (?:email[-_.]?)?notifications? | notify | notifier | alerts?
    | auto[-_.]?(?:reply|responder|confirm|mailer)
    | news[-_.]?letters? | mailings? | automailer | daemon | cron | nobody | undisclosed | delivery[-_.]?status
    | unsubscribe | calendar[-_.]?notification | rss[-_.]?(?:feeds?|2e?mail)
    )(?:[-_.+=].*)?""",
    re.VERBOSE,
)
_NO_REPLY_INSIDE = re.compile(r"(?:^|[-_.+])(?:no|do-?not)[-_.]?reply(?:$|[-_.+])")
# Mailboxes of a function and not of a person (RFC 2142, and what companies call theirs).
_ROLES = frozenset(
    {
        *("abuse", "accounting", "accounts", "admin", "administration", "administrator", "all", "billing", "booking"),
        *("buchhaltung", "careers", "compta", "contact", "customerservice", "einkauf", "enquiries", "feedback", "ftp"),
        *("hello", "help", "helpdesk", "hostmaster", "hr", "info", "information", "inquiries", "invoice", "invoices"),
        *("it", "jobs", "kontakt", "legal", "mail", "marketing", "media", "news", "noc", "office", "orders"),
        *("postmaster", "press", "privacy", "purchasing", "rechnung", "reception", "recruiting", "root", "sales"),
        *("secretary", "security", "service", "shop", "staff", "subscribe", "support", "team", "usenet", "uucp"),
        *("verkauf", "webmaster", "welcome", "www"),
    }
)
_DAEMON = re.compile(r"(?:mailer|mail)[-_.]?daemon|postmaster|mdaemon|delivery[-_.]?status|bounces?(?:[-_.+].*)?")
_DAEMON_NAME = re.compile(
    r"mail(?:er)?[- ]?(?:daemon|delivery (?:sub)?system)|delivery subsystem|postmaster", re.IGNORECASE
)
_BOUNCE_SUBJECT = re.compile(
    r"""undeliver(?:able|ed) | un-?zustellbar | nicht\ zustellbar | delivery\ (?:failure|problems)
    | delivery\ (?:status\ |failure\ )?notification
    | deliver(?:y|ing)\ (?:has\ )?fail | failure\ (?:notice|delivery) | fail(?:ed|ure)\ (?:mail|notice) | returned\ mail
    | returned\ to\ sender | mail\ (?:system\ )?(?:delivery\ )?(?:error|fail)
    | message\ (?:delivery\ )?(?:status|delayed)
    | (?:mail|message|delivery)\ (?:could\ )?not\ (?:be\ )?deliver | warning:?\ could\ not\ send
    | nondeliverable | non[- ]?remis | non\ recapitabile | could\ not\ be\ delivered | delivery\ (?:report|delayed)
    | delivery\ (?:unsuccessful|has\ been\ delayed) | user\ unknown | permanent\ delivery
    """,
    re.VERBOSE | re.IGNORECASE,
)
# What mail systems write to the letter; a person's "delivery failure" may be about a parcel.
_SYSTEM_SUBJECT = re.compile(
    r"mail delivery failed: returning|undelivered mail returned to sender|delivery status notification \(|"
    r"returned mail: (?:see transcript|user unknown|host unknown)|mail could not be delivered$",
    re.IGNORECASE,
)
# Where mailings want their bounces: no person's mail comes back to such an address.
_MAILING_LOCAL = re.compile(
    r"(?:owner|bounces?|errors?)(?:[-+=.].*)?|.*[-+](?:bounces?|owner|return|errors)(?:[-+=.].*)?|returns"
)
_MAILING_DOMAIN = re.compile(r"(?:[^.]+\.)*(?:bounced?|bounces|newsletters?|mailings?|listserv)\..+")
_REPLY_SUBJECT = re.compile(
    r"""\s*(?:re:\s*|aw:\s*)?(?:
      auto(?:matic)?[- ]?(?:reply|response|antwort) | automatische\ (?:antwort|reactie) | abwesenheit
    | (?:i\ am\ |i'm\ )?(?:currently\ )?(?:out\ of\ (?:the\ )?office|on\ vacation|away\ from) | ooo\b
    | réponse\ automatique | absence\ du\ bureau | respuesta\ automática | risposta\ automatica | fuori\ ufficio
    | resposta\ automática | autosvar | automatisch\ antwoord | afwezig | автоответ | автоматична\ відповідь
    | автоматический\ ответ | 自動応答 | 自动回复
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_RECEIPT_SUBJECT = re.compile(
    r"\s*(?:read(?: receipt)?|gelesen|lu|leído|not read|return receipt)\s*[:(]", re.IGNORECASE
)

_AUTO_REPLY_FIELDS = (
    *("x-autoreply", "x-autorespond", "x-auto-reply", "x-autoreply-from", "x-mail-autoreply", "x-autoresponder"),
    *("x-auto-reply-from", "x-vacation"),
)
_LIST_FIELDS = ("list-id", "list-unsubscribe", "list-post", "list-help", "list-unsubscribe-post", "x-mailing-list")
_BULK_FIELDS = (
    *("feedback-id", "x-campaign", "x-campaign-id", "x-campaignid", "x-csa-complaints", "x-mailgun-tag", "x-mc-user"),
    *("x-mailer-recptid", "x-mandrill-user", "x-sg-eid", "x-marketo-id", "x-newsletter-id", "x-mailinglist"),
    *("x-mailman-version", "mailing-list", "x-bulkmail", "x-list-id", "x-loop-list"),
)
_NOTIFICATION_FIELDS = ("x-github-reason", "x-jira-fingerprint", "x-gitlab-project", "x-bugzilla-reason", "x-cron-env")


def classify(header: Header) -> Verdict:
    """What kind of automatic mail ``header`` belongs to; kind "none" for mail of a person."""
    return next((verdict for rule in _RULES if (verdict := rule(header))), NOT_AUTOMATIC)


def is_role_address(address: str) -> bool:
    """Whether ``address`` belongs to a function or a program ("sales@", "no-reply@") and not to a person."""
    local = normalize(address).rpartition("@")[0].partition("+")[0]
    return local in _ROLES or _is_robot(local)


def _bounce(header: Header) -> Verdict | None:
    kind = content_type(first(header.fields, "content-type"))
    if kind.value == "multipart/report" and kind.parameter("report-type").lower() in ("", "delivery-status"):
        return Verdict("bounce", "delivery report (multipart/report)")
    if "x-failed-recipients" in header.fields:
        return Verdict("bounce", "X-Failed-Recipients header")
    if _from_daemon(header):
        return Verdict("bounce", f"sender {header.from_.email}" if header.from_ else "mail system as sender")
    if _SYSTEM_SUBJECT.match(header.subject):
        return Verdict("bounce", "subject of a bounce")
    if _BOUNCE_SUBJECT.search(header.subject) and (_null_return_path(header) or not header.from_):
        return Verdict("bounce", "empty Return-Path and subject of a bounce")
    return None


def _receipt(header: Header) -> Verdict | None:
    kind = content_type(first(header.fields, "content-type"))
    if kind.value == "multipart/report":
        return Verdict("notification", f"report ({kind.parameter('report-type').lower()})")
    return None


def _auto_submitted(header: Header) -> Verdict | None:
    """RFC 3834 section 5."""
    value = first(header.fields, "auto-submitted").partition(";")[0].strip().lower()
    if not value or value == "no":
        return None
    if value.startswith("auto-replied") or _REPLY_SUBJECT.match(header.subject):
        return Verdict("auto_reply", f"Auto-Submitted: {value[:40]}")
    if any(name in header.fields for name in _LIST_FIELDS):
        return None
    return Verdict("notification", f"Auto-Submitted: {value[:40]}")


def _auto_reply(header: Header) -> Verdict | None:
    for name in _AUTO_REPLY_FIELDS:
        if first(header.fields, name).lower() not in ("", "no"):
            return Verdict("auto_reply", f"{_shown(name)} header")
    if first(header.fields, "precedence").lower() in ("auto_reply", "auto-reply"):
        return Verdict("auto_reply", "Precedence: auto_reply")
    if first(header.fields, "x-autogenerated").lower() == "reply":
        return Verdict("auto_reply", "X-Autogenerated: Reply")
    if _REPLY_SUBJECT.match(header.subject) and (_suppressed(header) or _null_return_path(header)):
        return Verdict("auto_reply", "subject of an automatic reply")
    return None


def _bulk(header: Header) -> Verdict | None:
    for name in (*_LIST_FIELDS, *_BULK_FIELDS):
        if name in header.fields:
            return Verdict("bulk", f"{_shown(name)} header")
    precedence = first(header.fields, "precedence").lower()
    if precedence in ("bulk", "list", "junk"):
        return Verdict("bulk", f"Precedence: {precedence}")
    if _is_mailing_path(first(header.fields, "return-path").strip("<> ").lower()):
        return Verdict("bulk", "Return-Path of a mailing")
    return None


def _notification(header: Header) -> Verdict | None:
    if _suppressed(header):
        return Verdict("notification", "X-Auto-Response-Suppress header")
    for name in _NOTIFICATION_FIELDS:
        if name in header.fields:
            return Verdict("notification", f"{_shown(name)} header")
    return None


def _null_sender(header: Header) -> Verdict | None:
    """RFC 5321 section 4.5.5: only mail about other mail has an empty return path."""
    if not _null_return_path(header):
        return None
    if _RECEIPT_SUBJECT.match(header.subject):
        return Verdict("notification", "empty Return-Path")
    return Verdict("auto_reply" if header.in_reply_to else "bounce", "empty Return-Path")


def _robot(header: Header) -> Verdict | None:
    if header.from_ and _is_robot(header.from_.email.rpartition("@")[0]):
        return Verdict("notification", f"sender {header.from_.email}")
    return None


_RULES: tuple[Callable[[Header], Verdict | None], ...] = (
    _bounce,
    _receipt,
    _auto_submitted,
    _auto_reply,
    _bulk,
    _notification,
    _null_sender,
    _robot,
)


def _from_daemon(header: Header) -> bool:
    if header.from_ is None:
        return bool(_DAEMON_NAME.search(first(header.fields, "from")))
    local = header.from_.email.rpartition("@")[0]
    if _DAEMON.fullmatch(local):
        return local != "postmaster" or _null_return_path(header) or bool(_BOUNCE_SUBJECT.search(header.subject))
    return bool(_DAEMON_NAME.match(header.from_.name))


def _null_return_path(header: Header) -> bool:
    return first(header.fields, "return-path").replace(" ", "") == "<>"


def _is_mailing_path(path: str) -> bool:
    local, _at, host = path.rpartition("@")
    return bool(_MAILING_LOCAL.fullmatch(local) or _MAILING_DOMAIN.fullmatch(host))


def _suppressed(header: Header) -> bool:
    return first(header.fields, "x-auto-response-suppress").lower() not in ("", "none")


def _is_robot(local: str) -> bool:
    return bool(_ROBOTS.fullmatch(local) or _NO_REPLY_INSIDE.search(local))


def _shown(name: str) -> str:
    return "-".join(word.capitalize() for word in name.split("-")).replace("-Id", "-ID")
