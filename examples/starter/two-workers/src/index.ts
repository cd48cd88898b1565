// The gateway, in a Worker of its own: deploying the consumer does not touch it.

export { Activity, default, Deduper } from "cronozen-edge/worker";
