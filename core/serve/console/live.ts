import type { Json } from "../../base/json.ts";
import { stringifyJson } from "../../base/json.ts";
import { streamAnswer } from "../answer.ts";
import type { BatchRecord } from "../../lake/batch_history.ts";
import { BATCHES_DEFAULT, batchesJson } from "./batches.ts";
import type { ConsoleCall } from "./console_call.ts";
import { overviewJson } from "./overview.ts";

/** Looking at the ledger is one request to the store. */
const PAUSE_MS = 500;
/** A look at all that waits lists the raw zone. */
const LOOK_AGE_MS = 1_500;
/** Proxies and dead clients are noticed by it. */
const SILENCE_MS_MAX = 15_000;

/**
 * The overview and, of one target, its batches, as server-sent events: each when it has changed. An
 * event is made when the client has taken the one before.
 */
export async function streamLive(call: ConsoleCall): Promise<Response> {
  const target = call.optional("target");
  const { clock, live, onFailure } = call.parts;
  const seen: Seen = { batches: undefined };
  const first = await changed(call, target, new Map(), seen);
  const { signal: end, leave } = live.enter();
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, end, call.incoming.signal]);
  const known = new Map<string, string>();
  let next = first;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const text = await nextText();
        if (text !== undefined) return controller.enqueue(new TextEncoder().encode(text));
      } catch (error) {
        if (!signal.aborted) onFailure(error, "live");
      }
      leave();
      controller.close();
    },
    cancel() {
      gone.abort();
      leave();
    },
  }, { highWaterMark: 0 });
  return streamAnswer(body, "text/event-stream");

  async function nextText(): Promise<string | undefined> {
    const sinceMs = clock.nowMs();
    while (!signal.aborted) {
      const fresh = next;
      next = [];
      if (fresh.length > 0) return eventsText(fresh, known);
      if (clock.nowMs() - sinceMs >= SILENCE_MS_MAX) return ": still here\n\n";
      await clock.sleep(PAUSE_MS, signal);
      if (!signal.aborted) next = await changed(call, target, known, seen);
    }
    return undefined;
  }
}

/** Of the ledger; the same array as long as nothing has come. */
interface Seen {
  batches: readonly BatchRecord[] | undefined;
}

type Event = readonly [name: string, text: string];

async function changed(
  call: ConsoleCall,
  target: string | undefined,
  known: ReadonlyMap<string, string>,
  seen: Seen,
): Promise<Event[]> {
  const events: [string, Json][] = [["overview", await overviewJson(call.parts, LOOK_AGE_MS)]];
  const recent = await call.parts.batches.recent();
  // Batches whose snapshots have expired take a question in SQL, so not at every look.
  if (target !== undefined && recent !== seen.batches) {
    events.push(["batches", await batchesJson(call, target, BATCHES_DEFAULT)]);
    seen.batches = recent;
  }
  return events.map(([name, json]): Event => [name, stringifyJson(json)])
    .filter(([name, text]) => known.get(name) !== text);
}

function eventsText(events: readonly Event[], known: Map<string, string>): string {
  return events.map(([name, text]) => {
    known.set(name, text);
    return `event: ${name}\ndata: ${text}\n\n`;
  }).join("");
}
