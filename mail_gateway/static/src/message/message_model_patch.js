import { Message } from "@mail/core/common/message_model";
import { fields } from "@mail/core/common/record";

import { patch } from "@web/core/utils/patch";

patch(Message.prototype, {
    setup() {
        super.setup(...arguments);
        /** Whether e-mails of the message have left or are about to; known to postmasters only. */
        this.hasSendingDetails = fields.Attr(false);
    },
});
