import { Meter } from "../../../core/base/meter.ts";
import { messageOf } from "../../../core/base/errors.ts";
import { setPlanAside } from "../../../core/consume/set_plan_aside.ts";
import { DEFAULT_TARGET } from "../../../core/lake/table_names.ts";
import type { Router } from "../../../core/routing/router.ts";
import type { LoadedTable } from "../../../core/iceberg/catalog/catalog.ts";
import { compactTable } from "../../../core/maintain/compaction/compact_table.ts";
import { expireTable } from "../../../core/maintain/removal/expire.ts";
import { rewriteTableManifests } from "../../../core/maintain/manifests.ts";
import { removeOrphans } from "../../../core/maintain/removal/orphans.ts";
import type { Surroundings } from "../../../core/maintain/surroundings.ts";
import { addForeignColumns, routeOnly } from "./foreign_columns.ts";
import { withCoupon } from "./grown_contract.ts";
import type { AuditOptions } from "./lake_audit.ts";
import { type ConsumeChoices, GRACE_MS, type Life } from "./life.ts";
import { arrayOf, corrupted, extra, invalid, valid } from "./raw_files.ts";
import { scratchFolder } from "../../support/scratch_folder.ts";

/** A story in steps. Between two steps everything that matters is on the disk. */
export interface Scenario {
  name: string;
  /** Whether what expires goes by itself, without a look for orphans. */
  tidies?: boolean;
  /** Of upkeep, until nothing is left to do; default: 3. */
  rounds?: number;
  /** What the audit must know of it. */
  audit?: AuditOptions;
  /** By what its target is fed. */
  choices?: ConsumeChoices;
  steps: ((life: Life) => Promise<void> | void)[];
}

const mixed = () => arrayOf(valid(), invalid(), valid({ event_timestamp: "2026-03-02T12:00:00Z" }), extra());

