"""What a mail says, for its readers: its text as JSON, and the whole of it as a file.

A text that is not stored here may stay in the reader's own browser for some minutes. The browser
asks again each time, so that rights are checked each time, and gets the text again only when the
time is over::

    first time       200, ETag "<minute>-<digest>"
    within minutes   304: the browser has it, the mail server is not asked
"""

import hashlib
import hmac
import re
import time

from werkzeug.exceptions import NotFound, ServiceUnavailable

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from .email import DAY

KEPT_SECONDS = 10 * 60
_ETAG = re.compile(r'"(\d{1,12})-([0-9a-f]{64})"')


class ReadingController(http.Controller):
    @http.route("/mail_crm_link/content/<int:email_id>", methods=["GET"], type="http", auth="user")
    def content(self, email_id, whole=""):
        """Return what `crm.email.load_content` returns, or ``error``: a text for people."""
        email = self._readable(email_id)
        is_kept = email.sudo().body_state == "none"
        if is_kept and self._has_it(email, whole):
            email._note_reading()
            email._mark_opened()
            return request.make_response("", status=304)
        try:
            content = email.load_content(whole=bool(whole))
        except UserError as error:
            return request.make_json_response({"error": str(error)}, status=503)
        headers = {"Cache-Control": "private, no-cache" if is_kept else "private, no-store"}
        if is_kept:
            headers["ETag"] = self._etag(email, whole, int(time.time()))
        return request.make_json_response(content, headers=headers)

    @http.route("/mail_crm_link/original/<int:email_id>", methods=["GET"], type="http", auth="user")
    def original(self, email_id):
        """Return the mail as it is on the mail server, byte by byte, as a file."""
        email = self._readable(email_id)
        try:
            # sudo: the connection to the mailbox is its owner's; who may read the mail was checked
            content = email.sudo()._fetch_original()
        except UserError as error:
            raise ServiceUnavailable(str(error)) from error
        email._note_reading()
        headers = [
            ("Content-Type", "message/rfc822"),
            ("Content-Length", str(len(content))),
            ("Content-Disposition", http.content_disposition(f"{email.subject or email_id}.eml", "attachment")),
            ("Content-Security-Policy", "default-src 'none'; sandbox"),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", f"private, max-age={DAY}, immutable"),
            # whoever signs in next in this browser asks for themselves
            ("Vary", "Cookie"),
        ]
        return request.make_response(content, headers)

    def _readable(self, email_id: int):
        """Return the mail, to those who may read all of it; to others there is none."""
        email = request.env["crm.email"].browse(email_id).exists()
        if not email._filter_content_readable():
            raise NotFound()
        return email

    def _has_it(self, email, whole: str) -> bool:
        for minted, _digest in _ETAG.findall(request.httprequest.headers.get("If-None-Match", "")):
            is_recent = 0 <= time.time() - int(minted) <= KEPT_SECONDS
            if is_recent and self._etag(email, whole, int(minted)) in request.httprequest.headers["If-None-Match"]:
                return True
        return False

    def _etag(self, email, whole: str, minted: int) -> str:
        """Name this text, as this user got it at this moment (seconds since 1970)."""
        parameters = request.env["ir.config_parameter"].sudo()
        secret = parameters.get_param("database.secret").encode()
        trusts = request.env["crm.email.image.sender"].search_count([("user_id", "=", request.env.uid)])
        facts = repr((email.id, bool(whole), minted, request.env.uid, request.env.lang, trusts))
        return f'"{minted}-{hmac.new(secret, facts.encode(), hashlib.sha256).hexdigest()}"'
