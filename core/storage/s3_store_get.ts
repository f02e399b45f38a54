import type { S3Client } from "@aws-sdk/client-s3";
import type { Clock } from "../base/clock.ts";

export interface GetAnswer {
  headers: Headers;
  /** Small ones have come whole. */
  body: ReadableStream<Uint8Array> | Uint8Array;
}

interface SignedRequest {
  protocol: string;
  hostname: string;
  port?: number;
  method: string;
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
}

/** Of no bytes, which is what a GET request carries. */
const emptyDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const idleConnectionsMax = 512;
/** Up to this size an answer is read in one go: as a stream it would take several turns more. */
const wholeBytesMax = 128 << 10;
/** Refusals about which the client knows no more than we: no such object, another version of it, no such range, too many requests. */
const plainRefusals = new Set([404, 412, 416, 429, 503]);

type Signer = Awaited<ReturnType<S3Client["config"]["signer"]>>;

/**
 * GET requests by `fetch`, signed by the AWS client's own signer: half the processor time of the client's own way, which is what the
 * ingestion of small objects is made of. Only at an endpoint with the bucket in the path, for otherwise the client alone knows the host.
 */
export class S3Get {
  readonly #endpoint: URL;
  readonly #http: Deno.HttpClient;
  #signer: Promise<Signer> | undefined;

  constructor(
    private readonly client: S3Client,
    private readonly bucket: string,
    endpoint: string,
    ca: string | undefined,
    private readonly clock: Clock,
  ) {
    this.#endpoint = new URL(endpoint);
    this.#http = Deno.createHttpClient({
      poolMaxIdlePerHost: idleConnectionsMax,
      ...(ca === undefined ? {} : { caCerts: [ca] }),
    });
  }

  /**
   * The answer with the object; undefined where there is another one, or none, or one that `fetch` has unpacked: the client's own way then
   * tells what is wrong, or does better. Throws what the client would throw where the service refuses in plain words.
   */
  async send(key: string, wanted: Record<string, string>, signal: AbortSignal): Promise<GetAnswer | undefined> {
    const answer = await otherwiseNothing(signal, () => this.#fetch(key, wanted, signal));
    if (answer === undefined) return undefined;
    const { status, headers, body } = answer;
    if (plainRefusals.has(status)) {
      const refusal = refusalOf(status, await otherwiseNothing(signal, () => answer.text()) ?? "");
      if (refusal !== undefined) throw refusal;
      return undefined;
    }
    const length = Number(headers.get("content-length") ?? NaN);
    if ((status !== 200 && status !== 206) || body === null || Number.isNaN(length)) {
      await body?.cancel();
      return undefined;
    }
    if (length > wholeBytesMax) return { headers, body };
    const bytes = await otherwiseNothing(signal, () => answer.arrayBuffer());
    return bytes?.byteLength === length ? { headers, body: new Uint8Array(bytes) } : undefined;
  }

  async #fetch(key: string, wanted: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const { path, headers } = await this.#sign(key, wanted);
    const { host: _same, ...sent } = headers;
    return await fetch(`${this.#endpoint.origin}${path}`, {
      headers: sent,
      redirect: "manual",
      client: this.#http,
      signal,
    });
  }

  async #sign(key: string, wanted: Record<string, string>): Promise<SignedRequest> {
    const { config } = this.client;
    const region = await config.region();
    const properties = { signingRegion: region, signingService: "s3" };
    // One for all: it asks for the credentials anew each time, which may be those of a session.
    this.#signer ??= config.signer({ name: "sigv4", signingName: "s3", signingRegion: region, properties: {} });
    const signer = await this.#signer;
    const { protocol, hostname, port, host, pathname } = this.#endpoint;
    const path = [...pathname.split("/").filter((part) => part !== ""), this.bucket, ...key.split("/").map(encode)];
    const request: SignedRequest = {
      protocol,
      hostname,
      ...(port === "" ? {} : { port: Number(port) }),
      method: "GET",
      path: `/${path.join("/")}`,
      query: {},
      // What stands in its own words is not to be unpacked on the way.
      headers: { host, "x-amz-content-sha256": emptyDigest, "accept-encoding": "identity", ...wanted },
    };
    // The client learns from the service's answers how wrong this machine's clock is.
    const signingDate = new Date(this.clock.nowMs() + (config.systemClockOffset ?? 0));
    return await signer.sign(request as never, { ...properties, signingDate }) as unknown as SignedRequest;
  }
}

/** Nothing, where the action fails for another reason than being late. */
async function otherwiseNothing<T>(signal: AbortSignal, action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (signal.aborted) throw error;
    return undefined;
  }
}

/** As the client throws it; undefined where that is no answer of S3 (Amazon S3 API Reference, "REST error responses"). */
function refusalOf(status: number, xml: string): Error | undefined {
  const [, code] = /<Code>([^<]+)<\/Code>/.exec(xml) ?? [];
  if (code === undefined) return undefined;
  const [, message = code] = /<Message>([^<]+)<\/Message>/.exec(xml) ?? [];
  return Object.assign(new Error(message), { name: code, $metadata: { httpStatusCode: status } });
}

/** As the signature has it (AWS Signature Version 4, "URI-encode every byte except the unreserved characters"). */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
