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
  /**
   * The body as a JSON object; refused where it is none, too slow or larger than what is said or
   * what any may be.
   */
  readJson(bytesMax?: number): Promise<JsonObject>;
}

export function incomingOf(request: Request, clock: Clock): Incoming {
  const { pathname, searchParams } = new URL(request.url);
  return {
    method: request.method,
    path: pathname,
    query: searchParams,
    headers: request.headers,
    signal: request.signal,
    readJson: (bytesMax = BODY_BYTES_MAX) => readJson(request, clock, bytesMax),
  };
}

async function readJson(request: Request, clock: Clock, bytesMax: number): Promise<JsonObject> {
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) throw tooLarge(bytesMax);
  const text = await readText(request, clock, bytesMax);
  let json;
  try {
    json = parseJson(text);
  } catch (error) {
    throw badRequest(`Cannot read the request: it is not JSON: ${messageOf(error)}`);
  }
  if (json !== null && typeof json === "object" && !Array.isArray(json)) return json;
  throw badRequest("Cannot read the request: its body is not a JSON object");
}

async function readText(request: Request, clock: Clock, bytesMax: number): Promise<string> {
  const reader = request.body?.getReader();
  if (reader === undefined) return "";
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    await withDeadline(clock, BODY_MS_MAX, async () => {
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        length += piece.value.length;
        if (length > bytesMax) throw tooLarge(bytesMax);
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

function tooLarge(bytesMax: number): HttpRefusal {
  const kilobytes = bytesMax / 1024;
  const size = kilobytes < 1024 ? `${kilobytes} KiB` : `${kilobytes / 1024} MiB`;
  return new HttpRefusal(413, "RequestTooLargeException", `The request's body has more than ${size}`);
}
