import {SearchMessageResult} from "@mail/core/common/search_message_result";
import {patch} from "@web/core/utils/patch";

patch(SearchMessageResult.prototype, {
    /** The oldest of what was found is the last one, not the one with the lowest id. */
    onLoadMoreVisible() {
        const {messageSearch, thread} = this.props;
        if (!thread.isOrderedByDate) {
            return super.onLoadMoreVisible(...arguments);
        }
        messageSearch.search(messageSearch.messages.at(-1)?.id);
    },
});
