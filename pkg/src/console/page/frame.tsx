// The frame around all views: the name, the navigation, and the settings of the page.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { mount, viewPath } from "./api.ts";

interface View {
  readonly view: string;
  readonly name: string;
  /** The key that opens it after `g`. */
  readonly letter?: string;
}

export const views: readonly View[] = [
  { view: "", name: "Overview", letter: "o" },
  { view: "deliveries", name: "Deliveries", letter: "d" },
  { view: "events", name: "Events", letter: "e" },
  { view: "dead-letters", name: "Dead letters", letter: "l" },
  { view: "incidents", name: "Incidents", letter: "i" },
  { view: "audit", name: "Audit", letter: "a" },
  { view: "diagnose", name: "Diagnose" },
];

interface FrameProps {
  /** The path of the page. */
  readonly path: string;
  /** Counts beside the names of views. */
  readonly counts?: Readonly<Record<string, number | undefined>>;
  /** The controls at the end of the bar. */
  readonly tools?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Frame({ path, counts = {}, tools, children }: FrameProps) {
  const [, current = ""] = path.slice(mount.length).split("/");
  const nav = useRef<HTMLElement>(null);
  // On a phone, the views scroll sideways. The counts move them.
  const shown = JSON.stringify([current, counts]);
  useEffect(() => nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" }), [shown]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="bar">
        <a class="name" href={viewPath("")}>
          <img src={document.querySelector<HTMLLinkElement>("link[rel=icon]")?.href} alt="" width="20" height="20" />
          Cronozen Edge
        </a>
        <nav ref={nav} aria-label="Views">
          {views.map(({ view, name }) => (
            <a key={view} href={viewPath(view)} aria-current={isCurrent(view, current) ? "page" : undefined}>
              {name}
              {Boolean(counts[view]) && <span class="count">{counts[view]}</span>}
            </a>
          ))}
        </nav>
        <div class="tools">{tools}</div>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

function isCurrent(view: string, current: string): boolean {
  return view === current || (view === "events" && current === "event");
}
