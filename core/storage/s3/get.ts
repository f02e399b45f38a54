import type { S3Client } from "@aws-sdk/client-s3";
import type { Clock } from "../../base/clock.ts";
import { EMPTY_DIGEST, RequestSigner, uriEncode } from "./request_signer.ts";

export interface GetAnswer {
  headers: Headers;
  /** Small objects have arrived completely. */
  body: ReadableStream<Uint8Array> | Uint8Array;
}

const IDLE_CONNECTIONS_MAX = 512;
/**
 * Up to this size an answer is read at once; a stream would take several more turns of the event
 * loop.
 */
const WHOLE_BYTES_MAX = 128 << 10;
/**
 * Refusals that the client cannot explain better than we can: no such object, another version of
 * it, no such range, too many requests.
 */
const PLAIN_REFUSALS = new Set([404, 412, 416, 429, 503]);

/**
 * GET requests by `fetch`, signed by ourselves. They take less than half the client's processor
 * time, which dominates the ingestion of small objects. Only for an endpoint with the bucket in the
 * path; otherwise only the client knows the host.
 */
export class S3Get {
  readonly #endpoint: URL;
  readonly #http: Deno.HttpClient;
  readonly #signer = new RequestSigner();
  /** What comes before the key in a request's path. */
  readonly #base: string;
  readonly #client: S3Client;
  readonly #clock: Clock;

  constructor(client: S3Client, bucket: string, endpoint: string, ca: string | undefined, clock: Clock) {
    this.#client = client;
    this.#clock = clock;

    this.#endpoint = new URL(endpoint);
    const parts = this.#endpoint.pathname.split("/").filter((part) => part !== "");
    this.#base = `/${[...parts, uriEncode(bucket)].join("/")}/`;
    this.#http = Deno.createHttpClient({
      poolMaxIdlePerHost: IDLE_CONNECTIONS_MAX,
      caCerts: ca === undefined ? [] : [ca],
    });
  }

  /**
   * The answer with the object. Undefined for any other answer, for none, and for one that `fetch`
   * has decompressed: the caller then uses the client, which succeeds or explains the failure. If
   * the service refuses clearly, throws what the client would throw.
   */
  async send(key: string, wanted: Record<string, string>, signal: AbortSignal): Promise<GetAnswer | undefined> {
    const answer = await otherwiseNothing(signal, () => this.#fetch(key, wanted, signal));
    if (answer === undefined) return undefined;
    const { status, headers, body } = answer;
    if (PLAIN_REFUSALS.has(status)) {
      const refusal = refusalOf(status, await otherwiseNothing(signal, () => answer.text()) ?? "");
      if (refusal !== undefined) throw refusal;
      return undefined;
    }
    const length = Number(headers.get("content-length") ?? NaN);
    if ((status !== 200 && status !== 206) || body === null || Number.isNaN(length)) {
      await body?.cancel();
      return undefined;
    }
    if (length > WHOLE_BYTES_MAX) return { headers, body };
    const bytes = await otherwiseNothing(signal, () => answer.arrayBuffer());
    return bytes?.byteLength === length ? { headers, body: new Uint8Array(bytes) } : undefined;
  }

  async #fetch(key: string, wanted: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const { config } = this.#client;
    // Asked for each time, because session credentials expire.
    const [credentials, region] = await Promise.all([config.credentials(), config.region()]);
    // The client learns from the service's answers how wrong this machine's clock is.
    const nowMs = this.#clock.nowMs() + (config.systemClockOffset ?? 0);
    const path = `${this.#base}${key.split("/").map(uriEncode).join("/")}`;
    // Asks for the stored bytes, so that nothing decompresses them on the way.
    const headers = { "accept-encoding": "identity", ...wanted };
    const request = { method: "GET", service: "s3", bodyDigest: EMPTY_DIGEST } as const;
    const signed = this.#signer.sign(
      { ...request, host: this.#endpoint.host, path, headers, nowMs, region },
      credentials,
    );
    return await fetch(`${this.#endpoint.origin}${path}`, {
      headers: signed,
      redirect: "manual",
      client: this.#http,
      signal,
    });
  }
}

/** Undefined if the action fails for any reason but lateness. */
async function otherwiseNothing<T>(signal: AbortSignal, action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (signal.aborted) throw error;
    return undefined;
  }
}

/**
 * As the client throws it; undefined where that is no answer of S3 (Amazon S3 API Reference, "REST
 * error responses").
 */
function refusalOf(status: number, xml: string): Error | undefined {
  const [, code] = /<Code>([^<]+)<\/Code>/.exec(xml) ?? [];
  if (code === undefined) return undefined;
  const [, message = code] = /<Message>([^<]+)<\/Message>/.exec(xml) ?? [];
  return Object.assign(new Error(message), { name: code, $metadata: { httpStatusCode: status } });
}
