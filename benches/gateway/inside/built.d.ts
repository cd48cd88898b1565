// What the bench lays beside a module.

declare module "*/package/edge.js" {
  export { Verifier } from "cronozen-edge";
}
