import { counted, formatCount } from "../../../core/base/counted.ts";
import { Meter } from "../../../core/base/meter.ts";
import { isKind, StreamlabError } from "../../../core/base/errors.ts";
import { visibleText } from "../../../core/base/visible_text.ts";
import { RawFiles } from "../raw_files.ts";
import type { AuditRules } from "../../../core/maintain/audit/audit_rules.ts";
import type { AuditedTables } from "../../../core/maintain/audit/audited_tables.ts";
import type { Judging } from "../../../core/maintain/audit/judging.ts";
import type { AuditReport, Discrepancy } from "../../../core/maintain/audit/audit.ts";
import { damageText } from "../words.ts";
import {
  identifierText,
  type LoadedTable,
  noTableError,
  type TableIdentifier,
} from "../../../core/iceberg/catalog/catalog.ts";
import type { Surroundings } from "../../../core/maintain/surroundings.ts";
import type { TargetRecord } from "../../../core/lake/target_record.ts";
import type { KnownTarget } from "../../../core/lake/targets.ts";
import { unreachableEventFiles } from "../../../core/lake/raw_zone.ts";
import type { Context } from "../../line/command.ts";
import { contractFlags, readContract } from "../../contract_file.ts";
import { printNote, printResult } from "../../line/output.ts";
import { flag } from "../../line/flags.ts";
import { type Job, lakeAction } from "../action.ts";
import { startProgress } from "../../line/progress.ts";
import { unreadableText } from "../status_words.ts";

const SECTION = "AUDIT";

const OWN_FLAGS = {
  contract: flag.file({ section: SECTION, doc: "judge all batches by this contract (default: each by its own)" }),
  ...contractFlags(SECTION),
  onExtraFields: flag.choice(["dead-letter", "rescue", "add"], {
    section: SECTION,
    doc: "judge fields that the contract does not name like this (default: as each batch did)",
  }),
  onWrongType: flag.choice(["dead-letter", "rescue"], {
    section: SECTION,
    doc: "judge optional fields of a wrong type like this (default: as each batch did)",
  }),
};

export const audit = lakeAction({
  name: "audit",
  doc: "prove from the raw files that every record is in one table exactly once; exit status 1 if not",
  usesCluster: () => true,
  flags: OWN_FLAGS,
  run: auditTargets,
});

/** Printed for people; `--json` has more of them. */
const PRINTED_MAX = 50;
const LOADS_MAX = 10;

/** One target after another; false where something is wrong. */
async function auditTargets(job: Job<typeof OWN_FLAGS>): Promise<boolean> {
  const { context, surroundings, flags } = job;
  const [{ lostTargets, targetsOfCatalog }, { DEFAULT_TARGET }] = await Promise.all([
    import("../../../core/lake/targets.ts"),
    import("../../../core/lake/table_names.ts"),
  ]);
  let isAnyUnreadable = false;
  const known = await targetsOfCatalog(surroundings.catalog, () => void (isAnyUnreadable = true));
  const asked = flags.table === undefined ? undefined : identifierText(identifierOf(flags.table));
  const wanted = known.filter(({ name }) => asked === undefined || name === asked);
  // Whether an unreadable table is a target, the ledger says.
  const looksForLost = asked === undefined && (wanted.length > 0 || isAnyUnreadable);
  const lost = looksForLost ? await lostTargets(surroundings.catalog, known) : [];
  // With its tables half gone, a target is still to be found, and to be told of.
  const targets: Target[] = wanted.length + lost.length > 0
    ? wanted.map(({ table, record }) => ({ identifier: table.identifier, record }))
    : [{ identifier: flags.table === undefined ? DEFAULT_TARGET : identifierOf(flags.table), record: () => undefined }];
  if (targets.length > 1 && flags.contract !== undefined) {
    const names = targets.map(({ identifier }) => identifierText(identifier)).join(", ");
    throw new StreamlabError("usage", `--contract cannot be that of ${names}`, {
      hint: "Name one of them with --table",
    });
  }
  for (const { name, error } of lost) await tellUnknown(context, name, withHint(error));
  let isRight = lost.length === 0;
  for (const target of targets) {
    if (context.signal.aborted) return isRight;
    isRight = await auditOrTell(job, target, targets.length === 1) && isRight;
  }
  const unreadable = await unreachableEventFiles(surroundings.store);
  if (unreadable.length > 0) await printNote(context, `In the raw zone ${unreadableText(unreadable)}`);
  return isRight;
}

