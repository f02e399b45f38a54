import type { Clock } from "../base/clock.ts";
import { DeadlineError, withDeadline } from "../base/deadline.ts";
import { messageOf } from "../base/errors.ts";
import { parseJson } from "../base/json.ts";
import type { JsonObject } from "../iceberg/format/json_field.ts";
import { badRequest, HttpRefusal } from "./http_refusal.ts";

/** A commit that expires ten thousand snapshots has a few hundred kilobytes. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;
/** For the whole body: a client that is slower takes a place from others. */
const BODY_MS_MAX = 30_000;

/** A request that may come in: the guard has let it pass. */
export interface Incoming {
  method: string;
  /** Of the address, percent-encoded as it came. */
  path: string;
  query: URLSearchParams;
  headers: Headers;
  /** Aborted when the client hangs up. */
  signal: AbortSignal;
  /** The body as a JSON object; refused where it is none, too large or too slow. */
  readJson(): Promise<JsonObject>;
}

export function incomingOf(request: Request, clock: Clock): Incoming {
  const { pathname, searchParams } = new URL(request.url);
  return {
    method: request.method,
    path: pathname,
    query: searchParams,
    headers: request.headers,
    signal: request.signal,
    readJson: () => readJson(request, clock),
  };
}

async function readJson(request: Request, clock: Clock): Promise<JsonObject> {
  if (Number(request.headers.get("content-length") ?? 0) > BODY_BYTES_MAX) throw tooLarge();
  const text = await readText(request, clock);
  let json;
  try {
    json = parseJson(text);
  } catch (error) {
    throw badRequest(`Cannot read the request: it is not JSON: ${messageOf(error)}`);
  }
  if (json !== null && typeof json === "object" && !Array.isArray(json)) return json;
  throw badRequest("Cannot read the request: its body is not a JSON object");
}

async function readText(request: Request, clock: Clock): Promise<string> {
  const reader = request.body?.getReader();
  if (reader === undefined) return "";
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    await withDeadline(clock, BODY_MS_MAX, async () => {
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        length += piece.value.length;
        if (length > BODY_BYTES_MAX) throw tooLarge();
        pieces.push(piece.value);
      }
    });
    const decoder = new TextDecoder("utf-8", { fatal: true });
    return pieces.map((piece) => decoder.decode(piece, { stream: true })).join("") + decoder.decode();
  } catch (error) {
    reader.cancel().catch(() => undefined);
    if (error instanceof HttpRefusal) throw error;
    if (error instanceof DeadlineError) {
      throw new HttpRefusal(408, "RequestTimeoutException", "The request's body came too slowly");
    }
    throw badRequest(`Cannot read the request: ${error instanceof TypeError ? "it is not UTF-8" : "it was cut short"}`);
  }
}

function tooLarge(): HttpRefusal {
  const megabytes = Math.floor(BODY_BYTES_MAX / 1e6);
  return new HttpRefusal(413, "RequestTooLargeException", `The request's body has more than ${megabytes} MB`);
}
