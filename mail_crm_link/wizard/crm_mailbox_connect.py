"""Connecting a mailbox: the address, what was found of it, the sign-in, and what to do with the mail.

::

    address ── action_find ──► settings ── check_step × 3 ──► options ── action_finish ──► a connected mailbox
       ▲                        │ │  ▲                           ▲
       └────── action_back ─────┘ │  └── Reconnect of one        └── the owner is back from the provider
                                  └── sign-in at the provider, see crm_mailbox_connect_consent.py

Until the end there is no mailbox: each step is tried with one that is taken back afterwards. Only who goes to the
provider leaves one, which is provisional until the end.
"""

import unicodedata
from collections.abc import Iterator
from contextlib import closing, contextmanager

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize, email_split

from ..connectors import discovery
from ..connectors.errors import ConnectorError
from ..models.connection_explanation import detail, help_url
from ..models.crm_mailbox import IMAP_PORTS
from ..models.crm_mailbox_folder import is_wanted
from ..models.crm_mailbox_sending import SMTP_PORTS

REACH_SECONDS = 15.0
SCENARIOS = ("inbound_unknown", "outbound_unknown", "inbound_known")
CHOICES = ("crm_link", "link_mode", "sync_scope", "visibility", "history_days")
SERVER_FIELDS = ("imap_host", "imap_port", "imap_security", "smtp_host", "smtp_port", "smtp_security")
# As people look for them.
ROLE_ORDER = ("inbox", "sent", "archive", "other", "drafts", "junk", "trash")
# Failures between "found the server" and "signed in".
ENCRYPTION_CAUSES = {
    "certificate",
    "certificate_authority",
    "certificate_expired",
    "certificate_host",
    "certificate_self_signed",
    "no_starttls",
    "tls",
}


def _as_mailbox(name: str, **options):
    """Return what a field is made of that is like the mailbox's own, with its default."""
    return {
        **options,
        "selection": lambda self: self.env["crm.mailbox"]._fields[name]._description_selection(self.env),
        "default": lambda self: self.env["crm.mailbox"].default_get([name]).get(name),
        "required": True,
    }