/** The others are audited all the same where one lacks a table, or its contract is unknown. */
async function auditOrTell(
  job: Job<typeof OWN_FLAGS>,
  { identifier, record }: Target,
  isAlone: boolean,
): Promise<boolean> {
  let known: TargetRecord | undefined;
  let isRead = false;
  try {
    known = record();
    isRead = true;
    return await auditTarget(job, identifier, known);
  } catch (error) {
    if (!(error instanceof StreamlabError)) throw error;
    const lacksTable = !isAlone && isKind(error, "not-found", "corrupt");
    const isTold = isRead ? lacksTable || error instanceof WrongGuess : isKind(error, "corrupt", "newer");
    if (!isTold) throw error;
    await tellUnknown(job.context, identifierText(identifier), withHint(error));
    return false;
  }
}

/** Without a record the built-in contract is only a guess, and the tables cannot follow it. */
class WrongGuess extends StreamlabError {
  constructor(cause: unknown) {
    const wayOut = "name it with --table and --contract, or run consume once";
    super("usage", `an older streamlab has not written its contract down: ${wayOut}`, { cause });
  }
}

/** Whether this error may come of the built-in contract, which no record has named. */
async function isOfGuess(
  error: unknown,
  { context, flags }: Job<typeof OWN_FLAGS>,
  { events, deadLetters }: AuditedTables,
): Promise<boolean> {
  if (!isKind(error, "usage") || flags.contract !== undefined) return false;
  const [{ planTask }, { taskTable }] = await Promise.all([
    import("../../../core/routing/plan_task.ts"),
    import("../../../core/lake/routing_task.ts"),
  ]);
  const { text } = await readContract(context, flags, undefined);
  const { onExtraFields = "dead-letter", onWrongType } = flags;
  const tables = { events: taskTable(events), deadLetters: taskTable(deadLetters) };
  try {
    planTask({ contract: text, options: { onExtraFields, onWrongType }, ...tables });
    return false;
  } catch (refusal) {
    if (isKind(refusal, "usage")) return true;
    throw refusal;
  }
}

function withHint({ message, hint }: StreamlabError): string {
  return hint === undefined ? message : `${message}\n  ${hint}`;
}

async function tellUnknown(context: Context, table: string, problem: string): Promise<void> {
  await printResult(context, { action: "audit", table, error: problem }, `${table}: cannot be audited: ${problem}`);
}

interface Target {
  identifier: TableIdentifier;
  record: KnownTarget["record"];
}

function identifierOf({ namespace, name }: { namespace: string; name: string }): TableIdentifier {
  return { namespace: [namespace], name };
}

async function auditTarget(
  job: Job<typeof OWN_FLAGS>,
  identifier: TableIdentifier,
  record: TargetRecord | undefined,
): Promise<boolean> {
  const { surroundings, machine } = job;
  const [{ identifiersOf }, { takeTemporaryFolder }] = await Promise.all([
    import("../../../core/lake/table_names.ts"),
    import("../../../core/disk/temporary_folder.ts"),
  ]);
  // The ledger first: rows beyond it in the other tables belong to a batch in flight.
  const known = await surroundings.catalog.loadTable(identifier);
  const { ledger, events, deadLetters } = identifiersOf(identifier, known?.metadata.properties);
  const target = identifierText(identifier);
  const load = () => loadTables(surroundings, { ledger, events, deadLetters });
  const tables = await withLedgerOf(target, load);
  const rules = await rulesFor(job, tables.ledger, target, record);
  const folder = await takeTemporaryFolder(machine.temporaryFolder, "audit", surroundings);
  try {
    return await auditTables(job, { target, tables, rules, folder: folder.path });
  } catch (error) {
    if (record === undefined && await isOfGuess(error, job, tables)) throw new WrongGuess(error);
    throw error;
  } finally {
    folder.release();
  }
}

interface TablesToAudit {
  target: string;
  tables: AuditedTables;
  rules: AuditRules;
  /** Local. */
  folder: string;
}

