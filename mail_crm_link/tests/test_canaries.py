"""No field of any model gives away what a private mail says, over any method of the ORM."""

from odoo.fields import Domain
from odoo.tests import tagged
from odoo.tools import SQL

from ..models import reader_fields
from .canary_case import MARK, CanaryCase

# Newest first: the canaries are the newest of each model.
ROWS = 12
TEXTS = ("char", "text", "html")
MAIL = ("crm.email", "crm.mailbox", "mail.message", "ir.attachment")
NOTHING = "zqnothing"
EMPLOYEES = ("salesperson", "manager", "administrator")
METHODS_OF_A_RECORD = ("copy_data", "get_metadata", "get_connections", "get_conversation", "load_content", "prefill")


@tagged("-at_install", "post_install")
class TestCanaries(CanaryCase):
    def model(self, name, user):
        return self.env[name].with_user(self.users[user])

    def readable(self, user):
        """Names of all models that the user may read."""
        for name in sorted(self.env["ir.model"].sudo().search([]).mapped("model")):
            model = self.env.get(name)
            if model is not None and not model._abstract and model._auto and self.model(name, user).has_access("read"):
                yield self.model(name, user)

    def in_reach(self, user):
        """Models that are about mail, or refer to one that is."""
        for model in self.readable(user):
            if model._name.startswith(MAIL) or any(
                field.comodel_name.startswith("crm.email") for field in model._fields.values() if field.relational
            ):
                yield model

    def shown_fields(self, model) -> dict:
        with self.attempt("somebody", f"{model._name}.fields_get"):
            return model.fields_get(attributes=("type", "store", "searchable", "sortable", "groupable", "relation"))
        return {}

    # --- reading ------------------------------------------------------------------------

    def walk(self, user):
        for model in self.readable(user):
            names = [name for name, about in self.shown_fields(model).items() if about["type"] != "binary"]
            records = self.newest(model, user)
            if records and not self.read_at_once(records, names, user):
                for name in names:
                    self.read_at_once(records, [name], user)

    def newest(self, model, user):
        with self.attempt(user, f"{model._name}.search"):
            return model.with_context(active_test=False).search([], order="id desc", limit=ROWS)
        return model

    def read_at_once(self, records, names, user) -> bool:
        path = f"{records._name}.read {names if len(names) == 1 else 'all fields'}"
        with self.attempt(user, path):
            values = records.read(names)
            for name in names:
                self.note(user, f"{records._name}.{name}", [value.get(name) for value in values])
            return True
        return False

    def test_all_fields_of_all_models(self):
        for user in self.users:
            self.walk(user)
        self.assert_no_leaks()

    def secrets(self):
        """The records that tell all, of each model."""
        emails = self.emails
        messages = emails.mail_message_id
        return [
            emails,
            emails.participant_ids,
            emails.copy_ids,
            emails.link_ids.with_context(active_test=False),
            emails.conversation_id,
            messages,
            messages.attachment_ids,
        ]

    def guess(self, user):
        """Records that one is not shown may be asked for by their ids."""
        for secrets in self.secrets():
            records = self.model(secrets._name, user).browse(secrets.ids)
            names = list(self.shown_fields(records))
            allowed = records._filtered_access("read")
            for name in names:
                self.read_at_once(allowed, [name], user)
            for record in records - allowed:
                self.read_at_once(record, names, user)
                self.export(record, names, user)

    def export(self, record, names, user):
        # Odoo exports what is in the cache without asking; another request has another cache.
        self.env.invalidate_all()
        for asked in (["display_name", "body", "subject"], names):
            with self.attempt(user, f"{record._name} exported"):
                self.note(
                    user, f"{record._name} exported", record.export_data([name for name in asked if name in names])
                )

    def test_records_by_their_ids(self):
        for user in self.users:
            self.guess(user)
        self.assert_no_leaks()

    def test_methods_of_a_mail(self):
        for user in self.users:
            for email in self.emails.with_user(self.users[user]):
                for name in METHODS_OF_A_RECORD:
                    arguments = ["lead"] if name == "prefill" else []
                    with self.attempt(user, f"crm.email.{name}"):
                        self.note(user, f"crm.email.{name}", getattr(email, name)(*arguments))
        self.assert_no_leaks()

    # --- what web clients ask for -------------------------------------------------------

    def specification(self, model) -> dict:
        """All fields, and of records they refer to the names."""
        shown = self.shown_fields(model)
        return {
            name: {"fields": {"display_name": {}}} if about.get("relation") else {}
            for name, about in shown.items()
            if about["type"] not in ("binary", "properties", "reference")
        }

    def ask_as_web_clients(self, user):
        for model in self.in_reach(user):
            for path, call in self.web_calls(model, self.newest(model, user)).items():
                with self.attempt(user, f"{model._name}.{path}"):
                    self.note(user, f"{model._name}.{path}", call())

    def web_calls(self, model, newest) -> dict:
        specification = self.specification(model)
        domain = [("id", "in", newest.ids)]
        names = [*specification, *(f"{name}/display_name" for name in specification)]
        return {
            "web_search_read": lambda: model.web_search_read(domain, specification),
            "web_name_search": lambda: model.web_name_search("", {"display_name": {}}, domain),
            "export_data": lambda: newest.export_data(names),
            "copy_data": newest.copy_data,
            "default_get": lambda: model.default_get(list(specification)),
            "onchange": lambda: [record.onchange({}, [], specification) for record in newest[:3]],
        }

    def test_what_web_clients_ask_for(self):
        for user in EMPLOYEES:
            self.ask_as_web_clients(user)
        self.assert_no_leaks()

    def group(self, user):
        for model in self.in_reach(user):
            for name, about in self.shown_fields(model).items():
                if about.get("groupable"):
                    name = f"{name}:day" if about["type"] in ("date", "datetime") else name
                    with self.attempt(user, f"{model._name} by {name}"):
                        self.note(user, f"{model._name} by {name}", model.formatted_read_group([], [name], ["__count"]))

    def test_groups(self):
        for user in EMPLOYEES:
            self.group(user)
        for name in ("automatic", "conversation_id", "mailbox_ids"):
            groups = self.model("crm.email", "salesperson").web_read_group([], [name])
            self.note("salesperson", f"crm.email.web_read_group by {name}", groups)
        self.assert_no_leaks()

    # --- oracles ------------------------------------------------------------------------

    def found(self, user, model, field, path, condition=lambda text: ("ilike", text)):
        """Whoever finds a mail by its hidden text has read it."""
        records = model.with_context(active_test=False)
        with self.attempt(user, path, asked=MARK):
            by_canary, by_nothing = (
                records.search([(field, *condition(text))], order="id desc", limit=3) for text in (MARK, NOTHING)
            )
            if by_canary != by_nothing:
                self.leaks.append(f"{user}: search {path} finds {by_canary}")

    def search_texts(self, user):
        for model in self.in_reach(user):
            for name, about in self.shown_fields(model).items():
                if not about.get("searchable"):
                    continue
                if about["type"] in TEXTS:
                    self.found(user, model, name, f"{model._name}.{name}")
                elif about.get("relation"):
                    self.search_through(user, model, name, about["relation"])

    def search_through(self, user, model, name, relation):
        self.found(user, model, name, f"{model._name}.{name}")
        if not relation.startswith(MAIL):
            return
        for other, about in self.shown_fields(self.model(relation, user)).items():
            if about.get("searchable") and about["type"] in TEXTS:
                self.found(user, model, f"{name}.{other}", f"{model._name}.{name}.{other}")
                condition = lambda text, other=other: ("any", [(other, "ilike", text)])  # noqa: E731
                self.found(user, model, name, f"{model._name}.{name} any {other}", condition)

    def test_search_by_hidden_text(self):
        for user in ("salesperson", "administrator"):
            self.search_texts(user)
        self.assert_no_leaks()

    def test_names_by_hidden_text(self):
        for model in self.readable("salesperson"):
            with self.attempt("salesperson", f"{model._name}.name_search", asked=MARK):
                self.note("salesperson", f"{model._name}.name_search", model.name_search(MARK))
        self.assert_no_leaks()

    def sort(self, user):
        """Twins stand in the same order whatever hidden field they are sorted by."""
        emails = self.model("crm.email", user)
        twins = Domain("id", "in", [email.id for email in self.bound])
        for name, about in self.shown_fields(emails).items():
            if about.get("sortable") and name != "id":
                with self.attempt(user, f"crm.email ordered by {name}"):
                    up, down = (emails.search(twins, order=f"{name} {way}, id").ids for way in ("asc", "desc"))
                    if up != down:
                        self.leaks.append(f"{user}: the order by {name} tells hidden values apart")

    def test_order_by_hidden_values(self):
        for user in EMPLOYEES:
            self.sort(user)
        self.assert_no_leaks()

    def filter_exactly(self, user):
        """Whoever may compare a hidden value finds it by trying."""
        emails, email = self.model("crm.email", user), self.bound[0]
        for name, field in email._fields.items():
            if isinstance(field, reader_fields.ForReaders) and field.type not in ("many2many", "one2many"):
                value = email[name].id if field.relational else email[name]
                if value and emails.search([("id", "=", email.id), (name, "=", value)]):
                    self.leaks.append(f"{user}: filter by crm.email.{name} = {value}")

    def test_filter_by_hidden_values(self):
        for user in EMPLOYEES:
            self.filter_exactly(user)
        self.assert_no_leaks()

    # --- negative controls --------------------------------------------------------------

    def test_without_the_levels_canaries_are_found(self):
        emails = self.env.registry["crm.email"]
        everything = lambda self: dict.fromkeys(self.ids, "full")  # noqa: E731
        with self.guard_off(emails, "_content_levels", everything):
            self.guess("salesperson")

    def test_without_the_readable_domain_canaries_are_found(self):
        emails = self.env.registry["crm.email"]
        with self.guard_off(emails, "_readable_domain", lambda self: Domain.TRUE):
            unbound = self.model("crm.email", "salesperson").search([("id", "=", self.unbound[0].id)])
            self.leaks += unbound.ids

    def test_without_the_guard_of_messages_canaries_are_found(self):
        messages = self.env.registry["mail.message"]
        with self.guard_off(messages, "_crm_email_readable", lambda self: self):
            self.guess("salesperson")

    def test_without_masked_sql_values_are_told_apart(self):
        for find in (self.sort, self.filter_exactly):
            with self.guard_off(reader_fields.ForReaders, "_readable_sql", lambda *_args: SQL("TRUE")):
                find("salesperson")
