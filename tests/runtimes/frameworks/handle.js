// The user's code in the examples.

/** @param {{ eventId: string }} event */
export async function handle({ eventId }) {
  if (eventId === "evt_fails") {
    throw new Error("handle failed");
  }
  console.log(`handled ${eventId}`);
}
