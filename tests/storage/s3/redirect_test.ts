import { deepStrictEqual, ok, rejects } from "node:assert/strict";
import { systemClock } from "../../../core/base/clock.ts";
import { isKind } from "../../../core/base/errors.ts";
import { seededRandom } from "../../../core/base/random.ts";
import { openS3Store } from "../../../core/storage/s3/s3_store.ts";
import type { Store } from "../../../core/storage/store.ts";
import { withRedirect } from "../../support/redirecting_server.ts";
import { bytes, pathsOf } from "../conformance_case.ts";

const operations: [name: string, run: (store: Store) => Promise<unknown>][] = [
  ["read", (store) => store.read("x")],
  ["read a part", (store) => store.readRange("x", 1, 1)],
  ["list", (store) => pathsOf(store, "x")],
  ["look at", (store) => store.stat("x")],
  ["write", (store) => store.write("x", bytes("x"))],
  ["create", (store) => store.create("x", bytes("x"))],
  ["delete one", (store) => store.deletePaths(["x"])],
  ["delete many", (store) => store.deletePaths(["x", "y"])],
  ["look for the bucket", (store) => store.rootExists()],
];

for (const status of [301, 302, 303, 307, 308]) {
  for (const readsByClient of [false, true]) {
    const way = readsByClient ? "the client" : "our own requests";
    Deno.test(`no signature and no session token follows a redirect (${status}) to another origin, by ${way}`, () =>
      withRedirect(status, async ({ url, strayed, asked }) => {
        const once = { attemptsMax: 1, delayMsMin: 1, delayMsMax: 1 };
        const store = await openS3Store({ kind: "s3", bucket: "lake", prefix: "" }, {
          clock: systemClock,
          random: seededRandom(1),
          readsByClient,
          limits: { transient: once, throttled: once },
          settings: {
            endpoint: url,
            region: "us-east-1",
            forcePathStyle: true,
            isDefault: false,
            credentials: { accessKeyId: "id", secretAccessKey: "secret", sessionToken: "token" },
          },
        });
        for (const [name, run] of operations) {
          const before = asked.length;
          await rejects(run(store), (error) => isKind(error, "unavailable"), name);
          ok(asked.length > before, name);
        }
        deepStrictEqual(strayed, []);
      }));
  }
}
