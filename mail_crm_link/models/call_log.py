"""At DEBUG Odoo logs every call with its arguments; passwords stay out of that."""

import logging
import re
from collections.abc import Mapping

from odoo.service.model import Params

SECRET_NAMES = re.compile("password|secret|token")
HIDDEN = "***"


class HiddenSecrets(logging.Filter):
    """Replaces what is passed by a secret's name, wherever it stands in the arguments."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(map(_without_secrets, record.args))
        return True


def _without_secrets(value: object) -> object:
    if isinstance(value, Params):
        return Params(_without_secrets(value.args), _without_secrets(value.kwargs))
    if isinstance(value, Mapping):
        return {
            name: HIDDEN if SECRET_NAMES.search(str(name)) else _without_secrets(each) for name, each in value.items()
        }
    if isinstance(value, list | tuple):
        if len(value) == 3 and isinstance(value[0], str) and SECRET_NAMES.search(value[0]):
            # a condition of a search
            return [*value[:2], HIDDEN]
        return [_without_secrets(each) for each in value]
    return value


logging.getLogger(Params.__module__).addFilter(HiddenSecrets())
