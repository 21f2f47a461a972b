from werkzeug.exceptions import BadRequest, NotFound

from odoo import http
from odoo.http import request

from odoo.addons.mail.controllers.thread import ThreadController
from odoo.addons.mail.tools.discuss import Store

# What a browser shows of a card at most, however far its reader has scrolled.
MOST_MESSAGES = 1000


class CardThreadController(ThreadController):
    @http.route("/mail_crm_link/thread/window", methods=["POST"], type="jsonrpc", auth="user")
    def thread_window(self, thread_model, thread_id, known, complete, limit, whole=False):
        """Return what a client that shows these messages of a card has to show now.

        :param known: ids of the messages it shows
        :param complete: those of them that it has all there is of
        :param limit: how many messages at most, of `MOST_MESSAGES`
        :param whole: it shows the card to its beginning, and older mail that comes belongs there
        :return: ``messages``: ids, newest first; ``data``: of those not complete;
            ``more``: whether there are older ones that did not fit
        """
        messages = request.env["mail.message"]
        thread = self._get_thread_with_access(thread_model, thread_id, mode="read")
        if not (thread and messages._shows_crm_emails(thread)):
            raise NotFound()
        limit = max(1, min(_number(limit), MOST_MESSAGES))
        complete = _numbers(complete)
        found = messages._card_window(thread, [] if whole else _numbers(known), limit)
        news = found.filtered(lambda message: message.id not in complete)
        return {
            "data": Store().add(news).get_result(),
            "messages": found.ids,
            "more": len(found) == limit,
        }


def _number(value) -> int:
    if type(value) is not int or abs(value) >= 2**31:
        raise BadRequest("Not a number of a message")
    return value


def _numbers(values) -> set[int]:
    if not isinstance(values, list) or len(values) > 2 * MOST_MESSAGES:
        raise BadRequest("Not a list of messages of a card")
    return {_number(value) for value in values}
