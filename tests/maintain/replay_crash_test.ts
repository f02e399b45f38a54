import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { appendFiles } from "../../core/iceberg/action/append_files.ts";
import type { ReplayedFile } from "../../core/lake/batch_plan.ts";
import { EmbeddedRouter } from "../../core/routing/router.ts";
import type { Store } from "../../core/storage/store.ts";
import type { Place } from "../commands/place.ts";
import { copyFolder } from "../support/made_once.ts";
import { auditHolds, EVENTS, LETTERS, lettersOfFiles, replayOnce, rowsOf, withLetters } from "./letters_place.ts";

class Mortal extends Error {}

/** What a process may do to the store before it dies; the simulation has it die at each. */
const CHANGES = new Set(["create", "write", "putFile", "deletePaths"]);

/** Dies right after its nth change. */
function mortalStore(store: Store, nth: number): { store: Store; changes: () => number } {
  let changes = 0;
  const proxy = new Proxy(store, {
    get(inner, name) {
      const method = Reflect.get(inner, name);
      if (typeof method !== "function") return method;
      if (!CHANGES.has(name as string)) return method.bind(inner);
      return async (...args: unknown[]) => {
        if (changes >= nth) throw new Mortal();
        changes++;
        const result = await method.apply(inner, args);
        if (changes >= nth) throw new Mortal();
        return result;
      };
    },
  });
  return { store: proxy, changes: () => changes };
}

/** A replay that commits its events, and fails before the commit that removes their letters. */
async function replayHalf(place: Place): Promise<void> {
  const { removal } = EmbeddedRouter.prototype;
  EmbeddedRouter.prototype.removal = async function (...args) {
    const whole = await removal.apply(this, args);
    const stage = whole.stage.bind(whole);
    whole.stage = async (...of) => {
      await stage(...of);
      throw new Mortal();
    };
    return whole;
  };
  const letters = await lettersOfFiles(place);
  try {
    await rejects(replayOnce(place, letters, (store) => store), Mortal);
  } finally {
    EmbeddedRouter.prototype.removal = removal;
  }
}

Deno.test("a removal whose outcome is unknown keeps its intent, which keeps its files from whoever removes orphans", () =>
  withLetters(async (place) => {
    await replayHalf(place);
    const intents = () => [...Deno.readDirSync(`${place.folder}/lake/checkpoints/intents`)].length;
    strictEqual(intents(), 1);
    const [finished] = await place.records("maintain", "--replay-dead-letters");
    deepStrictEqual([finished!.batches, finished!.events, finished!.changed], [1, 3, 1]);
    strictEqual(intents(), 1);
    deepStrictEqual((await rowsOf(place)).letters, LETTERS);
    await auditHolds(place);
  }));

Deno.test("letters go also where the files of their events have been rewritten and deleted meanwhile", () =>
  withLetters(async (place) => {
    await replayHalf(place);
    const data = `${place.folder}/lake/warehouse/bronze/events/data`;
    const eventsOfReplay = () => [...Deno.readDirSync(data)].filter(({ name }) => name.startsWith("00000002-"));
    strictEqual(eventsOfReplay().length, 1);
    const upkeep = ["--compact", "--sort-by", "id", "--expire-snapshots", "--remove-orphans"];
    await place.records("maintain", ...upkeep, "--table", "bronze.events", "--older-than", "0s", "--retain-last", "1");
    strictEqual(eventsOfReplay().length, 0);
    await place.records("consume", "--once", "--no-upkeep");
    deepStrictEqual(await placesOf(place), { events: EVENTS.map(placeOf), letters: LETTERS });
    await auditHolds(place);
  }));

Deno.test("the audit finds a replay that brings events and removes no letters", () =>
  withLetters(async (place) => {
    const { removal } = EmbeddedRouter.prototype;
    EmbeddedRouter.prototype.removal = async function (...args) {
      const whole = await removal.apply(this, args);
      whole.stage = async (transaction, files, summary) => {
        transaction.add(await appendFiles(transaction, { files, summary }));
      };
      return whole;
    };
    try {
      await replayOnce(place, await lettersOfFiles(place), (store) => store);
    } finally {
      EmbeddedRouter.prototype.removal = removal;
    }
    const { status, stdout } = await place.run("maintain", "--audit");
    strictEqual(status, 1);
    match(stdout, /raw\/events\/a\.json record 2 \(batch 1\) is in the tables 2 times/);
  }));

/** Events by id and position: their batch is that of whichever replay brings them. */
async function placesOf(place: Place): Promise<{ events: string[]; letters: string[] }> {
  const { events, letters } = await rowsOf(place);
  return { events: events.map(placeOf), letters };
}

const placeOf = (event: string) => event.slice(0, 3);

/** Whether it died. */
async function dies(place: Place, letters: ReplayedFile[], nth: number): Promise<{ died: boolean; changes: number }> {
  let changes = () => 0;
  const wrap = (store: Store) => {
    const mortal = mortalStore(store, nth);
    changes = mortal.changes;
    return mortal.store;
  };
  const died = await replayOnce(place, letters, wrap).then(() => false, (error: unknown) => {
    if (error instanceof Mortal) return true;
    throw error;
  });
  return { died, changes: changes() };
}

Deno.test("a replay that died in the middle is finished by the next run of consume", () =>
  withLetters(async (place) => {
    const letters = await lettersOfFiles(place);
    const lake = `${place.folder}/lake`, before = `${place.folder}/before`;
    await copyFolder(lake, before);
    const { changes } = await dies(place, letters, Infinity);
    Deno.removeSync(lake, { recursive: true });
    await copyFolder(before, lake);
    strictEqual((await dies(place, letters, Math.round(changes / 2))).died, true);
    await place.records("consume", "--once", "--no-upkeep");
    await place.records("maintain", "--replay-dead-letters");
    deepStrictEqual(await placesOf(place), { events: EVENTS.map(placeOf), letters: LETTERS });
    await auditHolds(place);
  }));
