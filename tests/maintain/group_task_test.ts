import { deepStrictEqual } from "node:assert/strict";
import { seededRandom } from "../../core/base/random.ts";
import type { DataFile } from "../../core/iceberg/format/data_file.ts";
import { parseRecord, recordText } from "../../core/lake/durable_record.ts";
import { REWRITE_TASK_FORMAT } from "../../core/lake/rewrite_task.ts";
import { groupOfTask, groupTask, tableOfTask } from "../../core/maintain/compaction/group_task.ts";
import { MaintainWorld } from "./maintain_world.ts";

Deno.test("a group comes out of a task as it went in, whatever its partition's values are", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.events(1, true);
    const values = [
      null,
      true,
      false,
      3,
      -0,
      0.1,
      NaN,
      -Infinity,
      2n ** 62n,
      "",
      "-0",
      "\u0000\ud83d",
      new Uint8Array([0, 255]),
    ];
    const file = (name: string, facts: Partial<DataFile> = {}): DataFile => {
      const counts = { recordCount: 5, fileSizeBytes: 700, splitOffsets: [4, 90], equalityIds: undefined };
      return {
        content: "data",
        path: `file:///lake/${name}`,
        format: "parquet",
        specId: 0,
        partition: values,
        ...counts,
        ...facts,
      };
    };
    const shared = file("b", { content: "position-deletes" });
    const alone = file("c", { content: "equality-deletes", equalityIds: [2, 1] });
    const group = {
      specId: 0,
      partition: values,
      files: [
        { dataFile: file("a"), sequenceNumber: 0n, deletes: [shared] },
        { dataFile: file("d"), sequenceNumber: 0n, deletes: [alone, shared] },
      ],
      bytes: 1_400,
      outputs: 2,
    };
    const limits = { threads: 1, memory: "300MB" };
    const task = groupTask(table, group, { stem: "compact-x", attempt: "0123456789ab", limits, sortBy: ["id desc"] });
    const there = parseRecord(REWRITE_TASK_FORMAT, recordText(task), "of a test");
    deepStrictEqual(groupOfTask(there), group);
    const { identifier, metadata, io: { location } } = tableOfTask(there, table.io.location.store, seededRandom(1));
    const { schemas, currentSchemaId, partitionSpecs, sortOrders, defaultSortOrderId, properties } = table.metadata;
    deepStrictEqual(identifier, table.identifier);
    deepStrictEqual(
      { ...metadata },
      { ...metadata, schemas, currentSchemaId, partitionSpecs, sortOrders, defaultSortOrderId, properties },
    );
    deepStrictEqual([location.folder, location.recorded], [table.io.location.folder, table.io.location.recorded]);
  }));
