// Says what went wrong, and what to do about it.

import type { ApiError } from "./api.ts";
import { Time } from "./time.tsx";
import type { Loaded } from "./use-answer.ts";

interface Cure {
  readonly title: string;
  readonly cure: string;
}

/** The title and the cure for each code of an error. */
const cures: Readonly<Record<string, Cure>> = {
  timeout: {
    title: "The Worker does not answer",
    cure: "D1 or the queue may be slow. Try again; if it stays like this, look at the Worker's log and at Cloudflare's status page.",
  },
  unreachable: {
    title: "The Worker cannot be reached",
    cure: "Look whether you are online, and whether the Worker is running and deployed. A browser extension may also block the request.",
  },
  access_ended: {
    title: "Your session with Cloudflare Access has ended",
    cure: "Reload this page: Access asks you to log in.",
  },
  access_required: {
    title: "This console is behind Cloudflare Access alone",
    cure: "Open it at the address that your Access application protects. If you are there already, look whether the application covers this path.",
  },
  cookie_refused: {
    title: "The login worked, but the browser has not kept its cookie",
    cure: "Safari keeps it over HTTPS only: on your machine, use Chrome, Edge or Firefox. Elsewhere, open the console over HTTPS.",
  },
  unauthorized: {
    title: "The token is wrong",
    cure: "Compare it with the secret ADMIN_TOKEN of this Worker. If it is lost, set another one with: npx wrangler secret put ADMIN_TOKEN",
  },
  too_many_failures: {
    title: "Too many wrong tokens",
    cure: "Wait for a minute. The right token works at once.",
  },
  cross_site: {
    title: "The request came from another address than the console's",
    cure: "Open the console at the address at which its Worker runs, and do the same again.",
  },
  no_activity: {
    title: "Deliveries are not recorded here",
    cure: "Bind the gateway's Durable Object as ACTIVITY, and add activity: (env) => env.ACTIVITY to deadLetters().",
  },
  not_found: {
    title: "There is no such thing",
    cure: "It may have been pruned, or the address is wrong.",
  },
  misconfigured: {
    title: "A setting of the console is wrong, so nothing is shown",
    cure: "Set the secret ADMIN_TOKEN (32 characters or more), or ACCESS_TEAM and ACCESS_AUDIENCE. Then reload.",
  },
  unavailable: {
    title: "Something behind the console failed",
    cure: "D1, R2, the queue or Activity failed or was too slow: the Worker's log has the reason. Try again in a moment.",
  },
  not_json: {
    title: "The answer is not the console's",
    cure: "Something between you and the Worker has answered, or the Worker itself has failed. Look at its log, then try again.",
  },
  failed: {
    title: "This view has failed",
    cure: "The page may be older than the Worker: reload it. If that does not help, report the message below; the browser's console has more.",
  },
};

const sessionEnded: Cure = {
  title: "Your session has ended",
  cure: "Log in, and do the same again.",
};

const refused: Cure = {
  title: "The request was refused",
  cure: "Correct what the message names, and try again.",
};

interface NoticeProps {
  readonly error: ApiError;
  readonly onRetry?: (() => void) | undefined;
  /** The address of the view without what the API refuses. */
  readonly allPath?: string | undefined;
  readonly isInLogin?: boolean;
}

export function ErrorNotice({ error, onRetry, allPath, isInLogin = false }: NoticeProps) {
  const isEnd = error.code === "unauthorized" && !isInLogin;
  const { title, cure } = isEnd ? sessionEnded : (cures[error.code] ?? refused);
  return (
    <div class="notice bad" role="alert">
      <strong>{title}</strong>
      <p>{cure}</p>
      {/* The routes of the API, in place of which a wrong address of the page was asked. */}
      {!error.message.startsWith("no such route") && (
        <p class="muted">
          {error.status > 0 && `${error.status} `}
          {error.code}: {error.message}
        </p>
      )}
      {(onRetry ?? allPath) && (
        <div class="actions">
          {onRetry && (
            <button type="button" onClick={onRetry}>
              Try again
            </button>
          )}
          {allPath && (
            <a class="button" href={allPath}>
              Show all
            </a>
          )}
        </div>
      )}
    </div>
  );
}

/** Shows the error of a view. What was loaded before stays below it. */
export function LoadError({ loaded }: { readonly loaded: Loaded<unknown> }) {
  const { error, answer, loadedAt, reload } = loaded;
  // The login is already there.
  if (error === undefined || error.code === "unauthorized") {
    return null;
  }
  // The address of an event has an id, and no filter.
  const isRefusedFilter = error.status === 400 && location.search !== "" && !location.pathname.endsWith("/event");
  return (
    <>
      <ErrorNotice error={error} onRetry={reload} allPath={isRefusedFilter ? location.pathname : undefined} />
      {answer !== undefined && (
        <p class="muted">
          What is shown below was loaded at <Time at={new Date(loadedAt).toISOString()} />.
        </p>
      )}
    </>
  );
}
