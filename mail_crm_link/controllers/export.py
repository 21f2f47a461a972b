import tempfile

from werkzeug.exceptions import NotFound
from werkzeug.wsgi import wrap_file

from odoo import http
from odoo.exceptions import AccessError
from odoo.http import request


class ExportController(http.Controller):
    @http.route("/mail_crm_link/export/<int:wizard_id>", methods=["GET"], type="http", auth="user")
    def export(self, wizard_id):
        """Stream the archive of the user's own export; rights are those of this moment."""
        wizard = request.env["crm.email.export"].browse(wizard_id).exists()
        # Unnamed and on disk: whatever happens, nothing of it stays there.
        file = tempfile.TemporaryFile()
        try:
            wizard.check_access("read")
            wizard.ensure_one()._write_archive(file)
        except (AccessError, ValueError) as error:
            file.close()
            raise NotFound() from error
        size = file.tell()
        file.seek(0)
        headers = [
            ("Content-Type", "application/zip"),
            ("Content-Length", str(size)),
            ("Content-Disposition", http.content_disposition(f"{wizard.card_name}.zip", "attachment")),
            ("Cache-Control", "private, no-store"),
        ]
        response = request.make_response(wrap_file(request.httprequest.environ, file), headers)
        response.direct_passthrough = True
        return response
