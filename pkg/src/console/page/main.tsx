// The console's page.

import { render } from "preact";
import { useContext, useState } from "preact/hooks";
import { LocationProvider, Route, Router, useLocation } from "preact-iso";
import { mount, viewPath } from "./api.ts";
import { Audit } from "./audit.tsx";
import { DeadLetter } from "./dead-letter.tsx";
import { DeadLetters } from "./dead-letters.tsx";
import { Deliveries } from "./deliveries.tsx";
import { Delivery } from "./delivery.tsx";
import { Event } from "./event.tsx";
import { Events } from "./events.tsx";
import { useFocus } from "./focus.ts";
import { Frame } from "./frame.tsx";
import { Guard } from "./guard.tsx";
import { Incident } from "./incident.tsx";
import { Incidents } from "./incidents.tsx";
import { Overview } from "./overview.tsx";
import { Choice, Empty, Heading } from "./parts.tsx";
import { RunProvider } from "./runs.tsx";
import { SessionContext, SessionProvider } from "./session.tsx";
import { Shortcuts } from "./shortcuts.tsx";
import { StatusContext, useStatus } from "./status.ts";
import { isStored, store } from "./stored.ts";
import { type Zone, ZoneContext } from "./time.tsx";

const zones = [
  ["local", "Local"],
  ["utc", "UTC"],
] as const;

function Page() {
  const [zone, setZone] = useState<Zone>(isStored("utc") ? "utc" : "local");
  const switchZone = () => {
    const next = zone === "local" ? "utc" : "local";
    store("utc", next === "utc");
    setZone(next);
  };
  return (
    <ZoneContext.Provider value={zone}>
      <SessionProvider>
        <Views zone={zone} onZone={switchZone} />
      </SessionProvider>
    </ZoneContext.Provider>
  );
}

function Views({ zone, onZone }: { readonly zone: Zone; readonly onZone: () => void }) {
  const { path, url } = useLocation();
  const { operator, logout } = useContext(SessionContext);
  const [showsShortcuts, setShowsShortcuts] = useState(false);
  const status = useStatus();
  useFocus();
  const tools = (
    <>
      <Choice label="Show times" options={zones} value={zone} onChange={onZone} />
      <button type="button" class="small quiet" onClick={() => setShowsShortcuts(true)} aria-label="Keyboard shortcuts">
        ?
      </button>
      <span class="operator" title={`by ${operator?.by}`}>
        {operator?.name}
      </span>
      {operator?.by === "session" && (
        <button type="button" class="small quiet" onClick={logout}>
          Log out
        </button>
      )}
    </>
  );
  const counts = {
    // A Worker of another version may answer without them.
    "dead-letters": status.answer?.deadLetters?.open,
    incidents: status.answer?.alerts?.open,
  };
  return (
    <StatusContext.Provider value={status}>
      <Frame path={path} counts={counts} tools={tools}>
        <Guard url={url}>
          <RunProvider>
            {/* A view that fails does not end a run. */}
            <Guard url={url}>
              <Router>
                <Route path={mount} component={Overview} />
                <Route path={`${mount}/deliveries`} component={Deliveries} />
                <Route path={`${mount}/deliveries/:position`} component={Delivery} />
                <Route path={`${mount}/events`} component={Events} />
                <Route path={`${mount}/event`} component={Event} />
                <Route path={`${mount}/dead-letters`} component={DeadLetters} />
                <Route path={`${mount}/dead-letters/:id`} component={DeadLetter} />
                <Route path={`${mount}/incidents`} component={Incidents} />
                <Route path={`${mount}/incidents/:id`} component={Incident} />
                <Route path={`${mount}/audit`} component={Audit} />
                <Route default component={NoView} />
              </Router>
            </Guard>
          </RunProvider>
        </Guard>
      </Frame>
      <Shortcuts onZone={onZone} isOpen={showsShortcuts} setOpen={setShowsShortcuts} />
    </StatusContext.Provider>
  );
}

function NoView() {
  return (
    <>
      <Heading title="No such page" />
      <Empty title="There is nothing at this address.">
        <a href={viewPath("")}>Go to the overview</a>
      </Empty>
    </>
  );
}

const app = document.querySelector("#app");
if (app !== null) {
  // Preact would leave the text that says that nothing has started.
  app.replaceChildren();
  render(
    // The view for diagnoses is a page of its own, which cannot connect to anything.
    <LocationProvider scope={new RegExp(`^${mount.replaceAll(".", "\\.")}(?!/(diagnose|api)(/|$))`)}>
      <Guard url="" isAlone>
        <Page />
      </Guard>
    </LocationProvider>,
    app,
  );
}
