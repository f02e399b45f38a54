import type { LoadedTable } from "../../core/iceberg/catalog/catalog.ts";
import { History, UPKEEP } from "../../core/lake/history.ts";
import type { UpkeepRecord } from "../../core/lake/upkeep_history.ts";
import { THRESHOLDS, type UpkeepPolicy } from "../../core/maintain/upkeep/policy.ts";
import { Upkeep } from "../../core/maintain/upkeep/upkeep.ts";
import { UpkeepWorkshop } from "../../core/maintain/upkeep/upkeep_workshop.ts";
import { scratchFolder } from "../support/scratch_folder.ts";
import type { MaintainWorld } from "./maintain_world.ts";

/** Everything pays soon, and nothing waits for its turn. */
export const policy: UpkeepPolicy = {
  ...THRESHOLDS,
  share: 1e6,
  keepSnapshots: 3,
  graceMs: 0,
  memoryBytes: 250e6,
  threads: 1,
  expiredMin: 1,
  inputsMin: 4,
  deletedMin: 1,
};

/** Upkeep of `bronze.events`, and what it told. */
export async function useUpkeep(
  world: MaintainWorld,
  changes: Partial<UpkeepPolicy>,
  action: (
    run: (signal?: AbortSignal, idleMs?: number) => Promise<LoadedTable>,
    told: UpkeepRecord[],
    notes: string[],
  ) => Promise<void>,
): Promise<void> {
  const told: UpkeepRecord[] = [], notes: string[] = [];
  const workshop = new UpkeepWorkshop(world.surroundings, { temporaryFolder: scratchFolder(), threads: 1 });
  const upkeep = new Upkeep(world.surroundings, {
    ...policy,
    ...changes,
    openRewriting: () => workshop.openRewriting(),
    report: (record) => void told.push(record),
    note: (text) => void notes.push(text),
  });
  try {
    await action(
      async (signal = new AbortController().signal, idleMs = 60_000) => {
        let table = await world.load();
        await upkeep.run({ tables: [table], renew: (newer) => void (table = newer), idleMs, signal });
        return table;
      },
      told,
      notes,
    );
    await upkeep.close();
  } finally {
    await workshop.close();
  }
}

/** What is written down of upkeep. */
export async function historyOf({ surroundings }: MaintainWorld): Promise<(string | undefined)[][]> {
  const records = (await Array.fromAsync(new History(UPKEEP, surroundings).read())).flat();
  return records.map(({ by, action, outcome, detail }) => [by, action, outcome, detail]);
}

export function actions(told: readonly UpkeepRecord[]): string[] {
  return told.map(({ action }) => action).sort();
}
