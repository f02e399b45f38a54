import { createHash } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { withDeadline } from "../base/deadline.ts";
import { messageOf, StreamlabError } from "../base/errors.ts";
import { type Json, stringifyJson } from "../base/json.ts";
import { RequestSigner } from "../storage/s3/request_signer.ts";
import type { ObjectAccess } from "../storage/store.ts";
import { listOf, readJson, textOf } from "./message_json.ts";

/** Where a queue is. */
export interface QueuePlace {
  /** `https://sqs.eu-central-1.amazonaws.com/123456789012/events` */
  url: string;
  /** Of its service, where the host's name has it. */
  region: string | undefined;
}

export interface QueueMessage {
  body: string;
  /** Names this delivery of it. */
  receipt: string;
}

export interface SqsQueueContext {
  clock: Clock;
  /** Asked before each request: credentials expire. */
  access: () => Promise<ObjectAccess>;
}

/** The service's limit of one request. */
const MESSAGES_MAX = 10;
const TIMEOUT_MS = 10_000;
/** Ten messages of a megabyte, the service's limit, escaped. */
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;

const HINTS: readonly (readonly [RegExp, string])[] = [
  [/NonExistentQueue|QueueDoesNotExist|InvalidAddress/, "Check the queue's address, sqs://HOST/ACCOUNT/NAME"],
  [/AccessDenied|AuthorizationError/, "Allow these credentials sqs:ReceiveMessage and sqs:DeleteMessage for the queue"],
  [
    /Signature|Token|Credential|AccessKey/i,
    "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_PROFILE, and this machine's clock",
  ],
];

/**
 * A queue of Amazon SQS, as far as a reader needs it (Amazon SQS API Reference, ReceiveMessage and
 * DeleteMessageBatch; the AWS JSON protocol 1.0).
 */
export class SqsQueue {
  readonly #place: QueuePlace;
  readonly #context: SqsQueueContext;
  readonly #signer = new RequestSigner();

  constructor(place: QueuePlace, context: SqsQueueContext) {
    this.#place = place;
    this.#context = context;
  }

  /** Waits for the first message so many seconds, 20 at most. Others do not see it for a while. */
  async receive(waitSeconds: number, signal: AbortSignal): Promise<QueueMessage[]> {
    const wanted = { MaxNumberOfMessages: MESSAGES_MAX, WaitTimeSeconds: waitSeconds };
    const answer = await this.#call("ReceiveMessage", wanted, TIMEOUT_MS + 1_000 * waitSeconds, signal);
    return listOf(answer, "Messages").flatMap((message) => {
      const body = textOf(message, "Body"), receipt = textOf(message, "ReceiptHandle");
      return body === undefined || receipt === undefined ? [] : [{ body, receipt }];
    });
  }

  /** One that stays after all comes again. */
  async remove(messages: readonly QueueMessage[], signal: AbortSignal): Promise<void> {
    if (messages.length === 0) return;
    const Entries = messages.map(({ receipt }, index) => ({ Id: `${index}`, ReceiptHandle: receipt }));
    await this.#call("DeleteMessageBatch", { Entries }, TIMEOUT_MS, signal);
  }

  async #call(
    action: string,
    parameters: Record<string, Json>,
    timeoutMs: number,
    stop: AbortSignal,
  ): Promise<Json> {
    const { url, region } = this.#place;
    const { origin, host } = new URL(url);
    const body = stringifyJson({ QueueUrl: url, ...parameters });
    const { clock } = this.#context;
    let status: number, text: string;
    try {
      const access = await unlessStopped(stop, this.#context.access());
      const headers = this.#signer.sign({
        method: "POST",
        service: "sqs",
        host,
        path: "/",
        headers: { "content-type": "application/x-amz-json-1.0", "x-amz-target": `AmazonSQS.${action}` },
        bodyDigest: createHash("sha256").update(body).digest("hex"),
        nowMs: clock.nowMs(),
        region: region ?? access.region,
      }, access);
      [status, text] = await withDeadline(clock, timeoutMs, async (late) => {
        const signal = AbortSignal.any([late, stop]);
        const answer = await fetch(`${origin}/`, { method: "POST", body, headers, signal, redirect: "manual" });
        return [answer.status, await boundedText(answer)];
      });
    } catch (cause) {
      if (cause instanceof StreamlabError) throw cause;
      throw this.#error(messageOf(cause), "Check the queue's address and the network", cause);
    }
    const json = readJson(text);
    if (status === 200 && json !== undefined) return json;
    const type = textOf(json, "__type") ?? `status ${status}`;
    const words = (textOf(json, "message") ?? textOf(json, "Message") ?? "").replace(/\s+/g, " ").slice(0, 200);
    const hint = HINTS.find(([pattern]) => pattern.test(type))?.[1] ?? "Check the queue's address and the network";
    throw this.#error([type.replace(/^.*#/, ""), words].filter((part) => part !== "").join(": "), hint);
  }

  #error(state: string, hint: string, cause?: unknown): StreamlabError {
    const said = state.replace(/[.:]\s*$/, "");
    return new StreamlabError("unavailable", `Cannot read notifications of ${this.#place.url}: ${said}`, {
      hint,
      cause,
    });
  }
}

/** Credentials may have to be asked for on the network, which nothing can stop. */
async function unlessStopped<T>(stop: AbortSignal, action: Promise<T>): Promise<T> {
  const stopped = Promise.withResolvers<never>();
  const onStop = () => stopped.reject(stop.reason);
  if (stop.aborted) onStop();
  stop.addEventListener("abort", onStop);
  try {
    return await Promise.race([action, stopped.promise]);
  } finally {
    stop.removeEventListener("abort", onStop);
  }
}

async function boundedText(answer: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "", length = 0;
  for await (const piece of answer.body ?? []) {
    length += piece.length;
    if (length > ANSWER_BYTES_MAX) throw new Error("the answer is too long");
    text += decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}
