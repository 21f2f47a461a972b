from werkzeug.exceptions import NotFound, ServiceUnavailable

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

# What a browser shows without running anything in it.
SHOWN_IN_BROWSER = {
    "application/pdf",
    "image/bmp",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
}
DAY = 24 * 60 * 60


class EmailController(http.Controller):
    @http.route(
        "/mail_crm_link/attachment/<int:email_id>/<string:section>",
        methods=["GET"],
        type="http",
        auth="user",
    )
    def attachment(self, email_id, section):
        """Stream an attachment that was left in the mailbox, to those who may read it."""
        email = request.env["crm.email"].browse(email_id).exists()
        if not email._filter_content_readable():
            raise NotFound()
        try:
            # sudo: the connection to the mailbox is its owner's; who may read the mail
            # was checked above
            content, name, mimetype = email.sudo()._fetch_attachment(section)
        except UserError as error:
            raise ServiceUnavailable(str(error)) from error
        email._note_reading()
        return request.make_response(content, self._headers(content, name, mimetype))

    def _headers(self, content: bytes, name: str, mimetype: str):
        shown = mimetype in SHOWN_IN_BROWSER
        headers = [
            ("Content-Type", mimetype if shown else "application/octet-stream"),
            ("Content-Length", str(len(content))),
            ("X-Content-Type-Options", "nosniff"),
            # mail never changes
            ("Cache-Control", f"private, max-age={DAY}, immutable"),
            # whoever signs in next in this browser asks for themselves
            ("Vary", "Cookie"),
            (
                "Content-Disposition",
                http.content_disposition(name, "inline" if shown else "attachment"),
            ),
        ]
        # Chromium's PDF viewer does not start in a sandbox; it is one.
        if mimetype != "application/pdf":
            headers.append(("Content-Security-Policy", "default-src 'none'; sandbox"))
        return headers
