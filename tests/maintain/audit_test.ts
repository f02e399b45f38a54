import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { maintain } from "../../commands/maintain/maintain.ts";
import { runProgram } from "../../commands/line/program.ts";
import { defaultContract } from "../../core/contract/default_contract.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { ConsumeWorld } from "../consume/consume_world.ts";
import { audit } from "./audited.ts";
import { tamper } from "./tampered.ts";
import { testWorld } from "../support/test_world.ts";

const event = (id: string, more: object = {}) => ({
  user_id: "u",
  event_id: id,
  event_type: "view",
  event_timestamp: "2026-03-01T12:00:00Z",
  properties: { page: id },
  ...more,
});

/** Three files in two batches: events, an invalid record, an extra field, a corrupted file. */
const useIngested = ConsumeWorld.copies(async (world) => {
  world.put("a.json", JSON.stringify([event("a0"), event("a1"), { user_id: "u" }, event("a3", { surprise: 1 })]));
  world.put("b.ndjson", [event("b0"), event("b1")].map((each) => JSON.stringify(each)).join("\n"));
  world.put("c.json", "[{");
  // One thread: files of one batch share a data file.
  await world.consume({ maxFilesPerBatch: 2, threads: 1 });
});

Deno.test("the audit of a sound lake says so, and changes nothing", () =>
  useIngested(async (world) => {
    const before = [];
    for await (const { path } of world.store.list("")) before.push(path);
    const { status, text } = await audit(world);
    strictEqual(status, 0, text);
    match(
      text,
      /bronze\.events: every record is in one table exactly once \(3 files of 2 batches, 4 events, 3 dead letters\)/,
    );
    const after = [];
    for await (const { path } of world.store.list("")) after.push(path);
    deepStrictEqual(after, before);
  }));

Deno.test("it is the same after compaction, and beside a file that nobody has ingested yet", () =>
  useIngested(async (world) => {
    const program = { ...testWorld({ commands: [maintain] }), clock: systemClock };
    strictEqual(await runProgram(["maintain", "--compact", "--source", world.folder], program), 0);
    world.put("later.json", JSON.stringify([event("later")]));
    const { status, text } = await audit(world);
    strictEqual(status, 0, text);
  }));

interface Fault {
  name: string;
  plant(world: ConsumeWorld): Promise<void> | void;
  /** What the audit must say. */
  says: RegExp;
  /** How much it finds wrong in all; 1 unless given. */
  discrepancies?: number;
}

const aRow = `_source_file = 'raw/events/a.json'`;

