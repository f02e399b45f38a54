import { StreamlabError } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import { mapParallel } from "../base/parallel.ts";
import { type Random, uuidV4 } from "../base/random.ts";
import type { Contract } from "../contract/contract.ts";
import { evolve, refusalError } from "../contract/evolution.ts";
import { deadLetterFields, eventFields, ledgerFields, OUR_COLUMNS } from "./our_columns.ts";
import { createTable, type PartitionColumnChoice } from "../iceberg/action/create_table.ts";
import { appendFiles } from "../iceberg/action/append_files.ts";
import { setProperties } from "../iceberg/action/set_properties.ts";
import { type Catalog, identifierText, type LoadedTable, type TableIdentifier } from "../iceberg/catalog/catalog.ts";
import { commitTable, createOrLoadTable } from "../iceberg/commit.ts";
import { areAllRulesKnown } from "./batch_rules.ts";
import { lastBatchOf, streamlabKey } from "./keys.ts";
import { currentSchema, defaultSpec, type TableMetadata } from "../iceberg/format/table_metadata.ts";
import type { Field } from "../iceberg/format/type.ts";
import { targetFolder } from "./layout.ts";
import { targetProperty, type TargetRecord, targetRecordOf } from "./target_record.ts";
import {
  formerLetters,
  identifiersOf,
  lettersProperty,
  LISTED_PARALLEL,
  mayShareLetters,
  TABLE_ROLES,
  type TableRole,
  whyNoLettersOf,
  whyNotATarget,
} from "./table_names.ts";
import type { UpsertRule } from "./upsert_rule.ts";
import { fieldsNamedIn, fileProperties, type TargetTable } from "../tables/write/target_table.ts";

/** The three tables that the batches of one target write to. */
export type TargetTables = Record<TableRole, LoadedTable>;

export interface TablesOptions {
  catalog: Catalog;
  clock: Clock;
  random: Random;
  target: TableIdentifier;
  contract: Contract;
  rescued: boolean;
  /** What feeds the target, to be remembered with it. */
  record: TargetRecord;
  /** What is remembered already stays, also where it has changed since it was read. */
  keepsRecord?: boolean | undefined;
  /** Used when the table is made, never to change one. */
  partitionBy: PartitionColumnChoice[];
  /** The last batch of the checkpoint; 0 if it has none. */
  recorded: Promise<bigint>;
  /** Called as soon as it is clear that a table is missing; creating it takes longer. */
  onAbsent?: (role: TableRole) => void;
}

/**
 * Loads the tables, makes those that are not there, and gives the target the id of its sequence of
 * batches. Fails with `conflict`, and makes none, where one is gone that was there.
 */
export async function openTables(options: TablesOptions): Promise<TargetTables> {
  const { catalog, random, target, contract } = options;
  const found = await findTables(options);
  const identifiers = identifiersOf(target, found.get("events")?.metadata.properties);
  if (!isTarget(found.get("events"), target)) await checkNewTarget(options, found.has("events"));
  checkContract(found, options);
  await checkReading(found, options);
  await checkUpsert(found.get("events"), options);
  const make = async (role: TableRole, { fields, partitionBy, properties = {} }: WantedTable) => {
    const change = (location: string) => createTable({ fields, partitionBy, properties, location, random });
    return (await createOrLoadTable(catalog, identifiers[role], change, { random })).table;
  };
  const daily = (column: string): PartitionColumnChoice[] => [{ column, transform: { name: "day" } }];
  // Made with the table: of two that start at once, one makes both.
  const name = identifierText(target);
  const made = {
    [streamlabKey.sequenceId(name)]: uuidV4(random),
    ...lettersProperty(target),
    ...targetProperty(name, options.record),
  };
  const wanted: Record<TableRole, WantedTable> = {
    events: { fields: eventFields(contract, options), partitionBy: options.partitionBy, properties: made },
    deadLetters: { fields: deadLetterFields(contract), partitionBy: daily(OUR_COLUMNS.ingestedAt) },
    ledger: { fields: ledgerFields(), partitionBy: [] },
  };
  // At the same time: each takes several requests one after another, and none needs another.
  const [events, deadLetters, ledger] = await mapParallel(TABLE_ROLES, TABLE_ROLES.length, (role) => {
    const known = found.get(role);
    return known === undefined ? make(role, wanted[role]) : Promise.resolve(known);
  });
  return {
    events: await withRecord(await withSequence(events!, options), options),
    deadLetters: deadLetters!,
    ledger: ledger!,
  };
}

