// The gateway, in a Worker of its own: deploying the consumer does not touch it.

export { Activity, Deduper, default } from "cronozen-edge/worker";
