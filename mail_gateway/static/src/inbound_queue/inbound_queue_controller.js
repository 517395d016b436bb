import { useHotkey } from "@web/core/hotkeys/hotkey_hook";
import { useSetupAction } from "@web/search/action_hook";
import { ListController } from "@web/views/list/list_controller";
import { InboundPreview } from "./inbound_preview";

import { useEffect, useState } from "@odoo/owl";

/** Knows which message is shown beside the list, and shows the next one after a decision. */
export class InboundQueueController extends ListController {
    static template = "mail_gateway.InboundQueueView";
    static components = { ...ListController.components, InboundPreview };

    setup() {
        super.setup();
        this.queue = useState({ resId: this.props.state?.previewedId || false });
        // the place of that message in the list: the message that takes this place is shown next
        this.position = 0;
        useSetupAction({ getLocalState: () => ({ previewedId: this.queue.resId }) });
        this.listenToKeys();
        useEffect(
            () => this.followList(),
            () => [this.model.isReady, this.records.map((record) => record.resId).join()]
        );
    }

    /** In cells, the renderer and core's renderer handle most of these keys first. */
    listenToKeys() {
        const anywhere = () => this.hasPanel;
        const nowhere = (target) => this.hasPanel && target === document.body;
        useHotkey("j", () => this.step(1), { allowRepeat: true, isAvailable: anywhere });
        useHotkey("k", () => this.step(-1), { allowRepeat: true, isAvailable: anywhere });
        useHotkey("arrowdown", () => this.step(1), { allowRepeat: true, isAvailable: nowhere });
        useHotkey("arrowup", () => this.step(-1), { allowRepeat: true, isAvailable: nowhere });
        useHotkey("space", () => this.previewed?.toggleSelection(), { isAvailable: nowhere });
        useHotkey("enter", () => this.previewed && this.openRecord(this.previewed), { isAvailable: nowhere });
    }

    get hasPanel() {
        return !this.env.isSmall;
    }

    get records() {
        const root = this.model.root;
        return this.model.isReady && !this.model.useSampleModel ? root.records : [];
    }

    get previewed() {
        return this.records.find((record) => record.resId === this.queue.resId);
    }

    get previewProps() {
        const root = this.model.root;
        return {
            // decisions change these; the message is read again then
            stamp: JSON.stringify(["state", "keep_source", "is_fetchable"].map((name) => this.previewed?.data[name])),
            resId: this.previewed?.resId || false,
            resModel: root.resModel,
            selectionIsLimited: this.isAnySelected("is_limited"),
            selectionIsReleasable: this.isAnySelected("is_releasable"),
            selectionIsFetchable: this.isAnySelected("is_fetchable"),
            selectionCount: root.isDomainSelected ? root.count : root.selection.length,
            decide: this.decide.bind(this),
            open: () => this.openRecord(this.previewed),
        };
    }

    /** Whether a field is set in a selected message; it may be set in those of other pages. */
    isAnySelected(name) {
        const root = this.model.root;
        return root.isDomainSelected || root.selection.some((record) => record.data[name]);
    }

    /** Without messages, the help of the list has the whole width. */
    get hasMessages() {
        return this.model.isReady && !this.model.useSampleModel && this.model.hasData();
    }

    // ------------------------------------------------------------------ moving

    /** Show the next message when the shown one has left the list. */
    followList() {
        if (!this.model.isReady) {
            return;
        }
        const found = this.records.findIndex((record) => record.resId === this.queue.resId);
        if (found >= 0) {
            this.position = found;
        }
        const next = this.records[found >= 0 ? found : Math.min(this.position, this.records.length - 1)];
        this.queue.resId = next?.resId || false;
        if (next && this.hasPanel && this.mayTakeFocus) {
            this.focusRow(next);
        }
    }

    /** Whether no search bar and no dialog has the focus. */
    get mayTakeFocus() {
        const active = document.activeElement;
        return !active || active === document.body || Boolean(active.closest(".o_inbound_queue"));
    }

    /**
     * Go to another message, past the titles of groups.
     *
     * @param {number} distance in messages, negative for upwards
     */
    step(distance) {
        const index = this.records.findIndex((record) => record.resId === this.queue.resId) + distance;
        const record = this.records[Math.max(0, Math.min(index, this.records.length - 1))];
        if (record) {
            this.focusRow(record);
        }
    }

    focusRow(record) {
        this.rootRef.el.querySelector(`.o_data_row[data-id="${record.id}"] .o_data_cell`)?.focus();
        this.queue.resId = record.resId;
    }

    recordOf(element) {
        const row = element.closest(".o_data_row");
        return row && this.records.find((record) => record.id === row.dataset.id);
    }

    onFocusIn(ev) {
        const record = this.recordOf(ev.target);
        if (record) {
            this.queue.resId = record.resId;
            this.position = this.records.indexOf(record);
        }
    }

    onDoubleClick(ev) {
        const record = !ev.target.closest("button, input, a") && this.recordOf(ev.target);
        if (record) {
            this.openRecord(record);
        }
    }

    // ------------------------------------------------------------------ deciding

    /**
     * Call a method of the selected messages, else of the one that is shown.
     *
     * @param {string} name
     * @param {string} [confirm] asked before
     */
    async decide(name, confirm) {
        const root = this.model.root;
        const shown = this.queue.resId;
        const resIds = root.selection.length ? await root.getResIds(true) : [shown];
        this.env.onClickViewButton({
            clickParams: { type: "object", name, ...(confirm && { confirm }) },
            getResParams: () => ({
                resModel: root.resModel,
                resIds,
                context: root.context,
                evalContext: root.evalContext,
            }),
        });
    }
}
