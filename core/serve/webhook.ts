import type { Clock } from "../base/clock.ts";
import { createdObjects } from "../notifications/object_event.ts";
import type { ObjectNews } from "../notifications/object_news.ts";
import { emptyAnswer, errorAnswer } from "./answer.ts";
import { Guard } from "./guard.ts";
import { badRequest, HttpRefusal } from "./http_refusal.ts";
import { incomingOf } from "./incoming.ts";
import type { Tokens } from "./tokens.ts";

export interface WebhookParts {
  /** Where messages are taken: `/`. */
  path: string;
  /** Undefined: whoever reaches the port may tell. */
  tokens: Tokens | undefined;
  clock: Clock;
  news: ObjectNews;
  /** Told of what is wrong on our side. */
  onFailure(error: unknown): void;
}

/** A message has one object; the metadata that its writer gave it are 2 KB at most. */
const BODY_BYTES_MAX = 256 * 1024;
/** Messages that are read at once. */
const REQUESTS_MAX = 64;

/** Takes S3 event messages as MinIO posts them. What they say is a hint, so nothing is kept. */
export class Webhook {
  readonly #parts: WebhookParts;
  readonly #guard: Guard;
  /** As requests have it: `é` and spaces are encoded there. */
  readonly #pathname: string;
  #running = 0;

  constructor(parts: WebhookParts) {
    this.#parts = parts;
    this.#pathname = new URL(`http://localhost${parts.path}`).pathname;
    const hostAdvice = "ask for 127.0.0.1, or give consume --notifications-token-file";
    this.#guard = new Guard({ hosts: [], tokens: parts.tokens, hostAdvice });
  }

  /** Listens until `signal`. */
  async serve(
    place: { hostname: string; port: number },
    signal: AbortSignal,
    onListen: (address: Deno.NetAddr) => void,
  ): Promise<void> {
    const server = Deno.serve({ ...place, signal, onListen }, (request) => this.answer(request));
    await server.finished;
  }

  /** Never throws. */
  async answer(request: Request): Promise<Response> {
    try {
      if (this.#running >= REQUESTS_MAX) {
        throw new HttpRefusal(503, "ServiceUnavailableException", "Too many requests at once", { "retry-after": "1" });
      }
      this.#running++;
      try {
        return await this.#take(request);
      } finally {
        this.#running--;
      }
    } catch (error) {
      if (error instanceof HttpRefusal) return errorAnswer(error);
      this.#parts.onFailure(error);
      return errorAnswer({ status: 500, type: "InternalServerError", message: "Something went wrong that should not" });
    }
  }

  async #take(request: Request): Promise<Response> {
    const { path, tokens, clock, news } = this.#parts;
    // A page of a browser has no token of ours, and who has one may come under any name.
    if (tokens === undefined) this.#guard.checkSite(request);
    this.#guard.checkToken(request);
    const incoming = incomingOf(request, clock);
    if (incoming.path !== this.#pathname) {
      throw new HttpRefusal(
        404,
        "NotFoundException",
        `There is nothing at that address: messages are taken at ${path}`,
      );
    }
    if (incoming.method !== "POST") {
      throw new HttpRefusal(405, "MethodNotAllowedException", "This address takes POST", { allow: "POST" });
    }
    const uris = createdObjects(await incoming.readJson(BODY_BYTES_MAX));
    if (uris === undefined) throw badRequest("Cannot take the message: it is no S3 event message");
    news.tell(uris);
    return emptyAnswer(204);
  }
}
