// The bindings of wrangler.toml, and the secrets.

export interface Env {
  CRONOZEN_SIGNING_SECRET: string;
  ADMIN_TOKEN: string;
  SLACK_URL?: string;
  DB: D1Database;
  DEAD_LETTERS_DB: D1Database;
  EVENTS: Queue;
  DEAD_LETTERS: Queue;
  ACTIVITY: DurableObjectNamespace;
}
