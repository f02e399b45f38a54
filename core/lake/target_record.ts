import * as z from "zod";
import type { Contract, OnExtraFields, OnWrongType } from "../contract/contract.ts";
import { nameFile, rootOfNames } from "../storage/file_name.ts";
import { PLAN_OPTIONS } from "./batch_plan.ts";
import type { DedupeRule } from "./dedupe_rule.ts";
import { parseRecord, type RecordFormat } from "./durable_record.ts";
import type { EventFormat } from "./event_file.ts";
import { streamlabKey } from "./keys.ts";
import { EVENTS_FOLDER } from "./layout.ts";
import { type RawZone, zoneOptions } from "./raw_zone.ts";
import type { UpsertRule } from "./upsert_rule.ts";

const recordShape = z.strictObject({
  /** 2 is that of targets with upserts, which a program that knows 1 must not feed. */
  format: z.union([z.literal(1), z.literal(2)]),
  /** Where its raw files are, as their names in the ledger begin. */
  raw: z.strictObject({
    /** What names the root of their store: empty for the lake, which may be moved, else its URI. */
    base: z.string(),
    /** Of their paths in that store. */
    prefix: z.string(),
  }),
  /** The whole contract, as canonical JSON Schema text. */
  contract: z.string(),
  options: PLAN_OPTIONS,
});

/**
 * What feeds a target and by which rules: kept in a property of its table of events, so that a REST
 * catalog keeps it too, and whoever looks at the lake needs no flags.
 */
export type TargetRecord = z.infer<typeof recordShape>;

const FORMAT: RecordFormat<TargetRecord> = {
  what: "record of the target",
  shapes: [recordShape, recordShape],
  damagedHint: "Remove that property of the table, then run consume with --raw and --contract as before",
};

type Properties = Readonly<Record<string, string>>;

/** Undefined where the table is no target, or one that an older streamlab last wrote to. */
export function targetRecordOf(properties: Properties, target: string): TargetRecord | undefined {
  const key = streamlabKey.target(target);
  const text = properties[key];
  return text === undefined ? undefined : parseRecord(FORMAT, text, `in the property ${key}`);
}

/** The property that remembers it. */
export function targetProperty(target: string, record: TargetRecord): Record<string, string> {
  return { [streamlabKey.target(target)]: JSON.stringify(record) };
}

/** What becomes of its records, besides its contract. */
export interface TargetRules {
  onExtraFields: OnExtraFields;
  onWrongType?: OnWrongType | undefined;
  /** Events that repeat another one are dropped. */
  dedupe?: DedupeRule | undefined;
  /** The table holds the newest record of each key. */
  upsert?: UpsertRule | undefined;
}

/** What feeds a target in this run. */
export function recordOfTarget(
  { zone, contract, onExtraFields, onWrongType, dedupe, upsert }: TargetRules & { zone: RawZone; contract: Contract },
): TargetRecord {
  const options = { onExtraFields, onWrongType, ...zoneOptions(zone), dedupe, upsert };
  return {
    format: upsert === undefined ? 1 : 2,
    raw: { base: zone.nameBase, prefix: zone.prefix },
    contract: contract.text,
    options,
  };
}

/** Where a target's raw files are. */
export interface RawPlace {
  /** Of their store. */
  root: string;
  /** Of their paths in it. */
  prefix: string;
  /** What their names begin with, before their path. */
  base: string;
  format: EventFormat | undefined;
}

/** The lake's own raw zone where nothing else was remembered. */
export function rawPlaceOf(lakeRoot: string, record: TargetRecord | undefined): RawPlace {
  const { base, prefix } = record?.raw ?? { base: "", prefix: `${EVENTS_FOLDER}/` };
  return { root: rootOfNames(lakeRoot, base), prefix, base, format: record?.options.format };
}

/** For people: a path in the lake, or a URI. */
export function rawPlaceText(lakeRoot: string, { root, prefix }: RawPlace): string {
  return nameFile(lakeRoot, root, prefix) || lakeRoot;
}
