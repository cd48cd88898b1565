export { default } from "cronozen-edge/worker";
