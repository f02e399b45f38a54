import { strictEqual } from "node:assert/strict";
import { replayBy } from "../../commands/letter_replay.ts";
import { type Clock, systemClock } from "../../core/base/clock.ts";
import { systemRandom } from "../../core/base/random.ts";
import { BATCHES, History, UPKEEP } from "../../core/lake/history.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { FileNamespaces } from "../../core/iceberg/catalog/file_namespaces.ts";
import { RestCatalog } from "../../core/iceberg/catalog/rest_catalog.ts";
import { RestCatalogService } from "../../core/serve/catalog/rest_catalog_service.ts";
import { ConsoleService } from "../../core/serve/console/console_service.ts";
import { exportAnswers, liveAnswers } from "../../core/serve/console/long_answers.ts";
import { UpkeepDesk } from "../../core/serve/console/upkeep_desk.ts";
import { LimitedSession } from "../../core/serve/console/limited_session.ts";
import { Session } from "../../core/query/sql_session.ts";
import { Guard, type GuardOptions } from "../../core/serve/guard.ts";
import { LakeServer } from "../../core/serve/lake_server.ts";
import { BatchWatch } from "../../core/serve/metrics/batch_watch.ts";
import { LakeWatch } from "../../core/serve/metrics/lake_watch.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import type { ObjectAccess, Store } from "../../core/storage/store.ts";
import { patientClock } from "./patient_clock.ts";
import { scratchFolder } from "./scratch_folder.ts";

interface ServeOptions {
  guard?: Partial<GuardOptions>;
  /** The store that the server has, of the lake's. */
  serves?: (store: Store) => Store;
  allowsUpkeep?: boolean;
  /** The keys that the catalog may give out. */
  access?: () => Promise<ObjectAccess>;
  /** By which questions are stopped; default: by none. */
  sessionClock?: Clock;
  /** The console's, for all but questions. */
  consoleClock?: Clock;
  /** The server's own: of its limits, and of its farewell. */
  serverClock?: Clock;
  /** A lake that is there; default: a new one, for this once. */
  folder?: string;
}

/** Our own server on a lake of this disk, reached over HTTP. */
export class ServedLake {
  readonly folder: string;
  readonly store: Store;
  readonly server: LakeServer;
  /** What the server told its operator. */
  readonly failures: string[];
  /** `http://127.0.0.1:PORT` */
  readonly address: string;

  /** Aborted when the server is told to end. */
  readonly end: AbortSignal;

  private constructor(
    folder: string,
    store: Store,
    server: LakeServer,
    failures: string[],
    address: string,
    end: AbortSignal,
  ) {
    this.end = end;
    this.folder = folder;
    this.store = store;
    this.server = server;
    this.failures = failures;
    this.address = address;
  }

  static async use(action: (lake: ServedLake) => Promise<void>, options: ServeOptions = {}): Promise<void> {
    const folder = options.folder ?? await Deno.makeTempDir({ prefix: "streamlab-served-" });
    const { serves = (store: Store) => store } = options;
    const clock = systemClock, random = systemRandom;
    const store = openLocalStore(folder, { random, durable: false });
    const served = serves(store);
    const files = new FileCatalog({ store: served, clock, random, tablesKept: 32 });
    const failures: string[] = [];
    const onFailure = (error: unknown) => void failures.push(String(error));
    const machine = { temporaryFolder: scratchFolder(), threads: 1, memory: "256MB" };
    const watch = new LakeWatch({ catalog: files, store: served, clock, random }, {
      ...machine,
      openRaw: (root) => Promise.resolve(openLocalStore(root, { random, durable: false })),
      onFailure,
    });
    const session = new Session({
      openCatalog: () => Promise.resolve(files),
      openLake: () => Promise.resolve(served),
      clock,
      random,
      tempSizeMax: "50MB",
      ...machine,
    });
    const batches = new BatchWatch(files, clock, onFailure);
    const surroundings = { catalog: files, store: served, clock, random };
    const openRaw = () => Promise.resolve(served);
    const replay = replayBy({ surroundings, machine, openRaw, note: onFailure });
    const server = new LakeServer({
      catalog: new RestCatalogService({
        catalog: files,
        namespaces: new FileNamespaces(served),
        access: options.access,
        clock,
        random,
      }),
      watch,
      batches,
      console: new ConsoleService({
        lake: folder,
        watch,
        batches,
        live: liveAnswers(),
        exports: exportAnswers(),
        upkeep: options.allowsUpkeep === true ? new UpkeepDesk(surroundings, machine, onFailure, replay) : undefined,
        onFailure,
        session: new LimitedSession(session, options.sessionClock ?? patientClock),
        catalog: files,
        history: { batches: new History(BATCHES, surroundings), upkeep: new History(UPKEEP, surroundings) },
        clock: options.consoleClock ?? clock,
        shown: (text) => text.replaceAll("a-secret", "***"),
      }),
      guard: new Guard({ hosts: [], hostAdvice: "--allow-host adds one", tokens: undefined, ...options.guard }),
      clock: options.serverClock ?? clock,
      version: "0.0.0",
      onFailure,
    });
    const stop = new AbortController();
    const listening = Promise.withResolvers<Deno.NetAddr>();
    const serving = server.serve({ hostname: "127.0.0.1", port: 0 }, stop.signal, listening.resolve);
    try {
      const { port } = await listening.promise;
      await action(new ServedLake(folder, store, server, failures, `http://127.0.0.1:${port}`, stop.signal));
    } finally {
      stop.abort();
      await serving;
      if (options.folder === undefined) await Deno.remove(folder, { recursive: true });
    }
  }

  /** The catalog as another process of streamlab has it. */
  connect(): Promise<RestCatalog> {
    return RestCatalog.connect({
      uri: `${this.address}/catalog`,
      clock: systemClock,
      random: systemRandom,
      openTable: (location) => {
        const folder = location.replace(`file://${this.folder}/`, "");
        return Promise.resolve({ store: this.store, folder });
      },
    });
  }

  /** Server-sent events of an endpoint of the console's. */
  async stream(path: string): Promise<EventStream> {
    const response = await fetch(`${this.address}/api/${path}`);
    strictEqual(response.headers.get("content-type"), "text/event-stream");
    return new EventStream(response.body!);
  }

  /** `POST namespaces` with a body, and so on; a path that begins with a slash is the server's. */
  async ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; text: string; json: Record<string, unknown>; headers: Headers }> {
    const url = path.startsWith("/") ? this.address + path : `${this.address}/catalog/v1/${path}`;
    const sent = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const response = await fetch(url, { method, headers, body: sent as string | undefined });
    const text = await response.text();
    const isJson = response.headers.get("content-type") === "application/json" && text !== "";
    return { status: response.status, text, json: isJson ? JSON.parse(text) : {}, headers: response.headers };
  }
}

/** Server-sent events, one after another. */
class EventStream {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(body: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = body.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The next one; comments are passed over. */
  async next(): Promise<{ name: string; json: Record<string, unknown> }> {
    while (true) {
      const end = this.#text.indexOf("\n\n");
      if (end < 0) {
        const piece = await this.#reader.read();
        if (piece.done) throw new Error("The stream has ended");
        this.#text += piece.value;
        continue;
      }
      const found = /^event: (\w+)\ndata: ([^\n]*)$/.exec(this.#text.slice(0, end));
      this.#text = this.#text.slice(end + 2);
      if (found !== null) return { name: found[1]!, json: JSON.parse(found[2]!) };
    }
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }
}
