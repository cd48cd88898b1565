// The state of the alerts themselves: whether they run, watch everything, and reach somebody.

import { useContext } from "preact/hooks";
import { isLocal } from "./api.ts";
import { alertsLateMs } from "./findings.ts";
import { StatusContext } from "./status.ts";
import { Time } from "./time.tsx";
import { wordsOf } from "./words.ts";

export function AlertState() {
  const { answer, loadedAt } = useContext(StatusContext);
  if (answer === undefined) {
    return null;
  }
  const { ranAt, notWatched, problems, failing } = answer.alerts;
  if (ranAt === null) {
    return (
      <div class="notice warn">
        <strong>The alerts have never run</strong>
        {isLocal ? (
          <p>
            The Worker's cron runs them, and a local Worker has none: they look for what is wrong once it is deployed.
          </p>
        ) : (
          <p>
            They look every 5 minutes for what is wrong. If this Worker is new, wait for the first run. Otherwise, add{" "}
            <code>scheduled: alerts({"{ … }"})</code> of <code>cronozen-edge/alerts</code> to the Worker, and{" "}
            <code>crons = ["*/5 * * * *"]</code> under <code>[triggers]</code> of wrangler.toml.
          </p>
        )}
      </div>
    );
  }
  return (
    <>
      {loadedAt - Date.parse(ranAt) > alertsLateMs && (
        <div class="notice bad">
          <strong>The alerts do not run any more</strong>
          <p>
            The last run was at <Time at={ranAt} withAge />, and one is due every 5 minutes. Look at the Worker's cron
            trigger and at its log.
          </p>
        </div>
      )}
      {problems.map((problem) => (
        <div key={problem} class="notice bad">
          <strong>
            {problem.startsWith("no sinks") ? "Nobody gets the alerts" : "A sink of the alerts cannot be used"}
          </strong>
          <p>{problem}</p>
          <p class="muted">
            Look at <code>sinks</code> in the options of <code>alerts()</code>, and set the secret or the binding that
            is missing. The starter's is <code>SLACK_URL</code>.
          </p>
        </div>
      ))}
      {failing.map(({ sink, messages, failedAt, reason }) => (
        <div key={sink} class="notice bad">
          <strong>
            {messages === 1 ? "A message was" : `${messages} messages were`} not sent to {sink}
          </strong>
          <p>{reason}</p>
          <p class="muted">
            Last tried at <Time at={failedAt} />. It is tried again at each run for a day.
          </p>
        </div>
      ))}
      <p class="muted">
        The alerts last ran at <Time at={ranAt} withAge />.
        {notWatched.length > 0 &&
          ` Not watched, because its source is not bound here: ${notWatched.map(wordsOf).join(", ")}.`}
      </p>
    </>
  );
}
