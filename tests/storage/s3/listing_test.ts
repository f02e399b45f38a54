import { deepStrictEqual } from "node:assert/strict";
import { systemClock } from "../../../core/base/clock.ts";
import { seededRandom } from "../../../core/base/random.ts";
import { openS3Store } from "../../../core/storage/s3/s3_store.ts";
import { scriptedSettings } from "./s3_world.ts";

interface FakePage {
  keys: string[];
  next?: string;
}

/** A service that lists these pages, by the token that asks for them. */
async function listed(pages: Record<string, FakePage>, prefix: string): Promise<string[]> {
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
    return (await Array.fromAsync(store.list(prefix))).map(({ path }) => path);
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
