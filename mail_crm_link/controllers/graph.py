"""Where Microsoft tells that a mailbox has changed (https://learn.microsoft.com/graph/change-notifications-overview)."""

import json

from odoo import http
from odoo.http import request

# Octets of a request; what is told of a few changes is far smaller.
LARGEST = 256 * 1024


class GraphController(http.Controller):
    @http.route(
        "/mail_crm_link/graph/<int:mailbox_id>/<any(changes, lifecycle):what>",
        methods=["POST"],
        type="http",
        auth="public",
        csrf=False,
        save_session=False,
        readonly=False,
    )
    def notified(self, mailbox_id, what, **parameters):
        """Answer the question whether notifications are wanted, and take them."""
        if "validationToken" in parameters:
            return self._plain(parameters["validationToken"], 200)
        notices = self._notices()
        # sudo: nobody is signed in here; the proof is in the notification
        mailbox = request.env["crm.mailbox"].sudo().browse(mailbox_id).exists()
        if mailbox and notices:
            mailbox._graph_notified__(notices)
        # Who is not Microsoft learns nothing, not even which mailboxes there are.
        return self._plain("", 202)

    def _notices(self) -> list[dict]:
        if (request.httprequest.content_length or 0) > LARGEST:
            return []
        try:
            told = json.loads(request.httprequest.get_data())["value"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return []
        return [notice for notice in told if isinstance(notice, dict)] if isinstance(told, list) else []

    def _plain(self, text: str, status: int):
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff")]
        return request.make_response(text, headers, status=status)
