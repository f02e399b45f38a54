import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { PutBucketNotificationConfigurationCommand, S3Client } from "@aws-sdk/client-s3";
import { mapParallel } from "../../core/base/parallel.ts";
import type { Store } from "../../core/storage/store.ts";
import { startFaultProxy } from "../support/fault_proxy.ts";
import { startMinio } from "../support/minio.ts";
import { s3Message } from "../support/s3_messages.ts";
import { minioTest } from "../support/s3_servers.ts";
import { SqsServer } from "../support/sqs_server.ts";
import { Lines } from "./lines.ts";
import { killQuietly, startStreamlab, streamlab } from "./program.ts";
import { type S3Lake, type S3Place, useLake } from "./s3_lake.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";

const event = (id: string) =>
  `{"user_id":"u","event_id":"${id}","event_type":"t","event_timestamp":"2026-03-01T12:00:00Z"}`;

async function put(store: Store, names: readonly string[]): Promise<void> {
  await mapParallel(names, 8, (name) => store.write(`raw/events/${name}`, new TextEncoder().encode(event(name))));
}

/** A consumer at work, and what it says. */
class Consumer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #out: Lines;
  readonly err: Lines;
  #events = 0;

  constructor({ folder, uri, env }: S3Lake, ...args: string[]) {
    this.#child = startStreamlab(folder, ["consume", "--source", uri, "--json", "--no-upkeep", ...args], { env });
    [this.#out, this.err] = [new Lines(this.#child.stdout), new Lines(this.#child.stderr)];
  }

  /** Resolves when so many events are committed. */
  async total(events: number): Promise<void> {
    while (this.#events < events) {
      const batch = JSON.parse(await this.#out.next(/"action":"batch"/)) as { events: number };
      this.#events += batch.events;
    }
    strictEqual(this.#events, events);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    killQuietly(this.#child, "SIGTERM");
    await Promise.all([this.#child.status, this.#child.stdin.close(), this.#out.close(), this.err.close()]);
  }
}

/**
 * A MinIO that posts its messages here, so that they can be passed on to a consumer whose port is
 * known later; each twice, if that is wished.
 */
class Postman implements AsyncDisposable {
  /** Where messages are passed on to; until it is known they wait. */
  readonly address = Promise.withResolvers<string>();
  readonly statuses: number[] = [];
  times = 1;
  #waiting: (() => void)[] = [];
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => this.#pass(request),
  );

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  async #pass(request: Request): Promise<Response> {
    const body = await request.text(), address = await this.address.promise;
    const authorization = request.headers.get("authorization") ?? "";
    for (let time = 0; time < this.times; time++) {
      const answer = await fetch(address, { method: "POST", body, headers: { authorization } }).catch(() => undefined);
      // The consumer has ended.
      if (answer === undefined) return new Response(null, { status: 503 });
      await answer.body?.cancel();
      this.statuses.push(answer.status);
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
    return new Response(null, { status: 204 });
  }

  /** Resolves when so many messages were passed on. */
  async passed(messages: number): Promise<void> {
    while (this.statuses.length < messages) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

async function withMinio(env: Record<string, string>, action: (lake: S3Lake, place: S3Place) => Promise<void>) {
  const server = await startMinio({ env });
  const proxy = startFaultProxy(server.endpoint);
  const place = { server, proxy, stop: () => Promise.resolve() };
  try {
    await useLake(place, (lake) => action(lake, place));
  } finally {
    await proxy.stop();
    await server.stop();
  }
}

async function configure({ server }: S3Place, bucket: string): Promise<void> {
  const { endpoint, region, credentials } = server.settings;
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  const QueueConfigurations = [{ QueueArn: "arn:minio:sqs::lab:webhook", Events: ["s3:ObjectCreated:*" as const] }];
  await client.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket: bucket,
      NotificationConfiguration: { QueueConfigurations },
    }),
  );
  client.destroy();
}

/**
 * Tells of an object until it is looked at by itself: a listing that is due at that moment finds it
 * as well, and nobody looks then.
 */
async function untilLooked({ proxy }: S3Place, name: string, tell: () => Promise<void>): Promise<void> {
  const isLook = ({ method, target }: { method: string; target: string }) =>
    method === "HEAD" && decodeURIComponent(target).includes(`/raw/events/${name}`);
  while (!proxy.requests.some(isLook)) await tell();
}

async function audited({ folder, uri, env }: S3Lake): Promise<void> {
  const { status, stderr } = await streamlab(folder, ["maintain", "--audit", "--source", uri], { env });
  strictEqual(status, 0, stderr);
}

const names = (start: string, count: number) =>
  Array.from({ length: count }, (_, number) => `${start}${number}.ndjson`);

minioTest("objects that MinIO tells of by its webhook are taken, each looked at by itself", async () => {
  await using postman = new Postman();
  const variables = {
    MINIO_NOTIFY_WEBHOOK_ENABLE_lab: "on",
    MINIO_NOTIFY_WEBHOOK_ENDPOINT_lab: postman.url,
    MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_lab: TOKEN,
  };
  await withMinio(variables, async (lake, place) => {
    const store = await lake.open();
    await put(store, names("m/", 20));
    await Deno.writeTextFile(`${lake.folder}/tokens`, TOKEN);
    {
      await using consumer = new Consumer(
        lake,
        ...["--notifications", "http://127.0.0.1:0", "--notifications-token-file", "tokens"],
      );
      const [address] = /http:\/\/127\.0\.0\.1:\d+\//.exec(await consumer.err.next(/Notifications are taken/))!;
      await consumer.total(20);
      postman.address.resolve(address);
      await configure(place, lake.bucket);
      const first = names("a b+é/", 10);
      await put(store, first);
      await consumer.total(30);
      postman.times = 2;
      const second = names("z/", 5);
      await put(store, second);
      await consumer.total(35);
      await postman.passed(20);
      deepStrictEqual(new Set(postman.statuses), new Set([204]));
      for (const name of first) await untilLooked(place, name, () => put(store, [name]));
    }
    await audited(lake);
  });
});

minioTest(
  "objects that a queue's messages name are taken, and the messages removed",
  () =>
    withMinio({}, async (lake, place) => {
      const queue = new SqsServer(place.server.settings.credentials!);
      try {
        const store = await lake.open();
        await put(store, names("m/", 3));
        const { bucket } = lake;
        {
          await using consumer = new Consumer(lake, "--notifications", queue.uri);
          await consumer.total(3);
          await put(store, names("a/", 3));
          const tell = (name: string) => queue.told(s3Message(bucket, `lake/raw/events/${name}`));
          await Promise.all(names("a/", 3).map(tell));
          await consumer.total(6);
          for (const name of names("a/", 3)) await untilLooked(place, name, () => tell(name));
        }
        await audited(lake);
      } finally {
        await queue.stop();
      }
    }),
);