/**
 * The existing tables. All are created before the first batch is planned. So if there are batches,
 * a missing table is lost, and an empty one in its place would hide that.
 */
async function findTables(options: TablesOptions): Promise<Map<TableRole, LoadedTable>> {
  const { catalog, target, recorded, onAbsent } = options;
  const likely = identifiersOf(target);
  const name = identifierText(target);
  const found = new Map<TableRole, LoadedTable>();
  const load = async (role: TableRole, identifier: TableIdentifier) => {
    const table = await catalog.loadTable(identifier);
    if (table === undefined) onAbsent?.(role);
    else found.set(role, table);
  };
  await mapParallel(TABLE_ROLES, TABLE_ROLES.length, (role) => load(role, likely[role]));
  const identifiers = { ...likely, deadLetters: await lettersOf(catalog, target, found.get("events")) };
  if (identifiers.deadLetters.name !== likely.deadLetters.name) {
    found.delete("deadLetters");
    await load("deadLetters", identifiers.deadLetters);
  }
  const lost = TABLE_ROLES.filter((role) => !found.has(role)).map((role) => identifierText(identifiers[role]));
  if (lost.length === 0) return found;
  const [holder] = [...found.values()].filter(({ metadata }) => markerOf(metadata, name).batchId > 0n);
  const last = holder === undefined ? await recorded : markerOf(holder.metadata, name).batchId;
  if (last === 0n) return found;
  const witness = holder === undefined ? `${targetFolder(name)} speaks of` : `${identifierText(holder.identifier)} has`;
  throw new StreamlabError(
    "conflict",
    `Cannot continue with ${name}: there is no table ${lost.join(", nor ")}, but ${witness} batch ${last}`,
    {
      hint: "Nothing was created in its place: restore the whole lake from one backup" +
        (holder === undefined
          ? `, or give the --catalog that was given before, or move ${targetFolder(name)} away to ingest anew`
          : ", or start a new lake"),
    },
  );
}

/** Without the table of events, letters of former lakes are known by their batches. */
async function lettersOf(
  catalog: Catalog,
  target: TableIdentifier,
  events: LoadedTable | undefined,
): Promise<TableIdentifier> {
  const { deadLetters } = identifiersOf(target, events?.metadata.properties);
  const former = formerLetters(target);
  if (events !== undefined || former.name === deadLetters.name) return deadLetters;
  const table = await catalog.loadTable(former);
  const isOurs = table !== undefined && markerOf(table.metadata, identifierText(target)).batchId > 0n;
  return isOurs ? former : deadLetters;
}

function isTarget(table: LoadedTable | undefined, target: TableIdentifier): boolean {
  return table !== undefined && markerOf(table.metadata, identifierText(target)).sequenceId !== undefined;
}

/**
 * Before anything is made: a name that could not be told from another, or letters that two would
 * share. A table that somebody else has made has its name.
 */
async function checkNewTarget({ catalog, target }: TablesOptions, isThere: boolean): Promise<void> {
  const namespaces = await catalog.listNamespaces();
  const existing = (await mapParallel(namespaces, LISTED_PARALLEL, (each) => catalog.listTables(each))).flat();
  const action = isThere ? "send events to" : "make";
  const refuse = (why: string) =>
    new StreamlabError("usage", `Cannot ${action} the table ${identifierText(target)}: ${why}`, {
      hint: "Nothing was made; give it another name with --table",
    });
  const why = isThere ? whyNoLettersOf(target, existing) : whyNotATarget(target, existing);
  if (why !== undefined) throw refuse(why);
  const letters = identifierText(identifiersOf(target).deadLetters);
  for (const other of mayShareLetters(target, existing)) {
    const table = await catalog.loadTable(other);
    if (table === undefined || !isTarget(table, other)) continue;
    if (identifierText(identifiersOf(other, table.metadata.properties).deadLetters) !== letters) continue;
    throw refuse(`its dead letters would go to ${letters}, where those of ${identifierText(other)} go`);
  }
}

