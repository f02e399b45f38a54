import { deepStrictEqual, rejects } from "node:assert/strict";
import { systemClock } from "../../../core/base/clock.ts";
import { isKind } from "../../../core/base/errors.ts";
import { seededRandom } from "../../../core/base/random.ts";
import { openS3Store } from "../../../core/storage/s3/s3_store.ts";
import type { Store } from "../../../core/storage/store.ts";
import { scriptedSettings } from "./s3_world.ts";

/** What a service does with `If-None-Match: *`, before others made it part of S3. */
type Manner = "honours" | "ignores" | "refuses";

/** A service that keeps objects in memory; `objects` is what it holds. */
async function withService(
  manner: Manner,
  action: (store: Store, objects: Map<string, Uint8Array<ArrayBuffer>>) => Promise<void>,
): Promise<void> {
  const objects = new Map<string, Uint8Array<ArrayBuffer>>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    const key = decodeURIComponent(pathname);
    if (searchParams.has("list-type")) return listing(objects, searchParams.get("prefix") ?? "");
    if (request.method === "DELETE") return new Response(null, { status: objects.delete(key) ? 204 : 404 });
    if (request.method === "GET") {
      const body = objects.get(key);
      return body === undefined ? refusal(404, "NoSuchKey") : new Response(body, { headers: { etag: '"e"' } });
    }
    if (request.headers.has("if-none-match")) {
      if (manner === "refuses") return refusal(501, "NotImplemented");
      if (manner === "honours" && objects.has(key)) return refusal(412, "PreconditionFailed");
    }
    objects.set(key, await request.bytes());
    return new Response(null, { headers: { etag: '"e"' } });
  });
  try {
    const store = await openS3Store({ kind: "s3", bucket: "b", prefix: "lake" }, {
      clock: systemClock,
      random: seededRandom(1),
      limits: { transient: { attemptsMax: 1, delayMsMin: 1, delayMsMax: 1 } },
      settings: scriptedSettings(server),
    });
    await action(store, objects);
  } finally {
    await server.shutdown();
  }
}

function listing(objects: Map<string, Uint8Array>, prefix: string): Response {
  const keys = [...objects.keys()].map((key) => key.slice("/b/".length)).filter((key) => key.startsWith(prefix));
  const contents = keys.map((key) =>
    `<Contents><Key>${key}</Key><Size>1</Size><ETag>"e"</ETag><LastModified>2026-03-01T00:00:00.000Z</LastModified></Contents>`
  );
  return xml(`<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated>${contents.join("")}</ListBucketResult>`);
}

function refusal(status: number, code: string): Response {
  return xml(`<Error><Code>${code}</Code><Message>said the service</Message></Error>`, status);
}

function xml(text: string, status = 200): Response {
  return new Response(`<?xml version="1.0"?>${text}`, { status, headers: { "content-type": "application/xml" } });
}

Deno.test("a service that honours the condition of a create is accepted, and nothing of the probe stays", () =>
  withService("honours", async (store, objects) => {
    await store.probe("checkpoints");
    deepStrictEqual([...objects.keys()], []);
  }));

for (const [manner, words] of [["ignores", /does not honour "create only if absent"/], ["refuses", /./]] as const) {
  Deno.test(`a service that ${manner} the condition of a create is refused, and nothing of the probe stays`, () =>
    withService(manner, async (store, objects) => {
      await rejects(() => store.probe("checkpoints"), (error) => {
        return isKind(error, "unavailable") && words.test(error.message);
      });
      deepStrictEqual([...objects.keys()], []);
    }));
}
