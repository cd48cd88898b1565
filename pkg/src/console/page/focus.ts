// Moves the focus when the view changes: to the new view's heading, or back to the row that was opened.

import { useEffect, useRef } from "preact/hooks";
import { useLocation } from "preact-iso";

/** Rows come with the answer to a request. */
const waitMs = 3000;

interface Followed {
  readonly href: string;
  readonly isByKey: boolean;
}

/** Has a screen reader read the new view's heading. The back button leads to the link that was followed. */
export function useFocus(): void {
  const { path, url } = useLocation();
  const shown = useRef(path);
  const isBack = useRef(false);
  /** The links that were followed, by the address of the view that they are in. */
  const followed = useRef(new Map<string, Followed>());
  useEffect(() => {
    const clicked = ({ target, detail }: MouseEvent) => {
      const href = target instanceof Element && target.closest("#main a")?.getAttribute("href");
      if (href) {
        followed.current.set(addressOf(location), { href, isByKey: detail === 0 });
      }
    };
    const popped = () => {
      isBack.current = true;
    };
    addEventListener("click", clicked, true);
    addEventListener("popstate", popped);
    return () => {
      removeEventListener("click", clicked, true);
      removeEventListener("popstate", popped);
    };
  }, []);
  useEffect(() => {
    const link = isBack.current ? followed.current.get(addressOf(location)) : undefined;
    const isOther = shown.current !== path;
    shown.current = path;
    isBack.current = false;
    if (!isOther) {
      return;
    }
    const heading = document.querySelector<HTMLElement>("main h1");
    heading?.focus({ preventScroll: true });
    scrollTo(0, 0);
    return link === undefined ? undefined : returnLater(link, heading);
  }, [url]);
}

function addressOf({ pathname, search }: Location): string {
  return pathname + search;
}

/**
 * Returns to a link when it is there, unless the focus has moved meanwhile. Returns how to end the waiting.
 *
 * A list with the focus does not move, so only those who use the keyboard get it there.
 */
function returnLater({ href, isByKey }: Followed, heading: HTMLElement | null): () => void {
  const look = () => {
    const link = document.querySelector<HTMLElement>(`#main a[href="${CSS.escape(href)}"]`);
    if (document.activeElement !== heading) {
      end();
    } else if (link !== null) {
      end();
      isByKey ? link.focus() : link.scrollIntoView({ block: "nearest" });
    }
  };
  const observer = new MutationObserver(look);
  const timer = setTimeout(() => observer.disconnect(), waitMs);
  const end = () => {
    clearTimeout(timer);
    observer.disconnect();
  };
  observer.observe(document.body, { childList: true, subtree: true });
  look();
  return end;
}
