from docutils.core import publish_string
from werkzeug.exceptions import NotFound

from odoo import http
from odoo.http import request
from odoo.tools import file_open

GUIDE = "mail_crm_link/guide/provider-sign-in.rst"
# The text is ours; still nothing of it may read files or bring markup of its own.
SETTINGS = {"file_insertion_enabled": False, "raw_enabled": False, "output_encoding": "unicode", "report_level": 5}


class GuideController(http.Controller):
    # Beside the pictures, as they are in the repository: their addresses in the text are relative.
    @http.route("/mail_crm_link/guide/provider-sign-in", methods=["GET"], type="http", auth="user")
    def guide(self):
        """Show administrators what to enter where at the providers."""
        if not request.env.user._is_system():
            raise NotFound()
        with file_open(GUIDE) as source:
            return request.make_response(
                publish_string(source.read(), writer_name="html5", settings_overrides=SETTINGS),
                [("Content-Type", "text/html; charset=utf-8")],
            )
