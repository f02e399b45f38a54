/** Joins consume, which offers the moment between two batches, with what maintain can do. */
import { isKind } from "../../core/base/errors.ts";
import type { BetweenBatches, CommitRider } from "../../core/consume/between_batches.ts";
import type { UpkeepRecord } from "../../core/lake/upkeep_history.ts";
import type { Surroundings } from "../../core/maintain/surroundings.ts";
import type { MachineSettings } from "../machine.ts";

export interface UpkeepChoices {
  machine: MachineSettings;
  /** Of consume, bytes: upkeep takes a part of it. */
  memoryBytes: number;
  keepSnapshots: number;
  graceMs: number;
  report(record: UpkeepRecord): void;
  note(text: string): void;
}

export interface ConsumerUpkeep {
  betweenBatches: BetweenBatches;
  newRider(): CommitRider;
  /** When the last batch is done. */
  close(): Promise<void>;
}

export async function openUpkeep(surroundings: Surroundings, choices: UpkeepChoices): Promise<ConsumerUpkeep> {
  const [{ Upkeep }, { UpkeepWorkshop }, { usualPolicy }] = await Promise.all([
    import("../../core/maintain/upkeep/upkeep.ts"),
    import("../../core/maintain/upkeep/upkeep_workshop.ts"),
    import("../../core/maintain/upkeep/policy.ts"),
  ]);
  const { machine, keepSnapshots, graceMs, report, note } = choices;
  const policy = { ...usualPolicy(choices.memoryBytes), keepSnapshots, graceMs };
  const { threads, memoryBytes } = policy;
  const workshop = new UpkeepWorkshop(surroundings, { ...machine, threads, memory: `${memoryBytes}B` });
  const upkeep = new Upkeep(surroundings, {
    ...policy,
    openRewriting: (stop) => workshop.openRewriting(stop),
    report,
    note,
  });
  return {
    betweenBatches: ({ tables, renew, idleMs, signal, stop }) => upkeep.run({ tables, renew, idleMs, signal, stop }),
    newRider: () => upkeep.newRider(),
    async close() {
      try {
        await upkeep.close();
      } catch (error) {
        // It is only told of; what ended the run counts more.
        if (!isKind(error, "unavailable")) throw error;
      } finally {
        await workshop.close();
      }
    },
  };
}
