import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { type Clock, systemClock } from "../../../core/base/clock.ts";
import { isKind } from "../../../core/base/errors.ts";
import { seededRandom } from "../../../core/base/random.ts";
import type { Store } from "../../../core/storage/store.ts";
import { type DecideFault, type ProxyFault, proxyFaultsBySeed } from "../../support/fault_proxy.ts";
import { s3Test } from "../../support/s3_servers.ts";
import { bytes, pathsOf, text } from "../conformance_case.ts";
import { type S3World, startS3World } from "./s3_world.ts";

let world: S3World;
Deno.test.beforeAll(async () => {
  world = (await startS3World())!;
});
Deno.test.afterAll(() => world?.stop());

const isUnavailable = (error: unknown) => isKind(error, "unavailable");

/** The fault for the first request that matches, from now on; none for the others. */
function once(fault: ProxyFault, matches: (method: string, target: string) => boolean = () => true): DecideFault {
  let isDone = false;
  return ({ method, target }) => {
    if (isDone || !matches(method, target)) return undefined;
    isDone = true;
    return fault;
  };
}

async function withFaults<T>(decide: DecideFault, action: () => Promise<T>): Promise<T> {
  world.proxy.decide = decide;
  try {
    return await action();
  } finally {
    world.proxy.decide = undefined;
  }
}

const passing: ProxyFault[] = [
  { do: "cut", when: "before" },
  { do: "cut", when: "after" },
  { do: "answer", when: "before", status: 500, code: "InternalError" },
  { do: "answer", when: "after", status: 500, code: "InternalError" },
  { do: "answer", when: "before", status: 503, code: "SlowDown" },
  { do: "answer", when: "before", status: 403, code: "RequestTimeTooSkewed" },
  { do: "truncate", bytes: 10 },
];

s3Test("faults that pass are repeated until everything but a create goes well", async () => {
  const store = await world.open();
  const scratch = await Deno.makeTempFile();
  for (const fault of passing) {
    const check = (action: () => Promise<unknown>) => withFaults(once(fault), action);
    await check(() => store.write("x", bytes("a content longer than ten bytes")));
    strictEqual(text(await check(() => store.read("x")) as Uint8Array), "a content longer than ten bytes");
    strictEqual(text(await check(() => store.readRange("x", -5, 5)) as Uint8Array), "bytes");
    // The answer to a HEAD request has no words to tell a wrong clock by.
    if (fault.do !== "answer" || fault.status !== 403) {
      strictEqual(await check(async () => (await store.stat("x"))?.size), 31);
    }
    deepStrictEqual(await check(() => pathsOf(store, "")), ["x"]);
    await check(() => store.getFile("x", scratch));
    strictEqual(await Deno.readTextFile(scratch), "a content longer than ten bytes");
    await check(() => store.putFile("y", scratch));
    await check(() => store.deletePaths(["x", "y"]));
    deepStrictEqual(await pathsOf(store, ""), []);
  }
});

s3Test("a create whose answer is lost is sent once, is unknown to the caller, and can be read back", async () => {
  const store = await world.open();
  const lost: ProxyFault[] = [
    { do: "cut", when: "after" },
    { do: "answer", when: "after", status: 500, code: "InternalError" },
    { do: "answer", when: "after", status: 503, code: "SlowDown" },
    { do: "answer", when: "after", status: 409, code: "ConditionalRequestConflict" },
  ];
  for (const [index, fault] of lost.entries()) {
    // Leaves connections open that a careless client would use again.
    await Promise.all([1, 2, 3].map(() => store.write("warm", bytes("x"))));
    const sent = world.proxy.requests.length;
    await withFaults(
      once(fault),
      () => rejects(() => store.create(`v${index}`, bytes(`mine ${index}`)), isUnavailable),
    );
    strictEqual(world.proxy.requests.length, sent + 1);
    strictEqual(text(await store.read(`v${index}`)), `mine ${index}`);
    strictEqual(await store.create(`v${index}`, bytes("again")), false);
  }
});

s3Test("a create that never arrived leaves nothing and can be sent again", async () => {
  const store = await world.open();
  await withFaults(
    once({ do: "cut", when: "before" }),
    () => rejects(() => store.create("v1", bytes("x")), isUnavailable),
  );
  strictEqual(await store.stat("v1"), undefined);
  strictEqual(await store.create("v1", bytes("x")), true);
});

const timeoutMs = 400;

