// The operator's session: who is logged in, and the login.

import type { ComponentChildren } from "preact";
import { createContext } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Operator } from "../access.ts";
import { ApiError, ask } from "./api.ts";
import { ErrorNotice } from "./notice.tsx";
import { Loading } from "./parts.tsx";

export interface Session {
  readonly operator: Operator | undefined;
  /** Rises with each login: what was loaded before is loaded again. */
  readonly generation: number;
  /** Asks for a login if an error says that there is no session any more. */
  noticeError(error: ApiError): void;
  logout(): Promise<void>;
}

export const SessionContext = createContext<Session>({
  operator: undefined,
  generation: 0,
  noticeError: () => {},
  logout: async () => {},
});

type State = "unknown" | "in" | "out" | "expired";

/** Shows its children to an operator, and the login to others. A session that ends leaves what is shown where it is. */
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
  const noticeError = useCallback((failure: ApiError) => {
    if (failure.code === "unauthorized") {
      setState((last) => (last === "in" || last === "expired" ? "expired" : "out"));
    }
  }, []);
  const load = useCallback(async () => {
    try {
      begin(await ask<Operator>("session"));
    } catch (failure) {
      noticeError(failure as ApiError);
      setError((failure as ApiError).code === "unauthorized" ? undefined : (failure as ApiError));
    }
  }, []);
  useEffect(() => void load(), []);
  const channel = useRef<BroadcastChannel>(undefined);
  useEffect(() => {
    // What other tabs show must not stay after a logout.
    try {
      channel.current = new BroadcastChannel("cronozen-console-logout");
      channel.current.onmessage = () => location.reload();
    } catch {
      // Firefox has none where cookies are blocked.
    }
    return () => channel.current?.close();
  }, []);
  const logout = useCallback(async () => {
    // Without an answer, the session goes on, and the reloaded page shows it.
    await ask("logout", { body: {} }).catch(() => {});
    channel.current?.postMessage("");
    location.reload();
  }, []);
  const session = useMemo(
    () => ({ operator, generation, noticeError, logout }),
    [operator, generation, noticeError, logout],
  );

  return (
    <SessionContext.Provider value={session}>
      {(state === "in" || state === "expired") && children}
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
      {(state === "out" || state === "expired") && <Login isExpired={state === "expired"} onLogin={begin} />}
    </SessionContext.Provider>
  );
}

function Login({ isExpired, onLogin }: { isExpired: boolean; onLogin: (operator: Operator) => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [error, setError] = useState<ApiError>();
  const [isBusy, setBusy] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const { name, token } = Object.fromEntries(new FormData(event.currentTarget as HTMLFormElement));
    setBusy(true);
    try {
      await ask("login", { body: { name: String(name).trim(), token: String(token).trim() } });
    } catch (failure) {
      setError(failure as ApiError);
      setBusy(false);
      return;
    }
    try {
      onLogin(await ask<Operator>("session"));
    } catch (failure) {
      const { code } = failure as ApiError;
      // Safari takes the cookie over HTTPS only, also on this machine.
      const refused = new ApiError(401, "cookie_refused", "the browser has not kept the cookie of the login");
      setError(code === "unauthorized" ? refused : (failure as ApiError));
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
