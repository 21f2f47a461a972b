"""The chatter of a card shows its e-mails among Odoo's own messages, in order of date.

A bound e-mail has one message of its own, however many cards it is on. The chatter of a
card is a *projection*: the card's own messages, and those of the e-mails linked to it.

    own messages of the card ──┐
                               ├── merged by (date, id) ── one page
    messages of linked mails ──┘

Odoo pages a thread by id. Here ids say nothing about the order: a mail of last year that
arrives today has the highest one. So the ids that clients send as page borders are taken
for the position, (date, id), of the message they name.
"""

from datetime import datetime

from markupsafe import Markup

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.mail import email_split_tuples

from odoo.addons.mail.tools.discuss import Store

from .. import rules
from .crm_email import CARD_FIELDS

CONTENT_FIELDS = {"body", "preview"}
NEWEST_FIRST = "date DESC, id DESC"
OLDEST_FIRST = "date ASC, id ASC"


class MailMessage(models.Model):
    _inherit = "mail.message"

    @api.depends("subject", "model", "res_id")
    @api.depends_context("uid")
    def _compute_display_name(self):
        """The name of an e-mail's message is the e-mail's, which tells each what they may see."""
        messages = self.sudo()
        messages._load_subject_of()
        of_emails = messages.filtered(lambda message: message.model == "crm.email")
        super(MailMessage, self - of_emails)._compute_display_name()
        for message in self & of_emails:
            message.display_name = self.env["crm.email"].browse(message.sudo().res_id).display_name

    def _load_subject_of(self) -> None:
        """Load what these messages are about, and nothing of what they say: templates print what is in the cache."""
        self.fetch(["model", "res_id"])

    # ------------------------------------------------------------------------------------
    # A page of a card
    # ------------------------------------------------------------------------------------

    @api.model
    def _message_fetch(
        self,
        domain,
        *,
        thread=None,
        search_term=None,
        is_notification=None,
        before=None,
        after=None,
        around=None,
        limit=30,
    ):
        if not self._shows_crm_emails(thread):
            return super()._message_fetch(
                domain,
                thread=thread,
                search_term=search_term,
                is_notification=is_notification,
                before=before,
                after=after,
                around=around,
                limit=limit,
            )
        self.env["crm.email.access"]._shown_on(thread)
        domain = Domain(True if domain is None else domain)
        result = {}
        if search_term:
            found = self._found_on_card(thread, domain, search_term, is_notification)
            result["count"] = len(found)
            scope = [(self.sudo(), Domain("id", "in", found.ids))]
        else:
            if is_notification is not None:
                operator = "=" if is_notification else "!="
                domain &= Domain("message_type", operator, "notification")
            scope = self._card_scope(thread, domain)
        pages = self._card_pages(thread, scope, before, after, around, limit)
        return {**result, "messages": pages}

    @api.model
    def _card_window(self, thread, known_ids, limit):
        """Return the newest messages of a card, as far back as the client knows it.

        :param known_ids: ids of the messages that the client shows; none: to its beginning
        :param limit: at most this many messages
        """
        self.env["crm.email.access"]._shown_on(thread)
        scope = self._card_scope(thread, Domain.TRUE)
        known = self._on_card(thread, known_ids)
        if known:
            scope = self._narrowed(scope, ">=", self._by_position(known)[-1])
        return self._newest_of(scope, limit)

    @api.model
    def _shows_crm_emails(self, thread) -> bool:
        return thread is not None and thread._name in CARD_FIELDS and self.env["crm.email"].has_access("read")

    def _card_scope(self, thread, domain):
        """Return pairs of an environment and a domain that together are the card."""
        return [
            (self, domain & self._own_messages_domain(thread)),
            # sudo: that there is a mail is for every reader of its card to know; what of
            # it they get is decided where it is handed out, in `_to_store`
            (self.sudo(), domain & self._email_messages_domain(thread)),
        ]

    def _own_messages_domain(self, thread) -> Domain:
        return (
            Domain("model", "=", thread._name)
            & Domain("res_id", "=", thread.id)
            & Domain("message_type", "!=", "user_notification")
        )

    def _email_messages_domain(self, thread, also_removed=False) -> Domain:
        links = self.env["crm.email.link"].sudo()
        of_card = Domain(CARD_FIELDS[thread._name], "=", thread.id)
        query = links.with_context(active_test=not also_removed)._search(of_card)
        return Domain("model", "=", "crm.email") & Domain("res_id", "in", query.subselect("email_id"))

    def _card_pages(self, thread, scope, before, after, around, limit):
        if around is not None:
            border = self._on_card(thread, [around])
            older = self._newest_of(self._narrowed(scope, "<=", border), limit // 2)
            newer = self._oldest_of(self._narrowed(scope, ">", border), limit // 2)
            return newer + older
        if before:
            scope = self._narrowed(scope, "<", self._on_card(thread, [before]))
        if after:
            scope = self._narrowed(scope, ">", self._on_card(thread, [after]))
            return self._oldest_of(scope, limit)
        return self._newest_of(scope, limit)

    def _on_card(self, thread, message_ids):
        """Return those of these messages that are, or were, on the card.

        Whoever could name any message as a border would learn the order of mails that are
        not for them.
        """
        of_card = self._own_messages_domain(thread) | self._email_messages_domain(thread, also_removed=True)
        named = Domain("id", "in", list(message_ids))
        return self.sudo().search(named & of_card).sudo(False)

    def _narrowed(self, scope, operator: str, border):
        condition = self._beyond(operator, border)
        return [(messages, domain & condition) for messages, domain in scope]

    def _beyond(self, operator: str, border) -> Domain:
        """Messages whose position compares so to that of ``border``; none without one.

        Not a comparison of fields: the ORM compares whole seconds.
        """

        def to_sql(model, alias, query):
            return SQL(
                "(coalesce(%(date)s, 'infinity'), %(id)s) %(operator)s"
                " (SELECT coalesce(date, 'infinity'), id FROM mail_message"
                " WHERE id = %(border)s)",
                date=SQL.identifier(alias, "date"),
                id=SQL.identifier(alias, "id"),
                operator=SQL(operator),
                border=border.id or None,
            )

        return Domain.custom(to_sql=to_sql)

    def _newest_of(self, scope, limit):
        return self._found_in(scope, NEWEST_FIRST, limit)[:limit]

    def _oldest_of(self, scope, limit):
        newest_first = self._found_in(scope, OLDEST_FIRST, limit)
        return newest_first[::-1][:limit][::-1]

    def _found_in(self, scope, order: str, limit):
        found = self.browse()
        for messages, domain in scope:
            found |= messages.search(domain, order=order, limit=limit).sudo(self.env.su)
        return self._by_position(found)

    def _by_position(self, messages):
        """Newest first, as clients expect a page."""
        return messages.sorted(
            lambda message: (message.sudo().date or datetime.max, message.id),
            reverse=True,
        )

    # ------------------------------------------------------------------------------------
    # Search on a card
    # ------------------------------------------------------------------------------------

    def _found_on_card(self, thread, domain, search_term, is_notification):
        # What Odoo finds, without our order of it. pylint: disable-next=super-method-mismatch
        found = super()._message_fetch(
            domain,
            thread=thread,
            search_term=search_term,
            is_notification=is_notification,
            limit=None,
        )["messages"]
        if is_notification is not True:
            of_card = self._email_messages_domain(thread)
            # no sudo: mail is found only by those who may read all of it
            found |= self.search(domain & of_card & self._term_domain(search_term))
        return found

    def _term_domain(self, search_term: str) -> Domain:
        # any text between the words, as Odoo's own search in a thread has it
        term = search_term.replace(" ", "%")
        attachments = (
            self.env["ir.attachment"]
            .sudo()
            ._search(Domain("res_model", "=", "mail.message") & Domain("name", "ilike", term))
        )
        return Domain.OR(
            [
                Domain("body", "ilike", term),
                Domain("subject", "ilike", term),
                Domain("email_from", "ilike", term),
                Domain("attachment_ids", "in", attachments),
            ]
        )

    # ------------------------------------------------------------------------------------
    # Rights
    # ------------------------------------------------------------------------------------

    @api.model
    def _search(self, domain, offset=0, limit=None, order=None, *, bypass_access=False, **kwargs):
        query = super()._search(domain, offset, limit, order, bypass_access=bypass_access, **kwargs)
        if self.env.su or bypass_access:
            return query
        found = self.browse(query)
        hidden = found._of_crm_emails()
        hidden -= hidden._crm_email_readable()
        return (found - hidden)._as_query(bool(order)) if hidden else query

    def _get_forbidden_access(self, operation):
        """Odoo lets authors read and change their messages, and a From can be forged."""
        emails = self._of_crm_emails()
        forbidden = super(MailMessage, self - emails)._get_forbidden_access(operation)
        allowed = emails._crm_email_readable() if operation == "read" else self.browse()
        return forbidden + (emails - allowed)

    def _filter_records_for_message_operation(self, doc_model, doc_res_ids, operation):
        if doc_model != "crm.email":
            return super()._filter_records_for_message_operation(doc_model, doc_res_ids, operation)
        emails = self.env["crm.email"].browse(doc_res_ids)
        return emails._filter_content_readable() if operation == "read" else emails[:0]

    def _read_format(self, fnames, load="_classic_read"):
        if CONTENT_FIELDS & set(fnames):
            self._note_reading()
        return super()._read_format(fnames, load)

    def _export_rows(self, fields, *, _is_toplevel_call=True):
        # Odoo exports whatever is in the cache, where deciding on the rights has put it.
        if not self.env.su:
            self._of_crm_emails().check_access("read")
        if CONTENT_FIELDS & {name for path in fields for name in path[:1]}:
            self._note_reading()
        return super()._export_rows(fields, _is_toplevel_call=_is_toplevel_call)

    def _note_reading(self) -> None:
        if not self.env.su:
            self._of_crm_emails()._crm_emails()._note_reading()

    def _of_crm_emails(self):
        # sudo: which messages are mails' is needed to decide on the right to read them
        of_emails = Domain("id", "in", self.ids) & Domain("model", "=", "crm.email")
        return self.sudo().search(of_emails).sudo(self.env.su)

    def _crm_email_readable(self):
        """Return those whose e-mail the current user may read in full."""
        readable = set(self._crm_emails()._filter_content_readable().ids)
        return self.filtered(lambda message: message.sudo().res_id in readable)

    def _crm_emails(self):
        return self.env["crm.email"].browse(self.sudo().mapped("res_id"))

    # ------------------------------------------------------------------------------------
    # What clients get
    # ------------------------------------------------------------------------------------

    def _to_store(self, store: Store, fields, **kwargs):
        whole = "message_format" in fields
        levels = self._levels_for(store)
        masked = self.browse(id_ for id_, level in levels.items() if level != "full")
        super(MailMessage, self - masked)._to_store(store, fields, **kwargs)
        if whole:
            self._crm_emails_to_store(store, levels)

    def _get_store_attachment_fields(self, target):
        """Odoo lets authors delete what they attached; a mail stays as it was sent."""
        if self.sudo().model == "crm.email":
            return []
        return super()._get_store_attachment_fields(target)

    def _levels_for(self, store: Store) -> dict[int, str | None]:
        """Return what a store's target may see of those that are e-mails, by message id.

        Remembered with the store: Odoo adds to it message by message.
        """
        known = store.__dict__.setdefault("crm_email_levels", {})
        messages = self._crm_email_messages()
        unknown = [id_ for id_ in messages.mapped("res_id") if id_ not in known]
        if unknown:
            emails = self._emails_of_target(store, unknown)
            known.update({**dict.fromkeys(unknown), **emails._content_levels()})
        return {message.id: known[message.res_id] for message in messages}

    def _crm_email_messages(self):
        return self.sudo().filtered(lambda message: message.model == "crm.email")

    def _emails_of_target(self, store: Store, email_ids):
        """The e-mails as the one user sees them who gets the store; none for others."""
        emails = self.env["crm.email"]
        user = store.target.get_user(self.env)
        return emails.with_user(user).browse(email_ids) if user else emails

    def _crm_emails_to_store(self, store: Store, levels) -> None:
        messages = self._crm_email_messages().filtered(lambda message: levels[message.id])
        emails = self._emails_of_target(store, messages.mapped("res_id"))
        emails.browse(message.res_id for message in messages if levels[message.id] == "full")._note_reading()
        for message, email in zip(messages, emails, strict=True):
            level = levels[message.id]
            if level == "full":
                message._full_to_store(store, email)
            else:
                message._masked_to_store(store, email, level)

    def _masked_to_store(self, store: Store, email, level: str) -> None:
        """Tell that there is a mail, and of it no more than ``level`` allows."""
        store.add(email, ["display_name"], as_thread=True)
        values = {
            "id": self.id,
            "attachment_ids": [],
            "author_id": False,
            "body": email._masked_body(),
            "date": self.date,
            "default_subject": False,
            "email_from": email.email_from,
            "message_type": "email",
            "model": "crm.email",
            "res_id": email.id,
            "subject": False,
            "thread": Store.One(email, [], as_thread=True),
            "trackingValues": [],
        }
        store.add_model_values("mail.message", values)
        self._crm_email_to_store(store, email, level)

    def _full_to_store(self, store: Store, email) -> None:
        body = str(self.body or "")
        listed = self.attachment_ids.filtered(
            lambda attachment: not email._shows_inline(attachment.crm_email_section, body)
        )
        shown = Markup(rules.remote_images.block_remote_images(body))  # nosec B704 # sanitised when it was stored
        values = {"id": self.id, "attachment_ids": sorted(listed.ids), "body": shown}
        store.add_model_values("mail.message", values)
        self._crm_email_to_store(store, email, "full")

    def _crm_email_to_store(self, store: Store, email, level: str) -> None:
        facts = {
            "body_state": email.body_state if level == "full" else False,
            "cc": email_split_tuples(email.email_cc or ""),
            "direction": email.direction,
            "id": email.id,
            "level": level,
            "problem": email.delivery_problem if level == "full" else False,
            "sentiment": email.sentiment if level == "full" else False,
            "subject": email.subject if level != "private" else False,
            "to": email_split_tuples(email.email_to or ""),
        }
        store.add_model_values("mail.message", {"id": self.id, "crm_email": facts})
