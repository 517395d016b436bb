import { Message } from "@mail/core/common/message_model";
import { fields } from "@mail/core/common/record";

import { patch } from "@web/core/utils/patch";

patch(Message.prototype, {
    setup() {
        super.setup(...arguments);
        /** Whether Odoo sent e-mails of the message or is about to; only postmasters know. */
        this.hasSendingDetails = fields.Attr(false);
    },
});
