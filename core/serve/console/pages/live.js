import { follow } from "./api.js";
import { pauseUntilSeen } from "./pause.js";

/** A stream that ended by itself is opened again after so long. */
const AGAIN_MS = 2_000;

/**
 * Calls `draw` with what is known, by the names of the server's events, whenever it has changed,
 * until `signal`. Throws what the server refuses.
 */
export async function live(parameters, signal, draw) {
  const known = {};
  while (!signal.aborted) {
    await follow("live", parameters, { signal }, (name, value) => {
      known[name] = value;
      draw(known);
    });
    await pauseUntilSeen(AGAIN_MS, signal);
  }
}
