"""The reference for programmers, written from the models themselves."""

import inspect
from collections.abc import Iterator

from odoo import fields
from odoo.models import MAGIC_COLUMNS

MODULE = "mail_crm_link"
#: What clients rely on, see the introduction below.
MODELS = (
    "crm.mailbox",
    "crm.mailbox.rule",
    "crm.mailbox.folder",
    "crm.email",
    "crm.email.copy",
    "crm.email.link",
    "crm.email.composer",
    "crm.email.report",
    "crm.lead",
    "res.partner",
)
# Of these only what the module adds is ours to describe.
EXTENDED = ("crm.lead", "res.partner")

INTRODUCTION = """\
Reference for programmers
=========================

Made from the models; a test fails when it is not what they say. Run it with ``WRITE_REFERENCE=1`` to write it anew.

Everything that people do can be done by Odoo's external API (XML-RPC, JSON-RPC, JSON-2), within the rights of the user
who signs in. ``docs/examples/first_answer.py`` connects a mailbox, waits for its mail, lists what waits, makes an
opportunity, binds and answers; a test runs it against real mail servers.

* Dates are UTC. What is wrong comes as ``UserError``, ``AccessError`` or ``ValidationError`` with a sentence for
  people.
* Fields of a mail that its reader may not see are empty, also in filters, groups and orders. Who may read a card knows
  of each mail on it; how much of it, says the ``visibility`` of the mailbox.
* Every model has Odoo's own methods (``search_read``, ``create``, ``write``, ``unlink``...) beside those listed here.
* ``action_connect`` leaves the first synchronisation to the server; ``action_sync_now`` works in the call for at most
  20 seconds, so a client that calls it until ``state`` is ``connected`` needs no scheduled action.
* Methods whose name begins with ``action_`` and that return a dictionary return an action of Odoo's web client; its
  ``res_id`` names the record it is about.
"""


def reference(env) -> str:
    """Return the whole reference as reStructuredText."""
    parts = [INTRODUCTION, *("\n".join(_model(env[name])) for name in MODELS)]
    return "\n".join(parts)


def _model(model) -> Iterator[str]:
    yield ""
    yield model._name
    yield "-" * len(model._name)
    yield ""
    yield f"{model._description}." if model._name not in EXTENDED else "What the module adds to Odoo's own model."
    yield ""
    if model._name not in EXTENDED:
        yield from _rights(model)
    yield from _fields(model)
    yield from _methods(model)


def _rights(model) -> Iterator[str]:
    access = model.env["ir.model.access"].sudo().search([("model_id.model", "=", model._name)], order="id")
    for one in access:
        may = [verb for verb in ("read", "write", "create", "unlink") if one[f"perm_{verb}"]]
        group = one.group_id.sudo().with_context(lang=None).full_name or "Everybody"
        yield f"* {group}: {', '.join(may) or 'nothing'}"
    rules = model.env["ir.rule"].sudo().search([("model_id.model", "=", model._name)], order="id")
    for rule in rules.with_context(lang=None):
        yield f"* Rule: {rule.name}"
    yield ""


def _fields(model) -> Iterator[str]:
    yield ".. list-table::"
    yield "   :header-rows: 1"
    yield "   :widths: 22 26 52"
    yield ""
    yield from _row("Field", "Type", "Meaning")
    for name, field in sorted(model._fields.items()):
        if _is_ours(field) and name not in MAGIC_COLUMNS and field.groups != fields.NO_ACCESS:
            yield from _row(f"``{name}``", _type(model, field), _meaning(field))
    yield ""


def _is_ours(field) -> bool:
    return MODULE in field._modules or field._module == MODULE


def _row(*cells: str) -> Iterator[str]:
    marks = ("   * - ", *["     - "] * (len(cells) - 1))
    for mark, cell in zip(marks, cells, strict=True):
        yield f"{mark}{cell}"


def _type(model, field) -> str:
    kind = f"{field.type} of {field.comodel_name}" if field.relational else field.type
    if field.type == "selection":
        values = field.get_values(model.with_context(lang=None).env)
        kind = f"selection: {', '.join(f'``{value}``' for value in values)}"
    flags = [word for word, is_so in (("required", field.required), ("read only", field.readonly)) if is_so]
    return ", ".join([kind, *flags])


def _meaning(field) -> str:
    text = ". ".join(filter(None, (field.string, " ".join((field.help or "").split()))))
    who = f" For {field.groups}." if field.groups else ""
    return f"{text.rstrip('.')}.{who}"


def _methods(model) -> Iterator[str]:
    for name in sorted(dir(type(model))):
        if function := _public_method(type(model), name):
            yield f"``{name}{_signature(function)}``"
            yield from _documentation(type(model), name)
            yield ""


def _public_method(model_class, name: str):
    """The method if clients may call it and no other module defines it."""
    if name.startswith("_") or name.endswith("__"):
        return None
    defining = [one for one in model_class.__mro__ if name in vars(one)]
    function = vars(defining[0])[name] if defining else None
    if not inspect.isfunction(function) or getattr(function, "_api_private", False):
        return None
    return function if all(_is_of_module(one) for one in defining) else None


def _is_of_module(one: type) -> bool:
    return one.__module__.startswith(f"odoo.addons.{MODULE}.")


def _signature(function) -> str:
    signature = inspect.signature(function)
    parameters = [one for one in signature.parameters.values() if one.name != "self"]
    return str(signature.replace(parameters=parameters)).replace("'", "")


def _documentation(model_class, name: str) -> Iterator[str]:
    """The docstring of the method, wherever among its overrides it stands."""
    methods = (vars(one)[name] for one in model_class.__mro__ if name in vars(one))
    text = next(filter(None, map(inspect.getdoc, methods)), "")
    for line in text.splitlines():
        yield f"    {line}".rstrip()
