import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { isKind, StreamlabError } from "../../../core/base/errors.ts";
import { systemClock } from "../../../core/base/clock.ts";
import { seededRandom } from "../../../core/base/random.ts";
import { openS3Store } from "../../../core/storage/s3/s3_store.ts";
import type { Store } from "../../../core/storage/store.ts";
import { scriptedSettings } from "./s3_world.ts";

const hourMs = 3_600_000;

/** A store on a service that answers like that; each request is noted by its method. */
async function withService(
  answer: (request: Request) => Response | Promise<Response>,
  action: (store: Store, requests: string[]) => Promise<void>,
): Promise<void> {
  const requests: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    requests.push(request.method);
    return answer(request);
  });
  try {
    const store = await openS3Store({ kind: "s3", bucket: "b", prefix: "lake" }, {
      clock: systemClock,
      random: seededRandom(1),
      limits: {
        transient: { attemptsMax: 2, delayMsMin: 1, delayMsMax: 1 },
        throttled: { attemptsMax: 1, delayMsMin: 1, delayMsMax: 1 },
      },
      settings: scriptedSettings(server),
    });
    await action(store, requests);
  } finally {
    await server.shutdown();
  }
}

function refusal(status: number, code: string, headers: Record<string, string> = {}): Response {
  const text = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>said the service</Message></Error>`;
  return new Response(text, { status, headers: { "content-type": "application/xml", ...headers } });
}

/**
 * Of a service whose clock is an hour ahead: a request that is not signed by it is refused, with
 * the time.
 */
function byAnotherClock(request: Request): Response | undefined {
  const nowMs = Date.now() + hourMs;
  const [, year, month, day, hour, minute] = /^(\d{4})(..)(..)T(..)(..)/.exec(request.headers.get("x-amz-date")!)!;
  const signedMs = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute));
  if (Math.abs(signedMs - nowMs) < hourMs / 4) return undefined;
  return refusal(403, "RequestTimeTooSkewed", { date: new Date(nowMs).toUTCString() });
}

Deno.test("a clock that is wrong is corrected by the service's, for a create as for a read", async () => {
  const body = new TextEncoder().encode("content");
  const date = new Date(Date.now() + hourMs).toUTCString();
  const good = () => new Response(body, { headers: { date, etag: '"e"', "content-length": String(body.length) } });
  await withService((request) => byAnotherClock(request) ?? good(), async (store, requests) => {
    strictEqual(await store.create("x", body), true);
    deepStrictEqual(requests, ["PUT", "PUT"]);
    strictEqual(await store.create("y", body), true);
    deepStrictEqual(requests.length, 3);
    deepStrictEqual(await store.read("x"), body);
  });
});

Deno.test("a clock that cannot be corrected is told, for a create as for a read", async () => {
  await withService(() => refusal(403, "RequestTimeTooSkewed"), async (store) => {
    for (const act of [() => store.create("x", new Uint8Array(1)), () => store.read("x")]) {
      await rejects(act, /this machine's clock differs too much/);
    }
  });
});

Deno.test("of keys that are deleted together, the one that could not be is named", async () => {
  const result = `<?xml version="1.0"?><DeleteResult><Error><Key>lake/second</Key><Code>AccessDenied</Code>
    <Message>no right</Message></Error></DeleteResult>`;
  await withService(() => new Response(result, { headers: { "content-type": "application/xml" } }), async (store) => {
    await rejects(
      () => store.deletePaths(["first", "second", "third"]),
      /^StreamlabError: Cannot delete "s3:\/\/b\/lake\/second": access denied \(no right\)$/,
    );
  });
});

Deno.test("an object that is not there, or is another version, is asked for once, and so is a service that has too much to do", async () => {
  for (
    const [status, code, kind] of [
      [404, "NoSuchKey", "not-found"],
      [412, "PreconditionFailed", "conflict"],
      [503, "SlowDown", "unavailable"],
    ] as const
  ) {
    await withService(() => refusal(status, code), async (store, requests) => {
      const isThat = (error: unknown) => error instanceof StreamlabError && error.kind === kind;
      await rejects(() => store.read("x", { etag: "e" }), isThat);
      deepStrictEqual(requests, ["GET"], code);
    });
  }
});

Deno.test("what is to stop ends while the service answers no more, is not asked again, and leaves nothing", async () => {
  const stop = new AbortController();
  const beginning = (size: number) => {
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array(1_000)) });
    return new Response(body, { headers: { etag: '"e"', "content-length": String(size) } });
  };
  const folder = await Deno.makeTempDir({ prefix: "streamlab-stopped-test-" });
  try {
    await withService(() => beginning(2_000_000), async (store, requests) => {
      const copied = `${folder}/copy`;
      const copying = store.getFile("x", copied, { stop: stop.signal });
      const watcher = Deno.watchFs(folder);
      // The first bytes have come, and are in their place.
      for await (const { kind } of watcher) if (kind === "modify") break;
      stop.abort();
      await rejects(copying, (error) => isKind(error, "interrupted"));
      await rejects(store.getFile("x", copied, { stop: stop.signal }), (error) => isKind(error, "interrupted"));
      deepStrictEqual([requests, [...Deno.readDirSync(folder)]], [["GET"], []]);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