const faults: Fault[] = [
  {
    name: "an event that was removed",
    plant: (world) => tamper(world, "bronze.events", aRow, "SELECT * FROM {file} WHERE event_id <> 'a1'"),
    says: /raw\/events\/a\.json record 1 \(batch 1\) is in no table: it must be an event/,
  },
  {
    name: "all rows of a file that are missing",
    plant: (world) =>
      tamper(world, "bronze.events", aRow, "SELECT * FROM {file} WHERE _source_file NOT LIKE '%b.ndjson'"),
    says: /raw\/events\/b\.ndjson record 1 \(batch 1\) is in no table/,
    discrepancies: 2,
  },
  {
    name: "an event that was doubled",
    plant: (world) => tamper(world, "bronze.events", aRow, "FROM {file} UNION ALL FROM {file} WHERE event_id = 'a0'"),
    says: /raw\/events\/a\.json record 0 \(batch 1\) is in the tables 2 times/,
  },
  {
    name: "an event that was altered",
    plant: (world) =>
      tamper(
        world,
        "bronze.events",
        aRow,
        "SELECT * REPLACE ('buy' AS event_type) FROM {file} WHERE event_id = 'a0' " +
          "UNION ALL FROM {file} WHERE event_id <> 'a0'",
      ),
    says: /raw\/events\/a\.json record 0 \(batch 1\) is not what the file says: it was altered/,
  },
  {
    name: "a value in a map that was altered",
    plant: (world) =>
      tamper(
        world,
        "bronze.events",
        aRow,
        "SELECT * REPLACE (CASE event_id WHEN 'a1' THEN MAP {'page': 'x'} " +
          "ELSE properties END AS properties) FROM {file}",
      ),
    says: /raw\/events\/a\.json record 1 \(batch 1\) is not what the file says: it was altered/,
  },
  {
    name: "a dead letter whose text was altered",
    plant: (world) =>
      tamper(
        world,
        "dead_letters.events",
        aRow,
        "SELECT * REPLACE (_raw_record || ' ' AS _raw_record) FROM {file} " +
          "WHERE _source_position = 2 UNION ALL FROM {file} WHERE _source_position <> 2",
      ),
    says: /raw\/events\/a\.json record 2 \(batch 1\) is not what the file says: it was altered/,
  },
  {
    name: "a dead letter whose reason was altered",
    plant: (world) =>
      tamper(
        world,
        "dead_letters.events",
        aRow,
        "SELECT * REPLACE (CASE _source_position WHEN 2 THEN 'extra_fields' ELSE _dead_letter_reason END " +
          "AS _dead_letter_reason) FROM {file}",
      ),
    says:
      /a\.json record 2 \(batch 1\) is a dead letter by extra_fields, and by this contract must be one by invalid_schema/,
  },
  {
    name: "an event and a dead letter that were exchanged",
    plant: async (world) => {
      await tamper(
        world,
        "bronze.events",
        aRow,
        "SELECT * REPLACE (CASE event_id WHEN 'a1' THEN 2 ELSE _source_position END AS _source_position) FROM {file}",
      );
      await tamper(
        world,
        "dead_letters.events",
        aRow,
        "SELECT * REPLACE (CASE _source_position WHEN 2 THEN 1 ELSE _source_position END AS _source_position) FROM {file}",
      );
    },
    says: /a\.json record 1 \(batch 1\) is a dead letter, and by this contract must be an event/,
    discrepancies: 2,
  },
  {
    name: "an event that was moved to the dead letters",
    plant: async (world) => {
      await tamper(world, "bronze.events", aRow, "SELECT * FROM {file} WHERE event_id <> 'a1'");
      await tamper(
        world,
        "dead_letters.events",
        aRow,
        "FROM {file} UNION ALL SELECT * REPLACE (1 AS _source_position) FROM {file} WHERE _source_position = 2",
      );
    },
    says: /raw\/events\/a\.json record 1 \(batch 1\) is a dead letter, and by this contract must be an event/,
  },
  {
    name: "a dead letter that was moved to the events",
    plant: async (world) => {
      await tamper(world, "dead_letters.events", aRow, "SELECT * FROM {file} WHERE _source_position <> 2");
      await tamper(
        world,
        "bronze.events",
        aRow,
        "FROM {file} UNION ALL SELECT * REPLACE (2 AS _source_position) FROM {file} WHERE event_id = 'a1'",
      );
    },
    says: /raw\/events\/a\.json record 2 \(batch 1\) is an event, and by this contract must be a dead letter/,
  },
  {
    name: "the letter of a corrupted file that was doubled",
    plant: async (world) => {
      const c = `_source_file = 'raw/events/c.json'`;
      await tamper(world, "dead_letters.events", c, `FROM {file} UNION ALL FROM {file} WHERE ${c}`);
    },
    says: /raw\/events\/c\.json \(batch 2\) is in the tables 2 times/,
  },
  {
    name: "a row that no file asks for",
    plant: (world) =>
      tamper(
        world,
        "bronze.events",
        aRow,
        "FROM {file} UNION ALL SELECT * REPLACE (9 AS _source_position) FROM {file} " +
          "WHERE event_id = 'a0'",
      ),
    says: /raw\/events\/a\.json record 9 \(batch 1\) is in the tables 1 time, and not in the file/,
  },
  {
    name: "a line of the ledger that is missing",
    plant: (world) =>
      tamper(
        world,
        "ingest.files",
        `source_file = 'raw/events/a.json'`,
        "FROM {file} WHERE source_file NOT LIKE '%a.json'",
      ),
    says: /raw\/events\/a\.json \(batch 1\) has 4 rows in the tables, and no line in the ledger/,
  },
  {
    name: "a line of the ledger that is there twice",
    plant: (world) =>
      tamper(
        world,
        "ingest.files",
        `source_file = 'raw/events/a.json'`,
        "FROM {file} UNION ALL FROM {file} " +
          "WHERE source_file LIKE '%a.json'",
      ),
    says: /raw\/events\/a\.json \(batch 1\) is in the ledger 2 times/,
  },
  {
    name: "a raw file that was changed afterwards",
    plant: (world) => world.put("a.json", JSON.stringify([event("a0"), event("a1")])),
    says: /raw\/events\/a\.json \(batch 1\) has changed since it was ingested: its records cannot be checked/,
  },
  {
    name: "a row of a raw file that is gone",
    plant: async (world) => {
      await Deno.remove(world.rawPath("a.json"));
      await tamper(world, "bronze.events", aRow, "SELECT * FROM {file} WHERE event_id <> 'a1'");
    },
    says: /raw\/events\/a\.json \(batch 1\) has 1 event and 2 dead letters in the tables, 2 and 2 by the ledger/,
  },
];

