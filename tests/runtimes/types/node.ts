// With Node's types: a Buffer and the headers of node:http.

import type { IncomingMessage } from "node:http";
import { Verifier } from "cronozen-edge";

export function verify(request: IncomingMessage, body: Buffer) {
  const verifier = new Verifier("whsec");
  verifier.matches(body, request.headers["x-cronozen-signature"]);
  verifier.matches(body, request.headersDistinct);
  return verifier.verify(body, request.headers);
}
