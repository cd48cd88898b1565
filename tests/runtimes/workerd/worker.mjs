// A Worker that runs the checks.

import * as cronozen from "cronozen-edge";
import { check } from "./checks.js";
import vectors from "./vectors.js";

export default {
  async fetch() {
    return Response.json(await check(cronozen, vectors));
  },
};
