// `wrangler dev` in a scratch project.

import { freePort } from "../support/ports.mjs";
import { withServer } from "./server.mjs";

/**
 * Starts `wrangler dev`, waits until it serves, and stops it when the work is done.
 *
 * @param {string} folder
 * @param {string} wrangler the path of its script
 * @param {NodeJS.ProcessEnv} env
 * @param {(url: URL, printed: () => string) => Promise<void>} work
 */
export async function withWrangler(folder, wrangler, env, work) {
  const port = await freePort();
  const options = ["--local", "--ip=127.0.0.1", `--port=${port}`, "--inspector-port=0"];
  const args = [wrangler, "dev", ...options, "--show-interactive-dev-session=false"];
  const url = new URL(`http://127.0.0.1:${port}`);
  await withServer({ folder, command: process.execPath, args, env, url }, work);
}
