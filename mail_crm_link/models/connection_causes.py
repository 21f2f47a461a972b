"""What a connector's error means for the person whose mailbox it is, and what to do next."""

from collections.abc import Callable

from odoo.api import Environment

from ..connectors.errors import ConnectorError
from .crm_mailbox_secret import KEY_OPTION, KEY_VARIABLE

# What passes without anybody doing anything.
PASSING = {"disconnected", "throttled", "too_many_connections", "unavailable"}


def sentence(env: Environment, error: ConnectorError, host: str, login: str) -> str:
    """Return cause and next step in the user's language.

    In the context ``crm_mailbox_waited_for`` says that a person tries it, and nobody after them.
    """
    if error.cause == "library_missing":
        return env._(
            "The Python library “%(library)s”, which %(provider)s needs, is not installed on this server. Ask your Odoo"
            " administrator.",
            library=error.detail,
            provider=host,
        )
    texts = {
        **_about_server(env._, host),
        **_about_certificate(env._, host),
        **_about_exchange(env._, host),
        **_about_secrets(env._),
        **_about_account(env._, host, login),
        **_about_consent(env._, host, login),
        **_about_mail(env._),
    }
    text = texts.get(error.cause) or env._(
        "The server %s gave an answer that we do not understand. Tell your administrator.", host
    )
    return f"{text} {_when_again(env)}" if error.cause in PASSING else text


def _when_again(env: Environment) -> str:
    if env.context.get("crm_mailbox_waited_for"):
        return env._("Try again in a few minutes.")
    return env._("It is tried again by itself.")


def _about_certificate(_: Callable[..., str], host: str) -> dict[str, str]:
    return {
        "certificate_expired": _(
            "The certificate of %s has expired or is not valid yet. Tell the server's administrator.",
            host,
        ),
        "certificate_self_signed": _(
            "The certificate of %s is signed by nobody but itself, so anybody could have made it. Check the name of the"
            " server; if it is right, tell its administrator that it needs a certificate of a known authority.",
            host,
        ),
        "certificate_authority": _(
            "The certificate of %s is of an authority that this server does not know, or the server leaves out the"
            " certificates in between. Tell the server's administrator; a company's own authority has to be made known"
            " to this Odoo server first.",
            host,
        ),
        "certificate_host": _(
            "The certificate belongs to another server than %s. Check the name of the server.",
            host,
        ),
        "certificate": _("The certificate of %s is not valid. Tell the server's administrator.", host),
    }


def _about_server(_: Callable[..., str], host: str) -> dict[str, str]:
    return {
        "host_unknown": _("The server “%s” was not found. Check the name of the server.", host),
        "host_not_allowed": _(
            "Your administrator has not allowed connections to %s. Check the name of the server, or ask your"
            " administrator to add it to the allowed mail servers in the CRM settings.",
            host,
        ),
        "host_private": _(
            "The server %s is not in the Internet but in a private network. Check the name of the server, or ask your"
            " administrator to add it to the allowed mail servers in the CRM settings.",
            host,
        ),
        "not_encrypted": _(
            "Without encryption, everybody on the way to %s could read the password. Choose TLS or STARTTLS. If the"
            " server offers neither, ask your administrator to allow connections without encryption in the CRM"
            " settings.",
            host,
        ),
        "refused": _(
            "The server %s does not accept connections on this port. Check port and encryption.",
            host,
        ),
        "unreachable": _(
            "The server %s cannot be reached from here. It may only be reachable inside a company network or VPN.",
            host,
        ),
        "timeout": _(
            "The server %s does not answer. Check server and port; it may only be"
            " reachable inside a company network or VPN.",
            host,
        ),
        "disconnected": _("The connection to %s broke.", host),
        "unavailable": _("The server %s cannot serve at the moment.", host),
        "throttled": _("The server %s asks us to wait.", host),
        "too_many_connections": _("Too many programs use this mailbox at once. Closing a mail program helps."),
        "over_quota": _("The mailbox is full. Make room in it, then synchronise again."),
        "tls": _("The server %s speaks no TLS on this port. Check port and encryption.", host),
        "tls_outdated": _(
            "The server %s offers only encryption that is broken by now. Tell the server's administrator that it needs"
            " TLS 1.2 or newer.",
            host,
        ),
        "no_starttls": _("The server %s does not offer STARTTLS. Choose TLS, or another port.", host),
        "not_smtp": _("What answers at %s is no server for sending mail. Check server and port.", host),
        "not_imap": _("What answers at %s is no IMAP server. Check server and port.", host),
    }


def _about_exchange(_: Callable[..., str], host: str) -> dict[str, str]:
    return {
        "not_exchange": _(
            "What answers at %s is no Exchange server, or its web services are switched off. Check the name of the"
            " server.",
            host,
        ),
        "no_autodiscover": _(
            "Nothing tells which Exchange server the address is on. Your administrator knows its name; enter it as the"
            " Exchange server."
        ),
        "exchange_online": _(
            "This mailbox is at Exchange Online, which takes no Exchange Web Services any more. Connect it as Microsoft"
            " 365 instead."
        ),
    }


