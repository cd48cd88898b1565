// What people import as cronozen-edge/consumer.

export { consume } from "./consumer/consume.js";
export { d1, ifNewest } from "./consumer/d1.js";
export { readDeadLetter } from "./consumer/dead-letter.js";
export { ignore } from "./consumer/handlers.js";
export { kv } from "./consumer/once.js";
export { Permanent } from "./consumer/permanent.js";
