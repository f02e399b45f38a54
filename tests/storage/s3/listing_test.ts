import { deepStrictEqual, ok, rejects } from "node:assert/strict";
import { systemClock } from "../../../core/base/clock.ts";
import { seededRandom } from "../../../core/base/random.ts";
import { openS3Store } from "../../../core/storage/s3/s3_store.ts";
import type { ListOptions, PassedOver } from "../../../core/storage/store.ts";
import { scriptedSettings } from "./s3_world.ts";

interface FakePage {
  keys: string[];
  next?: string;
}

/** A service that lists these pages, by the token that asks for them. */
async function listed(pages: Record<string, FakePage>, prefix: string, options?: ListOptions): Promise<string[]> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { keys, next } = pages[new URL(request.url).searchParams.get("continuation-token") ?? ""]!;
    const contents = keys.map((key) =>
      `<Contents><Key>${key}</Key><Size>1</Size><ETag>"e"</ETag><LastModified>2026-03-01T00:00:00.000Z</LastModified></Contents>`
    );
    const more = next === undefined ? "" : `<NextContinuationToken>${next}</NextContinuationToken>`;
    return new Response(
      `<?xml version="1.0"?><ListBucketResult><Name>b</Name><IsTruncated>${next !== undefined}</IsTruncated>${more}${
        contents.join("")
      }</ListBucketResult>`,
      { headers: { "content-type": "application/xml" } },
    );
  });
  try {
    const store = await openS3Store({ kind: "s3", bucket: "b", prefix: "" }, {
      clock: systemClock,
      random: seededRandom(1),
      settings: scriptedSettings(server),
    });
    return (await Array.fromAsync(store.list(prefix, options))).map(({ path }) => path);
  } finally {
    await server.shutdown();
  }
}

Deno.test("empty pages in the middle of a listing, and at its start, are not its end", async () => {
  deepStrictEqual(
    await listed({
      "": { keys: [], next: "1" },
      "1": { keys: ["x/a"], next: "2" },
      "2": { keys: [], next: "3" },
      "3": { keys: ["x/late"] },
    }, "x/"),
    ["x/a", "x/late"],
  );
});

Deno.test("a key that no path can be, or that is not UTF-8, is passed over and told where somebody asks, and else fails", async () => {
  const pages = {
    "": { keys: ["x//a.json", "x/%E9t%C3%A9.json"], next: "1" },
    "1": { keys: ["x/a.json", "x/b/../c.json"], next: "2" },
    "2": { keys: ["x/c%FF", "x/d.json"] },
  };
  const passedOver: PassedOver[] = [];
  const paths = await listed(pages, "x/", { onPassedOver: (entry) => void passedOver.push(entry) });
  deepStrictEqual(paths, ["x/a.json", "x/d.json"]);
  deepStrictEqual(passedOver.map(({ path, why }) => `${path}: ${why}`), [
    "x//a.json: its key is no path",
    "x/\ufffdt\u00e9.json: its name is not UTF-8",
    "x/b/../c.json: its key is no path",
    "x/c\ufffd: its name is not UTF-8",
  ]);
  await rejects(listed(pages, "x/"), /Cannot list "s3:\/\/b": the key "x\/\/a.json" is no path/);
});

Deno.test("a listing that repeats itself, or goes on without names, ends as no listing of S3", async () => {
  const endless = /Cannot list "s3:\/\/b\/x\/(?:y\/)?": http:.* does not answer as S3 does/;
  const pages = (of: (token: string) => FakePage) =>
    new Proxy<Record<string, FakePage>>({}, { get: (_, token) => of(String(token)) });
  const count = (token: string) => String(Number(token || 0) + 1);
  for (
    const of of [
      () => ({ keys: ["x/a"], next: "same" }),
      () => ({ keys: [], next: "same" }),
      (token: string) => ({ keys: [], next: count(token) }),
      (token: string) => ({ keys: ["x/a", "x/b"], next: count(token) }),
      (token: string) => ({ keys: [token === "" ? "x/b" : "x/a"], next: count(token) }),
      // One and the same folder, which is listed on its own.
      (token: string) => ({ keys: ["x/y/a", "x/y/b"], next: count(token) }),
    ]
  ) {
    await rejects(listed(pages(of), "x/"), endless);
  }
});

Deno.test("a page that says that there is more and not where is not the last one", async () => {
  await rejects(listed({ "": { keys: ["x/a"], next: "" } }, "x/"), /does not answer as S3 does/);
});

Deno.test("an answer that is larger than any page of keys ends before it is read", async () => {
  let sent = 0;
  const piece = new Uint8Array(1 << 20).fill(0x20);
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += piece.length;
        if (sent > 2 ** 32) controller.close();
        else controller.enqueue(piece);
      },
    });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response(endless()));
  try {
    const store = await openS3Store({ kind: "s3", bucket: "b", prefix: "" }, {
      clock: systemClock,
      random: seededRandom(1),
      settings: scriptedSettings(server),
    });
    await rejects(Array.fromAsync(store.list("x/")), /does not answer as S3 does/);
    ok(sent < 2 ** 28, `${sent} bytes`);
  } finally {
    await server.shutdown();
  }
});
