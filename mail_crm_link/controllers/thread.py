from werkzeug.exceptions import NotFound

from odoo import http
from odoo.http import request

from odoo.addons.mail.controllers.thread import ThreadController
from odoo.addons.mail.tools.discuss import Store


class CardThreadController(ThreadController):
    @http.route("/mail_crm_link/thread/window", methods=["POST"], type="jsonrpc", auth="user")
    def thread_window(self, thread_model, thread_id, known, complete, limit):
        """Return what a client that shows these messages of a card has to show now.

        :param known: ids of the messages it shows
        :param complete: those of them that it has all there is of
        :param limit: how many messages at most
        :return: ``messages``: ids, newest first; ``data``: of those not complete;
            ``more``: whether there are older ones that did not fit
        """
        messages = request.env["mail.message"]
        thread = self._get_thread_with_access(thread_model, thread_id, mode="read")
        if not (thread and messages._shows_crm_emails(thread)):
            raise NotFound()
        found = messages._card_window(thread, known, limit)
        news = found.filtered(lambda message: message.id not in set(complete))
        return {
            "data": Store().add(news).get_result(),
            "messages": found.ids,
            "more": len(found) == limit,
        }
