import { badRequest } from "../http_refusal.ts";

const PAGE_MAX = 1_000;

/** A page of a listing, and the token of the next one. */
export interface Page<Item> {
  items: Item[];
  nextToken: string | null;
}

/**
 * The page that a client asks for; all of it where it sends no `pageToken` (REST catalog
 * specification: PageToken). A token is the last key before the page, so it needs no memory, and
 * what comes and goes meanwhile shifts nothing.
 */
export function pageOf<Item>(items: Item[], keyOf: (item: Item) => string, query: URLSearchParams): Page<Item> {
  const sorted = items.map((item) => ({ key: keyOf(item), item })).sort((a, b) => a.key < b.key ? -1 : 1);
  const token = query.get("pageToken"), size = query.get("pageSize");
  if (token === null && size === null) return { items: sorted.map(({ item }) => item), nextToken: null };
  const pageSize = size === null ? PAGE_MAX : Math.min(readSize(size), PAGE_MAX);
  const after = token === null || token === "" ? undefined : readToken(token);
  const rest = after === undefined ? sorted : sorted.filter(({ key }) => key > after);
  const page = rest.slice(0, pageSize);
  return {
    items: page.map(({ item }) => item),
    nextToken: rest.length > page.length ? tokenOf(page.at(-1)!.key) : null,
  };
}

function tokenOf(key: string): string {
  return new TextEncoder().encode(key).toBase64({ alphabet: "base64url", omitPadding: true });
}

function readToken(token: string): string {
  try {
    const bytes = Uint8Array.fromBase64(token, { alphabet: "base64url" });
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw badRequest("Cannot go on with the listing: the page token is none of this server's");
  }
}

function readSize(text: string): number {
  const size = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (size >= 1) return size;
  throw badRequest("Cannot list pages of that size: pageSize is a whole number above 0");
}
