// The check that requests for the webhook reach the gateway: its addresses, others' routes, and static files.

import { statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathOf } from "../gateway-settings.ts";
import type { Project, Route, Settings, Worker } from "../workers.ts";
import { ok, problem, type Verdict } from "./check.ts";
import { setAtTop } from "./cure.ts";

/** The files that are served for a path. */
const served = ["", ".html", "/index.html"];

export function checkRoutes(project: Project): Verdict | undefined {
  const { gateway, workers } = project;
  const path = pathOf(gateway);
  if (gateway === undefined || path === undefined) {
    return;
  }
  const file = fileFor(gateway.settings, path);
  if (file !== undefined) {
    return problem(
      `webhook's path taken by a static file: ${file} answers before the gateway`,
      `Delete ${file}, or set run_worker_first = ["${path}"] under assets in ${gateway.file}.`,
    );
  }
  const routes = routesOf(gateway.settings);
  if (routes.length === 0) {
    // Without routes, wrangler takes workers_dev as true.
    return gateway.settings.workers_dev === false
      ? problem(
          `address missing: ${gateway.file} has neither workers_dev nor a route`,
          setAtTop(project, gateway, { workers_dev: true }),
        )
      : ok("the gateway has an address on workers.dev");
  }
  const mine = routes.find((route) => matches(route, path));
  if (mine === undefined) {
    return gateway.settings.workers_dev === true
      ? ok("the gateway has an address on workers.dev")
      : problem(
          `webhook's path not routed: no route of ${gateway.file} matches ${path}`,
          `Add a route to ${gateway.file} that matches ${path}, such as ${hostOf(patternOf(routes[0]))}${path}.`,
        );
  }
  const other = workers.filter((worker) => worker !== gateway).find((worker) => takes(worker, mine, path));
  return other === undefined
    ? ok(`${patternOf(mine)} leads to the gateway`)
    : problem(
        `webhook's path routed to ${other.settings.name}: ${other.file} has a more specific route`,
        `In ${other.file}, let the route match the console alone: ${hostOf(patternOf(mine))}/console*.`,
      );
}

/** Returns true if a route of this Worker, on the same host, takes the path from `mine`: the more specific one wins. */
function takes({ settings }: Worker, mine: Route, path: string): boolean {
  return routesOf(settings).some((route) => {
    const isSameHost = hostOf(patternOf(route)) === hostOf(patternOf(mine));
    return isSameHost && matches(route, path) && patternOf(route).length >= patternOf(mine).length;
  });
}

function matches(route: Route, path: string): boolean {
  const pattern = patternOf(route);
  if (typeof route !== "string" && route.custom_domain === true) {
    return true;
  }
  const [, wanted = ""] = /^[^/]*(\/.*)?$/.exec(pattern) ?? [];
  return wanted.endsWith("*") ? path.startsWith(wanted.slice(0, -1)) : path === (wanted === "" ? "/" : wanted);
}

function routesOf({ route, routes = [] }: Settings): Route[] {
  return [...(route === undefined ? [] : [route]), ...routes];
}

/** Returns the pattern of a route without its scheme. */
function patternOf(route: Route | undefined): string {
  const pattern = typeof route === "string" ? route : (route?.pattern ?? "");
  return pattern.replace(/^https?:\/\//, "");
}

function hostOf(pattern: string): string {
  return pattern.replace(/\/.*$/, "");
}

/** Returns the static file that is served for a path, unless the Worker comes first. */
function fileFor({ assets, configPath = "." }: Settings, path: string): string | undefined {
  if (assets?.directory === undefined || comesFirst(assets.run_worker_first, path)) {
    return;
  }
  const { directory } = assets;
  const found = served.find((end) => {
    const file = statSync(join(resolve(dirname(configPath), directory), `${path}${end}`), { throwIfNoEntry: false });
    return file?.isFile();
  });
  return found === undefined ? undefined : join(directory, `${path}${found}`);
}

/** Returns true if the Worker answers a path before static files do. A pattern that starts with `!` excludes paths. */
function comesFirst(first: unknown, path: string): boolean {
  if (!Array.isArray(first)) {
    return first === true;
  }
  const patterns = first.map(String);
  const excluded = patterns.filter((pattern) => pattern.startsWith("!")).map((pattern) => pattern.slice(1));
  return patterns.some((pattern) => matches(pattern, path)) && !excluded.some((pattern) => matches(pattern, path));
}
