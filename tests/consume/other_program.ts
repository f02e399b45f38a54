import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import type { ConsumeSessionOptions } from "../../core/consume/consume_session.ts";
import { updateSchema } from "../../core/iceberg/action/update_schema.ts";
import { parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { commitTable } from "../../core/iceberg/commit.ts";
import type { SchemaChange } from "../../core/iceberg/format/schema_change.ts";
import type { Transaction } from "../../core/iceberg/transaction.ts";
import { formatNdjson } from "../../core/query/format/format_text.ts";
import { Session } from "../../core/query/sql_session.ts";
import { scratchFolder } from "../support/scratch_folder.ts";
import { storeWith } from "../support/store_with.ts";
import type { ConsumeWorld } from "./consume_world.ts";

/** A commit of another program. */
export async function commitTo(
  world: ConsumeWorld,
  build: (transaction: Transaction) => void,
  name = "bronze.events",
): Promise<void> {
  const catalog = world.catalogOn(world.store);
  await commitTable(catalog, parseIdentifier(name), build, { clock: systemClock, random: world.random });
}

export function changeColumns(world: ConsumeWorld, changes: SchemaChange[], name?: string): Promise<void> {
  return commitTo(world, (transaction) => transaction.add(updateSchema(transaction.metadata, changes)), name);
}

/** Another program acts as soon as the batch is routed. */
export function beside(world: ConsumeWorld, act: () => Promise<void>): Partial<ConsumeSessionOptions> {
  const sink = storeWith(world.store, {
    async create(path, bytes) {
      const isCreated = await world.store.create(path, bytes);
      if (path.endsWith(".routed.json")) await act();
      return isCreated;
    },
  });
  return { sink, catalog: world.catalogOn(sink), zone: world.options().zone };
}

/** What engines see that find columns by their field ids. */
export async function ask(world: ConsumeWorld, sql: string): Promise<unknown[]> {
  const session = new Session({
    openCatalog: () => Promise.resolve(world.catalogOn(world.store)),
    clock: systemClock,
    random: seededRandom(1),
    temporaryFolder: scratchFolder(),
    threads: 1,
    memory: "500MB",
  });
  return await session.ask(sql, {}, async (rows) => {
    let lines = "";
    for await (const piece of formatNdjson(rows)) lines += piece;
    return lines.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  });
}
