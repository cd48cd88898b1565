// With Node's types: a Buffer and the headers of node:http.

import type { IncomingMessage } from "node:http";
import { Verifier } from "cronozen-edge";

export function verify(request: IncomingMessage, body: Buffer) {
  return new Verifier("whsec").verify(body, request.headers);
}
