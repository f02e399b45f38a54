import { removeLeftovers } from "../../../core/maintain/removal/leftovers.ts";
import { removeOrphans } from "../../../core/maintain/removal/orphans.ts";
import { FileCatalog } from "../../../core/iceberg/catalog/file_catalog.ts";
import { UpkeepWorkshop } from "../../../core/maintain/upkeep/upkeep_workshop.ts";
import { SimulatedDisk } from "../../support/simulated_disk.ts";
import { expiredLists } from "../../support/expired_lists.ts";
import { unnamedFiles } from "../../support/unnamed_files.ts";
import { auditLake } from "./lake_audit.ts";
import { DataRows } from "./data_rows.ts";
import { LedgerView } from "./ledger_view.ts";
import { type CrashPoint, GRACE_MS, Life, type Tools, WALKER } from "./life.ts";
import { MemoRouter, RoutingMemo } from "./memo_router.ts";
import { RewritingMemo } from "./memo_rewriting.ts";
import type { Scenario } from "./scenarios.ts";
import { scratchFolder } from "../../support/scratch_folder.ts";

/** What runs of a scenario have in common: what DuckDB made of its files. */
export class Workshop {
  readonly tools: Tools;
  readonly rows: DataRows;

  private constructor(rows: DataRows, memo: RoutingMemo, rewriting: RewritingMemo) {
    this.rows = rows;

    this.tools = {
      router: (store) => new MemoRouter(memo, store),
      known: () => new LedgerView(rows, "bronze.events"),
      openRewriting: () => Promise.resolve(rewriting.openRewriting()),
    };
  }

  static async use(action: (workshop: Pick<Workshop, "rows" | "tools">) => Promise<void>): Promise<void> {
    const rows = new DataRows();
    const memo = RoutingMemo.open(rows);
    const store = new SimulatedDisk().connect();
    const { clock, random } = store;
    const around = { store, clock, random, catalog: new FileCatalog({ store, clock, random }) };
    const upkeep = new UpkeepWorkshop(around, { temporaryFolder: scratchFolder(), threads: 1 });
    try {
      await action(new Workshop(rows, memo, new RewritingMemo(() => upkeep.openRewriting())));
    } finally {
      await upkeep.close();
      memo.close();
      rows.close();
    }
  }
}

/**
 * A step of a scenario that walkers work in: where it begins, and how many operations it takes
 * undisturbed.
 */
export interface Stage {
  start: Life;
  step: number;
  operations: number;
}

/** Runs the scenario undisturbed; the lake must be right at its end. */
export async function stagesOf(scenario: Scenario, workshop: Pick<Workshop, "rows" | "tools">): Promise<Stage[]> {
  const stages: Stage[] = [];
  let life = new Life(workshop.tools);
  for (const [step, action] of scenario.steps.entries()) {
    const start = life;
    life = new Life(workshop.tools, [], { ...start, seed: 1000 * (step + 1) });
    await action(life);
    if (life.operations > 0) stages.push({ start, step, operations: life.operations });
  }
  await check(scenario, life, workshop, []);
  return stages;
}

/** Which of the stage's operations make a version of a table, in its undisturbed run. */
export async function commitsOf(
  scenario: Scenario,
  { start, step }: Stage,
  workshop: Pick<Workshop, "rows" | "tools">,
): Promise<number[]> {
  const life = new Life(workshop.tools, [], { ...start, seed: 1000 * (step + 1) });
  await scenario.steps[step]!(life);
  return life.disk.log.filter(({ process }) => process === WALKER).flatMap(({ name, path }, ordinal) =>
    name === "create" && path.endsWith(".metadata.json") ? [ordinal] : []
  );
}

/** Both sides of every operation. */
export function pointsOf(operations: number, from = 0): CrashPoint[] {
  return Array.from({ length: operations - from }, (_, index) => from + index)
    .flatMap((ordinal) => [{ ordinal, phase: "before" as const }, { ordinal, phase: "after" as const }]);
}

/**
 * Plays the scenario from that stage on with these crashes in it, to its end, and audits the lake.
 * Returns the operations of the stage, recovery included: where further crashes are possible.
 */
export async function walk(
  scenario: Scenario,
  stage: Stage,
  crashes: CrashPoint[],
  workshop: Pick<Workshop, "rows" | "tools">,
): Promise<number> {
  let life = new Life(workshop.tools, crashes, { ...stage.start, seed: 1000 * (stage.step + 1) });
  await scenario.steps[stage.step]!(life);
  const { operations } = life;
  for (let step = stage.step + 1; step < scenario.steps.length; step++) {
    life = new Life(workshop.tools, [], { ...life, seed: 1000 * (step + 1) });
    await scenario.steps[step]!(life);
  }
  await check(scenario, life, workshop, crashes);
  return operations;
}

/**
 * The lake is right, one more run finds nothing to do, and after upkeep nothing lies about that is
 * not needed.
 */
async function check(
  scenario: Scenario,
  life: Life,
  workshop: Pick<Workshop, "rows" | "tools">,
  crashes: CrashPoint[],
): Promise<void> {
  const { audit, choices } = scenario;
  const problems = [...await auditLake(life.disk, life.truth, workshop.rows, audit), ...life.notes];
  const again = new Life(workshop.tools, [], { ...life, seed: 999 });
  await again.consume(choices);
  const planned = again.disk.log.filter(({ name, path }) => name === "create" && path.endsWith(".plan.json"));
  if (planned.length > 0) problems.push("a run after the last one found something to do");
  const clean = new Life(workshop.tools, [], { ...again, seed: 998 });
  // Who died in the middle of an expiry is given time, and so are the readers of what it expired.
  for (let round = 0; round < (scenario.rounds ?? 3); round++) {
    await clean.wait(10 * GRACE_MS);
    await clean.consume({ ...choices, upkeepMs: 10_000 });
  }
  if (scenario.tidies) {
    const expired = await expiredLists(clean.disk.connect({ process: "auditor" }));
    problems.push(...expired.map((path) => `nothing waits to delete ${path}`));
  }
  await clean.maintain((around, table) => removeOrphans(around, table, { olderThanMs: 0, dryRun: false }));
  await removeLeftovers(clean.surroundings(clean.disk.connect({ process: "upkeep" })), {
    olderThanMs: 0,
    dryRun: false,
  });
  const left = await unnamedFiles(clean.disk.connect({ process: "auditor" }));
  problems.push(...left.map((path) => `nothing names ${path}`));
  problems.push(...await auditLake(clean.disk, life.truth, workshop.rows, audit));
  if (problems.length === 0) return;
  throw new Error(`${scenario.name}, crashes ${JSON.stringify(crashes)}:\n${problems.join("\n")}`);
}
