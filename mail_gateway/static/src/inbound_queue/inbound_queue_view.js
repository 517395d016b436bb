import { registry } from "@web/core/registry";
import { listView } from "@web/views/list/list_view";
import { InboundQueueController } from "./inbound_queue_controller";
import { InboundQueueModel } from "./inbound_queue_model";
import { InboundQueueRenderer } from "./inbound_queue_renderer";

/** A list of messages that wait for a decision, with the focused message beside it. */
export const inboundQueueView = {
    ...listView,
    Model: InboundQueueModel,
    Controller: InboundQueueController,
    Renderer: InboundQueueRenderer,
};

registry.category("views").add("inbound_queue", inboundQueueView);
