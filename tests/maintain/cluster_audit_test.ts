import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { isKind } from "../../core/base/errors.ts";
import { systemRandom } from "../../core/base/random.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { runJudgeTask } from "../../core/maintain/audit/run_judge_task.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { Place } from "../commands/place.ts";
import { madeOnce } from "../support/made_once.ts";
import { auditBy, judgeHere, judgingCluster } from "./judging_cluster.ts";
import { withLetters } from "./letters_place.ts";
import { tamper } from "./tampered.ts";

const event = (id: string, minute: number, more: object = {}) => ({
  user_id: id.slice(0, 1),
  event_id: id,
  event_type: "view",
  event_timestamp: `2026-03-01T12:0${minute}:00Z`,
  ...more,
});

/** Three files in two batches: events, dead letters, an event that comes twice, a broken file. */
function putFiles(place: Place): void {
  place.put("lake/raw/events/a.json", [event("a0", 0), event("a1", 1), { user_id: "u" }, event("a0", 2)]);
  place.put(
    "lake/raw/events/b.ndjson",
    [event("b0", 0), event("a1", 3)].map((each) => JSON.stringify(each)).join("\n"),
  );
  place.put("lake/raw/events/c.json", "[{");
}

async function ingested(place: Place, ...flags: string[]): Promise<void> {
  putFiles(place);
  const once = ["consume", "--once", "--no-upkeep", "--threads", "1", "--max-files-per-batch", "2"];
  await place.records(...once, ...flags);
}

const withEvents = madeOnce(Place.use, (place) => ingested(place));
const withoutRepeats = madeOnce(Place.use, async (place) => {
  await ingested(place, "--dedupe-by", "event_id", "--dedupe-within", "1h");
  place.put("lake/raw/events/d.json", [event("b0", 4), event("d0", 5)]);
  await place.records("consume", "--once", "--no-upkeep");
  await place.records("maintain", "--dedupe-by", "user_id");
});
const withNewest = madeOnce(Place.use, async (place) => {
  await ingested(place, "--upsert-by", "user_id", "--delete-when", 'event_type = "delete"');
  place.put("lake/raw/events/d.json", [event("b1", 9, { event_type: "delete" }), event("a5", 0)]);
  await place.records("consume", "--once", "--no-upkeep");
});
/** A letter has the time of an event by the rules of the first replay, not by those of the last. */
const withOtherTimes = madeOnce(Place.use, async (place) => {
  const properties = { id: { type: "string" }, at: { type: "string", format: "date-time-lenient" } };
  const narrow = { type: "object", required: ["at"], properties };
  place.put("narrow.json", narrow);
  place.put("wide.json", { ...narrow, properties: { ...properties, more: { type: "integer" } } });
  place.put("lake/raw/events/a.json", [
    { id: "a", at: "2026-03-01T12:00:00Z" },
    { id: "b", at: "2026-03-01T12:00:00Z", more: 1 },
    { id: "c", at: "2026-03-01T12:00:00", more: 2 },
    { id: "d", at: "2026-03-01T15:00:00Z", more: 3 },
  ]);
  const consume = (...flags: string[]) => place.records("consume", "--once", "--no-upkeep", ...flags);
  await consume("--contract", "narrow.json", "--assume-offset", "Z");
  await consume("--contract", "wide.json", "--assume-offset", "Z");
  await place.records("maintain", "--replay-dead-letters", "--where", "_source_position = 1");
  await consume("--contract", "wide.json", "--assume-offset", "+01:00");
  const [replay] = await place.records("maintain", "--replay-dead-letters");
  strictEqual(replay!.events, 2);
  await place.records("maintain", "--dedupe-by", "at");
});
const withReplayed = madeOnce(withLetters, async (place) => {
  await place.records("maintain", "--replay-dead-letters");
});

const A_ROW = "_source_file = 'raw/events/a.json'";

function tampered(table: string, query: string, has = A_ROW): (place: Place) => Promise<void> {
  return async (place) => {
    const folder = `${place.folder}/lake`;
    const store = openLocalStore(folder, { random: systemRandom, durable: false });
    const catalog = new FileCatalog({ store, clock: systemClock, random: systemRandom });
    await tamper({ folder, store, catalog }, table, has, query);
  };
}