/** Of the tables that are there, before those that are not are made. */
function checkContract(found: ReadonlyMap<TableRole, LoadedTable>, { contract, rescued }: TablesOptions): void {
  const wanted = { events: eventFields(contract, { rescued }), deadLetters: deadLetterFields(contract) };
  for (const role of ["events", "deadLetters"] as const) {
    const table = found.get(role);
    if (table !== undefined) evolveTable(plannedTable(table), wanted[role]);
  }
}

/** What rows a table holds is one rule's doing: those that it took away are gone. */
async function checkUpsert(
  events: LoadedTable | undefined,
  { target, record, recorded }: TablesOptions,
): Promise<void> {
  if (events === undefined) return;
  const name = identifierText(target);
  const { properties } = events.metadata;
  const [was, is] = [targetRecordOf(properties, name)?.options.upsert, record.options.upsert];
  if (JSON.stringify(was) === JSON.stringify(is)) return;
  if (lastBatchOf(properties, name) === 0n && await recorded === 0n) return;
  const words = (rule: UpsertRule | undefined) => {
    if (rule === undefined) return "without --upsert-by";
    const { by, newest, deleteWhen } = rule;
    const condition = deleteWhen && ` --delete-when '${deleteWhen.column} = ${JSON.stringify(deleteWhen.is)}'`;
    return `--upsert-by ${by.join(",")} --newest-by ${newest}${condition ?? ""}`;
  };
  throw new StreamlabError(
    "usage",
    `Cannot continue with ${name} ${words(is)}: its rows are those of batches ${words(was)}`,
    { hint: "Leave these flags out to go on as before; another --table can be fed from the same files" },
  );
}

/**
 * The audit reads every file again, those of earlier batches too: where the ledger does not say of
 * each how it was read, all must be read in one way.
 */
async function checkReading(
  found: ReadonlyMap<TableRole, LoadedTable>,
  { target, record, recorded }: TablesOptions,
): Promise<void> {
  const events = found.get("events"), ledger = found.get("ledger");
  if (events === undefined) return;
  const name = identifierText(target);
  const { properties } = events.metadata;
  const before = targetRecordOf(properties, name)?.options;
  for (const [flag, key] of [["--records", "recordsAt"], ["--path-columns", "pathColumns"]] as const) {
    const [was, is] = [before?.[key]?.toString(), record.options[key]?.toString()];
    if (was === is) continue;
    if (lastBatchOf(properties, name) === 0n && await recorded === 0n) return;
    if (ledger !== undefined && areAllRulesKnown(ledger.metadata.properties, name)) return;
    const words = (value: string | undefined) => value === undefined ? `without ${flag}` : `${flag} ${value}`;
    throw new StreamlabError(
      "usage",
      `Cannot read the files of ${name} ${words(is)}: those before were read ${words(was)}, and it is not written ` +
        "down of each how",
      { hint: `Leave ${flag} out to go on as before; another --table can be fed from the same files` },
    );
  }
}

interface WantedTable {
  fields: Field[];
  partitionBy: PartitionColumnChoice[];
  properties?: Record<string, string>;
}

/**
 * A table that somebody else has made gets its sequence when a consumer first opens it, with a
 * snapshot without files: of two that do so at once a REST catalog refuses the second by the
 * branch's snapshot, for it has no requirement about properties.
 */
async function withSequence(table: LoadedTable, options: TablesOptions): Promise<LoadedTable> {
  const key = streamlabKey.sequenceId(identifierText(options.target));
  const { catalog, clock, random } = options;
  if (table.metadata.properties[key] !== undefined) return table;
  const sequenceId = uuidV4(random);
  const { table: named } = await commitTable(catalog, options.target, async (transaction) => {
    if (transaction.metadata.properties[key] !== undefined) return false;
    const mark = { files: [], summary: { [key]: sequenceId }, mergesManifests: false };
    transaction.add(await appendFiles(transaction, mark));
    transaction.add(setProperties({ [key]: sequenceId, ...lettersProperty(options.target) }));
    return true;
  }, { clock, random, base: table });
  return named;
}

