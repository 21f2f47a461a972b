"""Stored fields whose value is for those only who may read the whole e-mail.

For everybody else they are empty, on every path a client has: reading and exporting go
through ``__get__``, filtering, grouping and sorting through the SQL made here. They are
stored, indexed and cached like any other; the cache holds the truth and is never asked
but through ``__get__``.

The model says who that is: ``has_content_access`` of a record, and `_content_sql` of a row;
a kind of field may say it otherwise.
"""

from odoo import fields
from odoo.fields import Domain
from odoo.tools import SQL, Query


class ForReaders(fields.Field):
    def __get__(self, record, owner=None):
        if record is not None and not record.env.su:
            record = record.filtered(self._readable_by())
        return super().__get__(record, owner)

    def _readable_by(self) -> str:
        """Name of the field that says whether the current user may read this one."""
        return "has_content_access"

    def to_sql(self, model, alias):
        return self.shown_sql(model, alias, super().to_sql(model, alias))

    def condition_to_sql(self, field_expr, operator, value, model, alias, query):
        """What is hidden is empty, and so not found by conditions that nothing empty meets.

        Those are said apart from the right to read, for PostgreSQL to ask first what costs less.
        """
        if not model.env.su:
            model.env["crm.email"]._run_uncompiled()
        if model.env.su or operator not in ("in", "ilike", "like") or not all(_values(value)):
            return super().condition_to_sql(field_expr, operator, value, model, alias, query)
        condition = super().condition_to_sql(field_expr, operator, value, model.sudo(), alias, query)
        return SQL("((%s AND %s) IS TRUE)", condition, self._readable_sql(model, alias))

    def shown_sql(self, model, alias: str, value: SQL) -> SQL:
        """Return what the current user gets of a value of the row ``alias``."""
        if model.env.su:
            return value
        return SQL("(CASE WHEN %s THEN %s END)", self._readable_sql(model, alias), value)

    def _readable_sql(self, model, alias: str) -> SQL:
        return model._content_sql(alias)


def _values(value) -> list:
    """The values that a condition names; an empty one for a subquery, whose values nobody knows."""
    if isinstance(value, Query | SQL):
        return [False]
    return [value] if isinstance(value, str) else list(value)


class Char(ForReaders, fields.Char):
    pass


class Boolean(ForReaders, fields.Boolean):
    pass


class Integer(ForReaders, fields.Integer):
    pass


class Selection(ForReaders, fields.Selection):
    pass


class Float(ForReaders, fields.Float):
    pass


class Datetime(ForReaders, fields.Datetime):
    pass


class Many2one(ForReaders, fields.Many2one):
    pass


class ForReadersMulti(ForReaders):
    """Relations have no column: their conditions are masked as a whole."""

    def condition_to_sql(self, field_expr, operator, value, model, alias, query):
        if model.env.su:
            return super().condition_to_sql(field_expr, operator, value, model, alias, query)
        if operator in ("in", "not in") and not isinstance(value, (Query, SQL)):
            value = self._known_to_reader(model, value)
        condition = super().condition_to_sql(field_expr, operator, value, model, alias, query)
        return SQL("(%s AND %s)", model._content_sql(alias), condition)

    def _known_to_reader(self, model, ids):
        """Without the records that the user may not know of: Odoo looks for any id."""
        comodel = model.env[self.comodel_name].with_context(active_test=False)
        known = comodel.search(Domain("id", "in", [id_ for id_ in ids if id_]))
        return [*known.ids, *(id_ for id_ in ids if not id_)]


class Many2many(ForReadersMulti, fields.Many2many):
    pass


class One2many(ForReadersMulti, fields.One2many):
    pass