async function auditTables(
  job: Job<typeof OWN_FLAGS>,
  { target, tables, rules, folder }: TablesToAudit,
): Promise<boolean> {
  const { context, surroundings, machine } = job;
  const { auditIngestion } = await import("../../../core/maintain/audit/audit.ts");
  const raw = new RawFiles(context, surroundings.store);
  const { judging, close } = await openJudging(job, { tables, raw, folder });
  const meter = new Meter(context.clock);
  const progress = startProgress(context, `Auditing ${target}`, meter);
  try {
    const report = await auditIngestion(surroundings, {
      ...machine,
      tables,
      rules,
      find: (file) => raw.find(file),
      judging,
      signal: context.signal,
      meter,
    });
    await progress.end();
    if (context.signal.aborted) return true;
    await print(context, target, report, raw.archivedFiles);
    return report.discrepancies + report.damages.length === 0;
  } catch (error) {
    // Whoever stops it learns that from the exit status.
    if (context.signal.aborted && isKind(error, "interrupted")) return true;
    throw error;
  } finally {
    await progress.end();
    close();
  }
}

/** Who judges the raw files again: tasks on a cluster, or this process. */
async function openJudging(
  { surroundings, flags, machine, tasks }: Job<typeof OWN_FLAGS>,
  { tables: { events, deadLetters }, raw, folder }: { tables: AuditedTables; raw: RawFiles; folder: string },
): Promise<{ judging: Judging; close(): void }> {
  if (tasks !== undefined) {
    const { ClusterJudging } = await import("../../../core/maintain/audit/cluster_judging.ts");
    return { judging: new ClusterJudging(tasks, (root) => raw.storeOf(root)), close() {} };
  }
  const [{ SecondJudge }, { EmbeddedJudging }, { taskTable }] = await Promise.all([
    import("../../../core/routing/second_judge.ts"),
    import("../../../core/maintain/audit/judging.ts"),
    import("../../../core/lake/routing_task.ts"),
  ]);
  const judge = new SecondJudge({
    ...surroundings,
    tables: { events: taskTable(events), deadLetters: taskTable(deadLetters) },
    openStore: (root) => raw.storeOf(root),
    threads: Math.max(1, flags.threads ?? navigator.hardwareConcurrency),
    memory: machine.memory,
    folder: `${folder}/judge`,
  });
  return { judging: new EmbeddedJudging(judge), close: () => judge.close() };
}

/** Those of each batch, with what the flags ask for in place of them. */
async function rulesFor(
  { context, surroundings, flags }: Job<typeof OWN_FLAGS>,
  ledger: LoadedTable,
  target: string,
  record: TargetRecord | undefined,
): Promise<AuditRules> {
  const [{ AuditRules }, { RulesOfBatches }] = await Promise.all([
    import("../../../core/maintain/audit/audit_rules.ts"),
    import("../../../core/lake/rules_of_batches.ts"),
  ]);
  const { text } = await readContract(context, flags, record?.contract);
  const { dedupe: _dedupe, upsert: _upsert, ...options } = record?.options ?? { onExtraFields: "dead-letter" };
  const isContractAsked = flags.contract !== undefined || flags.assertFormats || flags.assumeOffset !== undefined;
  return new AuditRules(
    await RulesOfBatches.open(surroundings.store, target, ledger.metadata.properties),
    { format: 1, contract: text, options },
    {
      onExtraFields: flags.onExtraFields,
      onWrongType: flags.onWrongType,
      contractOf: isContractAsked ? async (contract) => (await readContract(context, flags, contract)).text : undefined,
    },
  );
}

/**
 * Looks again where repeats were removed meanwhile of batches that the loaded ledger lacks, or
 * rows were taken away by one. Such a replay or reingest may have been cut short.
 */
