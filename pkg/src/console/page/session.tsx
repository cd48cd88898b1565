// The operator's session: who is logged in, and the login.

import type { ComponentChildren, TargetedSubmitEvent } from "preact";
import { createContext } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Operator } from "../access.ts";
import { ApiError, ask, errorOf, onSessionEnd } from "./api.ts";
import { ErrorNotice } from "./notice.tsx";
import { Loading } from "./parts.tsx";

export interface Session {
  readonly operator: Operator | undefined;
  /** Rises with each login: what was loaded before is loaded again. */
  readonly generation: number;
  logout(): Promise<void>;
}

export const SessionContext = createContext<Session>({
  operator: undefined,
  generation: 0,
  logout: async () => {},
});

type State = "unknown" | "in" | "out" | "expired";

/** All tabs have the same session: the others look at it again after a login or a logout in this one. */
const otherTabs = channelOf("cronozen-console-session");

/**
 * Shows its children to an operator, and the login to others. When a session ends, they are hidden, because they may hold
 * personal data, and stay mounted: the operator goes on after the next login.
 */
export function SessionProvider({ children }: { children: ComponentChildren }) {
  const [state, setState] = useState<State>("unknown");
  const [operator, setOperator] = useState<Operator>();
  const [error, setError] = useState<ApiError>();
  const [generation, setGeneration] = useState(0);

  const begin = (found: Operator) => {
    setOperator(found);
    setState("in");
    setError(undefined);
    setGeneration((last) => last + 1);
  };
  const load = useCallback(() => ask<Operator>("session").then(begin, (failure) => setError(errorOf(failure))), []);
  useEffect(() => {
    onSessionEnd(() => setState((last) => (last === "in" || last === "expired" ? "expired" : "out")));
    // After a logout, nothing must stay behind the login.
    otherTabs?.addEventListener("message", ({ data }) => (data === "logout" ? location.reload() : load()));
    load();
  }, []);
  const logout = useCallback(async () => {
    // Without an answer, the session goes on, and the reloaded page shows it.
    await ask("logout", { body: {} }).catch(() => {});
    otherTabs?.postMessage("logout");
    location.reload();
  }, []);
  const logIn = (found: Operator) => {
    begin(found);
    otherTabs?.postMessage("login");
  };
  const session = useMemo(() => ({ operator, generation, logout }), [operator, generation, logout]);

  return (
    <SessionContext.Provider value={session}>
      {(state === "in" || state === "expired") && (
        <div class={state === "expired" ? "session ended" : "session"}>{children}</div>
      )}
      {state === "unknown" && (
        <main class="alone">
          {error === undefined ? (
            <div class="late">
              <Loading />
            </div>
          ) : (
            <ErrorNotice error={error} onRetry={load} />
          )}
        </main>
      )}
      {(state === "out" || state === "expired") && <Login isExpired={state === "expired"} onLogin={logIn} />}
    </SessionContext.Provider>
  );
}

function Login({ isExpired, onLogin }: { isExpired: boolean; onLogin: (operator: Operator) => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [error, setError] = useState<ApiError>();
  const [isBusy, setBusy] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);

  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const { name, token } = Object.fromEntries(new FormData(event.currentTarget));
    setBusy(true);
    try {
      await ask("login", { body: { name: String(name).trim(), token: String(token).trim() } });
    } catch (failure) {
      setError(errorOf(failure));
      setBusy(false);
      return;
    }
    try {
      onLogin(await ask<Operator>("session"));
    } catch (failure) {
      const found = errorOf(failure);
      // Safari takes the cookie over HTTPS only, also on this machine.
      const refused = new ApiError(401, "cookie_refused", "the browser has not kept the cookie of the login");
      setError(found.code === "unauthorized" ? refused : found);
      setBusy(false);
    }
  };

  return (
    // Escape closes it, also against a handler of `cancel`. There is nothing to see without a session.
    <dialog ref={dialog} class="login" aria-labelledby="login-title" onClose={() => dialog.current?.showModal()}>
      <form onSubmit={submit}>
        <h2 id="login-title">{isExpired ? "Your session has ended" : "Log in"}</h2>
        <p class="muted">
          {isExpired
            ? "Log in again to go on where you are."
            : "This console shows the deliveries and events of your Cronozen webhook."}
        </p>
        {error && <ErrorNotice error={error} isInLogin />}
        <label>
          Your name
          <input name="name" autocomplete="username" maxLength={64} required autofocus />
          <small>The audit shows it beside what you change.</small>
        </label>
        <label>
          Token
          <input name="token" type="password" autocomplete="current-password" maxLength={1024} required />
          <small>
            The secret <code>ADMIN_TOKEN</code> of the Worker. On your machine, it is in <code>.dev.vars</code>.
          </small>
        </label>
        <button type="submit" class="primary" disabled={isBusy}>
          {isBusy ? "Logging in…" : "Log in"}
        </button>
      </form>
    </dialog>
  );
}

/** Firefox throws where cookies are blocked. */
function channelOf(name: string): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel(name);
  } catch {
    return undefined;
  }
}
