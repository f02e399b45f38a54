import { createHash, createHmac } from "node:crypto";

interface Held {
  id: string;
  body: string;
  /** Given to a reader who has not removed it; others do not see it until `redeliver`. */
  isTaken: boolean;
}

/**
 * As much of Amazon SQS as a reader of messages needs, on this machine: ReceiveMessage, which waits
 * for the first message as long as the reader does, and DeleteMessageBatch, by the AWS JSON
 * protocol 1.0, with the signature checked. A message that was received and not removed is hidden
 * until `redeliver`, instead of for a time.
 */
export class SqsServer {
  /** `sqs://127.0.0.1:PORT/000000000000/events` */
  readonly uri: string;
  readonly credentials: { accessKeyId: string; secretAccessKey: string };
  /** Actions that were asked for, in their order. */
  readonly actions: string[] = [];
  /** Answered instead the next time that the action is asked for, once each. */
  readonly failures: { action: string; status: number; type: string }[] = [];
  #held: Held[] = [];
  #count = 0;
  #waiting: (() => void)[] = [];
  #onRemoved: (() => void)[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "a secret key of the queue" }) {
    this.credentials = credentials;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
    this.uri = `sqs://127.0.0.1:${this.#server.addr.port}/000000000000/events`;
  }

  put(...bodies: string[]): void {
    for (const body of bodies) this.#held.push({ id: `${++this.#count}`, body, isTaken: false });
    this.#wake();
  }

  /** Resolves when somebody has received and removed it. */
  async told(body: string): Promise<void> {
    const id = this.#count + 1;
    this.put(body);
    while (this.#held.some((held) => held.id === `${id}`)) {
      await new Promise<void>((resolve) => this.#onRemoved.push(resolve));
    }
  }

  /** Those that were received and not removed come again. */
  redeliver(): void {
    for (const held of this.#held) held.isTaken = false;
    this.#wake();
  }

  /** Bodies of what nobody has removed. */
  get bodies(): string[] {
    return this.#held.map(({ body }) => body);
  }

  async stop(): Promise<void> {
    const stopped = this.#server.shutdown();
    this.#wake();
    await stopped;
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #answer(request: Request): Promise<Response> {
    const body = await request.text();
    const action = request.headers.get("x-amz-target")?.replace(/^AmazonSQS\./, "") ?? "";
    this.actions.push(action);
    const failure = this.failures.findIndex((each) => each.action === action);
    for (const { status, type } of failure < 0 ? [] : this.failures.splice(failure, 1)) return refusal(status, type);
    if (request.headers.get("content-type") !== "application/x-amz-json-1.0") return refusal(404, "UnknownOperation");
    if (!this.#isSigned(request, body)) return refusal(403, "SignatureDoesNotMatch");
    const asked = JSON.parse(body);
    if (asked.QueueUrl !== this.uri.replace("sqs:", "http:")) {
      return refusal(400, "com.amazonaws.sqs#QueueDoesNotExist");
    }
    if (action === "DeleteMessageBatch") return this.#remove(asked.Entries);
    if (action === "ReceiveMessage") return await this.#receive(asked, request.signal);
    return refusal(400, "UnknownOperationException");
  }

  async #receive(
    asked: { MaxNumberOfMessages: number; WaitTimeSeconds: number },
    gone: AbortSignal,
  ): Promise<Response> {
    const there = () => this.#held.filter(({ isTaken }) => !isTaken).slice(0, asked.MaxNumberOfMessages);
    if (there().length === 0 && asked.WaitTimeSeconds > 0) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        gone.addEventListener("abort", () => resolve());
      });
    }
    const taken = gone.aborted ? [] : there();
    for (const held of taken) held.isTaken = true;
    // Without messages there is no such field.
    const Messages = taken.map(({ id, body }) => ({ MessageId: id, ReceiptHandle: `receipt ${id}`, Body: body }));
    return Response.json(taken.length === 0 ? {} : { Messages });
  }

  #remove(entries: { Id: string; ReceiptHandle: string }[]): Response {
    this.#held = this.#held.filter(({ id }) => !entries.some(({ ReceiptHandle }) => ReceiptHandle === `receipt ${id}`));
    for (const resolve of this.#onRemoved.splice(0)) resolve();
    return Response.json({ Successful: entries.map(({ Id }) => ({ Id })), Failed: [] });
  }

  /** AWS Signature Version 4, of all headers that are named. */
  #isSigned(request: Request, body: string): boolean {
    const { accessKeyId, secretAccessKey } = this.credentials;
    const given = request.headers.get("authorization") ?? "";
    const [, key = "", scope = "", names = "", signature = ""] =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), SignedHeaders=([^,]+), Signature=(.+)$/.exec(given) ?? [];
    const lines = names.split(";").map((name) => `${name}:${request.headers.get(name)}\n`).join("");
    const canonical = ["POST", "/", "", lines, names, sha256(body)].join("\n");
    const stamp = request.headers.get("x-amz-date") ?? "";
    const text = ["AWS4-HMAC-SHA256", stamp, scope, sha256(canonical)].join("\n");
    const signing = scope.split("/").reduce<string | Uint8Array>(hmac, `AWS4${secretAccessKey}`);
    const isWhole = ["content-type", "host", "x-amz-date", "x-amz-target"].every((name) =>
      names.split(";").includes(name)
    );
    return key === accessKeyId && isWhole && scope.endsWith("/sqs/aws4_request") &&
      hmac(signing, text).toHex() === signature;
  }
}

function refusal(status: number, type: string): Response {
  return Response.json({ __type: type, message: `It says ${type}.` }, { status });
}

function hmac(key: string | Uint8Array, text: string): Uint8Array {
  return createHmac("sha256", key).update(text).digest();
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
