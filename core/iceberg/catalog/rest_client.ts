import type { Clock } from "../../base/clock.ts";
import { type ErrorKind, messageOf, StreamlabError } from "../../base/errors.ts";
import { type Json, parseJson, stringifyJson } from "../../base/json.ts";
import type { Random } from "../../base/random.ts";
import { backoffMs } from "../../base/retry.ts";
import { METADATA_BYTES_MAX } from "../format/metadata_limit.ts";
import type { RestAuth } from "./rest_auth.ts";
import { fetchWithinOrigin, RefusedAnswerError, type RestAnswer } from "./rest_fetch.ts";
import type { JsonObject } from "../format/json_field.ts";

export interface RestClientOptions {
  /** Of the server, without `/v1`. */
  uri: string;
  auth: RestAuth;
  /** Sent with every request. */
  headers?: Record<string, string>;
  clock: Clock;
  random: Random;
  fetch?: typeof fetch;
  timeoutMs?: number;
}

export interface RestRequest {
  method: "GET" | "POST" | "DELETE" | "HEAD";
  /** Below `/v1/`, already percent-encoded. */
  path: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Json;
  /** What is being done, for messages: "Cannot <action>: …". */
  action: string;
}

export interface RestResponse {
  status: number;
  /** Empty where there is none. */
  body: JsonObject;
  /** Of the answer's text, roughly. */
  bytes: number;
}

/**
 * Tries of a request that the server asks to repeat; others are repeated only where they change
 * nothing.
 */
const ATTEMPTS = { attemptsMax: 5, delayMsMin: 100, delayMsMax: 5000 };
/** For a whole answer, and for repeating what has failed. */
const TIMEOUT_MS = 60_000;

/**
 * Requests to a REST catalog. Own, because ids are 64 bits wide and `Response.json()` rounds them.
 * 200 and 204 come back, as does any status in `expected`; all others are thrown: 400 `usage`, 401
 * and 403 `unavailable`, 404 `not-found`, 409 `conflict`, 5xx and broken connections `unavailable`:
 * then a change may have happened.
 */
export class RestClient {
  readonly #options: RestClientOptions;

  constructor(options: RestClientOptions) {
    this.#options = options;
  }

  async request(request: RestRequest, expected: number[] = []): Promise<RestResponse> {
    const { clock, random, timeoutMs = TIMEOUT_MS } = this.#options;
    const startMs = clock.nowMs();
    for (let attempt = 1;; attempt++) {
      const { answer, error } = await this.#try(request, timeoutMs);
      if (answer && (answer.ok || expected.includes(answer.status))) {
        return { status: answer.status, body: bodyOf(request, answer), bytes: answer.text.length };
      }
      const isRefreshed = answer?.status === 401 && attempt === 1 && await this.#options.auth.refresh?.();
      const isRepeatable = answer
        ? answer.status === 429 || answer.status === 503 || (request.method === "GET" && answer.status >= 500)
        : request.method === "GET" && !(error instanceof RefusedAnswerError);
      const isLast = attempt >= ATTEMPTS.attemptsMax || clock.nowMs() - startMs >= timeoutMs;
      if (!isRefreshed && (!isRepeatable || isLast)) {
        throw answer ? failure(request, answer) : unreachable(request, this.#options.uri, error);
      }
      if (!isRefreshed) await clock.sleep(backoffMs(ATTEMPTS, attempt, random));
    }
  }

  /** An answer that breaks off is none. */
  async #try(request: RestRequest, timeoutMs: number): Promise<{ answer?: RestAnswer; error?: unknown }> {
    const { uri, auth, headers, clock, fetch } = this.#options;
    const query = new URLSearchParams(request.query ?? {}).toString();
    const url = `${uri.replace(/\/+$/, "")}/v1/${request.path}${query === "" ? "" : `?${query}`}`;
    const authorization = await auth.header();
    const sent = {
      method: request.method,
      headers: {
        ...headers,
        ...request.headers,
        ...(authorization === undefined ? {} : { authorization }),
        ...(request.body === undefined ? {} : { "content-type": "application/json" }),
      },
      body: request.body === undefined ? undefined : stringifyJson(request.body),
    };
    const bounds = { clock, timeoutMs, bytesMax: METADATA_BYTES_MAX, fetch };
    try {
      return { answer: await fetchWithinOrigin(url, sent, bounds) };
    } catch (error) {
      return { error };
    }
  }
}

/** A success may have no body, but not a foreign one, such as the page of a proxy. */
function bodyOf(request: RestRequest, { status, ok, text }: RestAnswer): JsonObject {
  const body = objectIn(text);
  if (body !== undefined || !ok || text === "") return body ?? {};
  throw new StreamlabError("unavailable", `Cannot ${request.action}: the catalog answered ${status} and no JSON`, {
    hint: "Check that the address is that of an Iceberg REST catalog",
  });
}

function objectIn(text: string): JsonObject | undefined {
  try {
    const json = parseJson(text);
    return json !== null && typeof json === "object" && !Array.isArray(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

const KINDS: Record<number, ErrorKind> = {
  400: "usage",
  404: "not-found",
  406: "usage",
  409: "conflict",
  422: "usage",
};

const HINTS: Record<number, string> = {
  401: "Check the catalog's token or credential",
  403: "Ask for the right to do this in the catalog",
};

function failure(request: RestRequest, { status, text }: RestAnswer): StreamlabError {
  const kind = KINDS[status] ?? "unavailable";
  const hint = HINTS[status];
  let reason = `the catalog answered ${status}`;
  // A proxy's error page is not JSON; the status says enough.
  const message = (objectIn(text)?.error as JsonObject | undefined)?.message;
  if (typeof message === "string") reason += `: ${message.split("\n", 1)[0]}`;
  return new StreamlabError(kind, `Cannot ${request.action}: ${reason}`, hint === undefined ? {} : { hint });
}

function unreachable(request: RestRequest, uri: string, cause: unknown): StreamlabError {
  const isRefused = cause instanceof RefusedAnswerError;
  const state = isRefused ? `cannot be used: ${cause.message}` : `does not answer (${messageOf(cause)})`;
  return new StreamlabError("unavailable", `Cannot ${request.action}: the catalog at ${uri} ${state}`, {
    cause,
    hint: isRefused ? "Check that the address is that of your catalog" : "Check that it runs and can be reached",
  });
}
