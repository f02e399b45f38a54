import { ask } from "./program.ts";

/** Records by where they ended; a corrupted file is one. */
export interface Dispositions {
  event: number;
  invalid_schema: number;
  extra_fields: number;
  corrupted_record: number;
  corrupted_batch: number;
}

const none: Dispositions = { event: 0, invalid_schema: 0, extra_fields: 0, corrupted_record: 0, corrupted_batch: 0 };

/** What the two tables of the lake in `folder`/lake hold. */
export async function countTables(folder: string): Promise<Dispositions> {
  const rows = await ask(
    folder,
    `select 'event' as kind, count(*)::int as n from bronze.events
     union all select _dead_letter_reason, count(*)::int from dead_letters.events group by all`,
  );
  return { ...none, ...Object.fromEntries(rows.map(({ kind, n }) => [kind, n])) };
}

/** What `produce --truth` wrote into a file. */
export async function countTruth(path: string): Promise<Dispositions> {
  const total = { ...none };
  for (const line of (await Deno.readTextFile(path)).trim().split("\n")) {
    const { counts } = JSON.parse(line) as { counts: Dispositions };
    for (const kind of Object.keys(total) as (keyof Dispositions)[]) total[kind] += counts[kind];
  }
  return total;
}
