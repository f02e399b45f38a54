import { rejects } from "node:assert/strict";
import { requireTable } from "../../../core/iceberg/catalog/catalog.ts";
import { removeOrphans } from "../../../core/maintain/removal/orphans.ts";
import { unavailable } from "../../support/simulated_faults.ts";
import { DEFAULT_TARGET, identifiersOf } from "../../../core/lake/table_names.ts";
import { Crash } from "../../support/simulated_store.ts";
import type { DataRows } from "./data_rows.ts";
import { type Life, WALKER } from "./life.ts";
import { replayLight } from "./light_replay.ts";
import { LightRewriting } from "./light_rewriting.ts";
import { maintainAll } from "./maintain_all.ts";
import { arrayOf, explained, invalid, mended, valid } from "./raw_files.ts";
import type { Scenario } from "./scenarios.ts";

const LATE = "late";
const LETTERS_FOLDER = "warehouse/dead_letters/events/";
const MINUTE_MS = 60_000;

/** Nobody goes on with the replay before the files of its events are replaced and deleted. */
export function abandonedReplay(rows: DataRows): Scenario {
  return {
    name: "a replay that dies, and upkeep before the next run",
    rounds: 5,
    steps: [
      (life) => {
        life.land("a.json", arrayOf(mended(), valid(), invalid(), explained()));
        life.land("b.json", arrayOf(mended()));
      },
      (life) => life.consume(),
      (life) => replayOnce(life, rows),
      (life) =>
        life.work((process) => {
          const around = life.foreignSurroundings(process);
          return maintainAll(around, DEFAULT_TARGET, new LightRewriting(rows));
        }),
      (life) => life.consume(),
      (life) => life.work((process) => replayLight(life, process, rows)),
      // What has died keeps its files for as long as it might live.
      (life) => life.wait(25 * 3_600_000),
    ],
  };
}

/**
 * Letters go by a commit that happens after its process was told that nobody answers, and after
 * orphans were removed.
 */
export function lateRemoval(rows: DataRows): Scenario {
  return {
    name: "a replay whose removal of letters comes late",
    rounds: 5,
    steps: [
      (life) => life.land("a.json", arrayOf(mended(), valid(), invalid(), explained())),
      (life) => life.consume(),
      (life) => replayLate(life, rows),
      (life) => life.consume(),
      (life) => life.wait(25 * 3_600_000),
    ],
  };
}

/** Its delete file is old by then, its manifests are not: nothing fences the commit. */
async function replayLate(life: Life, rows: DataRows): Promise<void> {
  const { disk } = life;
  let isSent = false;
  disk.hook = (operation, phase) => {
    const { process, name, path } = operation;
    if (process !== LATE || phase === "after" || !path.startsWith(`${LETTERS_FOLDER}metadata/`)) return undefined;
    if (isSent) return { do: "fail", error: unavailable(operation) };
    isSent = name === "create";
    return isSent ? { do: "late", ms: MINUTE_MS } : name === "write" ? { do: "delay", ms: MINUTE_MS } : undefined;
  };
  await rejects(replayLight(life, disk.connect({ process: LATE }), rows), { kind: "unavailable" });
  disk.hook = undefined;
  const around = life.foreignSurroundings(disk.connect());
  const table = await requireTable(around.catalog, identifiersOf(DEFAULT_TARGET).deadLetters);
  await removeOrphans(around, table, { olderThanMs: MINUTE_MS / 2, dryRun: false });
  await life.wait(2 * MINUTE_MS);
}

async function replayOnce(life: Life, rows: DataRows): Promise<void> {
  try {
    await replayLight(life, life.disk.connect({ process: WALKER }), rows);
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
  }
}
