import { strictEqual } from "node:assert/strict";
import { seededRandom } from "../../../core/base/random.ts";
import { assignFieldIds } from "../../../core/iceberg/format/schema.ts";
import type { Field } from "../../../core/iceberg/format/type.ts";
import { deadLetterFields, eventFields } from "../../../core/lake/our_columns.ts";
import { shareMemory } from "../../../core/routing/memory_shares.ts";
import { EventReader } from "../../../core/routing/reader/event_reader.ts";
import { compiledReader, HASH_KEY_BYTES } from "../../../core/routing/reader/reader_instance.ts";
import type { ReadUnit } from "../../../core/routing/reader/reading.ts";
import type { TargetTable } from "../../../core/tables/write/target_table.ts";
import { contractOf } from "./test_reader.ts";

const CONTRACT = contractOf({ required: ["id"], properties: { id: { type: "string" } } });

function targetOf(named: Field[]): TargetTable {
  const { fields } = assignFieldIds(named, 1);
  return {
    schema: { schemaId: 0, fields },
    written: fields,
    spec: { specId: 0, fields: [] },
    properties: {},
    dataFolder: "data",
  };
}

/** The reader's memory after each of some batches of the same files, by name and content. */
async function memoryAfter(batches: number, files: Readonly<Record<string, string>>): Promise<number[]> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-memory-" });
  const hashKey = seededRandom(1).bytes(HASH_KEY_BYTES);
  const events = new EventReader({ number: 0, module: compiledReader(), hashKey });
  const sizes: number[] = [];
  try {
    const units = Object.entries(files).map(([name, content], number): ReadUnit => {
      const path = `${folder}/${name}`;
      Deno.writeTextFileSync(path, content);
      return { number, name, path, offset: 0, size: content.length, how: "json", position: 0 };
    });
    for (let batch = 0; batch < batches; batch++) {
      const reading = `${folder}/batch-${batch}`;
      Deno.mkdirSync(reading);
      const { tallies } = await events.read({
        contract: CONTRACT.text,
        onExtraFields: "dead-letter",
        events: targetOf(eventFields(CONTRACT, { rescued: false })),
        deadLetters: targetOf(deadLetterFields(CONTRACT)),
        ingestedAtMicros: 0n,
        batchId: BigInt(batch),
        folder: reading,
        limits: shareMemory("1GB", 1).limits,
        units,
        next: new SharedArrayBuffer(4),
        held: new SharedArrayBuffer(4),
      }, () => {});
      strictEqual(tallies.length, units.length);
      sizes.push(events.reader.bytes.length);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return sizes;
}

Deno.test("the hundredth batch takes no more memory than the second", async () => {
  const sizes = await memoryAfter(100, { a: '[{"id":"1"},{"id":2},{"id":3,"x":"escaped \\" here"}]', b: "no array" });
  strictEqual(sizes.at(-1), sizes[1]);
});
