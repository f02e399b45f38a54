import { Consumer } from "../../../core/consume/consumer.ts";
import { DEFAULT_TARGET } from "../../../core/lake/table_names.ts";
import type { SimulatedStore } from "../../support/simulated_store.ts";
import type { DataRows } from "./data_rows.ts";
import type { Life } from "./life.ts";
import { chooseLight } from "./light_letters.ts";
import { withCoupon } from "./grown_contract.ts";

/** More than any lake of a simulation needs. */
const BATCHES_MAX = 10;

/** `maintain --replay-dead-letters` after `coupon` was added to the contract. */
export async function replayLight(life: Life, process: SimulatedStore, rows: DataRows): Promise<void> {
  const consumer = await Consumer.start(life.options(process, { contract: withCoupon() }));
  const around = life.surroundings(process, true);
  const { signal } = new AbortController();
  for (let batch = 0; batch < BATCHES_MAX; batch++) {
    const choose = async (last: bigint) => {
      const replay = await chooseLight(around, DEFAULT_TARGET, rows, last);
      return replay.length === 0 ? undefined : { format: 2 as const, replay };
    };
    if (!await consumer.takeAgain(choose, signal)) return;
  }
}
