import { type Json, stringifyJson } from "../base/json.ts";

/** No answer of ours may be kept by a cache, guessed at, or shown within another page. */
const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
};

/** Of the console: only our own scripts and styles work there, and no text becomes markup. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

export function fileAnswer(bytes: Uint8Array<ArrayBuffer>, contentType: string): Response {
  return new Response(bytes, {
    headers: {
      ...HEADERS,
      "content-security-policy": PAGE_POLICY,
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
      "content-type": contentType,
    },
  });
}

export function jsonAnswer(status: number, json: Json, headers: Record<string, string> = {}): Response {
  return textAnswer(status, stringifyJson(json), "application/json", headers);
}

export function textAnswer(
  status: number,
  text: string,
  contentType: string,
  headers: Record<string, string> = {},
): Response {
  return new Response(text, { status, headers: { ...HEADERS, ...headers, "content-type": contentType } });
}

/** One that goes on, or is too long to be held. */
export function streamAnswer(
  body: ReadableStream<Uint8Array>,
  contentType: string,
  headers: Record<string, string> = {},
): Response {
  return new Response(body, { headers: { ...HEADERS, ...headers, "content-type": contentType } });
}

export function emptyAnswer(status: number, headers: Record<string, string> = {}): Response {
  return new Response(null, { status, headers: { ...HEADERS, ...headers } });
}

/** Errors in the shape of the REST catalog specification (ErrorModel), everywhere. */
export function errorAnswer(
  { status, type, message, headers }: {
    status: number;
    type: string;
    message: string;
    headers?: Record<string, string>;
  },
): Response {
  return jsonAnswer(status, { error: { message, type, code: status } }, headers);
}
