import { _t } from "@web/core/l10n/translation";
import { deserializeDateTime, toLocaleDateTimeString } from "@web/core/l10n/dates";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";

import { Component, onWillUnmount, onWillUpdateProps, useEffect, useRef, useState } from "@odoo/owl";

const FIELDS = [
    "display_name",
    "email_from",
    "recipients",
    "received_date",
    "reason",
    "state",
    "cause",
    "preview",
    "is_decidable",
    "is_limited",
    "is_releasable",
    "is_fetchable",
    "keep_source",
];
// while the user holds a key down, no message is loaded
const PATIENCE_MS = 80;

/**
 * The message beside the list, and the buttons that decide about it.
 *
 * It shows text that the server made of the message: the browser loads and runs nothing of it.
 */
export class InboundPreview extends Component {
    static template = "mail_gateway.InboundPreview";
    static props = {
        resId: [Number, Boolean],
        resModel: String,
        stamp: String,
        selectionCount: Number,
        selectionIsLimited: Boolean,
        selectionIsReleasable: Boolean,
        selectionIsFetchable: Boolean,
        decide: Function,
        open: Function,
    };

    setup() {
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.state = useState({ message: false });
        this.textRef = useRef("text");
        this.load(this.props);
        onWillUpdateProps((next) => {
            if (next.resId !== this.props.resId || next.stamp !== this.props.stamp) {
                clearTimeout(this.timer);
                this.timer = setTimeout(() => this.load(next), PATIENCE_MS);
            }
        });
        onWillUnmount(() => clearTimeout(this.timer));
        useEffect(
            (text) => {
                text?.scrollTo(0, 0);
            },
            () => [this.textRef.el, this.state.message.id]
        );
    }

    async load({ resId, resModel }) {
        const [message] = resId ? await this.keepLast.add(this.orm.read(resModel, [resId], FIELDS)) : [false];
        this.state.message = message || false;
    }

    /** The message, once it is the one that the list marks. */
    get message() {
        return this.props.resId && this.state.message.id === this.props.resId ? this.state.message : false;
    }

    get received() {
        return toLocaleDateTimeString(deserializeDateTime(this.message.received_date));
    }

    get isMany() {
        return this.props.selectionCount > 0;
    }

    get selectedWords() {
        return this.props.selectionCount === 1
            ? _t("1 message is selected. The buttons act on it.")
            : _t("%s messages are selected. The buttons act on all of them.", this.props.selectionCount);
    }

    get buttons() {
        const decidable = this.isMany || this.message.is_decidable;
        const limited = this.isMany ? this.props.selectionIsLimited : this.message.is_limited;
        const releasable = this.isMany ? this.props.selectionIsReleasable : this.message.is_releasable;
        const fetchable = this.isMany ? this.props.selectionIsFetchable : this.message.is_fetchable;
        return [
            { name: "action_fetch_whole", label: _t("Fetch Full Message"), key: "f", shown: fetchable },
            { name: "action_process_again", label: _t("Process Again"), key: "g", shown: decidable },
            { name: "action_release", label: _t("Release"), key: "r", shown: releasable },
            { name: "action_route", label: _t("Route"), key: "o", shown: decidable, dialog: true },
            { name: "action_reject", label: _t("Reject"), key: "e", shown: decidable, dialog: true },
            { name: "action_discard", label: _t("Discard"), key: "d", shown: decidable, confirm: this.discardWords },
            { name: "action_allow_sender", label: _t("Allow This Sender"), key: "w", shown: limited },
            { name: "action_bulk_decision", label: _t("All Similar Messages"), key: "l", shown: decidable && !this.isMany, dialog: true },
        ]
            .filter((button) => button.shown)
            .map((button) => ({ ...button, primary: !this.isMany && button.name === this.usual }));
    }

    /** The action that usually helps, by the cause. */
    get usual() {
        if (["no_route", "lost_address"].includes(this.message.cause)) {
            return "action_route";
        }
        if (this.message.is_fetchable) {
            return "action_fetch_whole";
        }
        return this.message.is_limited ? "action_allow_sender" : "action_process_again";
    }

    get discardWords() {
        return this.props.selectionCount > 1
            ? _t("Discard %s messages? They stay listed, with their source.", this.props.selectionCount)
            : _t("Discard this message? It stays listed, with its source.");
    }

    onButton(button) {
        this.props.decide(button.name, button.confirm);
    }
}