const lacksRow = tampered("bronze.events", "SELECT * FROM {file} WHERE _source_position <> 1");
const raw = (place: Place, name: string) => `${place.folder}/lake/raw/events/${name}`;

interface Case {
  name: string;
  use: typeof Place.use;
  plant?(place: Place): Promise<void> | void;
  says?: RegExp;
}

const cases: Case[] = [
  { name: "a sound lake", use: withEvents },
  { name: "a row that is missing", use: withEvents, plant: lacksRow, says: /is in no table: it must be an event/ },
  {
    name: "a row that is there twice",
    use: withEvents,
    plant: tampered("bronze.events", "FROM {file} UNION ALL FROM {file} WHERE _source_position = 0"),
    says: /is in the tables 2 times/,
  },
  {
    name: "a dead letter that was altered",
    use: withEvents,
    plant: tampered("dead_letters.events", "SELECT * REPLACE (_raw_record || ' ' AS _raw_record) FROM {file}"),
    says: /it was altered/,
  },
  {
    name: "a raw file that was changed",
    use: withEvents,
    plant: (place) => place.put("lake/raw/events/a.json", [event("a9", 0)]),
    says: /has changed since it was ingested/,
  },
  { name: "a raw file that is gone", use: withEvents, plant: (place) => Deno.remove(raw(place, "a.json")) },
  {
    name: "raw files that are all gone, and a row too",
    use: withEvents,
    plant: async (place) => {
      await lacksRow(place);
      await Deno.remove(`${place.folder}/lake/raw`, { recursive: true });
    },
    says: /by the ledger/,
  },
  { name: "repeats that were dropped and removed", use: withoutRepeats },
  {
    name: "an event that is lost beside repeats that were removed",
    use: withoutRepeats,
    plant: tampered("bronze.events", `FROM {file} WHERE NOT (${A_ROW})`),
    says: /is in no table/,
  },
  { name: "records that newer ones have replaced", use: withNewest },
  {
    name: "a newest record that is lost",
    use: withNewest,
    plant: tampered("bronze.events", "FROM {file} WHERE _source_position = 0", "_source_file LIKE '%b.ndjson'"),
    says: /is in no table/,
  },
  { name: "letters that were replayed", use: withReplayed },
  { name: "an event that repeats none by the last of two replays", use: withOtherTimes },
  {
    name: "an event that repeats none by the last of two replays, and is lost",
    use: withOtherTimes,
    plant: tampered("bronze.events", "SELECT * FROM {file} WHERE _source_position <> 2", "_source_position = 2"),
    says: /is in no table/,
  },
  {
    name: "letters that were replayed, of which one is lost",
    use: withReplayed,
    plant: tampered("bronze.events", "SELECT * FROM {file} WHERE _source_position <> 0"),
    says: /is in no table/,
  },
];

for (const { name, use, plant, says } of cases) {
  Deno.test(`tasks find what this process finds: ${name}`, () =>
    use(async (place) => {
      await plant?.(place);
      const lake = `${place.folder}/lake`;
      const here = await auditBy(undefined, lake);
      strictEqual(here.isRight, says === undefined, JSON.stringify(here.printed));
      if (says !== undefined) match(JSON.stringify(here.printed), says);
      deepStrictEqual(await auditBy(judgingCluster(), lake), here, "a task for each file");
      deepStrictEqual(await auditBy(judgingCluster(judgeHere, 1e6), lake), here, "one task");
    }));
}

Deno.test("answers may come in any order, the last one first", () =>
  withReplayed(async (place) => {
    const lake = `${place.folder}/lake`;
    const numbers: number[] = [];
    // Three files, and two of them once more by the rules of the replay.
    const turns = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
    const backwards = judgingCluster(async (task) => {
      numbers.push(task.number);
      if (numbers.length === turns.length) turns.at(-1)!.resolve();
      await turns[task.number]!.promise;
      const result = await judgeHere(task);
      turns[task.number - 1]?.resolve();
      return result;
    });
    deepStrictEqual(await auditBy(backwards, lake), await auditBy(undefined, lake));
    deepStrictEqual(numbers, [0, 1, 2, 3, 4], "all are under way before the first is done");
  }));