/** By it nothing is late, however busy the machine is, but what waits when `strike` is called. */
function patientClock(): { clock: Clock; strike: () => void } {
  const waiting = new Set<() => void>();
  const wait = (signal: AbortSignal | undefined) =>
    new Promise<void>((resolve) => {
      waiting.add(resolve);
      signal?.addEventListener("abort", () => {
        waiting.delete(resolve);
        resolve();
      });
    });
  const clock: Clock = {
    nowMs: systemClock.nowMs,
    sleep: (ms, signal) => ms < timeoutMs ? systemClock.sleep(ms, signal) : wait(signal),
  };
  return { clock, strike: () => waiting.forEach((wake) => wake()) };
}

s3Test("a service that stands still runs into the time-out: a read is repeated, a create is unknown", async () => {
  const { clock, strike } = patientClock();
  const store = await world.open({ limits: { timeoutMs }, clock });
  await store.write("x", bytes("content"));
  const stall: ProxyFault = { do: "stall", when: "after", onStall: strike };
  strictEqual(text(await withFaults(once(stall), () => store.read("x"))), "content");
  const sent = world.proxy.requests.length;
  await withFaults(once(stall), () =>
    rejects(() => store.create("v1", bytes("mine")), (error) => {
      match((error as Error).message, /^Cannot create "s3:\/\/.*\/lake\/v1": .*no answer within 0\.4 s/);
      return isUnavailable(error);
    }));
  strictEqual(world.proxy.requests.length, sent + 1);
  strictEqual(text(await store.read("v1")), "mine");
});

s3Test("a body that breaks off is taken up where it broke, at the same version of the object", async () => {
  const store = await world.open();
  const content = new Uint8Array(1_000_000).map((_, i) => (i * 31) >> 2);
  await store.write("big", content);
  const everyTime: DecideFault = () => ({ do: "truncate", bytes: 300_000 });
  deepStrictEqual(await withFaults(everyTime, () => store.read("big")), content);
  let reads = 0;
  const replaced: DecideFault = async ({ method }) => {
    if (method !== "GET") return undefined;
    reads++;
    // Between the answer that breaks off and the one for the rest.
    if (reads === 2) await store.write("big", new Uint8Array(1_000_000));
    return reads === 1 ? { do: "truncate", bytes: 300_000 } : undefined;
  };
  await rejects(withFaults(replaced, () => store.read("big")), (error) => isKind(error, "conflict"));
  ok(reads > 1);
});

const fiveMegabytes = 5 * 1024 * 1024;

s3Test("a large file travels in parts, some at once, and comes back the same", async () => {
  const store = await world.open({ limits: { partBytes: fiveMegabytes } });
  const content = new Uint8Array(3 * fiveMegabytes + 17).map((_, i) => (i * 7919) >> 4);
  const folder = await Deno.makeTempDir();
  await Deno.writeFile(`${folder}/part`, content);
  const part = once(
    { do: "cut", when: "after" },
    (method, target) => method === "PUT" && target.includes("partNumber=2"),
  );
  await withFaults(part, () => store.putFile("t/part", `${folder}/part`));
  deepStrictEqual([...Deno.readDirSync(folder)], []);
  await withFaults(once({ do: "truncate", bytes: 1_000_000 }), () => store.getFile("t/part", `${folder}/copy`));
  deepStrictEqual(await Deno.readFile(`${folder}/copy`), content);
  ok(world.proxy.parallelMax > 1);
  await Deno.remove(folder, { recursive: true });
});

s3Test("an upload whose completion was answered too late is found to have succeeded", async () => {
  const store = await world.open({ limits: { partBytes: fiveMegabytes } });
  const isCompletion = (method: string, target: string) => method === "POST" && target.includes("uploadId=");
  await withFaults(
    once({ do: "cut", when: "after" }, isCompletion),
    () => store.write("big", new Uint8Array(fiveMegabytes + 1)),
  );
  strictEqual((await store.stat("big"))?.size, fiveMegabytes + 1);
});

s3Test("an upload that fails is aborted and leaves nothing behind", async () => {
  const store = await world.open({ limits: { partBytes: fiveMegabytes } });
  const denied: DecideFault = ({ target }) =>
    target.includes("partNumber=2") ? { do: "answer", when: "before", status: 403, code: "AccessDenied" } : undefined;
  const sent = world.proxy.requests.length;
  await withFaults(denied, () => rejects(() => store.write("big", new Uint8Array(2 * fiveMegabytes)), isUnavailable));
  ok(
    world.proxy.requests.slice(sent).some(({ method, target }) => method === "DELETE" && target.includes("uploadId=")),
  );
  strictEqual(await store.stat("big"), undefined);
  deepStrictEqual(await Array.fromAsync(store.listUnfinished("big")), []);
});

