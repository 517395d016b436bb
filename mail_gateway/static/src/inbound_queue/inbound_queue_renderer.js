import { getActiveHotkey } from "@web/core/hotkeys/hotkey_service";
import { ListRenderer } from "@web/views/list/list_renderer";

export class InboundQueueRenderer extends ListRenderer {
    static recordRowTemplate = "mail_gateway.InboundQueueRenderer.RecordRow";
    static props = [...ListRenderer.props, "previewedId?"];

    isPreviewed(record) {
        return Boolean(record.resId) && record.resId === this.props.previewedId;
    }

    /**
     * Extends core's method: marks the row whose message is shown beside the list.
     *
     * @override
     */
    getRowClass(record) {
        const names = super.getRowClass(record);
        return this.isPreviewed(record) ? `${names} o_inbound_previewed` : names;
    }

    /**
     * Extends core's method: a click shows the message beside the list; a double click, or a tap on a phone, opens it.
     *
     * @override
     */
    async onCellClicked(record, column, ev, newWindow) {
        if (this.env.isSmall || newWindow || ev.target.special_click) {
            return super.onCellClicked(record, column, ev, newWindow);
        }
        this.focus(ev.target.closest("td"));
    }

    /**
     * Extends core's method: the space bar alone selects, as in mail programs.
     *
     * @override
     */
    onCellKeydownReadOnlyMode(hotkey, cell, group, record) {
        const selects = hotkey === "space" && record;
        return super.onCellKeydownReadOnlyMode(selects ? "shift+space" : hotkey, cell, group, record);
    }
}