for (const last of ["changed", "whole"]) {
  Deno.test(`a file that changes between two tasks that judge it is told as changed: the ${last} answer comes last`, () =>
    withReplayed(async (place) => {
      // The first is of a.json by its batch, the second by the replay.
      const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const torn = judgingCluster(async (task) => {
        if (task.number === 0) {
          const result = await judgeHere(task);
          place.put("lake/raw/events/a.json", "[]");
          first.resolve();
          if (last === "changed") return result;
          await second.promise;
          // The other answer has as far to go.
          for (let turn = 0; turn < 100; turn++) await Promise.resolve();
          return result;
        }
        await first.promise;
        const result = await judgeHere(task);
        if (task.number === 1) second.resolve();
        return result;
      });
      const { isRight, printed } = await auditBy(torn, `${place.folder}/lake`);
      strictEqual(isRight, false);
      const { shown } = printed[0] as { shown: { file: string; problem: string }[] };
      deepStrictEqual(shown.map(({ file, problem }) => [file, problem]), [[
        "raw/events/a.json",
        "has changed since it was ingested: its records cannot be checked",
      ]]);
    }));
}

Deno.test("files of the same rules are judged in one group", () =>
  withEvents(async (place) => {
    const groups: string[][] = [];
    const grouped = judgingCluster((task) => {
      groups.push(...task.groups.map(({ files }) => files.map(({ name }) => name.slice(11))));
      return judgeHere(task);
    }, 1e6);
    await auditBy(grouped, `${place.folder}/lake`);
    deepStrictEqual(groups, [["a.json", "b.ndjson", "c.json"]]);
  }));

Deno.test("tasks that do not see a raw file as it is here end the audit, and do not say that it has changed", () =>
  withReplayed(async (place) => {
    const elsewhere = judgingCluster((task) => {
      const groups = task.groups.map((group) => ({ ...group, root: place.temporaryFolder }));
      return judgeHere({ ...task, groups });
    });
    await rejects(auditBy(elsewhere, `${place.folder}/lake`), (error) => {
      ok(isKind(error, "unavailable"));
      match(error.message, /^Cannot judge raw\/events\/[abc]\.json: a task does not find it as it is here$/);
      match(error.hint!, /^Let the executors see .*\/lake under the same name/);
      return true;
    });
  }));

Deno.test("files that have changed are told of, in whichever half of what is too large they are", () =>
  withEvents(async (place) => {
    let asked = 0;
    const halved = judgingCluster(async (task) => {
      if (asked++ > 0) return await judgeHere(task);
      for (const name of ["a.json", "c.json"]) place.put(`lake/raw/events/${name}`, "[]");
      return { format: 1, number: task.number, isTooLarge: true, missing: [], places: [], asked: [] };
    }, 1e6);
    const { isRight, printed } = await auditBy(halved, `${place.folder}/lake`);
    deepStrictEqual([isRight, asked], [false, 3]);
    const { shown } = printed[0] as { shown: { file: string; problem: string }[] };
    deepStrictEqual(shown.map(({ file, problem }) => [file.slice(11), problem]), [
      ["a.json", "has changed since it was ingested: its records cannot be checked"],
      ["c.json", "has changed since it was ingested: its records cannot be checked"],
    ]);
  }));

