import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { backoffMs } from "../base/retry.ts";
import { readJson } from "./message_json.ts";
import { createdObjects } from "./object_event.ts";
import type { ObjectNews } from "./object_news.ts";
import type { QueueMessage, SqsQueue } from "./sqs_queue.ts";

export interface QueueReaderContext {
  clock: Clock;
  random: Random;
  /** The queue cannot be read now; it is tried again. */
  onTrouble: (error: unknown) => void;
  /** A message is none of S3's. It stays in the queue: somebody else may wait for it. */
  onForeign: () => void;
}

/** The longest that the service waits: fewest requests while nothing comes. */
const WAIT_SECONDS = 20;
const RETRY = { attemptsMax: Infinity, delayMsMin: 1_000, delayMsMax: 60_000 };

/**
 * Tells of what a queue's messages name. A message is removed as soon as it was told of: what is
 * lost then, because the process ends, the listing at its next start finds.
 */
export class QueueReader {
  readonly #queue: SqsQueue;
  readonly #news: ObjectNews;
  readonly #context: QueueReaderContext;

  constructor(queue: SqsQueue, news: ObjectNews, context: QueueReaderContext) {
    this.#queue = queue;
    this.#news = news;
    this.#context = context;
  }

  /** Takes what is there now; fails where the queue cannot be read. */
  async begin(signal: AbortSignal): Promise<void> {
    await this.#take(0, signal);
  }

  /** Takes what comes, until `signal`. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, onTrouble } = this.#context;
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.#take(WAIT_SECONDS, signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (failures === 0) onTrouble(error);
        await clock.sleep(backoffMs(RETRY, ++failures, random), signal);
      }
    }
  }

  async #take(waitSeconds: number, signal: AbortSignal): Promise<void> {
    const done: QueueMessage[] = [];
    for (const message of await this.#queue.receive(waitSeconds, signal)) {
      const uris = createdObjects(readJson(message.body));
      if (uris === undefined) this.#context.onForeign();
      else {
        this.#news.tell(uris);
        done.push(message);
      }
    }
    await this.#queue.remove(done, signal);
  }
}
