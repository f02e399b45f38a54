import { type Json, stringifyJson } from "../../base/json.ts";
import type { JsonObject } from "../../iceberg/format/json_field.ts";
import { identifierText } from "../../iceberg/catalog/catalog.ts";
import type { ReplayProgress } from "../../maintain/letters/letter_choice.ts";
import { jsonAnswer, streamAnswer } from "../answer.ts";
import { badRequest, failureRefusal } from "../http_refusal.ts";
import { type ConsoleCall, instantOf } from "./console_call.ts";
import { letterConditions, letterTable } from "./letters.ts";
import { refusedBy } from "./refused.ts";
import { deskOf } from "./upkeep_calls.ts";
import type { ReplayOrder } from "./upkeep_desk.ts";

const PAUSE_MS = 250;
/** Proxies and dead clients are noticed by it. */
const SILENCE_MS_MAX = 15_000;
const EVENTS = "text/event-stream";

type Ordered = Omit<ReplayOrder, "signal" | "told">;

/**
 * Judges letters of a list again. What it answers is what `maintain --json` prints of it: in one
 * piece, or, for whoever accepts server-sent events, as the last of these.
 */
export async function replayLetters(call: ConsoleCall): Promise<Response> {
  const body = await call.body();
  deskOf(call);
  const ordered = await orderOf(call, body);
  const accepted = call.incoming.headers.get("accept") ?? "";
  if (accepted.includes(EVENTS)) return streamAnswer(eventsOf(call, ordered), EVENTS);
  return jsonAnswer(200, await run(call, ordered, call.incoming.signal, () => {}));
}

async function orderOf(call: ConsoleCall, body: JsonObject): Promise<Ordered> {
  const { dryRun = true } = body;
  if (typeof dryRun !== "boolean") throw badRequest("Cannot read dryRun: it is neither true nor false");
  const name = textOf(body, "table");
  if (name === undefined) throw badRequest("Cannot read table: it is not a text");
  const conditions = letterConditions({
    reason: textOf(body, "reason"),
    place: textOf(body, "place"),
    fromMs: instantOf("from", textOf(body, "from")),
    toMs: instantOf("to", textOf(body, "to")),
  });
  return { table: await letterTable(call, name), conditions, dryRun };
}

function textOf(body: JsonObject, name: string): string | undefined {
  const value = body[name];
  if (value === undefined || typeof value === "string") return value;
  throw badRequest(`Cannot read ${name}: it is not a text`);
}

async function run(
  call: ConsoleCall,
  { table, dryRun, ...which }: Ordered,
  signal: AbortSignal,
  told: ReplayOrder["told"],
): Promise<Json> {
  const { reasons, ...figures } = await deskOf(call).replay({ table, dryRun, ...which, signal, told });
  const lists = { reasons: reasons.map((each) => ({ ...each })) };
  return { action: "replay-dead-letters", table: identifierText(table), dryRun, ...figures, ...lists };
}

/** `progress` now and then, and in the end `done` or `problem`. */
function eventsOf(call: ConsoleCall, ordered: Ordered): ReadableStream<Uint8Array> {
  const { clock, onFailure, shown } = call.parts;
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, call.incoming.signal]);
  let news: ReplayProgress | undefined, last: Uint8Array | undefined;
  const over = new AbortController();
  const working = run(call, ordered, signal, (progress) => news = progress).then(
    (report) => eventOf("done", report),
    (error) => {
      const refused = refusedBy(error, shown);
      if (refused === undefined) onFailure(error, "a replay of dead letters");
      return eventOf("problem", (refused ?? refusedBy(failureRefusal(error), shown))!.error);
    },
  ).then((event) => {
    last = event;
    over.abort();
  });
  const next = async (): Promise<Uint8Array> => {
    for (const sinceMs = clock.nowMs();;) {
      await Promise.race([working, clock.sleep(PAUSE_MS, over.signal)]);
      if (last !== undefined) return last;
      if (news !== undefined) {
        const progress = { ...news };
        news = undefined;
        return eventOf("progress", progress);
      }
      if (clock.nowMs() - sinceMs >= SILENCE_MS_MAX) return new TextEncoder().encode(": still here\n\n");
    }
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const event = await next();
      if (gone.signal.aborted) return;
      controller.enqueue(event);
      if (last === event) controller.close();
    },
    cancel: () => gone.abort(),
  }, { highWaterMark: 0 });
}

function eventOf(name: string, json: Json): Uint8Array {
  return new TextEncoder().encode(`event: ${name}\ndata: ${stringifyJson(json)}\n\n`);
}
