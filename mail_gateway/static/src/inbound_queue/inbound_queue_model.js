import { RelationalModel } from "@web/model/relational_model/relational_model";

/** Messages that wait, by groups: those of which all were decided about are gone. */
export class InboundQueueModel extends RelationalModel {
    /**
     * Extends core's method: core goes on showing a group that was emptied, as if something still waited in it.
     *
     * @override
     */
    async _postprocessReadGroup(config, result) {
        delete config.currentGroups;
        return super._postprocessReadGroup(config, result);
    }
}