s3Test("large folders are listed at the same time, in the order of one listing", async () => {
  const store = await world.open({ limits: { pageKeys: 10 } });
  const paths = ["b/alone", "c", "e.x"];
  for (const folder of ["a", "d", "e", "f", "g"]) for (let i = 10; i < 40; i++) paths.push(`${folder}/${i}`);
  await Promise.all(paths.map((path) => store.write(path, bytes("x"))));
  world.proxy.parallelMax = 0;
  deepStrictEqual(await pathsOf(store, ""), paths.sort());
  ok(world.proxy.parallelMax > 1);
  deepStrictEqual(await pathsOf(store, "", "d/22"), paths.filter((path) => path > "d/22"));
  deepStrictEqual(await pathsOf(store, "e"), paths.filter((path) => path.startsWith("e")));
});

s3Test("a listing that is left early sends no more requests than it had begun", async () => {
  const store = await world.open({ limits: { pageKeys: 2 } });
  for (let i = 0; i < 8; i++) await store.write(`x${i}`, bytes("x"));
  const sent = world.proxy.requests.length;
  for await (const { path } of store.list("")) {
    strictEqual(path, "x0");
    break;
  }
  strictEqual(world.proxy.requests.length, sent + 1);
});

s3Test("more keys than one request may delete are deleted in several", async () => {
  const store = await world.open({ limits: { pageKeys: 7 } });
  const paths = Array.from({ length: 30 }, (_, i) => `d/${i}`);
  await Promise.all(paths.map((path) => store.write(path, bytes("x"))));
  await withFaults(once({ do: "cut", when: "after" }), () => store.deletePaths(paths));
  deepStrictEqual(await pathsOf(store, ""), []);
});

/**
 * Writes, creates, reads, lists and deletes at random; whatever the network does, nothing but the
 * truth or `unavailable` comes out.
 */
async function storm(store: Store, seed: number): Promise<void> {
  const random = seededRandom(seed);
  /**
   * What each path may hold; undefined: nothing. An operation that failed leaves the old and the
   * new as possible.
   */
  const possible = new Map<string, Set<string | undefined>>();
  for (let i = 0; i < 40; i++) {
    const path = `p${Math.floor(random.next() * 4)}`, content = `${seed}-${i}`;
    const before = possible.get(path) ?? new Set([undefined]);
    const change = async (action: () => Promise<unknown>, after: string | undefined) => {
      possible.set(path, new Set([...before, after]));
      await action();
      possible.set(path, new Set([after]));
    };
    const kind = random.next();
    try {
      if (kind < 0.3) await change(() => store.write(path, bytes(content)), content);
      else if (kind < 0.4) await change(() => store.deletePaths([path, "never"]), undefined);
      else if (kind < 0.6) {
        possible.set(path, before.has(undefined) ? new Set([...before, content]) : before);
        const won = await store.create(path, bytes(content));
        possible.set(path, won ? new Set([content]) : before);
        ok(!won || before.has(undefined), `seed ${seed}: create overwrote ${path}`);
      } else if (kind < 0.9) {
        const seen = await store.read(path).then(text, (error) => {
          if (isKind(error, "not-found")) return undefined;
          throw error;
        });
        ok(before.has(seen), `seed ${seed}: ${path} holds ${seen}`);
      } else {
        const listed = new Set(await pathsOf(store, ""));
        for (const [path, values] of possible) ok(listed.has(path) ? [...values].some(Boolean) : values.has(undefined));
      }
    } catch (error) {
      if (!isUnavailable(error)) throw error;
    }
  }
}

s3Test(
  "through a network that fails one request in four, the store tells the truth or that it is unavailable",
  async () => {
    const limits = {
      transient: { attemptsMax: 2, delayMsMin: 1, delayMsMax: 2 },
      throttled: { attemptsMax: 2, delayMsMin: 1, delayMsMax: 2 },
    };
    for (let seed = 0; seed < 15; seed++) {
      const store = await world.open({ limits });
      await withFaults(proxyFaultsBySeed(seed, 0.25), () => storm(store, seed));
    }
  },
);
