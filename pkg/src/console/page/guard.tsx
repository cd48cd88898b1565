// Keeps the rest of the page when a part of it throws.

import { Component, type ComponentChildren } from "preact";
import { ApiError } from "./api.ts";
import { ErrorNotice } from "./notice.tsx";

interface GuardProps {
  /** The address of the view: another one is tried. */
  readonly url: string;
  /** There is nothing around it. */
  readonly isAlone?: boolean;
  readonly children: ComponentChildren;
}

interface State {
  readonly url?: string;
  readonly error?: ApiError | undefined;
}

/** Shows what has been thrown in the place of its children, until the operator goes to another view. */
export class Guard extends Component<GuardProps, State> {
  override state: State = {};

  static getDerivedStateFromProps({ url }: GuardProps, state: State): State | null {
    return url === state.url ? null : { url, error: undefined };
  }

  override componentDidCatch(error: unknown): void {
    // The browser's console has where it was.
    reportError(error);
    this.setState({ error: new ApiError(0, "failed", String(error)) });
  }

  override render({ isAlone, children }: GuardProps, { error }: State) {
    if (error === undefined) {
      return children;
    }
    // The fault may be above it, or a new version may be deployed, so the whole page is tried again.
    const notice = <ErrorNotice error={error} onRetry={() => location.reload()} />;
    return isAlone ? <main class="alone">{notice}</main> : notice;
  }
}
