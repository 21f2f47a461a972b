"""Where Google's Pub/Sub tells that a mailbox has changed."""

from werkzeug.exceptions import Forbidden

from odoo import http
from odoo.http import request

from ..models.crm_mailbox_gmail_push import PATH

# Octets of a request; a notification has some hundred.
LARGEST = 16 * 1024


class GmailController(http.Controller):
    @http.route(PATH, methods=["POST"], type="http", auth="public", csrf=False, save_session=False, readonly=False)
    def pushed(self):
        """Take a notification that Google signed."""
        scheme, _space, token = request.httprequest.headers.get("Authorization", "").partition(" ")
        # sudo: nobody is signed in here; the proof is Google's signature
        mailboxes = request.env["crm.mailbox"].sudo()
        if scheme.lower() != "bearer" or not mailboxes._gmail_is_genuine__(token):
            raise Forbidden()
        if (request.httprequest.content_length or 0) <= LARGEST:
            mailboxes._gmail_notified__(request.httprequest.get_data())
        return request.make_response("", status=204)
