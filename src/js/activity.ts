// The Durable Object that counts deliveries and keeps their records. Deliveries never wait for it.

// As a namespace, because the tool that bundles the declarations confuses an imported DurableObject with the global one.
import * as workers from "cloudflare:workers";
import type {
  AcceptedPage,
  ActivityReader,
  ActivityRecord,
  ActivityStatus,
  ActivitySummary,
  DeliveryPage,
  DeliveryQuery,
  SummaryQuery,
} from "../../pkg/src/activity.ts";
import { dayMs } from "./activity-hours.js";
import type { Batch, Gateway } from "./activity-sources.js";
import { ActivityStore } from "./activity-store.js";

/** Once a day, what is too old is dropped even if nothing happens. */
const tidyIntervalMs = dayMs;

/** One object for all isolates of the gateway. */
export class Activity extends workers.DurableObject<unknown> implements ActivityReader {
  #store: ActivityStore;
  #waits = false;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env);
    this.#store = new ActivityStore(ctx.storage);
  }

  /** Takes the lines of a batch, and returns its number. A batch that comes again changes nothing. */
  async record(batch: Batch, gateway: Gateway): Promise<number> {
    this.#store.add(batch, gateway);
    const waitMs = this.#store.msUntilWrite();
    if (waitMs <= 0) {
      this.#store.write();
    } else if (Number.isFinite(waitMs) && !this.#waits) {
      // At most one write a second. Until then, the object stays awake.
      this.#waits = true;
      setTimeout(() => this.#writeLate(), waitMs);
    }
    if ((await this.ctx.storage.getAlarm()) === null) {
      await this.ctx.storage.setAlarm(Date.now() + tidyIntervalMs);
    }
    return batch.number;
  }

  async summary(query: SummaryQuery): Promise<ActivitySummary> {
    return this.#store.summary(query);
  }

  async deliveries(query: DeliveryQuery): Promise<DeliveryPage> {
    return this.#store.deliveries(query);
  }

  async accepted(query: { readonly after: number; readonly limit: number }): Promise<AcceptedPage> {
    return this.#store.accepted(query);
  }

  async event(eventId: string): Promise<readonly ActivityRecord[]> {
    return this.#store.event(eventId);
  }

  async status(): Promise<ActivityStatus> {
    return this.#store.status();
  }

  async erase(eventId: string): Promise<number> {
    return this.#store.erase(eventId);
  }

  /** Drops what is too old. */
  override async alarm(): Promise<void> {
    this.#store.tidy();
    await this.ctx.storage.setAlarm(Date.now() + tidyIntervalMs);
  }

  #writeLate(): void {
    this.#waits = false;
    try {
      if (Number.isFinite(this.#store.msUntilWrite())) {
        this.#store.write();
      }
    } catch {
      // The isolates go on counting their lines, so the next batch shows that some are missing.
    }
  }
}
