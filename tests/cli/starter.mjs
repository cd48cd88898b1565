// The starter in workerd: gateway, consumer and console, with databases of its own.

import { join } from "node:path";
import { createTestHarness } from "wrangler";
import { root } from "../../scripts/command.mjs";

/** Its secrets. They are distinct enough to be searched for in what is printed. */
export const secrets = {
  CRONOZEN_SIGNING_SECRET: "whsec_5f1d2c7b9a",
  ADMIN_TOKEN: "an-admin-token-that-nobody-guesses-91",
};

export async function startStarter() {
  const server = createTestHarness({
    root: join(root, "examples", "starter"),
    workers: [{ configPath: "wrangler.toml", secrets }],
  });
  const { url } = await server.listen();
  const worker = server.getWorker();
  await worker.applyD1Migrations("DB");
  return {
    webhook: new URL("/webhooks/cronozen", url).href,
    console: new URL("/console", url).href,
    close: () => server.close(),

    /** The rows that a query finds in the database of the handlers. @param {string} sql */
    async rows(sql) {
      const { DB } = await worker.getEnv();
      return /** @type {Record<string, any>[]} */ ((await DB.prepare(sql).all()).results);
    },

    /** Asks the admin API. @param {string} path @returns {Promise<any>} */
    async ask(path) {
      const headers = { authorization: `Bearer ${secrets.ADMIN_TOKEN}` };
      const response = await fetch(new URL(`/console/api/${path}`, url), { headers });
      return response.json();
    },
  };
}
