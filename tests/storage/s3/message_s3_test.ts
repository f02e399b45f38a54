import { match, ok, strictEqual } from "node:assert/strict";
import { StreamlabError } from "../../../core/base/errors.ts";
import type { S3Settings } from "../../../core/storage/s3/settings.ts";
import type { Store } from "../../../core/storage/store.ts";
import { minioTest, s3Test } from "../../support/s3_servers.ts";
import { bytes, pathsOf } from "../conformance_case.ts";
import { type S3World, startS3World } from "./s3_world.ts";

let world: S3World;
Deno.test.beforeAll(async () => {
  world = (await startS3World())!;
});
Deno.test.afterAll(() => world?.stop());

const secret = "the-secret-that-nobody-may-see";
const operations: [name: string, run: (store: Store) => Promise<unknown>][] = [
  ["read", (store) => store.read("raw/x y.json")],
  ["list", (store) => pathsOf(store, "raw/x y.json")],
  ["look at", (store) => store.stat("raw/x y.json")],
  ["write", (store) => store.write("raw/x y.json", bytes("x"))],
  ["create", (store) => store.create("raw/x y.json", bytes("x"))],
  ["delete", (store) => store.deletePaths(["raw/x y.json"])],
];

async function failure(run: () => Promise<unknown>): Promise<StreamlabError> {
  try {
    await run();
  } catch (error) {
    if (error instanceof StreamlabError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

/**
 * Every operation fails with the state and the hint, names bucket and key, and keeps the secret.
 */
async function checkMessages(store: Store, state: RegExp, hint: RegExp, skipped: string[] = []): Promise<void> {
  for (const [name, run] of operations) {
    if (skipped.includes(name)) continue;
    const error = await failure(() => run(store));
    strictEqual(error.kind, "unavailable");
    ok(error.message.startsWith(`Cannot ${name} "${store.root}/raw/x y.json": `), error.message);
    match(error.message, state);
    match(error.hint ?? "", hint);
    ok(!error.message.endsWith(".") && !error.hint!.endsWith("."));
    ok(!Deno.inspect(error, { depth: 20 }).includes(secret));
  }
}

async function openWith(settings: Partial<S3Settings>, bucket?: string): Promise<Store> {
  const limits = { transient: { attemptsMax: 2, delayMsMin: 1, delayMsMax: 1 } };
  return await world.open({ settings, limits, bucket });
}

s3Test("an unknown access key is told apart from a wrong secret key", async () => {
  const unknown = await openWith({ credentials: { accessKeyId: "nobody", secretAccessKey: secret } });
  await checkMessages(unknown, /the access key is not known at http:\/\/127/, /AWS_ACCESS_KEY_ID or AWS_PROFILE/);
  const wrong = await openWith({ credentials: { ...world.server.settings.credentials!, secretAccessKey: secret } });
  await checkMessages(wrong, /the secret key does not belong to the access key/, /AWS_SECRET_ACCESS_KEY/);
});

// SeaweedFS does not look at the token of a key that needs none.
minioTest("a bad session token is told apart from a wrong key", async () => {
  const credentials = { ...world.server.settings.credentials!, sessionToken: secret };
  await checkMessages(
    await openWith({ credentials }),
    /the session token has expired or is not valid/,
    /AWS_SESSION_TOKEN/,
  );
});

s3Test("a missing bucket is no missing file, and is told by rootExists", async () => {
  const store = await openWith({}, "no-such-bucket");
  strictEqual(await store.rootExists(), false);
  strictEqual(await (await world.open()).rootExists(), true);
  await checkMessages(store, /there is no such bucket at http:\/\/127/, /Create the bucket/, ["look at"]);
});

s3Test("an endpoint that is not there, has no name, or speaks another protocol says so", async () => {
  const check = async (endpoint: string, state: RegExp, hint: RegExp) =>
    await checkMessages(await openWith({ endpoint }), state, hint);
  await check(
    "http://127.0.0.1:1",
    /http:\/\/127\.0\.0\.1:1 cannot be reached \(.*ECONNREFUSED/,
    /^Check AWS_ENDPOINT_URL/,
  );
  await check(
    "http://no-such-host.invalid:9000",
    /cannot be reached \(.*no-such-host\.invalid/,
    /^Check AWS_ENDPOINT_URL/,
  );
  await check(
    world.server.endpoint.replace("http", "https"),
    /no trusted TLS connection/,
    /AWS_CA_BUNDLE.*http or https/,
  );
  const started = await openWith({ endpoint: "http://127.0.0.1:1", isDefault: true });
  await checkMessages(started, /cannot be reached/, /^Start MinIO/);
});

s3Test("what answers but is no S3, such as MinIO's console, is noticed", async () => {
  const page = () => new Response("<html><body>a console</body></html>", { headers: { "content-type": "text/html" } });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, page);
  const store = await openWith({ endpoint: `http://127.0.0.1:${server.addr.port}` });
  await checkMessages(store, /does not answer as S3 does/, /console/, ["delete"]);
  await server.shutdown();
});

s3Test("answers that do not pass are explained: clock, region, rights, space, throttling", async () => {
  const answers: [status: number, code: string, state: RegExp, hint: RegExp, skipped?: string[]][] = [
    [403, "RequestTimeTooSkewed", /this machine's clock differs too much/, /Set the clock/],
    [301, "PermanentRedirect", /in another region than us-east-1/, /AWS_REGION/],
    [400, "AuthorizationHeaderMalformed", /in another region than us-east-1/, /AWS_REGION/],
    [403, "AccessDenied", /access denied \(403 said the proxy\)/, /rights to list, read, write and delete/],
    [507, "XMinioStorageFull", /no space left/, /Free some space/],
    [501, "NotImplemented", /does not support it/, /AWS S3 or a recent MinIO/],
    [503, "SlowDown", /asks for fewer requests/, /Wait a while/],
    [500, "InternalError", /failed to answer/, /Run again/],
    [409, "ConditionalRequestConflict", /another request is working on it/, /Run again/],
  ];
  const store = await openWith({});
  for (const [status, code, state, hint] of answers) {
    world.proxy.decide = () => ({ do: "answer", when: "before", status, code });
    await checkMessages(store, state, hint);
  }
  world.proxy.decide = undefined;
});

s3Test(
  "a service without a region asks for one",
  async () => {
    const aws = await openWith(
      { endpoint: undefined, region: undefined, forcePathStyle: false } as Partial<S3Settings>,
    );
    await checkMessages(aws, /no region is set/, /AWS_REGION/);
  },
);

s3Test("with virtual-host addresses the bucket stands in the host name", async () => {
  const store = await openWith({ endpoint: "http://localhost.invalid:9000", forcePathStyle: false });
  const bucket = store.root.split("/")[2]!;
  match((await failure(() => store.read("x"))).message, new RegExp(`${bucket}\\.localhost\\.invalid`));
});
