import {_t} from "@web/core/l10n/translation";
import {registerMessageAction} from "@mail/core/common/message_actions";

registerMessageAction("open-crm-email", {
    condition: ({message}) => Boolean(message.crm_email),
    icon: "fa fa-envelope-open-o",
    name: _t("Open Email"),
    onSelected: ({message}) => message.thread.open(),
    sequence: 5,
});
registerMessageAction("show-crm-email-images", {
    condition: ({message}) => message.hasBlockedImages,
    icon: "fa fa-picture-o",
    name: _t("Show Images"),
    onSelected: ({message}) => message.showRemoteImages(),
    sequence: 6,
});