for (const { name, plant, says, discrepancies = 1 } of faults) {
  Deno.test(`the audit finds ${name}`, () =>
    useIngested(async (world) => {
      await plant(world);
      const { status, text } = await audit(world);
      strictEqual(status, 1, text);
      match(text, says);
      match(text, new RegExp(`^bronze\\.events: ${discrepancies} discrepanc(y|ies) `));
    }));
}

Deno.test("a lake whose extra fields were rescued is audited by that rule", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.json", JSON.stringify([event("a0", { surprise: 1 }), event("a1")]));
    await world.consume({ onExtraFields: "rescue" });
    const { status, text } = await audit(world, "--on-extra-fields", "rescue");
    strictEqual(status, 0, text);
    match(text, /2 events, 0 dead letters/);
  }));

Deno.test("a lake whose wrong types were rescued is audited by that rule, and every value counts", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.json", JSON.stringify([event("a0", { product_id: 1 }), event("a1"), { ...event("a2"), user_id: 1 }]));
    await world.consume({ onWrongType: "rescue" });
    const sound = await audit(world);
    deepStrictEqual([sound.status, /2 events, 1 dead letter\b/.test(sound.text)], [0, true], sound.text);
    const byAnother = await audit(world, "--on-wrong-type", "dead-letter");
    match(byAnother.text, /1 record would go to the other table/);
    await tamper(world, "bronze.events", "_rescued IS NOT NULL", "SELECT * REPLACE ('{}' AS _rescued) FROM {file}");
    const { status, text } = await audit(world);
    strictEqual(status, 1, text);
    match(text, /a\.json record 0 \(batch 1\) is not what the file says: it was altered/);
  }));

Deno.test("files outside of the lake are judged where they are", () =>
  ConsumeWorld.use(async (world) => {
    const other = await Deno.makeTempDir({ prefix: "streamlab-elsewhere-" });
    try {
      await Deno.writeTextFile(`${other}/a b.json`, JSON.stringify([event("a0"), { user_id: "u" }]));
      const store = openLocalStore(other, { random: world.random, durable: false });
      await world.consume({ zone: { store, prefix: "", nameBase: `file://${other}/`, format: undefined } });
      const sound = await audit(world);
      strictEqual(sound.status, 0, sound.text);
      strictEqual(/gone/.test(sound.text), false, sound.text);
      await tamper(world, "bronze.events", "true", "SELECT * REPLACE ('x' AS user_id) FROM {file}");
      const { status, text } = await audit(world);
      strictEqual(status, 1);
      match(text, /a b\.json record 0 \(batch 1\) is not what the file says: it was altered/);
    } finally {
      await Deno.remove(other, { recursive: true });
    }
  }));

Deno.test("what another contract has judged otherwise is said, and no discrepancy", () =>
  useIngested(async (world) => {
    const json = JSON.parse(defaultContract().text);
    json.properties.surprise = { type: "integer" };
    await Deno.writeTextFile(`${world.folder}/wider.json`, JSON.stringify(json));
    const { status, text } = await audit(world, "--contract", `${world.folder}/wider.json`);
    strictEqual(status, 0, text);
    match(text, /1 record would go to the other table by this contract/);
  }));

Deno.test("of a file whose new content was ingested, too, the new content is judged and the old one counted", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.json", JSON.stringify([event("a0")]));
    await world.consume();
    world.put("a.json", JSON.stringify([event("a0"), event("a1"), { user_id: "u" }]));
    await world.consume({ onChangedFile: "ingest" });
    const { status, text } = await audit(world);
    strictEqual(status, 0, text);
    match(text, /2 files of 2 batches, 3 events, 1 dead letter/);
    match(text, /1 file is gone/);
  }));

Deno.test("without tables there is nothing to audit", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.json", "[]");
    const { status, text } = await audit(world);
    strictEqual(status, 1);
    match(text, /There is no table/);
  }));
