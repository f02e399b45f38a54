import { type Json, stringifyJson } from "../base/json.ts";

/** No answer of ours may be kept by a cache, guessed at, or shown within another page. */
const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
};

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
