// The stores of the dead letters.

import type { ActivityReader } from "../activity.ts";
import type { Bucket, Database, Queue } from "./platform.ts";

/** The databases, with their tables, and the other bindings of the operations. */
export interface Stores {
  readonly db: Database;
  /** Opened only where it is needed: dead letters are stored without it. */
  readonly ledger: () => Promise<Database>;
  readonly events: Queue | undefined;
  readonly deadQueue: Queue | undefined;
  readonly bodies: Bucket | undefined;
  readonly activity: ActivityReader | undefined;
  readonly maxBytes: number;
  /** An accepted event that is found nowhere after this time is lost. */
  readonly lossMs: number;
}
