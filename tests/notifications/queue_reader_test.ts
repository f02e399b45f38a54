import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { messageOf, StreamlabError } from "../../core/base/errors.ts";
import { seededRandom } from "../../core/base/random.ts";
import { ObjectNews } from "../../core/notifications/object_news.ts";
import { QueueReader } from "../../core/notifications/queue_reader.ts";
import { SqsQueue } from "../../core/notifications/sqs_queue.ts";
import { patientClock } from "../support/patient_clock.ts";
import { s3Message } from "../support/s3_messages.ts";
import { SqsServer } from "../support/sqs_server.ts";

/** A queue, and whoever reads it. */
class QueueWorld {
  readonly server = new SqsServer();
  readonly uris: string[] = [];
  readonly troubles: unknown[] = [];
  foreign = 0;
  #waiting: (() => void)[] = [];
  readonly reader: QueueReader;

  constructor({ secretAccessKey }: { secretAccessKey?: string } = {}) {
    const news = new ObjectNews();
    news.listen((uris) => this.#note(() => this.uris.push(...uris)));
    const { credentials, uri } = this.server;
    const access = () =>
      Promise.resolve({
        ...credentials,
        region: "eu-central-1",
        forcePathStyle: false,
        ...secretAccessKey && { secretAccessKey },
      });
    const queue = new SqsQueue({ url: uri.replace("sqs:", "http:"), region: undefined }, {
      clock: patientClock,
      access,
    });
    this.reader = new QueueReader(queue, news, {
      // Its pauses are over at once.
      clock: { nowMs: systemClock.nowMs, sleep: (_ms, signal) => systemClock.sleep(0, signal) },
      random: seededRandom(1),
      onTrouble: (error) => this.#note(() => this.troubles.push(error)),
      onForeign: () => this.#note(() => this.foreign++),
    });
  }

  static async use(
    action: (world: QueueWorld) => Promise<void>,
    options?: { secretAccessKey?: string },
  ): Promise<void> {
    const world = new QueueWorld(options);
    try {
      await action(world);
    } finally {
      await world.server.stop();
    }
  }

  /** Reads until `action` has ended. */
  async reading(action: () => Promise<void>): Promise<void> {
    const end = new AbortController();
    const running = this.reader.run(end.signal);
    try {
      await action();
    } finally {
      end.abort();
      await running;
    }
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #note(what: () => void): void {
    what();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

const never = new AbortController().signal;

Deno.test("messages of a queue are told of and removed, ten by a request", () =>
  QueueWorld.use(async (world) => {
    const { server, reader, uris } = world;
    server.put(...Array.from({ length: 12 }, (_, number) => s3Message("b", `${number}.json`)));
    await reader.begin(never);
    deepStrictEqual(server.actions, ["ReceiveMessage", "DeleteMessageBatch"]);
    strictEqual(uris.length, 10);
    await reader.begin(never);
    deepStrictEqual(server.bodies, []);
    deepStrictEqual(uris, Array.from({ length: 12 }, (_, number) => `s3://b/${number}.json`));
    await reader.begin(never);
    deepStrictEqual(server.actions.slice(4), ["ReceiveMessage"], "nothing to remove");
  }));

Deno.test("a queue is waited at until a message comes", () =>
  QueueWorld.use((world) =>
    world.reading(async () => {
      world.server.put(s3Message("b", "1"));
      await world.until(() => world.uris.length === 1);
      world.server.put(s3Message("b", "2"));
      await world.until(() => world.uris.length === 2);
    })
  ));

Deno.test("a message that could not be removed comes again, and is told of again", () =>
  QueueWorld.use(async ({ server, reader, uris }) => {
    server.put(s3Message("b", "1"));
    server.failures.push({ action: "DeleteMessageBatch", status: 500, type: "InternalFailure" });
    await rejects(reader.begin(never), /InternalFailure/);
    server.redeliver();
    await reader.begin(never);
    deepStrictEqual(uris, ["s3://b/1", "s3://b/1"]);
    deepStrictEqual(server.bodies, []);
  }));

Deno.test("a message of somebody else's stays in the queue, and is said", () =>
  QueueWorld.use(async (world) => {
    const { server, reader } = world;
    server.put("Hello", s3Message("b", "1"), '{"order":7}');
    await reader.begin(never);
    deepStrictEqual(world.uris, ["s3://b/1"]);
    strictEqual(world.foreign, 2);
    deepStrictEqual(server.bodies, ["Hello", '{"order":7}']);
  }));

Deno.test("a queue that fails for a while is told of once, and read on", () =>
  QueueWorld.use((world) => {
    const { server, troubles, uris } = world;
    for (const status of [500, 503]) {
      server.failures.push({ action: "ReceiveMessage", status, type: "InternalFailure" });
    }
    server.put(s3Message("b", "1"));
    return world.reading(async () => {
      await world.until(() => uris.length === 1);
      strictEqual(troubles.length, 1);
      match(messageOf(troubles[0]), /InternalFailure/);
    });
  }));

for (
  const [type, hint] of [
    ["com.amazonaws.sqs#QueueDoesNotExist", /queue's address/],
    ["com.amazon.coral.service#AccessDeniedException", /sqs:ReceiveMessage/],
  ] as const
) {
  Deno.test(`a queue that answers ${type.replace(/.*#/, "")} is refused at the start, with what to do`, () =>
    QueueWorld.use(async ({ server, reader }) => {
      server.failures.push({ action: "ReceiveMessage", status: 400, type });
      await rejects(reader.begin(never), (error) => {
        ok(error instanceof StreamlabError);
        strictEqual(error.kind, "unavailable");
        match(
          error.message,
          /^Cannot read notifications of http:\/\/127\.0\.0\.1:\d+\/000000000000\/events: \w+: It says/,
        );
        match(error.hint ?? "", hint);
        return true;
      });
    }));
}

Deno.test("a wrong secret is refused, and not shown", () =>
  QueueWorld.use(async ({ reader }) => {
    await rejects(reader.begin(never), (error) => {
      match(messageOf(error), /SignatureDoesNotMatch/);
      ok(!messageOf(error).includes("wrong"));
      return true;
    });
  }, { secretAccessKey: "wrong" }));

Deno.test("a queue that cannot be reached is said so", async () => {
  const world = new QueueWorld();
  await world.server.stop();
  await rejects(world.reader.begin(never), /^StreamlabError: Cannot read notifications of http:\/\/127\.0\.0\.1/);
});
