import type { ServedLake } from "../../support/lake_server.ts";

/** A request to create `orders`, with ids as a client may send them. */
export const someTable = {
  name: "orders",
  schema: {
    type: "struct",
    fields: [
      { id: 10, name: "id", required: true, type: "long" },
      { id: 20, name: "at", required: false, type: "timestamptz" },
    ],
  },
  "partition-spec": { fields: [{ "source-id": 20, name: "at_day", transform: "day" }] },
};

export interface SentSnapshot {
  id: number;
  sequence: number;
  parent?: number;
}

/** A snapshot as clients send it; its manifest list is there, though nobody reads it here. */
export async function writeManifestList(lake: ServedLake, table: string, sent: SentSnapshot): Promise<object> {
  const folder = `${lake.folder}/warehouse/${table}/metadata`;
  await Deno.mkdir(folder, { recursive: true });
  const path = `${folder}/snap-${sent.id}.avro`;
  await Deno.writeTextFile(path, "");
  return {
    "snapshot-id": sent.id,
    "sequence-number": sent.sequence,
    "parent-snapshot-id": sent.parent,
    "timestamp-ms": 1_000 + sent.sequence,
    "manifest-list": `file://${path}`,
    summary: { operation: "append" },
  };
}

/** The updates of an append to the main branch. */
export function snapshotUpdates(snapshot: object): object[] {
  const id = (snapshot as { "snapshot-id": number })["snapshot-id"];
  return [
    { action: "add-snapshot", snapshot },
    { action: "set-snapshot-ref", "ref-name": "main", type: "branch", "snapshot-id": id },
  ];
}