/**
 * The contract and the rules of this run from now on. They were compared with the table before: it
 * can follow.
 */
async function withRecord(table: LoadedTable, options: TablesOptions): Promise<LoadedTable> {
  const { catalog, clock, random, target, record } = options;
  const wanted = targetProperty(identifierText(target), record);
  const isRemembered = ({ properties }: TableMetadata) =>
    Object.entries(wanted).every(([key, value]) => properties[key] === value);
  if (options.keepsRecord || isRemembered(table.metadata)) return table;
  const { table: named } = await commitTable(catalog, target, (transaction) => {
    if (isRemembered(transaction.metadata)) return false;
    transaction.add(setProperties(wanted));
    return true;
  }, { clock, random, base: table });
  return named;
}

/** Where a table stands in a target's sequence of batches. */
export interface Marker {
  sequenceId: string | undefined;
  /** 0 before the first. */
  batchId: bigint;
}

export function markerOf(metadata: TableMetadata, target: string): Marker {
  return {
    sequenceId: metadata.properties[streamlabKey.sequenceId(target)],
    batchId: lastBatchOf(metadata.properties, target),
  };
}

/** A table as its next files must be written. */
export interface PlannedTable extends TargetTable {
  /** `bronze.events` */
  name: string;
  /** The table's highest field id before the schema, and with it. */
  lastColumnIdBefore: number;
  lastColumnId: number;
}

/** A table as it is. */
export function plannedTable(table: LoadedTable): PlannedTable {
  const { metadata, io } = table;
  return {
    name: identifierText(table.identifier),
    schema: currentSchema(metadata),
    written: currentSchema(metadata).fields,
    spec: defaultSpec(metadata),
    properties: fileProperties(metadata.properties),
    dataFolder: io.location.pathInStore("data"),
    lastColumnIdBefore: metadata.lastColumnId,
    lastColumnId: metadata.lastColumnId,
  };
}

/**
 * The table with what `wanted` asks for besides. Fails with `usage` where a table cannot follow.
 */
function evolveTable(table: PlannedTable, wanted: readonly Field[]): PlannedTable {
  const evolution = evolve(table.schema, table.lastColumnId, wanted);
  if (evolution.kind === "refused") throw refusalError(table.name, evolution.refusals);
  const { schema, lastColumnId } = evolution;
  return { ...table, schema, lastColumnId, written: fieldsNamedIn(schema.fields, wanted) };
}

/** The ledger with the columns that a batch needs. */
export function plannedLedger(table: LoadedTable, options: { superseded: boolean }): PlannedTable {
  const planned = plannedTable(table);
  return options.superseded ? evolveTable(planned, ledgerFields(options)) : planned;
}

/** The tables that a contract's records go to. */
export interface PlannedTables {
  events: PlannedTable;
  deadLetters: PlannedTable;
}

/** The tables as they must be for a contract. Fails with `usage` where they cannot follow. */
export function planTables(tables: PlannedTables, contract: Contract, rescued: boolean): PlannedTables {
  return {
    events: evolveTable(tables.events, eventFields(contract, { rescued })),
    deadLetters: evolveTable(tables.deadLetters, deadLetterFields(contract)),
  };
}

/** Fails where a table was made by another sequence of batches than the one whose state this is. */
export function checkSequence(table: string, marker: Marker, sequenceId: string, whose: string): void {
  if (marker.sequenceId === undefined || marker.sequenceId === sequenceId) return;
  throw new StreamlabError(
    "conflict",
    `Cannot continue with ${whose}: ${table} belongs to another history of batches (${marker.sequenceId}, not ${sequenceId})`,
    {
      hint:
        "A table or the checkpoints folder was deleted, or copied from another lake: put them back together, or start a new lake",
    },
  );
}
