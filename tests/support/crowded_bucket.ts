import { createHash } from "node:crypto";
import type { S3Settings } from "../../core/storage/s3/settings.ts";

const BUCKET = "crowded", FOLDER = "raw/events/";
/** Keys of a page, as S3 has them. */
const PAGE = 1_000;
const SUFFIX = ".ndjson";

/**
 * As much of S3 as a reader of raw files needs, on this machine: listings, HEAD and GET of any
 * number of made-up objects, whose names sort by their numbers. A million of them are a matter of
 * arithmetic: nothing of them is kept.
 */
export class CrowdedBucket {
  /** By what they were; also at `/requests`. */
  readonly requests = { list: 0, head: 0, get: 0 };
  readonly #count: number;
  readonly #unlisted: number;
  readonly #body: Uint8Array;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** Each object has this text. `unlisted` are there, too, and no listing has them yet. */
  constructor(count: number, text: string, { unlisted = 0 } = {}) {
    this.#count = count;
    this.#unlisted = unlisted;
    this.#body = new TextEncoder().encode(text);
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  get port(): number {
    return this.#server.addr.port;
  }

  async stop(): Promise<void> {
    await this.#server.shutdown();
  }

  #answer({ method, url }: Request): Response {
    const { pathname, searchParams } = new URL(url);
    if (pathname === "/requests") return Response.json(this.requests);
    const key = decodeURIComponent(pathname).slice(`/${BUCKET}/`.length);
    if (key === "" && searchParams.get("list-type") === "2") {
      this.requests.list++;
      return this.#list(searchParams);
    }
    this.requests[method === "HEAD" ? "head" : "get"]++;
    const number = Number(key.slice(FOLDER.length, -SUFFIX.length));
    if (!(number < this.#count + this.#unlisted)) return new Response(null, { status: 404 });
    const headers = { etag: `"${etagOf(number)}"`, "last-modified": MODIFIED.toUTCString() };
    if (method === "HEAD") {
      return new Response(null, { headers: { ...headers, "content-length": String(this.#body.length) } });
    }
    return new Response(this.#body as Uint8Array<ArrayBuffer>, { headers });
  }

  #list(asked: URLSearchParams): Response {
    const after = asked.get("continuation-token") ?? asked.get("start-after") ?? "";
    const first = after.startsWith(FOLDER) ? Number(after.slice(FOLDER.length, -SUFFIX.length)) + 1 : 0;
    const end = Math.min(this.#count, first + Math.min(PAGE, Number(asked.get("max-keys") ?? PAGE)));
    const entries: string[] = [];
    for (let number = first; number < end; number++) {
      entries.push(
        `<Contents><Key>${keyOf(number)}</Key><LastModified>${MODIFIED.toISOString()}</LastModified>` +
          `<ETag>&quot;${etagOf(number)}` +
          `&quot;</ETag><Size>${this.#body.length}</Size><StorageClass>STANDARD</StorageClass></Contents>`,
      );
    }
    const more = end < this.#count;
    const next = more ? `<NextContinuationToken>${keyOf(end - 1)}</NextContinuationToken>` : "";
    const text = `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>${BUCKET}</Name><KeyCount>${entries.length}` +
      `</KeyCount><IsTruncated>${more}</IsTruncated>${next}${entries.join("")}</ListBucketResult>`;
    return new Response(text, { headers: { "content-type": "application/xml" } });
  }
}

const MODIFIED = new Date("2026-03-01T00:00:00Z");

export const crowdedLocation = { kind: "s3" as const, bucket: BUCKET, prefix: "" };

export function settingsOf(port: number): S3Settings {
  return {
    endpoint: `http://127.0.0.1:${port}`,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: "k", secretAccessKey: "s" },
    isDefault: false,
  };
}

/** `raw/events/0000000007.ndjson` */
export function keyOf(number: number): string {
  return `${FOLDER}${String(number).padStart(10, "0")}${SUFFIX}`;
}

function etagOf(number: number): string {
  return createHash("md5").update(String(number)).digest("hex");
}
