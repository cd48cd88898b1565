// With the DOM's types: a Fetch request is accepted as it is.

import { type CronozenEvent, Verifier } from "cronozen-edge";
import { sign } from "cronozen-edge/no-wasm";

export async function receive(request: Request): Promise<CronozenEvent> {
  const verifier = new Verifier("whsec");
  verifier.verify(await request.arrayBuffer(), request.headers);
  verifier.verify(sign("{}", "whsec"), request.headers.get("x-cronozen-signature"));
  return verifier.verifyRequest(request);
}
