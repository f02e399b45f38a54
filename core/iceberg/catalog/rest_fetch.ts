import type { Clock } from "../../base/clock.ts";

export interface RestAnswer {
  status: number;
  ok: boolean;
  text: string;
}

export interface RestFetchOptions {
  fetch?: typeof fetch;
  clock: Clock;
  /** For the whole answer. */
  timeoutMs: number;
  /** Of the answer. */
  bytesMax: number;
}

export interface RestFetchRequest {
  method: string;
  headers?: Record<string, string>;
  body?: string | URLSearchParams;
}

/** An answer that is too slow or too large; another attempt would bring the same. */
export class RefusedAnswerError extends Error {}

const REDIRECTS_MAX = 5;
/**
 * A body slower than this, after a start, is taken for one that is not meant to end. A network, or
 * this machine, may stand still for some seconds.
 */
const BYTES_PER_SECOND_MIN = 1_000;
const SLOW_START_MS = 30_000;

/**
 * Sends a request that may carry secrets, in its headers or its body: a redirect is followed within
 * the origin only, and never by another method. Time and size of the answer have bounds. Throws
 * `RefusedAnswerError`, or what `fetch` throws.
 */
export async function fetchWithinOrigin(
  url: string,
  request: RestFetchRequest,
  options: RestFetchOptions,
): Promise<RestAnswer> {
  const signal = AbortSignal.timeout(options.timeoutMs);
  for (let at = new URL(url), redirects = 0;; redirects++) {
    const response = await (options.fetch ?? fetch)(at.href, { ...request, redirect: "manual", signal });
    const target = redirectOf(response, at);
    if (target === undefined) {
      return { status: response.status, ok: response.ok, text: await readText(response, options) };
    }
    await response.body?.cancel();
    if (target.origin !== at.origin) {
      throw new RefusedAnswerError(`it redirects to ${target.origin}, where no secret is sent`);
    }
    const keepsMethod = response.status === 307 || response.status === 308;
    if (redirects === REDIRECTS_MAX || (request.method !== "GET" && !keepsMethod)) {
      throw new RefusedAnswerError(`it redirects again and again, or a ${request.method}`);
    }
    at = target;
  }
}

function redirectOf(response: Response, at: URL): URL | undefined {
  const location = response.headers.get("location");
  if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return undefined;
  return URL.parse(location, at.href) ?? undefined;
}

async function readText(response: Response, { clock, bytesMax }: RestFetchOptions): Promise<string> {
  if (response.body === null) return "";
  const startMs = clock.nowMs();
  const pieces: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop cancels the answer.
  for await (const piece of response.body) {
    pieces.push(piece);
    length += piece.length;
    if (length > bytesMax) {
      throw new RefusedAnswerError(`its answer has more than ${Math.floor(bytesMax / 1e6)} MB`);
    }
    const ms = clock.nowMs() - startMs;
    if (ms > SLOW_START_MS && length * 1_000 < ms * BYTES_PER_SECOND_MIN) {
      throw new RefusedAnswerError(`its answer comes slower than ${BYTES_PER_SECOND_MIN} bytes a second`);
    }
  }
  const decoder = new TextDecoder();
  return pieces.map((piece) => decoder.decode(piece, { stream: true })).join("") + decoder.decode();
}
