import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { ObjectNews } from "../../core/notifications/object_news.ts";
import { Tokens } from "../../core/serve/tokens.ts";
import { Webhook, type WebhookParts } from "../../core/serve/webhook.ts";
import { s3Message } from "../support/s3_messages.ts";

const TOKEN = "0123456789abcdef0123";

/** A webhook that nothing listens for but this test. */
class Told {
  readonly uris: string[] = [];
  readonly failures: unknown[] = [];
  readonly #webhook: Webhook;

  constructor(changes: Partial<WebhookParts> = {}) {
    const news = new ObjectNews();
    news.listen((uris) => void this.uris.push(...uris));
    const onFailure = (error: unknown) => void this.failures.push(error);
    this.#webhook = new Webhook({ path: "/", tokens: undefined, clock: systemClock, news, onFailure, ...changes });
  }

  async post(
    body: BodyInit | null,
    headers: Record<string, string> = {},
    path = "/",
    method = "POST",
  ): Promise<number> {
    const request = new Request(`http://127.0.0.1:4190${path}`, {
      method,
      body,
      headers: { host: "127.0.0.1:4190", ...headers },
    });
    return (await this.#webhook.answer(request)).status;
  }
}

Deno.test("what a posted message names is told, as often as it is posted", async () => {
  const told = new Told();
  strictEqual(await told.post(s3Message("bucket", "a b.json", "c.json")), 204);
  strictEqual(await told.post(s3Message("bucket", "c.json")), 204);
  deepStrictEqual(told.uris, ["s3://bucket/a b.json", "s3://bucket/c.json", "s3://bucket/c.json"]);
});

Deno.test("what is no message, is too long, or comes elsewhere is refused, and nothing is told", async () => {
  const told = new Told();
  strictEqual(await told.post("{}"), 400);
  strictEqual(await told.post("["), 400);
  strictEqual(await told.post(null), 400);
  strictEqual(await told.post(s3Message("bucket", "x".repeat(300_000))), 413);
  strictEqual(await told.post(s3Message("bucket", "a"), {}, "/other"), 404);
  strictEqual(await told.post(null, {}, "/", "GET"), 405);
  deepStrictEqual(told.uris, []);
  deepStrictEqual(told.failures, []);
});

Deno.test("messages are taken at a path of any characters, as clients encode it", async () => {
  const told = new Told({ path: "/événements d'ici" });
  const message = s3Message("bucket", "a.json");
  strictEqual(await told.post(message, {}, "/événements d'ici"), 204);
  strictEqual(await told.post(message, {}, "/%C3%A9v%C3%A9nements%20d'ici"), 204);
  strictEqual(await told.post(message, {}, "/evenements"), 404);
  strictEqual(told.uris.length, 2);
});

Deno.test("with a token file only who has a token may post, under any name of this machine", async () => {
  const told = new Told({ tokens: new Tokens(TOKEN) });
  const message = s3Message("bucket", "a.json");
  strictEqual(await told.post(message), 401);
  strictEqual(await told.post(message, { authorization: `Bearer ${TOKEN}x` }), 401);
  deepStrictEqual(told.uris, []);
  strictEqual(await told.post(message, { authorization: `Bearer ${TOKEN}`, host: "streamlab:4190" }), 204);
  deepStrictEqual(told.uris, ["s3://bucket/a.json"]);
});

Deno.test("without tokens no page of a browser may post, under whatever name it comes", async () => {
  const told = new Told();
  const message = s3Message("bucket", "a.json");
  strictEqual(await told.post(message, { host: "evil.example:4190" }), 403);
  strictEqual(await told.post(message, { origin: "http://evil.example" }), 403);
  deepStrictEqual(told.uris, []);
});

Deno.test("only so many messages are read at once", async () => {
  const told = new Told();
  const slow: ReadableStreamDefaultController<Uint8Array>[] = [];
  const bodies = Array.from(
    { length: 64 },
    () => new ReadableStream<Uint8Array>({ start: (controller) => void slow.push(controller) }),
  );
  const waiting = bodies.map((body) => told.post(body));
  strictEqual(await told.post(s3Message("bucket", "a.json")), 503);
  for (const controller of slow) {
    controller.enqueue(new TextEncoder().encode(s3Message("bucket", "b.json")));
    controller.close();
  }
  deepStrictEqual(new Set(await Promise.all(waiting)), new Set([204]));
  strictEqual(await told.post(s3Message("bucket", "a.json")), 204);
  strictEqual(told.uris.length, 65);
});