class CrmMailboxConnect(models.TransientModel):
    _name = "crm.mailbox.connect"
    _description = "Connect a Mailbox"

    stage = fields.Selection(
        [("address", "Address"), ("settings", "Sign-in"), ("options", "Mail and CRM")],
        required=True,
        default="address",
        readonly=True,
    )
    mailbox_id = fields.Many2one("crm.mailbox", "To be reconnected", readonly=True, ondelete="cascade")
    email = fields.Char("Email address", required=True)

    # --- what was found -----------------------------------------------------------------
    provider = fields.Selection(**_as_mailbox("provider"))
    found = fields.Char(readonly=True)
    hint = fields.Char(readonly=True)
    help_url = fields.Char("Help", readonly=True)
    connectable = fields.Boolean(default=True, readonly=True)

    # --- sign-in ------------------------------------------------------------------------
    advanced = fields.Boolean()
    imap_sign_in = fields.Selection(**_as_mailbox("imap_sign_in", string="Sign in by"))
    login = fields.Char("User name", help="Empty: the address.")
    password = fields.Char(compute="_compute_password", readonly=False)
    sealed_password = fields.Char(groups=fields.NO_ACCESS, help="Encrypted.")
    imap_host = fields.Char("IMAP server")
    imap_port = fields.Integer("IMAP port", default=993)
    imap_security = fields.Selection(**_as_mailbox("imap_security", string="IMAP encryption"))
    smtp_host = fields.Char("SMTP server")
    smtp_port = fields.Integer("SMTP port", default=587)
    smtp_security = fields.Selection(**_as_mailbox("smtp_security", string="SMTP encryption"))

    # --- what to do with the mail -------------------------------------------------------
    crm_link = fields.Boolean("Put mail on cards", default=lambda self: self._company_choice("crm_link"))
    link_mode = fields.Selection(**_as_mailbox("link_mode"))
    sync_scope = fields.Selection(**_as_mailbox("sync_scope"))
    visibility = fields.Selection(**_as_mailbox("visibility"))
    history_days = fields.Integer("Days of history", default=lambda self: self._company_choice("history_days"))
    inbound_unknown = fields.Boolean(
        "Unknown people who write to me", default=lambda self: self._company_choice("inbound_unknown")
    )
    outbound_unknown = fields.Boolean(
        "Unknown people whom I write to", default=lambda self: self._company_choice("outbound_unknown")
    )
    inbound_known = fields.Boolean(
        "Known people who write to me", default=lambda self: self._company_choice("inbound_known")
    )
    folder_ids = fields.One2many("crm.mailbox.connect.folder", "connect_id", "Folders")

    @api.model
    def _company_choice(self, name: str):
        return self.env["crm.mailbox"]._company_choices([name])[name]

    @api.onchange("imap_security", "smtp_security")
    def _onchange_security(self):
        """A port that belongs to one encryption follows to another; one of the server's own stays."""
        for prefix, ports in (("imap", IMAP_PORTS), ("smtp", SMTP_PORTS)):
            if self[f"{prefix}_port"] in ports.values():
                self[f"{prefix}_port"] = ports[self[f"{prefix}_security"]]

    # ------------------------------------------------------------------------------------
    # Password
    # ------------------------------------------------------------------------------------

    def _compute_password(self):
        """Written, never read: the form shows an empty field."""
        self.password = False

    @api.model_create_multi
    def create(self, vals_list):
        dialogs = super().create([_without_password(vals) for vals in vals_list])
        for dialog, vals in zip(dialogs, vals_list, strict=True):
            dialog._seal__(vals.get("password"))
        return dialogs

    def write(self, vals):
        result = super().write(_without_password(vals))
        self._seal__(vals.get("password"))
        return result

    def _seal__(self, password: str | None) -> None:
        """A dialog is a row of the database, too."""
        if password:
            # sudo: nobody has rights on what is encrypted
            secrets = self.env["crm.mailbox.secret"].sudo()
            self.sudo().sealed_password = secrets._fernet__().encrypt(password.encode()).decode()

    def _password__(self) -> str:
        # sudo: as above; the dialog is its user's own
        sealed = self.sudo().sealed_password
        if not sealed:
            return ""
        return self.env["crm.mailbox.secret"].sudo()._fernet__().decrypt(sealed.encode()).decode()

    # ------------------------------------------------------------------------------------
    # Address
    # ------------------------------------------------------------------------------------

    def action_find(self) -> dict:
        """Find the servers of the address, and show them; takes ten seconds at most.

        :raise UserError: it is no address, or connected already
        """
        self.ensure_one()
        self.email = self._address_alone()
        existing = self._existing()
        if existing:
            return existing.action_reconnect()
        self.write({**self._found_values(self._servers()), "stage": "settings"})
        return self._reopen()

    def _address_alone(self) -> str:
        """Return the address of what was typed or pasted, such as ``Anna Meyer <anna@mill.example>``."""
        # Web pages put characters without width into addresses, for lines to break there (Unicode category Cf).
        found = email_split("".join(sign for sign in self.email or "" if unicodedata.category(sign) != "Cf"))
        if len(found) != 1 or not email_normalize(found[0]):
            raise UserError(self.env._("“%s” is not an email address.", self.email))
        return found[0]

    def _existing(self):
        """The user's mailbox of this address, when it can be connected again.

        :raise UserError: it is connected
        """
        domain = [("user_id", "=", self.env.uid), ("email_normalized", "=", email_normalize(self.email))]
        mailbox = self.env["crm.mailbox"].search(domain, limit=1)
        if mailbox and mailbox.state not in ("draft", "error", "paused"):
            raise UserError(self.env._("You have connected %s already.", self.email))
        return mailbox

    def _servers(self) -> "discovery.Found | None":
        try:
            return self._discovery().find(email_normalize(self.email))
        except ValueError as error:
            raise UserError(self.env._("“%s” is not an email address.", self.email)) from error

    def _discovery(self) -> "discovery.Discovery":
        return discovery.Discovery(self.env["crm.mailbox"].new({})._network())

    def _found_values(self, found: "discovery.Found | None") -> dict:
        # Nothing of another address tried before may stay: its servers would get this one's password.
        values = self.default_get([*SERVER_FIELDS, "imap_sign_in"]) | {
            "imap_host": False,
            "smtp_host": False,
            "login": False,
        }
        if found is None:
            return {**values, **self._nothing_found(), "advanced": True}
        values |= {
            "provider": self._connector_of(found),
            "login": found.login if found.login != self.email else False,
            "found": self._found_sentence(found),
            "hint": self._hint(found),
            "help_url": found.provider.help_url if found.provider else False,
            "connectable": not (found.provider and found.provider.sign_in == "impossible"),
            "advanced": not found.incoming,
        }
        for prefix, server in (("imap", found.incoming), ("smtp", found.outgoing)):
            if server:
                values |= {
                    f"{prefix}_host": server.host,
                    f"{prefix}_port": server.port,
                    f"{prefix}_security": server.security,
                }
        return values

    def _connector_of(self, found: "discovery.Found") -> str:
        """What fits best of what is set up on this server."""
        usable = self.env["crm.mailbox"]._connectable_providers()
        return found.connector if found.connector in usable else "imap"

    def _nothing_found(self) -> dict:
        return {
            "provider": "imap",
            "found": False,
            "hint": self.env._(
                "The mail servers of %s were not found. Ask your provider or your administrator for their names: the"
                " IMAP server for incoming and the SMTP server for outgoing mail, or the Exchange server.",
                self.email,
            ),
            "help_url": False,
            "connectable": True,
        }

    def _found_sentence(self, found: "discovery.Found") -> str:
        if found.provider:
            return found.provider.name
        if found.connector == "ews":
            return self.env._("Exchange server %s", found.exchange)
        return self.env._("%(incoming)s, found %(place)s", incoming=found.incoming.host, place=self._source(found))

    def _source(self, found: "discovery.Found") -> str:
        return {
            "srv": self.env._("in the domain's records"),
            "autoconfig": self.env._("in the settings that the domain publishes"),
            "ispdb": self.env._("in Thunderbird's list of providers"),
            "guess": self.env._("by its usual name"),
        }.get(found.source, "")

    def _hint(self, found: "discovery.Found") -> str | bool:
        """What to know before the password is entered."""
        sign_in = found.provider.sign_in if found.provider else "password"
        name = found.provider.name if found.provider else ""
        if sign_in == "impossible":
            return self._impossible(name)
        if self._connector_of(found) != "imap":
            return False
        if found.connector == "ews":
            return self.env._(
                "This server lacks the Python library exchangelib, with which Exchange is connected; ask its"
                " administrator for it. Here %s can be connected by IMAP where its administrator switched that on; ask"
                " for the names of the IMAP and the SMTP server.",
                found.exchange,
            )
        return self._password_hint(sign_in, name)

    def _impossible(self, name: str) -> str:
        return self.env._(
            "%s cannot be connected: its mail is encrypted in a way that only its own programs read, so no other"
            " server can fetch it. Forward the mails that belong to your customers to another mailbox instead.",
            name,
        )

    def _password_hint(self, sign_in: str, name: str) -> str | bool:
        return {
            "app_password": self.env._(
                "%s wants an app password here, not the one you sign in with on its page. Make one in the security"
                " settings of your account and enter it below.",
                name,
            ),
            "browser": self.env._(
                "%s does not accept passwords from programs any more. Ask your administrator to set up the sign-in"
                " with Microsoft in the CRM settings; then it takes two clicks.",
                name,
            ),
        }.get(sign_in, False)

    def action_use_imap(self) -> dict:
        """Sign in by password, though the provider has a way of its own that is set up here."""
        found = self._servers()
        self.write({**self._found_values(found), "provider": "imap"})
        if found.provider and found.provider.sign_in == "browser":
            # No password is taken there, and the sign-in is set up here, or nobody had chosen between the two.
            self.imap_sign_in = self.env["crm.mailbox"]._oauth_authorities().get(found.connector, "password")
        elif found.provider:
            self.hint = self._password_hint(found.provider.sign_in, found.provider.name)
        return self._reopen()

    def action_back(self) -> dict:
        self.stage = "address"
        return self._reopen()

    def _reopen(self) -> dict:
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Connect a Mailbox") if self._is_new() else self.env._("Reconnect %s", self.email),
            "res_model": self._name,
            "res_id": self.id,
            "views": [(False, "form")],
            "target": "new",
        }

    # ------------------------------------------------------------------------------------
    # Sign-in
    # ------------------------------------------------------------------------------------

    def check_step(self, step: str) -> dict:
        """Try one step of the sign-in: ``server``, ``incoming``, ``outgoing`` or ``finish``.

        :return: ``marks`` (lists of what was reached, with its sentence and whether it was), and of a failure
            ``sentence``, ``help_url`` and ``detail``; after the last one ``done``
        """
        self.ensure_one()
        self.check_access("write")
        steps = {
            "server": self._check_server,
            "incoming": self._check_incoming,
            "outgoing": self._check_outgoing,
            "finish": self._check_finish,
        }
        if step not in steps:
            raise UserError(self.env._("There is no step “%s”.", step))
        self._check_filled_in()
        return steps[step]()

    def _check_filled_in(self) -> None:
        missing = [
            self._fields[name]._description_string(self.env)
            for name in self._needed()
            if not (self._password__() if name == "password" else self[name])
        ]
        if missing:
            raise UserError(self.env._("Please fill in: %s.", ", ".join(missing)))

    def _needed(self) -> list[str]:
        """Return the fields without which nothing can be tried."""
        return ["imap_host", "password"]

    def _incoming_host(self) -> str:
        return self.imap_host or ""

    def _outgoing_host(self) -> str:
        return self.smtp_host or ""

    def _account_name(self) -> str:
        """Return whom the server knows."""
        return self.login or self.email

    def _check_server(self) -> dict:
        with self._tentative() as mailbox:
            try:
                self._reach(mailbox, REACH_SECONDS)
                result = self._passed("server")
            except ConnectorError as error:
                result = self._failed("server", error, self._incoming_host())
        return result

    def _reach(self, mailbox, seconds: float) -> None:
        """Connect to the server, and say nothing yet."""
        network = mailbox._network()
        network.check_encryption(self.imap_security, self.imap_host)
        network.connect(self.imap_host, self.imap_port, seconds).close()

    def _check_incoming(self) -> dict:
        folders = ()
        with self._tentative() as mailbox:
            encryption = "encrypted" if self._is_encrypted(mailbox) else "not_encrypted"
            try:
                with mailbox._opened() as connector:
                    folders = connector.folders()
                result = self._passed(encryption, "signed_in", "folders", count=len(folders))
            except ConnectorError as error:
                result = self._incoming_failure(error, encryption)
        if not result["failure"]:
            self._show_folders([folder for folder in folders if folder.selectable])
        return result

    def _incoming_failure(self, error: ConnectorError, encryption: str) -> dict:
        if error.cause in ENCRYPTION_CAUSES:
            return self._failed("encrypted", error, self._incoming_host())
        failed = self._failed("signed_in", error, self._incoming_host())
        return {**failed, "marks": [self._mark(encryption, True), *failed["marks"]]}

    def _is_encrypted(self, mailbox) -> bool:
        return self.imap_security != "none"

    def _check_outgoing(self) -> dict:
        host = self._outgoing_host()
        if not host:
            return self._after_sign_in(self._passed("no_outgoing"))
        with self._tentative() as mailbox:
            connector = mailbox._submission()
            try:
                self._try_outgoing(connector)
                result = self._passed("outgoing")
            except ConnectorError as error:
                result = {**self._failed("outgoing", error, host), "skippable": host == self.smtp_host}
            finally:
                connector.close()
        return result if result["failure"] else self._after_sign_in(result)

    def _try_outgoing(self, connector) -> None:
        connector.open()

    def _after_sign_in(self, result: dict) -> dict:
        if self._is_new():
            self.stage = "options"
        return {**result, "done": self._is_new()}

    def _is_new(self) -> bool:
        """Whether the mailbox is connected for the first time."""
        return not self.mailbox_id or self.mailbox_id.provisional

    def action_without_outgoing(self) -> bool:
        """Go on though the server for outgoing mail refuses: mail is read, and not sent from here."""
        self.smtp_host = False
        return True

    def _check_finish(self) -> dict:
        self.action_finish()
        return {**self._passed("finished"), "done": True}

    @contextmanager
    def _tentative(self) -> Iterator:
        """Yield the mailbox as it would be. Nothing of it stays."""
        with closing(self.env.cr.savepoint()):
            yield self._mailbox()

    def _mailbox(self):
        """Return the mailbox with what is entered here."""
        values = self._values()
        if self.mailbox_id:
            self.mailbox_id.write(values)
            return self.mailbox_id
        return self.env["crm.mailbox"].create(values)

    def _values(self) -> dict:
        choices = {name: self[name] for name in CHOICES}
        if not self.mailbox_id:
            return {**self._sign_in_values(), **choices, "email": self.email}
        return choices if self._is_new() else self._sign_in_values()

    def _sign_in_values(self) -> dict:
        return {**self._server_values(), "provider": self.provider, "password": self._password__()}

    def _server_values(self) -> dict:
        return {name: self[name] for name in (*SERVER_FIELDS, "imap_sign_in", "login")}

    def _show_folders(self, folders) -> None:
        self.folder_ids.unlink()
        self.env["crm.mailbox.connect.folder"].create(
            [
                {
                    "connect_id": self.id,
                    "name": folder.name,
                    "remote_id": folder.remote_id,
                    "role": folder.role,
                    "sync": is_wanted(folder),
                }
                for folder in sorted(folders, key=lambda folder: ROLE_ORDER.index(folder.role))
            ]
        )

    # --- what is told -------------------------------------------------------------------

    def _passed(self, *names: str, count: int = 0) -> dict:
        return {"marks": [self._mark(name, True, count) for name in names], "failure": False, "done": False}

    def _failed(self, name: str, error: ConnectorError, host: str) -> dict:
        failure = {
            "sentence": self._sentence(error, host),
            "help_url": help_url(error.cause, host),
            "detail": detail(error),
        }
        return {"marks": [self._mark(name, False)], "failure": failure, "done": False}

    def _sentence(self, error: ConnectorError, host: str) -> str:
        mailbox = self.env["crm.mailbox"].new({"provider": self.provider, "imap_host": host, **self._who()})
        return mailbox.with_context(crm_mailbox_waited_for=True)._sentence(error)

    def _who(self) -> dict:
        return {"email": self.email, "login": self.login}

    def _mark(self, name: str, passed: bool, count: int = 0) -> dict:
        return {"name": name, "passed": passed, "label": self._label(name, count)}

    def _label(self, name: str, count: int) -> str:
        return {
            "server": self.env._("Server %s", self._incoming_host()),
            "encrypted": self.env._("Encrypted connection"),
            "not_encrypted": self.env._("Connection without encryption"),
            "signed_in": self.env._("Sign-in as %s", self._account_name()),
            "folders": self.env._("%d folders", count),
            "outgoing": self.env._("Outgoing mail through %s", self._outgoing_host()),
            "no_outgoing": self.env._("No server for outgoing mail: nothing is sent from here"),
            "finished": self.env._("Connected again; it goes on where it stopped"),
        }[name]

    # ------------------------------------------------------------------------------------
    # End
    # ------------------------------------------------------------------------------------

    def action_finish(self) -> dict:
        """Connect the mailbox and begin its first synchronisation. All of it or nothing.

        :raise UserError: the server refuses now
        """
        self.ensure_one()
        is_new, mailbox = self._is_new(), self._mailbox()
        mailbox.action_connect()
        if is_new:
            self._apply_choices(mailbox)
        # sudo: nobody has rights on what is encrypted
        self.sudo().sealed_password = False
        return {
            "type": "ir.actions.act_window",
            "res_model": "crm.mailbox",
            "res_id": mailbox.id,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "current",
        }

    def _apply_choices(self, mailbox) -> None:
        chosen = {line.remote_id: line.sync for line in self.folder_ids}
        for folder in mailbox.folder_ids:
            if folder.sync != chosen.get(folder.remote_id, folder.sync):
                folder.sync = chosen[folder.remote_id]
        for rule in mailbox.rule_ids:
            if rule.scenario in SCENARIOS and self[rule.scenario]:
                rule.active = True


class CrmMailboxConnectFolder(models.TransientModel):
    _name = "crm.mailbox.connect.folder"
    _description = "Folder of a Mailbox to be Connected"

    connect_id = fields.Many2one("crm.mailbox.connect", required=True, ondelete="cascade")
    name = fields.Char(required=True, readonly=True)
    remote_id = fields.Char(required=True, readonly=True)
    role = fields.Selection(
        selection=lambda self: self.env["crm.mailbox.folder"]._fields["role"]._description_selection(self.env),
        readonly=True,
    )
    sync = fields.Boolean("Synchronise")


def _without_password(vals: dict) -> dict:
    return {name: value for name, value in vals.items() if name != "password"}
