import { deepStrictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { ask, inFolder, startStreamlab, succeed } from "../e2e/program.ts";

const STARTS_MS_MAX = 60_000;
const INGESTS_MS_MAX = 120_000;

/** A lake that `streamlab serve` serves and a running consumer fills, each a process of its own. */
export interface BusyLake {
  folder: string;
  /** Of its REST catalog. */
  uri: string;
  /** Lets more event files land, one after another. */
  produce(seed: number, batches: number): Promise<void>;
  /** Until the consumer has taken all that landed. */
  ingested(): Promise<void>;
}

/** Both processes must end well when the action is over. */
export async function withBusyLake(action: (lake: BusyLake) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const produce = async (seed: number, batches: number) => {
      const size = ["--batches", String(batches), "--batch-size", "200", "--interval", "200ms"];
      await succeed(folder, ["produce", "--sink", "lake", "--dirty", "--seed", String(seed), ...size]);
    };
    await produce(1, 2);
    await succeed(folder, ["consume", "--source", "lake", "--once"]);
    const consuming = startStreamlab(folder, ["consume", "--source", "lake", "--trigger", "100ms"]);
    const serving = startStreamlab(folder, ["serve", "--source", "lake", "--port", "0"]);
    const ended = [consuming.output(), serving.status];
    const said = new Said(serving.stderr);
    try {
      const address = await said.find(/http:\/\/127\.0\.0\.1:\d+/);
      await action({ folder, uri: `${address}/catalog`, produce, ingested: () => untilIngested(folder) });
    } finally {
      consuming.kill("SIGINT");
      serving.kill("SIGINT");
      await Promise.all([...ended, said.all, serving.stdout.cancel()]);
    }
    const left = await Promise.all(ended);
    const codes = left.map(({ code }) => code);
    if (codes.some((code) => code !== 130)) throw new Error(`They ended with ${codes}: ${await said.all}`);
  });
}

async function untilIngested(folder: string): Promise<void> {
  const endMs = performance.now() + INGESTS_MS_MAX;
  while (performance.now() < endMs) {
    const lines = (await succeed(folder, ["maintain", "--source", "lake", "--status", "--json"])).trim().split("\n");
    const [target] = lines.map((line) => JSON.parse(line)).filter(({ action }) => action === "ingestion-status");
    if (target.waitingFiles === 0 && target.plan === null) return;
    await systemClock.sleep(200);
  }
  throw new Error(`The consumer has not taken what landed within ${INGESTS_MS_MAX / 1_000} s`);
}

/**
 * What is wrong with the consumer's rows in a lake that others write to: none may be lost or be
 * there twice. The others' rows are those of no event file.
 */
async function wrongRows(folder: string): Promise<unknown[]> {
  return await ask(
    folder,
    `WITH found AS (
  SELECT _source_file AS file, count(*) AS n, count(DISTINCT _source_position) AS places FROM bronze.events
  WHERE _source_file LIKE 'raw/%' GROUP BY ALL),
wanted AS (SELECT source_file AS file, sum(events) AS n FROM ingest.files WHERE status = 'ingested' GROUP BY ALL)
SELECT file, found.n, places, wanted.n AS wanted FROM found FULL JOIN wanted USING (file)
WHERE coalesce(found.n, 0) <> coalesce(wanted.n, 0) OR coalesce(places, 0) <> coalesce(found.n, 0)`,
  );
}

/** More files land while the engine is at work; then nothing of either is lost or doubled. */
export async function besideConsume(lake: BusyLake, work: () => Promise<string[]>): Promise<void> {
  const [written] = await Promise.all([work(), lake.produce(2, 12)]);
  await lake.ingested();
  deepStrictEqual(await wrongRows(lake.folder), []);
  deepStrictEqual(await foreignIds(lake.folder), written.sort());
}

/** Ids of the rows that another engine has added to bronze.events. */
export async function foreignIds(folder: string): Promise<string[]> {
  const rows = await ask(folder, "SELECT event_id FROM bronze.events WHERE _source_file = 'foreign' ORDER BY ALL");
  return rows.map((row) => String(row.event_id));
}

/** What a process says on standard error, to its end. */
export class Said {
  readonly all: Promise<string>;
  #text = "";
  #waiting: (() => void)[] = [];

  constructor(stream: ReadableStream<Uint8Array>) {
    this.all = this.#read(stream);
  }

  async find(pattern: RegExp): Promise<string> {
    const patience = new AbortController();
    const tooLate = systemClock.sleep(STARTS_MS_MAX, patience.signal).then(() => true);
    try {
      for (;;) {
        const found = pattern.exec(this.#text);
        if (found !== null) return found[0];
        const more = new Promise<boolean>((resolve) => this.#waiting.push(() => resolve(false)));
        const isOver = await Promise.race([more, tooLate, this.all.then(() => true)]);
        if (isOver) throw new Error(`It does not say ${pattern}: ${this.#text}`);
      }
    } finally {
      patience.abort();
    }
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<string> {
    for await (const piece of stream.pipeThrough(new TextDecoderStream() as never) as ReadableStream<string>) {
      this.#text += piece;
      for (const wake of this.#waiting.splice(0)) wake();
    }
    return this.#text;
  }
}