export const scenarios: Scenario[] = [
  {
    name: "first tables, then three batches",
    steps: [
      (life) => {
        for (const name of ["a.json", "b.json", "c.json"]) life.land(name, mixed());
      },
      (life) => life.consume(),
      (life) => life.land("d.json", mixed()),
      (life) => life.consume(),
    ],
  },
  {
    name: "a contract with a new column",
    steps: [
      (life) => life.land("a.json", mixed()),
      (life) => life.consume(),
      (life) => life.land("b.json", arrayOf(valid({ coupon: "ten" }), invalid())),
      (life) => life.consume({ contract: withCoupon() }),
    ],
  },
  {
    name: "a contract that changes while a batch is under way",
    steps: [
      (life) => life.land("a.json", arrayOf(extra("extra_fields", "coupon"), valid()), [["event", "event"]]),
      (life) => life.consume({ afterCrash: { contract: withCoupon() } }),
    ],
  },
  {
    name: "a new column, and one of another program once the batch is routed",
    steps: [
      (life) => life.land("a.json", mixed()),
      (life) => life.consume(),
      (life) => life.land("b.json", arrayOf(valid({ coupon: "ten" }), invalid())),
      (life) => routeOnly(life),
      addForeignColumns,
      (life) => life.consume({ contract: withCoupon() }),
    ],
  },
  {
    name: "dead letters only",
    steps: [
      (life) => life.land("a.json", arrayOf(invalid(), extra())),
      (life) => life.consume(),
      (life) => life.land("b.json", arrayOf(invalid())),
      (life) => life.consume(),
    ],
  },
  {
    name: "nothing but corrupted files",
    steps: [
      (life) => {
        life.land("a.json", corrupted());
        life.land("b.json", corrupted());
      },
      (life) => life.consume(),
    ],
  },
  {
    name: "a planned file that vanishes, and comes back",
    steps: [
      (life) => {
        life.land("a.json", mixed());
        life.land("b.json", mixed());
      },
      (life) => life.consume({ when: { created: /plan\.json$/, does: () => life.remove("a.json") } }),
      (life) => life.land("a.json", mixed()),
      (life) => life.consume(),
    ],
  },
  {
    name: "a planned file that changes before it is read",
    steps: [
      (life) => {
        life.land("a.json", mixed());
        life.land("b.json", mixed());
      },
      (life) => life.consume({ when: { created: /plan\.json$/, does: () => life.land("a.json", arrayOf(valid())) } }),
      (life) => life.consume(),
    ],
  },
  {
    name: "known names with new content, ignored and then ingested",
    steps: [
      (life) => life.land("a.json", mixed()),
      (life) => life.consume(),
      (life) => life.land("a.json", arrayOf(valid(), valid())),
      (life) => life.consume(),
      (life) => life.consume({ onChangedFile: "ingest" }),
    ],
  },
  {
    name: "extra fields rescued",
    steps: [
      (life) => life.land("a.json", mixed()),
      (life) => life.consume(),
      (life) => life.land("b.json", arrayOf(valid(), extra("event"), invalid())),
      (life) => life.consume({ onExtraFields: "rescue" }),
    ],
  },
  {
    name: "extra fields added as columns",
    steps: [
      (life) => life.land("a.json", arrayOf(valid(), extra("event"))),
      (life) => life.consume({ onExtraFields: "add" }),
      (life) => life.land("b.json", arrayOf(extra("event"), extra("event", "another"))),
      (life) => life.consume({ onExtraFields: "add" }),
    ],
  },
  {
    name: "compaction, expiry, manifests and orphans between batches",
    steps: [
      (life) => {
        for (const name of ["a.json", "b.json", "c.json"]) life.land(name, mixed());
      },
      (life) => life.consume({ maxFilesPerBatch: 1 }),
      (life) => life.maintain(compact),
      (life) => life.land("d.json", mixed()),
      (life) => life.consume(),
      (life) => life.maintain((around, table) => rewriteTableManifests(around, table, { dryRun: false })),
      (life) =>
        life.maintain((around, table) => expireTable(around, table, { olderThanMs: 0, retainLast: 1, dryRun: false })),
      (life) => life.wait(2 * 24 * 3_600_000),
      (life) =>
        life.maintain((around, table) => removeOrphans(around, table, { olderThanMs: 3_600_000, dryRun: false })),
      (life) => life.land("e.json", mixed()),
      (life) => life.consume(),
    ],
  },
  {
    name: "upkeep between batches",
    tidies: true,
    steps: [
      (life) => {
        for (const name of ["a.json", "b.json", "c.json"]) life.land(name, mixed());
      },
      (life) => life.consume({ maxFilesPerBatch: 1, upkeepMs: 10_000 }),
      (life) => life.wait(10 * GRACE_MS),
      (life) => life.land("d.json", mixed()),
      (life) => life.consume({ upkeepMs: 10_000 }),
      (life) => life.wait(10 * GRACE_MS),
      (life) => life.land("e.json", arrayOf(invalid())),
      (life) => life.consume({ upkeepMs: 10_000 }),
    ],
  },
  {
    name: "snapshots that expire by batches' commits",
    tidies: true,
    steps: [
      (life) => {
        for (const name of ["a.json", "b.json", "c.json", "d.json"]) life.land(name, mixed());
      },
      (life) => life.consume({ maxFilesPerBatch: 1, rides: true }),
      (life) => life.wait(10 * GRACE_MS),
      (life) => life.land("e.json", mixed()),
      (life) => life.consume({ rides: true }),
    ],
  },
  {
    name: "plans that cannot be routed, set aside",
    steps: [
      (life) => {
        for (const name of ["a.json", "b.json", "c.json"]) life.land(name, mixed());
      },
      fail,
      setAside,
      (life) => life.consume(),
      (life) => life.land("d.json", mixed()),
      fail,
      (life) => life.land("e.json", mixed()),
      setAside,
      (life) => life.consume(),
    ],
  },
];

/** Consumes with a router that cannot route, and so leaves a plan. */
async function fail(life: Life): Promise<void> {
  const unroutable = new Error("the batch cannot be routed");
  const router: Router = { route: () => Promise.reject(unroutable), close: () => {} };
  try {
    await life.consume({ router });
  } catch (error) {
    if (messageOf(error).includes(unroutable.message)) return;
    throw error;
  }
}

/** `maintain --set-aside-plan`, as often as it takes. */
async function setAside(life: Life): Promise<void> {
  await life.work(async (process) => {
    const { catalog, store, clock, random } = life.surroundings(process, true);
    await setPlanAside({ catalog, store, clock, random, target: DEFAULT_TARGET, dryRun: false });
  });
}

async function compact(around: Surroundings, table: LoadedTable): Promise<void> {
  await compactTable(around, table, {
    targetFileSize: 1e6,
    inputsMin: 2,
    sortBy: [],
    dryRun: false,
    signal: new AbortController().signal,
    meter: new Meter(around.clock),
    temporaryFolder: scratchFolder(),
    threads: 1,
  });
}
