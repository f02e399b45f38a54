import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Random, seededRandom } from "../../core/base/random.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { inFolder, streamlab, succeed } from "../e2e/program.ts";
import { say } from "../support/say.ts";
import { withSeed } from "../support/seed.ts";
import { unnamedFiles } from "../support/unnamed_files.ts";
import { after, appearing, killAt, type Moment } from "./world/kill_at.ts";

/** After each mark one more is killed at any time; `deno task simulate --kills N` asks for more. */
const KILLS_BETWEEN = Math.ceil(Number(Deno.env.get("STREAMLAB_KILLS") ?? 70) / 70);
/** What a batch leaves on its way, in this order. */
const MARKS = [
  /\.plan\.json$/,
  /\.routed\.json$/,
  /bronze\/events\/metadata\/v\d+\.metadata\.json$/,
  /ingest\/files\/metadata\/v\d+\.metadata\.json$/,
];
const FILES_LANDING = 2, RECORDS = 40, USERS = 25;

const CONSUME = [
  ...["consume", "--source", "lake", "--once", "--max-files-per-batch", "1", "--threads", "1"],
  ...["--upsert-by", "user_id", "--delete-when", 'event_type = "delete"', "--keep-snapshots", "2"],
];
const MAINTAIN = ["maintain", "--source", "lake", "--all", "--older-than", "0", "--retain-last", "1", "--threads", "1"];

Deno.test("consumers that upsert and maintainers, killed at any moment, leave the newest record of each key", () =>
  withSeed((random) =>
    inFolder(async (folder) => {
      const raw = new RawZone(`${folder}/lake/raw/events`, random);
      await raw.land();
      const startedMs = performance.now();
      await succeed(folder, CONSUME);
      const startMs = performance.now() - startedMs;
      const killed = { consumers: 0, maintainers: 0 };
      const kill = async (moment: () => Moment) => {
        await raw.land();
        const [consumer, maintainer] = await Promise.all([
          killAt(folder, CONSUME, moment),
          killAt(folder, MAINTAIN, () => after(1.5 * startMs * random.next())),
        ]);
        killed.consumers += consumer!;
        killed.maintainers += maintainer!;
      };
      for (const mark of MARKS) {
        await kill(() => appearing(`${folder}/lake`, mark));
        for (let turn = 0; turn < KILLS_BETWEEN; turn++) await kill(() => after(1.5 * startMs * random.next()));
      }
      ok(killed.consumers > 0, "none was killed");
      await succeed(folder, CONSUME);
      const audit = await streamlab(folder, ["maintain", "--source", "lake", "--audit"]);
      strictEqual(audit.status, 0, audit.stdout + audit.stderr);
      deepStrictEqual(await rowsOf(folder), await wantedRows(folder));
      await succeed(folder, ["maintain", "--source", "lake", "--remove-orphans", "--older-than", "0s"]);
      const store = openLocalStore(`${folder}/lake`, { random: seededRandom(1), durable: false });
      deepStrictEqual(await unnamedFiles(store), [], "after upkeep nothing lies about");
      say(`${JSON.stringify(killed)} killed, each key has its newest record`);
    })
  ));

/** Records of a few users, no two at one time: many are late, and some remove their user. */
class RawZone {
  readonly #folder: string;
  readonly #random: Random;
  #files = 0;
  #records = 0;

  constructor(folder: string, random: Random) {
    this.#folder = folder;
    this.#random = random;
  }

  async land(): Promise<void> {
    await Deno.mkdir(this.#folder, { recursive: true });
    for (let file = 0; file < FILES_LANDING; file++) {
      const records = Array.from({ length: RECORDS }, () => this.#record());
      const name = `${this.#folder}/${String(this.#files++).padStart(3, "0")}.json`;
      await Deno.writeTextFile(`${name}.part`, JSON.stringify(records));
      await Deno.rename(`${name}.part`, name);
    }
  }

  #record(): object {
    const number = this.#records++, random = this.#random;
    const ms = Date.UTC(2026, 2, 1 + Math.floor(3 * random.next())) + number;
    return {
      user_id: `u${Math.floor(USERS * random.next())}`,
      event_id: `e${number}`,
      event_type: random.next() < 0.2 ? "delete" : "update",
      event_timestamp: new Date(ms).toISOString(),
    };
  }
}

function rowsOf(folder: string): Promise<unknown> {
  return ask(folder, "SELECT user_id, event_id FROM bronze.events ORDER BY user_id, event_id");
}

/** By DuckDB's word, from the raw files. */
function wantedRows(folder: string): Promise<unknown> {
  return ask(
    folder,
    `SELECT user_id, arg_max(event_id, event_timestamp) AS event_id FROM read_json('*.json')
GROUP BY user_id HAVING arg_max(event_type, event_timestamp) <> 'delete' ORDER BY user_id`,
  );
}

async function ask(folder: string, sql: string): Promise<unknown> {
  return JSON.parse(
    await succeed(folder, ["query", "--source", "lake", "--file-root", "lake/raw/events", "--format", "json", sql]),
  );
}
