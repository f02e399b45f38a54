import { Consumer, type ConsumerOptions } from "../../../core/consume/consumer.ts";
import { updateSchema } from "../../../core/iceberg/action/update_schema.ts";
import { commitTable } from "../../../core/iceberg/commit.ts";
import { findFieldByPath } from "../../../core/iceberg/format/schema.ts";
import { currentSchema } from "../../../core/iceberg/format/table_metadata.ts";
import { storeWith } from "../../support/store_with.ts";
import { withCoupon } from "./grown_contract.ts";
import type { Life } from "./life.ts";

/** Consumes until a batch is routed. */
export async function routeOnly(
  life: Life,
  changes: Partial<ConsumerOptions> = { contract: withCoupon() },
): Promise<void> {
  await life.work(async (process) => {
    const options = life.options(process, changes);
    const end = new AbortController();
    const sink = storeWith(options.sink, {
      async create(path, bytes) {
        const isCreated = await options.sink.create(path, bytes);
        if (path.endsWith(".routed.json")) end.abort(new Error("it is routed"));
        end.signal.throwIfAborted();
        return isCreated;
      },
    });
    const consumer = await Consumer.start({ ...options, sink });
    await consumer.takeAll(new AbortController().signal, true).catch((error) => {
      if (error !== end.signal.reason) throw error;
    });
  });
}

/** Another program's, which take the ids that the batch's column was written with. */
export async function addForeignColumns(life: Life): Promise<void> {
  await life.maintain(({ catalog, clock, random }, { identifier }) =>
    commitTable(catalog, identifier, (transaction) => {
      const { metadata } = transaction;
      if (findFieldByPath(currentSchema(metadata), "foreign") !== undefined) return false;
      const field = { id: 0, name: "foreign", required: false, type: { type: "string" as const } };
      transaction.add(updateSchema(metadata, [{ change: "add-column", field }]));
      return true;
    }, { clock, random })
  );
}
