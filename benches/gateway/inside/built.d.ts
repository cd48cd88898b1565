// The build that the bench copies beside a module.

declare module "*/package/edge.js" {
  export { Verifier } from "cronozen-edge";
}
