import type { Clock } from "../../base/clock.ts";
import { messageOf, StreamlabError } from "../../base/errors.ts";
import { parseJson } from "../../base/json.ts";
import type { JsonObject } from "../format/json_field.ts";
import { fetchWithinOrigin, type RestAnswer } from "./rest_fetch.ts";

/** Authentication at a REST catalog. */
export interface RestAuth {
  /** The value of the `Authorization` header. */
  header(): Promise<string | undefined>;
  /** After a 401: true if another attempt may succeed. */
  refresh?(): Promise<boolean>;
}

export const noAuth: RestAuth = { header: () => Promise.resolve(undefined) };

export function bearerToken(token: string): RestAuth {
  if (!TOKEN.test(token)) {
    throw new StreamlabError("usage", "Cannot use the catalog's token: it holds a character that no token has", {
      hint: "Check STREAMLAB_CATALOG_TOKEN for blanks and ends of lines",
    });
  }
  return { header: () => Promise.resolve(`Bearer ${token}`) };
}

export interface ClientCredentials {
  /** Where tokens come from: `<uri>/v1/oauth/tokens`, or another server's. */
  tokenUri: string;
  clientId?: string;
  clientSecret: string;
  scope?: string;
  clock: Clock;
  fetch?: typeof fetch;
}

/** A token is renewed this long before it expires. */
const RENEWAL_MS = 30_000;
const TIMEOUT_MS = 60_000;
const ANSWER_BYTES_MAX = 1_000_000;
/** What a header can hold; the message about another one would repeat it. */
const TOKEN = /^[\x21-\x7e]+$/;
/** For servers that do not say how long a token lasts. */
const LIFETIME_MS_DEFAULT = 3_600_000;

/**
 * OAuth2 client credentials (RFC 6749, section 4.4). A token is kept until shortly before its end.
 * Secrets never reach an error.
 */
export function clientCredentials(options: ClientCredentials): RestAuth {
  let token: Promise<{ text: string; endMs: number }> | undefined;
  const current = async () => {
    if (token && (await token).endMs - RENEWAL_MS < options.clock.nowMs()) token = undefined;
    token ??= requestToken(options);
    try {
      return (await token).text;
    } catch (error) {
      token = undefined;
      throw error;
    }
  };
  return {
    header: async () => `Bearer ${await current()}`,
    refresh: () => {
      token = undefined;
      return Promise.resolve(true);
    },
  };
}

async function requestToken(options: ClientCredentials): Promise<{ text: string; endMs: number }> {
  const { tokenUri, clientId, clientSecret, scope = "catalog", clock } = options;
  const form = new URLSearchParams({ grant_type: "client_credentials", client_secret: clientSecret, scope });
  if (clientId !== undefined) form.set("client_id", clientId);
  const startMs = clock.nowMs();
  let answer: RestAnswer;
  try {
    answer = await fetchWithinOrigin(tokenUri, { method: "POST", body: form }, {
      clock,
      timeoutMs: TIMEOUT_MS,
      bytesMax: ANSWER_BYTES_MAX,
      fetch: options.fetch,
    });
  } catch (error) {
    throw new StreamlabError("unavailable", `Cannot get a token from ${tokenUri}: ${messageOf(error)}`, {
      hint: "Check that it runs, and that it is the catalog's token endpoint",
    });
  }
  const body = answer.ok ? objectIn(answer.text) : undefined;
  if (typeof body?.access_token !== "string" || !TOKEN.test(body.access_token)) {
    const state = answer.ok ? "and no token" : "";
    throw new StreamlabError(
      "unavailable",
      `Cannot get a token from ${tokenUri}: it answered ${answer.status} ${state}`.trimEnd(),
      {
        hint: "Check the catalog's client id and secret",
      },
    );
  }
  const lifetimeMs = typeof body.expires_in === "number" ? body.expires_in * 1000 : LIFETIME_MS_DEFAULT;
  return { text: body.access_token, endMs: startMs + lifetimeMs };
}

/** A parser's own message would repeat part of the text, and so of a token. */
function objectIn(text: string): JsonObject | undefined {
  try {
    const json = parseJson(text);
    return json !== null && typeof json === "object" && !Array.isArray(json) ? json : undefined;
  } catch {
    return undefined;
  }
}
