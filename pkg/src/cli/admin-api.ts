// The client of the console's admin API.

import { shown } from "./arguments.ts";
import { plain } from "./columns.ts";
import { unansweredBecause } from "./delivery.ts";
import { Failure } from "./output.ts";
import { adminToken, isLocal } from "./secrets.ts";

/** A step of a redrive leases its rows for so long, and ends before. */
const timeoutMs = 60_000;

type Parameters = Readonly<Record<string, string | number | undefined>>;

/** The admin API of one console. Each request throws a `Failure` with the cure. */
export class AdminApi {
  readonly #console: URL;
  readonly #token: string;

  /** @param console the console's URL, such as `http://localhost:8787/console` */
  constructor(console: URL) {
    // The token would cross the network in clear.
    if (console.protocol === "http:" && !isLocal(console)) {
      throw new Failure("URL unusable: one that begins with https:// is expected, because the token is sent there");
    }
    this.#console = console;
    this.#token = adminToken(console);
  }

  /** Returns the answer to a `GET`, which has this field. */
  get<Answer extends object>(path: string, field: keyof Answer & string, parameters: Parameters = {}): Promise<Answer> {
    const url = this.#urlOf(path);
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) {
        url.searchParams.set(name, String(value));
      }
    }
    return this.#ask(url, field, {});
  }

  /** Returns the answer to a `POST`, which has this field. */
  post<Answer extends object>(path: string, field: keyof Answer & string, body: object): Promise<Answer> {
    return this.#ask(this.#urlOf(path), field, { method: "POST", body: JSON.stringify(body) });
  }

  #urlOf(path: string): URL {
    const url = new URL(this.#console);
    url.search = "";
    url.pathname = `${url.pathname.replace(/\/+$/, "")}/api/${path}`;
    return url;
  }

  async #ask<Answer extends object>(url: URL, field: string, init: RequestInit): Promise<Answer> {
    const { status, text } = await this.#fetch(url, init);
    const answer = parsed(text);
    if (status !== 200) {
      throw this.#failureOf(status, answer);
    }
    if (!Object.hasOwn(answer, field)) {
      throw new Failure(`answer not the console's: another program is at ${shown(this.#console)}. ${checkUrl}`);
    }
    return answer as Answer;
  }

  async #fetch(url: URL, init: RequestInit): Promise<{ status: number; text: string }> {
    const headers = { authorization: `Bearer ${this.#token}`, "content-type": "application/json" };
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      // Another address must not get the token.
      const response = await fetch(url, { ...init, headers, signal, redirect: "manual" });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      const reason = unansweredBecause(error).replaceAll("_", " ");
      const cure = isLocal(url) ? "start it with npm run dev, or give its --url" : "look at --url and at the network";
      throw new Failure(`console unreachable at ${shown(this.#console)}: ${reason}: ${cure}`);
    }
  }

  #failureOf(status: number, answer: { code?: unknown; detail?: unknown }): Failure {
    const where = `by ${shown(this.#console)}`;
    const detail = typeof answer.detail === "string" ? plain(answer.detail) : `answer ${status}`;
    if (answer.code === "not_found" && detail.startsWith("no dead letter")) {
      return new Failure(`${detail}: dead-letters list --all shows the ids`);
    }
    switch (status) {
      case 400:
        return new Failure(`request refused ${where}: ${detail}`);
      case 401:
      case 429:
        return new Failure(`ADMIN_TOKEN refused ${where}: it differs from the console's`);
      case 404:
        return new Failure(`no console found at ${shown(this.#console)}: answer 404. ${checkUrl}`);
      case 500:
        return new Failure(`console misconfigured: its log names the setting. ADMIN_TOKEN has 32 characters or more`);
      case 503:
        return new Failure("console unavailable: D1 or the queue failed. Its log says which; try it again");
      default:
        return new Failure(
          `answer ${status} ${where}: something before the console, such as Cloudflare Access, refuses the request`,
        );
    }
  }
}

const checkUrl = "Give the address at which it is mounted, such as --url https://edge.example.com/console";

function parsed(text: string): object {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
