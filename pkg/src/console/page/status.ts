// The status of the Worker, which several views show.

import { createContext } from "preact";
import type { Status } from "../status.ts";
import { type Loaded, useAnswer } from "./use-answer.ts";

const everyMs = 30_000;

export const StatusContext = createContext<Loaded<Status>>({
  answer: undefined,
  loadedAt: 0,
  error: undefined,
  isLoading: true,
  reload: () => {},
});

export function useStatus(): Loaded<Status> {
  return useAnswer<Status>("status", { everyMs });
}
