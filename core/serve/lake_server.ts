import { isKind } from "../base/errors.ts";
import { early } from "../base/parallel.ts";
import { emptyAnswer, errorAnswer, jsonAnswer, textAnswer } from "./answer.ts";
import type { RestCatalogService } from "./catalog/rest_catalog_service.ts";
import { consoleFile } from "./console/console_files.ts";
import type { ConsoleService } from "./console/console_service.ts";
import type { Guard } from "./guard.ts";
import { type Incoming, incomingOf } from "./incoming.ts";
import { readSamples, type SampleSource } from "./metrics/lake_samples.ts";
import { METRICS_CONTENT_TYPE, prometheusText } from "./metrics/prometheus_text.ts";
import { failureRefusal, HttpRefusal } from "./http_refusal.ts";

export interface LakeServerParts extends SampleSource {
  /** Undefined: metrics and health alone. */
  catalog: RestCatalogService | undefined;
  console: ConsoleService | undefined;
  guard: Guard;
  /** Told of what is wrong on our side; the client is told no more than that something is. */
  onFailure(error: unknown, request: string): void;
}

/** Requests that are worked on at once: each holds its body, and up to a table's metadata. */
const REQUESTS_MAX = 64;
/** For requests under way when the server is to end. */
const FAREWELL_MS = 10_000;
const CATALOG_PATH = "/catalog";
const API_PATH = "/api";

/** The server of a lake, without a state of its own: console, health, metrics and REST catalog. */
export class LakeServer {
  readonly #parts: LakeServerParts;
  #running = 0;

  constructor(parts: LakeServerParts) {
    this.#parts = parts;
  }

  /**
   * Serves until `signal`; then finishes what is under way, or leaves it where that takes too long.
   * Calls `onListen` with its address.
   */
  async serve(
    place: { hostname: string; port: number },
    signal: AbortSignal,
    onListen: (address: Deno.NetAddr) => void,
  ): Promise<void> {
    const onError = (error: unknown) => this.#tellOfBody(error);
    const server = Deno.serve({ ...place, onListen, onError }, (request) => this.answer(request));
    const wished = Promise.withResolvers<void>();
    if (signal.aborted) wished.resolve();
    else signal.addEventListener("abort", () => wished.resolve(), { once: true });
    await Promise.race([wished.promise, server.finished]);
    this.#parts.console?.close();
    const over = new AbortController();
    const tooLong = this.#parts.clock.sleep(FAREWELL_MS, over.signal).then(() => false);
    const isDone = await Promise.race([early(server.shutdown()).then(() => true), tooLong]);
    over.abort();
    // What takes longer ends with the process: a server that is being shut down cannot be aborted.
    if (isDone) await server.finished;
  }

  /** Never throws. */
  async answer(request: Request): Promise<Response> {
    try {
      if (this.#running >= REQUESTS_MAX) {
        throw new HttpRefusal(503, "ServiceUnavailableException", "Too many requests at once", { "retry-after": "1" });
      }
      this.#running++;
      try {
        const incoming = incomingOf(request, this.#parts.clock);
        const file = this.#parts.console === undefined ? undefined : consoleFile(incoming.path);
        this.#parts.guard.checkSite(request, file !== undefined);
        // They are the same for every lake, and ask for a token.
        if (file !== undefined) return await read(incoming, file);
        return await this.#route(request, incoming);
      } finally {
        this.#running--;
      }
    } catch (error) {
      if (error instanceof HttpRefusal) return errorAnswer(error);
      this.#parts.onFailure(error, `${request.method} ${URL.parse(request.url)?.pathname ?? "?"}`);
      return errorAnswer(failureRefusal(error));
    }
  }

  /** The runtime would print what ended an answer's body, with the secrets in it. */
  #tellOfBody(error: unknown): Response {
    if (!isKind(error, "interrupted")) this.#parts.onFailure(error, "an answer under way");
    return errorAnswer(failureRefusal(error));
  }

  async #route(request: Request, incoming: Incoming): Promise<Response> {
    const { path } = incoming;
    if (path === "/healthz") return read(incoming, () => emptyAnswer(204));
    if (path === "/readyz") return await read(incoming, () => this.#readiness(request));
    this.#parts.guard.checkToken(request);
    if (path === "/metrics") return await read(incoming, () => this.#metrics());
    const { console: pages, catalog } = this.#parts;
    if (pages !== undefined && path.startsWith(`${API_PATH}/`)) {
      return await pages.handle(incoming, path.slice(API_PATH.length));
    }
    if (catalog !== undefined && path.startsWith(`${CATALOG_PATH}/`)) {
      return await catalog.handle(incoming, path.slice(CATALOG_PATH.length));
    }
    const places = catalog === undefined ? "/metrics, /healthz and /readyz" : "/metrics and /catalog/v1/config";
    throw new HttpRefusal(404, "NotFoundException", `There is nothing at that address: see ${places}`);
  }

  /**
   * Ready: the lake can be read, and the lag of every target is known. Without a token only that is
   * told, and no names.
   */
  async #readiness(request: Request): Promise<Response> {
    const { state, problem } = await this.#parts.watch.look();
    const unknown = state?.ingestion.filter(({ waiting }) => waiting === undefined).map(({ table }) => table) ?? [];
    const isReady = problem === undefined && unknown.length === 0;
    const status = isReady ? 200 : 503;
    if (!this.#parts.guard.admits(request)) return jsonAnswer(status, { ready: isReady });
    return jsonAnswer(status, { ready: isReady, lakeIsReadable: problem === undefined, lagIsUnknownOf: unknown });
  }

  async #metrics(): Promise<Response> {
    const text = prometheusText(await readSamples(this.#parts));
    return textAnswer(200, text, METRICS_CONTENT_TYPE);
  }
}

function read<Answer>(incoming: Incoming, answer: () => Answer): Answer {
  if (incoming.method === "GET" || incoming.method === "HEAD") return answer();
  throw new HttpRefusal(405, "MethodNotAllowedException", "This address takes GET and HEAD", { allow: "GET, HEAD" });
}
