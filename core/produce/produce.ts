import { Deliveries } from "./deliveries.ts";
import { FileMaker } from "./file_maker.ts";
import type { ProduceOptions } from "./options.ts";
import type { ProduceParts } from "./parts.ts";
import { Pacer } from "./pacer.ts";

/** True when all files were produced; false when the signal came first. */
export async function produce(options: ProduceOptions, parts: ProduceParts): Promise<boolean> {
  const maker = await FileMaker.create(options, parts.clock, parts.random);
  const pacer = new Pacer(options.pace, options.batchSize, parts.clock);
  const deliveries = new Deliveries(parts, options.seed !== undefined);
  for (let batch = 0; batch < (options.batches ?? Infinity); batch++) {
    await pacer.turn(parts.signal);
    if (parts.signal?.aborted) {
      await deliveries.finish();
      return false;
    }
    const file = await maker.next();
    await deliveries.add(file);
  }
  await deliveries.finish();
  return true;
}
