import { strictEqual } from "node:assert/strict";
import { Meter } from "../../core/base/meter.ts";
import { systemClock } from "../../core/base/clock.ts";
import { systemRandom } from "../../core/base/random.ts";
import { ConsumeSession } from "../../core/consume/consume_session.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import type { ChosenRows, ReplayedFile } from "../../core/lake/batch_plan.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import type { Store } from "../../core/storage/store.ts";
import { Place } from "../commands/place.ts";
import { madeOnce } from "../support/made_once.ts";

export const NARROW = {
  type: "object",
  required: ["id"],
  properties: { id: { type: "integer" }, n: { type: "integer" } },
};
export const WIDE = { ...NARROW, properties: { ...NARROW.properties, coupon: { type: "string" } } };

/** By the wider contract three letters are events, and one falls for another reason. */
export const withLetters = madeOnce(Place.use, async (place) => {
  place.put("narrow.json", NARROW);
  place.put("wide.json", WIDE);
  place.put("lake/raw/events/a.json", [
    { id: 1 },
    { id: "x" },
    { id: 2, coupon: "a" },
    { id: 3, coupon: "b" },
    { id: 4, coupon: 7 },
  ]);
  place.put("lake/raw/events/b.json", '{"id":5,"coupon":"c"}\nnope\n');
  place.put("lake/raw/events/c.json", "[{");
  await place.records("consume", "--once", "--no-upkeep", "--contract", "narrow.json");
  await place.records("consume", "--once", "--no-upkeep", "--contract", "wide.json");
});

const EVENTS_SQL = "SELECT id || ' ' || _source_position || ' ' || _batch_id AS it, 'event' AS kind FROM bronze.events";
const LETTERS_SQL = `SELECT _source_file[12:] || ' ' || coalesce(_source_position::text, '-') || ' ' ||
  _dead_letter_reason AS it, 'letter' AS kind FROM dead_letters.events`;

/** What the tables hold: events by id, position and batch, and letters. */
export async function rowsOf(place: Place): Promise<{ events: string[]; letters: string[] }> {
  const rows = await place.ask(`${EVENTS_SQL} UNION ALL ${LETTERS_SQL} ORDER BY 1`) as { it: string; kind: string }[];
  const of = (wanted: string) => rows.filter(({ kind }) => kind === wanted).map(({ it }) => it);
  return { events: of("event"), letters: of("letter") };
}

export async function auditHolds(place: Place): Promise<void> {
  const { status, stdout, stderr } = await place.run("maintain", "--audit");
  strictEqual(status, 0, stdout + stderr);
}

export const EVENTS = ["1 0 1", "2 2 2", "3 3 2", "5 0 2"];
export const LETTERS = [
  "a.json 1 invalid_schema",
  "a.json 4 invalid_schema",
  "b.json 1 corrupted_record",
  "c.json - corrupted_batch",
];

/** A replay of these letters by the wider contract. */
export function replayOnce(place: Place, replay: ReplayedFile[], wrap: (store: Store) => Store): Promise<void> {
  return takeAgainOnce(place, { format: 2, replay }, wrap);
}

/** A batch of what was chosen, by the wider contract. */
export async function takeAgainOnce(place: Place, chosen: ChosenRows, wrap: (store: Store) => Store): Promise<void> {
  const [clock, random] = [systemClock, systemRandom];
  const store = wrap(openLocalStore(`${place.folder}/lake`, { random, durable: false }));
  const session = await ConsumeSession.open({
    catalog: new FileCatalog({ store, clock, random }),
    sink: store,
    zone: { store, prefix: "raw/events/", nameBase: "", format: undefined },
    target: { namespace: ["bronze"], name: "events" },
    contract: parseContract(JSON.stringify(WIDE)),
    partitionBy: [],
    keepsRecord: true,
    onExtraFields: "dead-letter",
    onChangedFile: "ignore",
    maxFilesPerBatch: 1,
    maxBytesPerBatch: 1,
    clock,
    random,
    meter: new Meter(clock),
    threads: 1,
    memory: "500MB",
    temporaryFolder: place.temporaryFolder,
    holder: "",
    leavesLake: true,
    report: { batch: () => {}, file: () => {}, note: () => {} },
  });
  try {
    await session.takeAgain(() => Promise.resolve(chosen), new AbortController().signal);
  } finally {
    session.close();
  }
}

/** Those that the wider contract takes, or explains otherwise. */
export async function lettersOfFiles(place: Place): Promise<ReplayedFile[]> {
  const files = await place.ask(
    "SELECT source_file AS name, etag, size::int AS size FROM ingest.files ORDER BY 1",
  ) as { name: string; etag: string; size: number }[];
  return [[2, 3, 4], [0]].map((positions, index) => ({ ...files[index]!, batchId: 1, positions }));
}