def _about_secrets(_: Callable[..., str]) -> dict[str, str]:
    return {
        "key_changed": _(
            "The stored password cannot be read any more, because this server's encryption key is another one now."
            " Enter the password again. Where many mailboxes say so, the administrator may add the former key to"
            " %(option)s in the Odoo configuration file (or to the environment variable %(variable)s) instead; then"
            " they go on by themselves.",
            option=KEY_OPTION,
            variable=KEY_VARIABLE,
        ),
        "key_missing": _(
            "This server has no key to read passwords with. Ask your administrator to set %(option)s in the Odoo"
            " configuration file (or the environment variable %(variable)s); with the right one it goes on by itself.",
            option=KEY_OPTION,
            variable=KEY_VARIABLE,
        ),
        "secret_foreign": _("The stored password belongs to another mailbox. Enter the password again."),
        "database_copied": _(
            "This database is a copy, and the password was given to the original. Sign in again if this copy, too,"
            " is to read and send mail."
        ),
    }


def _about_account(_: Callable[..., str], host: str, login: str) -> dict[str, str]:
    return {
        "wrong_password": _(
            "User name or password is wrong. Check both; the user name may differ from the"
            " address. User name used: %s.",
            login,
        ),
        "app_password": _(
            "The provider wants an app password, because two-step verification is on. Make"
            " one in the provider's security settings and enter it here."
        ),
        "basic_auth_off": _(
            "The provider does not accept passwords any more. It has to be connected by its own sign-in."
        ),
        "web_login": _("The provider wants you to sign in on its web page first. Do so, then try again."),
        "smtp_off": _(
            "Sending with a mail program is switched off for this mailbox. Ask the administrator of your organisation"
            " to allow it (“Authenticated SMTP”), or connect the mailbox as Microsoft 365."
        ),
        "imap_off": _("IMAP is switched off for this mailbox. Switch it on in the provider's settings."),
        "account_locked": _("The account is locked. Ask the provider or your administrator."),
        "token_refused": _(
            "%(host)s does not accept the sign-in of %(login)s. Check that IMAP is switched on for this mailbox and"
            " that the user name is right, then sign in once more. In a company, its administrator may have to allow"
            " IMAP.",
            host=host,
            login=login,
        ),
        "token_unknown": _(
            "The server %s does not know the sign-in on the provider's page. Check its name, or sign in by password.",
            host,
        ),
        "plain_login_off": _("The server %s accepts passwords only over TLS. Choose TLS or STARTTLS.", host),
    }


def _about_consent(_: Callable[..., str], host: str, login: str) -> dict[str, str]:
    return {
        "consent_expired": _(
            "The consent of %s is not valid any more: it was taken back or has expired. Sign in once more; what was"
            " synchronised stays, and it goes on where it stopped.",
            login,
        ),
        "code_expired": _(
            "This sign-in is not valid any more: it took too long or was used already, so nothing was connected. Sign"
            " in once more."
        ),
        "consent_refused": _(
            "You did not allow it on the provider's page, so nothing was connected. Sign in once more when you want"
            " to, and allow there what is asked for."
        ),
        "consent_forbidden": _(
            "Your organisation's administrator at %s has to allow this application first. Ask them, then sign in once"
            " more.",
            host,
        ),
        "api_off": _(
            "The Gmail API is not switched on for this server's application at %s. Ask your Odoo administrator.", host
        ),
        "mail_off": _("%s says that this account has no mailbox.", host),
        "consent_partial": _(
            "One of the rights was left out on the provider's page, and without it mail can be neither read nor sent."
            " Sign in once more and allow all of them."
        ),
        "oauth_client": _(
            "%s does not accept this server's client id or client secret. Ask your Odoo administrator to check them in"
            " the CRM settings.",
            host,
        ),
        "access_denied": _(
            "%(host)s does not let %(login)s read this mailbox. Ask your organisation's administrator for the right to"
            " read it.",
            host=host,
            login=login,
        ),
        "mailbox_missing": _("%(host)s knows no mailbox of %(login)s. Check the address.", host=host, login=login),
        "send_denied": _("%(host)s does not let %(login)s send as this sender.", host=host, login=login),
    }


def _about_mail(_: Callable[..., str]) -> dict[str, str]:
    return {
        "sender_refused": _("The server does not let this account send from this address."),
        "recipients_refused": _("The server refuses all recipients."),
        "mail_refused": _("The server refuses this mail."),
        "mail_too_large": _("The mail is larger than the mail server takes. Send less, or a link."),
        "no_smtputf8": _("The server cannot send to an address with such letters before the @."),
        "outcome_unknown": _("The connection broke at the last moment, so it is not known whether the mail was sent."),
        "folder_missing": _("The folder is not there any more."),
        "folder_denied": _("You have no permission to read this folder."),
        "unexpected": _("Something went wrong here. It is tried again; the log has the details."),
    }
