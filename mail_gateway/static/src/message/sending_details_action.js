import { registerMessageAction } from "@mail/core/common/message_actions";
import { _t } from "@web/core/l10n/translation";

registerMessageAction("sending-details", {
    // the server only tells postmasters
    condition: ({ message }) => message.hasSendingDetails,
    icon: "fa fa-paper-plane-o",
    name: _t("Sending Details"),
    onSelected: async ({ message, owner }) => {
        const { action, orm } = owner.env.services;
        await action.doAction(
            await orm.call("mail.message", "action_open_sending_details", [[message.id]])
        );
    },
    sequence: 115,
});
