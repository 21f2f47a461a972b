"""Providers whose servers need no search: as they document them themselves."""

from __future__ import annotations

from .servers import KnownProvider, Server, lies_below


def _ssl(host: str, port: int) -> Server:
    return Server(host, port, "ssl")


def _starttls(host: str, port: int = 587) -> Server:
    return Server(host, port, "starttls")


# The first one that fits decides: a customer's domain at Outlook.com has another MX than one at Microsoft 365.
KNOWN: tuple[KnownProvider, ...] = (
    KnownProvider(
        "gmail",
        "Gmail",
        ("gmail.com", "googlemail.com"),
        ("google.com", "googlemail.com"),
        _ssl("imap.gmail.com", 993),
        _ssl("smtp.gmail.com", 465),
        "app_password",
        "gmail",
        "https://support.google.com/accounts/answer/185833",
    ),
    KnownProvider(
        "outlook",
        "Outlook.com",
        (
            *("outlook.com", "hotmail.com", "live.com", "msn.com", "passport.com", "windowslive.com"),
            *(f"outlook.{land}" for land in ("at", "be", "cl", "cz", "de", "dk", "es", "fr", "ie", "it", "jp", "pt")),
            *(f"outlook.{land}" for land in ("co.id", "co.il", "co.th", "com.ar", "com.au", "com.br", "com.gr")),
            *(f"hotmail.{land}" for land in ("at", "be", "ca", "ch", "co.uk", "de", "es", "fr", "it", "nl", "se")),
            *(f"live.{land}" for land in ("at", "be", "ca", "co.uk", "com.au", "de", "dk", "fr", "it", "nl", "se")),
        ),
        ("olc.protection.outlook.com",),
        _ssl("outlook.office365.com", 993),
        _starttls("smtp-mail.outlook.com"),
        "browser",
        "graph",
        "https://support.microsoft.com/office/d088b986-291d-42b8-9564-9c414e2aa040",
    ),
    KnownProvider(
        "microsoft365",
        "Microsoft 365",
        ("onmicrosoft.com",),
        ("mail.protection.outlook.com", "mx.microsoft"),
        _ssl("outlook.office365.com", 993),
        _starttls("smtp.office365.com"),
        "browser",
        "graph",
        "https://learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online/deprecation-of-basic-authentication-exchange-online",
    ),
    KnownProvider(
        "yahoo",
        "Yahoo",
        (
            *("yahoo.com", "ymail.com", "rocketmail.com", "myyahoo.com"),
            *(f"yahoo.{land}" for land in ("at", "be", "ca", "ch", "co.uk", "de", "dk", "es", "fr", "gr", "ie", "in")),
            *(f"yahoo.{land}" for land in ("it", "nl", "no", "pl", "ro", "se", "com.ar", "com.au", "com.br")),
            *(f"yahoo.{land}" for land in ("com.mx", "com.sg", "com.tr", "com.tw", "com.hk", "com.vn", "co.in")),
        ),
        ("yahoodns.net",),
        _ssl("imap.mail.yahoo.com", 993),
        _ssl("smtp.mail.yahoo.com", 465),
        "app_password",
        help_url="https://help.yahoo.com/kb/SLN15241.html",
    ),
    KnownProvider(
        "aol",
        "AOL",
        ("aol.com", "aim.com", "aol.de", "aol.fr", "aol.co.uk", "netscape.net", "verizon.net"),
        (),
        _ssl("imap.aol.com", 993),
        _ssl("smtp.aol.com", 465),
        "app_password",
        help_url="https://help.aol.com/articles/Create-and-manage-app-password",
    ),
    KnownProvider(
        "icloud",
        "iCloud Mail",
        ("icloud.com", "me.com", "mac.com"),
        ("mail.icloud.com",),
        _ssl("imap.mail.me.com", 993),
        _starttls("smtp.mail.me.com"),
        "app_password",
        help_url="https://support.apple.com/102654",
    ),
    KnownProvider(
        "gmx",
        "GMX",
        ("gmx.de", "gmx.net", "gmx.at", "gmx.ch", "gmx.eu", "gmx.info", "gmx.org", "gmx.biz"),
        ("gmx.net",),
        _ssl("imap.gmx.net", 993),
        _ssl("mail.gmx.net", 465),
        help_url="https://hilfe.gmx.net/pop-imap/einschalten.html",
    ),
    KnownProvider(
        "gmx_com",
        "GMX",
        ("gmx.com", "gmx.us", "gmx.co.uk", "gmx.fr", "gmx.es", "gmx.it"),
        (),
        _ssl("imap.gmx.com", 993),
        _ssl("mail.gmx.com", 465),
        help_url="https://support.gmx.com/pop-imap/toggle.html",
    ),
    KnownProvider(
        "mail_com",
        "mail.com",
        ("mail.com", "email.com", "usa.com", "consultant.com", "engineer.com", "europe.com"),
        (),
        _ssl("imap.mail.com", 993),
        _ssl("smtp.mail.com", 465),
        help_url="https://support.mail.com/premium/imap/index.html",
    ),
    KnownProvider(
        "web_de",
        "WEB.DE",
        ("web.de", "email.de"),
        (),
        _ssl("imap.web.de", 993),
        _ssl("smtp.web.de", 465),
        help_url="https://hilfe.web.de/pop-imap/einschalten.html",
    ),
    KnownProvider(
        "t_online",
        "Telekom Mail",
        ("t-online.de", "magenta.de"),
        (),
        _ssl("secureimap.t-online.de", 993),
        _ssl("securesmtp.t-online.de", 465),
        "app_password",
        help_url="https://www.telekom.de/hilfe/apps-dienste/e-mail",
    ),
    KnownProvider(
        "freenet",
        "freenet Mail",
        ("freenet.de",),
        (),
        _ssl("mx.freenet.de", 993),
        _ssl("mx.freenet.de", 465),
    ),
    KnownProvider(
        "ionos_de",
        "IONOS",
        (),
        ("kundenserver.de",),
        _ssl("imap.ionos.de", 993),
        _ssl("smtp.ionos.de", 465),
    ),
    KnownProvider(
        "ionos",
        "IONOS",
        (),
        ("1and1.com", "ionos.com"),
        _ssl("imap.ionos.com", 993),
        _ssl("smtp.ionos.com", 465),
    ),
    KnownProvider(
        "strato",
        "STRATO",
        (),
        ("rzone.de",),
        _ssl("imap.strato.de", 993),
        _ssl("smtp.strato.de", 465),
    ),
    KnownProvider(
        "mailbox_org",
        "mailbox.org",
        ("mailbox.org",),
        ("mailbox.org",),
        _ssl("imap.mailbox.org", 993),
        _ssl("smtp.mailbox.org", 465),
    ),
    KnownProvider(
        "posteo",
        "Posteo",
        ("posteo.de", "posteo.net", "posteo.eu", "posteo.org", "posteo.at", "posteo.ch"),
        (),
        _ssl("posteo.de", 993),
        _ssl("posteo.de", 465),
    ),
    KnownProvider(
        "fastmail",
        "Fastmail",
        ("fastmail.com", "fastmail.fm", "fastmail.net", "fastmail.org", "sent.com"),
        ("messagingengine.com",),
        _ssl("imap.fastmail.com", 993),
        _ssl("smtp.fastmail.com", 465),
        "app_password",
        help_url="https://www.fastmail.help/hc/en-us/articles/360058752854",
    ),
    KnownProvider(
        "zoho_eu",
        "Zoho Mail",
        ("zohomail.eu",),
        ("zoho.eu",),
        _ssl("imappro.zoho.eu", 993),
        _ssl("smtppro.zoho.eu", 465),
        "app_password",
        help_url="https://www.zoho.com/mail/help/imap-access.html",
    ),
    KnownProvider(
        "zoho_in",
        "Zoho Mail",
        ("zohomail.in",),
        ("zoho.in",),
        _ssl("imappro.zoho.in", 993),
        _ssl("smtppro.zoho.in", 465),
        "app_password",
        help_url="https://www.zoho.com/mail/help/imap-access.html",
    ),
    KnownProvider(
        "zoho",
        "Zoho Mail",
        ("zoho.com", "zohomail.com"),
        ("zoho.com", "zohomail.com"),
        _ssl("imappro.zoho.com", 993),
        _ssl("smtppro.zoho.com", 465),
        "app_password",
        help_url="https://www.zoho.com/mail/help/imap-access.html",
    ),
    KnownProvider(
        "mail_ru",
        "Mail.ru",
        ("mail.ru", "bk.ru", "inbox.ru", "list.ru", "internet.ru"),
        ("mail.ru",),
        _ssl("imap.mail.ru", 993),
        _ssl("smtp.mail.ru", 465),
        "app_password",
        help_url="https://help.mail.ru/mail/security/protection/external",
    ),
    KnownProvider(
        "yandex",
        "Yandex Mail",
        ("yandex.com", "yandex.ru", "ya.ru", "yandex.kz", "yandex.by"),
        ("yandex.net", "yandex.ru"),
        _ssl("imap.yandex.com", 993),
        _ssl("smtp.yandex.com", 465),
        "app_password",
        help_url="https://yandex.com/support/mail/mail-clients/others.html",
    ),
    KnownProvider(
        "proton",
        "Proton Mail",
        ("proton.me", "protonmail.com", "protonmail.ch", "pm.me"),
        ("protonmail.ch",),
        sign_in="impossible",
        help_url="https://proton.me/support/imap-smtp-and-pop3-setup",
    ),
    KnownProvider(
        "tuta",
        "Tuta Mail",
        ("tuta.com", "tuta.io", "tutanota.com", "tutanota.de", "tutamail.com", "keemail.me"),
        ("tutanota.de",),
        sign_in="impossible",
        help_url="https://tuta.com/support",
    ),
    KnownProvider(
        "infomaniak",
        "Infomaniak",
        ("ik.me", "ikmail.com", "etik.com"),
        ("infomaniak.ch", "infomaniak.com"),
        _ssl("mail.infomaniak.com", 993),
        _ssl("mail.infomaniak.com", 465),
    ),
    KnownProvider(
        "orange",
        "Orange",
        ("orange.fr", "wanadoo.fr"),
        (),
        _ssl("imap.orange.fr", 993),
        _ssl("smtp.orange.fr", 465),
    ),
    KnownProvider(
        "laposte",
        "La Poste",
        ("laposte.net",),
        (),
        _ssl("imap.laposte.net", 993),
        _ssl("smtp.laposte.net", 465),
    ),
    KnownProvider(
        "ovh",
        "OVHcloud",
        (),
        ("mail.ovh.net", "ovh.net"),
        _ssl("ssl0.ovh.net", 993),
        _ssl("ssl0.ovh.net", 465),
    ),
    KnownProvider(
        "gandi",
        "Gandi",
        (),
        ("mail.gandi.net",),
        _ssl("mail.gandi.net", 993),
        _ssl("mail.gandi.net", 465),
    ),
    KnownProvider(
        "libero",
        "Libero",
        ("libero.it", "inwind.it", "iol.it", "blu.it", "giallo.it"),
        (),
        _ssl("imapmail.libero.it", 993),
        _ssl("smtp.libero.it", 465),
    ),
    KnownProvider(
        "seznam",
        "Seznam",
        ("seznam.cz", "email.cz", "post.cz"),
        ("seznam.cz",),
        _ssl("imap.seznam.cz", 993),
        _ssl("smtp.seznam.cz", 465),
    ),
    KnownProvider(
        "wp",
        "WP Poczta",
        ("wp.pl",),
        (),
        _ssl("imap.wp.pl", 993),
        _ssl("smtp.wp.pl", 465),
    ),
    KnownProvider(
        "qq",
        "QQ Mail",
        ("qq.com", "foxmail.com"),
        ("qq.com",),
        _ssl("imap.qq.com", 993),
        _ssl("smtp.qq.com", 465),
        "app_password",
        help_url="https://service.mail.qq.com/",
    ),
    KnownProvider(
        "netease",
        "NetEase Mail",
        ("163.com",),
        (),
        _ssl("imap.163.com", 993),
        _ssl("smtp.163.com", 465),
        "app_password",
        help_url="https://help.mail.163.com/",
    ),
    KnownProvider(
        "comcast",
        "Xfinity",
        ("comcast.net",),
        (),
        _ssl("imap.comcast.net", 993),
        _starttls("smtp.comcast.net"),
    ),
    KnownProvider(
        "rackspace",
        "Rackspace Email",
        (),
        ("emailsrvr.com",),
        _ssl("secure.emailsrvr.com", 993),
        _ssl("secure.emailsrvr.com", 465),
    ),
    KnownProvider(
        "godaddy",
        "GoDaddy",
        (),
        ("secureserver.net",),
        _ssl("imap.secureserver.net", 993),
        _ssl("smtpout.secureserver.net", 465),
    ),
    KnownProvider(
        "hostinger",
        "Hostinger",
        (),
        ("hostinger.com",),
        _ssl("imap.hostinger.com", 993),
        _ssl("smtp.hostinger.com", 465),
    ),
    KnownProvider(
        "namecheap",
        "Private Email",
        (),
        ("privateemail.com",),
        _ssl("mail.privateemail.com", 993),
        _ssl("mail.privateemail.com", 465),
    ),
    KnownProvider(
        "migadu",
        "Migadu",
        (),
        ("migadu.com",),
        _ssl("imap.migadu.com", 993),
        _ssl("smtp.migadu.com", 465),
    ),
)
_BY_DOMAIN = {domain: provider for provider in KNOWN for domain in provider.domains}
_BY_HOST = {
    server.host: provider
    for provider in reversed(KNOWN)
    for server in (provider.incoming, provider.outgoing)
    if server is not None
}


def known_provider(domain: str) -> KnownProvider | None:
    """The provider of addresses of this domain, or of one below it (``company.onmicrosoft.com``)."""
    levels = domain.split(".")
    return next(filter(None, (_BY_DOMAIN.get(".".join(levels[start:])) for start in range(len(levels) - 1))), None)


def provider_of_exchanger(host: str) -> KnownProvider | None:
    """The provider that runs this MX host."""
    return next(
        (provider for provider in KNOWN if any(lies_below(host, end) for end in provider.exchangers)),
        None,
    )


def provider_of_host(host: str) -> KnownProvider | None:
    """The provider whose IMAP or SMTP server this is, for what it is known for when it refuses."""
    return _BY_HOST.get(host.rstrip(".").lower())
