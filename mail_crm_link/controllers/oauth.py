import secrets

from werkzeug.exceptions import NotFound

from odoo import http
from odoo.exceptions import AccessError, UserError
from odoo.http import request

from .. import connectors

BROWSER_KEY = "mail_crm_link_browser"


class OAuthController(http.Controller):
    @http.route(
        "/mail_crm_link/oauth/begin/<int:mailbox_id>", methods=["GET"], type="http", auth="user", readonly=False
    )
    def begin(self, mailbox_id):
        """Send the browser to the page on which the owner agrees."""
        mailbox = request.env["crm.mailbox"].browse(mailbox_id).exists()
        if not mailbox:
            raise NotFound()
        try:
            target = mailbox._consent_url__(self._browser())
        except (AccessError, UserError) as error:
            return self._failed(str(error), mailbox_id)
        return self._redirect(target, local=False)

    @http.route(
        "/mail_crm_link/oauth/<any(google, microsoft):authority>",
        methods=["GET"],
        type="http",
        auth="user",
        readonly=False,
    )
    def back(self, authority, state="", code="", error="", error_description="", **_rest):
        """Take what the browser brings back from the provider."""
        # sudo: nobody has rights on sign-ins; it is taken only by the user and browser that began it
        consents = request.env["crm.mailbox.consent"].sudo()
        try:
            mailbox, verifier = consents._take__(state, self._browser())
        except UserError as refusal:
            return self._failed(str(refusal))
        # the user's own rights again
        mailbox = mailbox.with_user(request.env.user)
        try:
            self._check_answer(mailbox, authority, code, error, error_description)
            mailbox._signed_in__(code, verifier)
            target = mailbox._consented()
        except (AccessError, UserError) as refusal:
            return self._refused(mailbox, str(refusal))
        return self._redirect(target)

    def _refused(self, mailbox, reason: str):
        """Go back to the dialog if that is where the sign-in was begun."""
        if mailbox.has_access("unlink") and mailbox.provisional:
            return self._redirect(mailbox._refused(reason))
        return self._failed(reason, mailbox.id)

    def _check_answer(self, mailbox, authority: str, code: str, error: str, description: str) -> None:
        """:raise UserError: why nothing can be connected"""
        if mailbox.oauth_authority != authority:
            # An answer at another authority's address was mixed up by somebody (RFC 9700, 4.4).
            raise UserError(request.env._("The sign-in came back from another provider. Please begin it once more."))
        if error or not code:
            raise UserError(mailbox._sentence(connectors.oauth.consent_refusal(error, description)))

    def _browser(self) -> str:
        """Return a secret of this browser's session, made when it is first asked for."""
        return request.session.setdefault(BROWSER_KEY, secrets.token_urlsafe(32))

    def _redirect(self, target: str, local: bool = True):
        response = request.redirect(target, local=local)
        # The address that the browser is at holds the code.
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        return response

    def _failed(self, message: str, mailbox_id: int | None = None):
        signed_in = request.env["crm.mailbox"]._signed_in_already() if not mailbox_id else None
        values = {"message": message, "mailbox_id": mailbox_id, "signed_in": signed_in}
        response = request.render("mail_crm_link.sign_in_failed", values)
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        return response