async function withLedgerOf<T extends Record<"ledger" | "events" | "deadLetters", LoadedTable>>(
  target: string,
  load: () => Promise<T>,
): Promise<T> {
  const [{ removedRepeats }, { replacedRows }, { lastRemovalOf }, { markerOf }] = await Promise.all([
    import("../../../core/lake/removed_repeats.ts"),
    import("../../../core/lake/replaced_rows.ts"),
    import("../../../core/lake/keys.ts"),
    import("../../../core/lake/target.ts"),
  ]);
  for (let attempt = 1;; attempt++) {
    const tables = await load();
    const { batchId } = markerOf(tables.ledger.metadata, target);
    const removed = removedRepeats(tables.events.metadata.properties, target);
    // Of the batch in flight alone, all that it took the place of is in the ledger.
    const { through } = replacedRows(tables.events.metadata.properties, target);
    const isWhole = BigInt(through) <= batchId + 1n && [tables.events, tables.deadLetters].every(({ metadata }) => {
      return lastRemovalOf(metadata.properties, target) <= batchId;
    });
    if (isWhole && (attempt === LOADS_MAX || removed.every(({ through }) => BigInt(through) <= batchId))) {
      return tables;
    }
    if (attempt < LOADS_MAX) continue;
    throw new StreamlabError(
      "conflict",
      `Cannot audit ${target}: a replay of dead letters or a reingest is half committed`,
      {
        hint: `Run consume or the same maintain again, which finishes it, and audit again`,
      },
    );
  }
}

/** In this order. */
async function loadTables<K extends string>(
  { catalog }: Surroundings,
  identifiers: Record<K, TableIdentifier>,
): Promise<Record<K, LoadedTable>> {
  const tables: Partial<Record<K, LoadedTable>> = {}, missing: TableIdentifier[] = [];
  for (const [role, identifier] of Object.entries(identifiers) as [K, TableIdentifier][]) {
    const table = await catalog.loadTable(identifier);
    if (table === undefined) missing.push(identifier);
    else tables[role] = table;
  }
  if (missing.length === 0) return tables as Record<K, LoadedTable>;
  const others = Object.values(tables).length > 0;
  throw noTableError(
    missing,
    others
      ? "Other tables of this target are there: restore all of the lake from one moment"
      : "Run streamlab consume first, or name another table with --table",
  );
}

async function print(context: Context, table: string, report: AuditReport, filesArchived: number): Promise<void> {
  const { shown, damages, ...figures } = report;
  const record = {
    action: "audit",
    table,
    ...figures,
    filesArchived,
    shown: shown.map((each) => ({ ...each })),
    damages: damages.map((each) => ({ ...each })),
  };
  await printResult(context, record, auditText(table, report, filesArchived));
  if (report.misplaced === 0) return;
  await printNote(
    context,
    `${
      counted(report.misplaced, "record")
    } would go to the other table by this contract; --contract, --on-extra-fields and --on-wrong-type name another`,
  );
}

function auditText(table: string, report: AuditReport, filesArchived: number): string {
  const { files, filesGone, events, deadLetters, repeatsRemoved, rowsReplaced, shown, damages, batchId } = report;
  const discrepancies = report.discrepancies + damages.length;
  const looked = `${counted(files, "file")} of ${counted(batchId, "batch", "batches")}, ` +
    `${counted(events, "event")}, ${counted(deadLetters, "dead letter")}`;
  const gone = [
    ...repeatsRemoved === 0
      ? []
      : [`  ${counted(repeatsRemoved, "repeat was", "repeats were")} removed by --dedupe-by`],
    ...rowsReplaced === 0
      ? []
      : [`  ${counted(rowsReplaced, "row was", "rows were")} replaced or removed by newer records of the same key`],
    ...filesArchived === 0 ? [] : [`  ${counted(filesArchived, "file was", "files were")} judged in the archive`],
    ...filesGone === 0 ? [] : [
      `  ${counted(filesGone, "file is", "files are")} gone: the rows were compared with the ledger's counts`,
    ],
  ];
  if (discrepancies === 0) {
    return [`${table}: every record is in one table exactly once (${looked})`, ...gone].join("\n");
  }
  const lines = [...damages.map(damageText), ...shown.map(discrepancyText)].slice(0, PRINTED_MAX);
  const rest = discrepancies - lines.length;
  return [
    `${table}: ${counted(discrepancies, "discrepancy", "discrepancies")} (${looked})`,
    ...lines.map((line) => `  ${visibleText(line)}`),
    ...(rest > 0 ? [`  and ${formatCount(rest)} more`] : []),
    ...gone,
  ].join("\n");
}

function discrepancyText(each: Discrepancy): string {
  const record = each.position === null ? "" : ` record ${each.position}`;
  return `${each.file}${record} (batch ${each.batchId}) ${each.problem}`;
}
