// The console: a page, and an admin API for the ledger and the dead letters.

import { configError, refuseUnknown } from "../consumer/config-error.ts";
import type { DeadLetters } from "../consumer/dead-letters.ts";
import { log, reasonOf } from "../consumer/log.ts";
import { hasMethod } from "../kind.ts";
import { assertOwnSite, assertSameOrigin, authenticate } from "./access.ts";
import { login, logout } from "./login.ts";
import { page } from "./pages.ts";
import { Problem, problemOf } from "./problem.ts";
import { type Call, type Routes, routeOf, routes } from "./routes.ts";
import { accessOf } from "./settings.ts";

export interface ConsoleOptions<Env> {
  /** What `deadLetters` returns. */
  readonly deadLetters: DeadLetters<Env>;
  /** The path under which the console answers: `/console` by default. */
  readonly mount?: string | undefined;
}

const names = ["deadLetters", "mount"];

const defaultMount = "/console";

/**
 * Returns a `fetch` handler for the paths under `mount`; any other path is answered 404. It shows nothing to anyone without a
 * credential: Cloudflare Access (`ACCESS_TEAM` and `ACCESS_AUDIENCE`) or a token (`ADMIN_TOKEN`). The log has one line for
 * each failure of ours.
 *
 * @throws TypeError if an option is missing, misspelt or of the wrong kind
 */
export function console<Env>(
  options: ConsoleOptions<Env>,
): (request: Request, env: Env, context?: unknown) => Promise<Response> {
  const { deadLetters, mount } = optionsOf(options);
  const table = routes<Env>();
  return async (request, env, context) => {
    // A Host header may hold anything, so not every request has a URL that can be parsed.
    const url = URL.parse(request.url);
    try {
      return await answer(request, url, mount, table, context, { env, deadLetters });
    } catch (error) {
      return failed(error, url?.pathname);
    }
  };
}

async function answer<Env>(
  request: Request,
  url: URL | null,
  mount: string,
  table: Routes<Env>,
  context: unknown,
  stores: Pick<Call<Env>, "env" | "deadLetters">,
): Promise<Response> {
  const isBelow = url?.pathname === mount || url?.pathname.startsWith(`${mount}/`);
  if (url === null || !isBelow) {
    throw new Problem(404, "not_found", `no such path: the console is under ${mount}`);
  }
  const path = url.pathname.slice(mount.length) || "/";
  if (!path.startsWith("/api/")) {
    return page(request, mount, path);
  }
  const access = accessOf(stores.env);
  if (path === "/api/login") {
    return login(request, access);
  }
  // Before the route is looked up: a stranger learns nothing from a path, an id or a method.
  const operator = await authenticate(request, access, context);
  if (request.method === "GET") {
    assertOwnSite(request);
  } else {
    assertSameOrigin(request, operator);
  }
  if (path === "/api/logout") {
    return logout(request);
  }
  const { route, id } = routeOf(table, path.slice("/api".length), request.method);
  return route({ ...stores, request, url, operator, id });
}

/** The answer of an error. Ours are logged, and say nothing of their cause. */
function failed(error: unknown, path: string | undefined): Response {
  if (error instanceof Problem) {
    if (error.status === 500) {
      log("error", error.code, { reason: error.message });
    }
    return problemOf(error);
  }
  log("error", "unavailable", { path, reason: reasonOf(error) });
  return problemOf(
    new Problem(503, "unavailable", "D1, R2, the queue or Activity failed: see the log, then try again"),
  );
}

function optionsOf<Env>(options: ConsoleOptions<Env>): Required<ConsoleOptions<Env>> & { mount: string } {
  if (typeof options !== "object" || options === null) {
    throw configError("options of console missing: pass { deadLetters }");
  }
  refuseUnknown("", options, names);
  const { deadLetters, mount = defaultMount } = options;
  if (!hasMethod(deadLetters, "redrive")) {
    throw configError("option deadLetters missing or of another kind: pass what deadLetters({ ... }) returns");
  }
  if (typeof mount !== "string" || !/^(\/[\w.~-]+)+$/.test(mount)) {
    throw configError("option mount not a path, such as /console");
  }
  return { deadLetters, mount };
}
