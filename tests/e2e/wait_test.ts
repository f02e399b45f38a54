import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { Lines } from "./lines.ts";
import { ask, inFolder, killQuietly, startStreamlab, succeed } from "./program.ts";

/** A consumer at work, and what it says. */
class Consumer implements AsyncDisposable {
  readonly child: Deno.ChildProcess;
  readonly out: Lines;
  readonly err: Lines;

  constructor(folder: string, ...args: string[]) {
    this.child = startStreamlab(folder, ["consume", "--raw", "in", "--table", "orders.raw", ...args]);
    [this.out, this.err] = [new Lines(this.child.stdout), new Lines(this.child.stderr)];
  }

  async end(signal: Deno.Signal): Promise<number> {
    this.child.kill(signal);
    return (await this.child.status).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    killQuietly(this.child);
    await Promise.all([this.child.status, this.child.stdin.close(), this.out.close(), this.err.close()]);
  }
}

function contract(...fields: string[]): string {
  const properties = Object.fromEntries(fields.map((field) => [field, { type: "integer" }]));
  return JSON.stringify({ type: "object", properties });
}

async function withOrders(action: (folder: string, put: (name: string, text: string) => void) => Promise<void>) {
  await inFolder(async (folder) => {
    Deno.mkdirSync(`${folder}/in`);
    const put = (name: string, text: string) => Deno.writeTextFileSync(`${folder}/${name}`, text);
    put("a.json", contract("id"));
    put("ab.json", contract("id", "more"));
    put("in/1.ndjson", '{"id":1}\n');
    await action(folder, put);
  });
}

Deno.test("who waits says for whom, takes over when that one ends, and goes on by what is then remembered", () =>
  withOrders(async (folder, put) => {
    await using first = new Consumer(folder, "--contract", "a.json");
    await first.out.next(/batch 1/);
    await using second = new Consumer(folder, "--wait");
    const waiting = await second.err.next(/Waiting/);
    match(
      waiting,
      new RegExp(`Waiting for orders\\.raw: another consumer is running \\(process ${first.child.pid} on `),
    );
    // What is remembered changes behind both: without its file the lock keeps nobody out.
    Deno.removeSync(`${folder}/lake/checkpoints/orders.raw/lock`);
    await succeed(folder, ["consume", "--once", "--table", "orders.raw", "--contract", "ab.json"]);
    // Killed: the kernel gives the lock back.
    await first.end("SIGKILL");
    await second.err.next(/Watching/);
    // Whole or not there: who watches would take what there is of it.
    put("in/.2", '{"id":2,"more":3}\n');
    Deno.renameSync(`${folder}/in/.2`, `${folder}/in/2.ndjson`);
    match(await second.out.next(/batch 2/), /1 event, 0 dead letters/);
    strictEqual(await second.end("SIGTERM"), 0);
    deepStrictEqual(await ask(folder, "SELECT id::int AS id, more::int AS more FROM orders.raw ORDER BY id"), [
      { id: 1, more: null },
      { id: 2, more: 3 },
    ]);
  }));

Deno.test("who waits is stopped cleanly, with --once ends after the other, and a dry run waits for nobody", () =>
  withOrders(async (folder) => {
    await using first = new Consumer(folder, "--contract", "a.json");
    await first.out.next(/batch 1/);
    for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 0]] as const) {
      await using waiter = new Consumer(folder, "--wait");
      await waiter.err.next(/Waiting/);
      strictEqual(await waiter.end(signal), status);
      await waiter.err.next(/Stopped waiting: nothing was ingested/);
    }
    // A look takes no lock.
    match(await succeed(folder, ["consume", "--dry-run", "--table", "orders.raw"]), /nothing new to judge/);
    await using once = new Consumer(folder, "--wait", "--once");
    await once.err.next(/Waiting/);
    strictEqual(await first.end("SIGTERM"), 0);
    await once.err.next(/Nothing new/);
    strictEqual((await once.child.status).code, 0);
  }));

Deno.test("where nobody is running --wait waits for nobody", () =>
  withOrders(async (folder) => {
    await using only = new Consumer(folder, "--wait", "--once", "--contract", "a.json");
    match(await only.out.next(/batch 1/), /1 event/);
    strictEqual((await only.child.status).code, 0);
  }));
