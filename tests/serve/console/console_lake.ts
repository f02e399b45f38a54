import { strictEqual } from "node:assert/strict";
import { parsePartitionField } from "../../../core/consume/partition_by.ts";
import { ConsumeWorld } from "../../consume/consume_world.ts";
import { ServedLake } from "../../support/lake_server.ts";

/** What would be a script, a control or a turn of direction if it were anything but a text. */
export const HOSTILE_RECORD = "<script>globalThis.stolen = 1</script><img src=x onerror='globalThis.stolen = 1'>";

export const partitionBy = [parsePartitionField("day(event_timestamp)")];

/** Events, a record of a wrong type, a record of hostile text, and a file that is no JSON. */
async function fill(world: ConsumeWorld): Promise<void> {
  const at = "2026-03-01T12:00:00Z";
  const event = (id: number) => ({ user_id: "u", event_id: `e${id}`, event_type: "view", event_timestamp: at });
  world.put("a.json", JSON.stringify([event(1), event(2), { ...event(3), user_id: 7 }]));
  await world.consume({ partitionBy });
  world.put(
    "b.json",
    JSON.stringify([event(4), { ...event(5), event_type: HOSTILE_RECORD }, {
      user_id: `${HOSTILE_RECORD}\u202e\u001b[31m`,
      [HOSTILE_RECORD]: "x".repeat(1_000_000),
    }]),
  );
  world.put("c.json", `[${HOSTILE_RECORD}`);
  await world.consume({ partitionBy });
}

const useCopy = ConsumeWorld.copies(fill);

/** A lake of two batches, served. */
export function useFilledLake(
  action: (lake: ServedLake, world: ConsumeWorld) => Promise<void>,
  options: Omit<Parameters<typeof ServedLake.use>[1] & object, "folder"> = {},
): Promise<void> {
  return useCopy((world) => ServedLake.use((lake) => action(lake, world), { ...options, folder: world.folder }));
}

/** What one of the console's endpoints answers. */
export async function getJson(lake: ServedLake, path: string): Promise<Record<string, unknown>> {
  const { status, json, text } = await lake.ask("GET", `/api/${path}`);
  strictEqual(status, 200, `${path}: ${text}`);
  return json;
}
