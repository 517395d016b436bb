import { RelationalModel } from "@web/model/relational_model/relational_model";

/** Messages that wait for a decision, by groups; groups without messages are gone. */
export class InboundQueueModel extends RelationalModel {
    /**
     * Extends core's method: core keeps showing a group that became empty.
     *
     * @override
     */
    async _postprocessReadGroup(config, result) {
        delete config.currentGroups;
        return super._postprocessReadGroup(config, result);
    }
}