Deno.test("what is too large of one file is not halved for ever", () =>
  withEvents(async (place) => {
    const tooLarge = judgingCluster(({ number }) =>
      Promise.resolve({ format: 1, number, isTooLarge: true, missing: [], places: [], asked: [] })
    );
    await rejects(auditBy(tooLarge, `${place.folder}/lake`), (error) => {
      ok(isKind(error, "internal"));
      match(error.message, /^Cannot take the result of a task: it is too large, and of one file, raw\/events\//);
      return true;
    });
  }));

Deno.test("a task that fails ends the audit at once, with its words", () =>
  withEvents(async (place) => {
    const failing = judgingCluster(async (task) => {
      if (task.number > 0) return await new Promise(() => {});
      await Deno.writeTextFile(raw(place, "a.json"), "[");
      return await judgeHere({ ...task, groups: [{ ...task.groups[0]!, root: "ftp://nowhere" }] });
    });
    await rejects(auditBy(failing, `${place.folder}/lake`), /places on "ftp" are not known/);
  }));

Deno.test("an audit that is stopped waits for no task, and says nothing of the lake", () =>
  withEvents(async (place) => {
    const stop = new AbortController();
    const never = judgingCluster(() => {
      stop.abort();
      return new Promise(() => {});
    });
    deepStrictEqual(await auditBy(never, `${place.folder}/lake`, stop.signal), { isRight: true, printed: [] });
  }));

Deno.test("an audit that cannot begin to judge leaves no folder behind", () =>
  withEvents(async (place) => {
    const { status, stderr } = await place.run("maintain", "--audit", "--memory", "64MB");
    deepStrictEqual([status, /Cannot work within 64 MB of memory/.test(stderr)], [2, true], stderr);
    const left = [...Deno.readDirSync(place.temporaryFolder)].map(({ name }) => name);
    deepStrictEqual(left.filter((name) => name.startsWith("streamlab-audit-")), []);
  }));

Deno.test("a program of another version judges nothing", () =>
  withEvents(async (place) => {
    const other = judgingCluster((task) => judgeHere({ ...task, version: "0.0.1" }), 1e6);
    await rejects(auditBy(other, `${place.folder}/lake`), (error) => {
      ok(isKind(error, "usage"));
      match(error.message, /^Cannot judge files for streamlab 0\.0\.1: the program of the tasks is streamlab \d/);
      return true;
    });
  }));

Deno.test("what a task says is not taken on trust: whose it is, and its bytes", () =>
  withEvents(async (place) => {
    const lake = `${place.folder}/lake`;
    const another = judgingCluster(async (task) => ({ ...await judgeHere(task), number: 7 }), 1e6);
    await rejects(auditBy(another, lake), /it is of portion 7, and must be of 0/);
    const garbled = judgingCluster(async (task) => ({ ...await judgeHere(task), places: ["?"] }), 1e6);
    await rejects(auditBy(garbled, lake), /Cannot take the result of a task: it is not in base64/);
  }));

Deno.test("what is too large for an answer is judged in halves, and of one file it is refused with what to do", () =>
  withReplayed(async (place) => {
    const lake = `${place.folder}/lake`;
    const store = openLocalStore(lake, { random: systemRandom, durable: false });
    const judged: string[][] = [];
    const within = (bytesOf: (names: ReadonlySet<string>) => number) =>
      judgingCluster(async (task) => {
        const folder = `${place.folder}/task-${judged.length}`;
        judged.push(task.files.map(({ name, replay = "" }) => `${name.slice(11)} ${replay}`));
        const tools = { openStore: () => Promise.resolve(store), clock: systemClock, random: systemRandom, folder };
        return await runJudgeTask(task, tools, bytesOf(new Set(task.files.map(({ name }) => name))));
      }, 1e6);
    const ofOneFile = within((names) => names.size > 1 ? 10 : 1e6);
    deepStrictEqual(await auditBy(ofOneFile, lake), await auditBy(undefined, lake));
    const [a, b, c] = [["a.json ", "a.json 2"], ["b.json ", "b.json 2"], ["c.json "]] as const;
    deepStrictEqual(judged, [[...a, ...b, ...c], [...a, ...b], a, b, c]);
    await rejects(auditBy(within(() => 10), lake), (error) => {
      ok(isKind(error, "usage"));
      match(error.message, /^Cannot judge raw\/events\/a\.json of bronze\.events in a task: what it found takes 1 MB/);
      strictEqual(error.hint, "Audit with --engine embedded");
      return true;
    });
  }));

Deno.test("tasks are smaller where slots would be idle, but not than is worth a task", () =>
  withEvents(async (place) => {
    const files = [...Deno.readDirSync(`${place.folder}/lake/raw/events`)];
    const bytes = files.reduce((sum, { name }) => sum + Deno.statSync(raw(place, name)).size, 0);
    const tasksOf = async (bytesPerTask: number) => {
      let tasks = 0;
      await auditBy(judgingCluster((task) => (tasks++, judgeHere(task)), bytesPerTask), `${place.folder}/lake`);
      return tasks;
    };
    deepStrictEqual([await tasksOf(bytes * 3), await tasksOf(bytes * 8)], [2, 1]);
  }));
