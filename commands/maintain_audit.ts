import { StreamlabError } from "../core/base/errors.ts";
import type { OnExtraFields } from "../core/contract/contract.ts";
import type { AuditReport, Discrepancy } from "../core/maintain/audit.ts";
import type { Surroundings } from "../core/maintain/surroundings.ts";
import type { Context } from "./command.ts";
import { readContract } from "./contract_file.ts";
import { formatCount, printNote, printResult } from "./output.ts";
import { startProgress } from "./progress.ts";
import type { TableName } from "./values.ts";

export interface AuditFlags {
  table?: TableName | undefined;
  contract?: string | undefined;
  onExtraFields: OnExtraFields;
  threads?: number | undefined;
}

/** Printed for people; `--json` has more of them. */
const PRINTED_MAX = 50;

/** `maintain --audit`. False where something is wrong. */
export async function audit(
  context: Context,
  surroundings: Surroundings,
  flags: AuditFlags,
  machine: { temporaryFolder: string; memory: string },
): Promise<boolean> {
  const [{ auditIngestion }, { SecondJudge }, { identifiersOf }, { uuidV4 }] = await Promise.all([
    import("../core/maintain/audit.ts"),
    import("../core/consume/second_judge.ts"),
    import("../core/consume/target.ts"),
    import("../core/base/random.ts"),
  ]);
  const { namespace, name } = flags.table ?? { namespace: "bronze", name: "events" };
  const { store, clock, random } = surroundings;
  // The ledger first: what the others have beyond it is under way.
  const { ledger, events, deadLetters } = identifiersOf({ namespace: [namespace], name });
  const tables = {
    ledger: await load(surroundings, ledger),
    events: await load(surroundings, events),
    deadLetters: await load(surroundings, deadLetters),
  };
  const judge = await SecondJudge.open({
    tables,
    contract: await readContract(context, flags.contract),
    onExtraFields: flags.onExtraFields,
    zone: { store, prefix: "", nameBase: "", format: undefined },
    clock,
    random,
    threads: Math.max(1, flags.threads ?? navigator.hardwareConcurrency),
    memory: machine.memory,
    folder: `${machine.temporaryFolder}/streamlab-audit-${uuidV4(random)}`,
  });
  const progress = startProgress(context, "Auditing");
  try {
    const report = await auditIngestion(surroundings, {
      ...machine,
      tables,
      // A name with a scheme is that of a file outside of the lake.
      etagOf: async (file) => file.includes("://") ? undefined : (await store.stat(file))?.etag,
      judge: (files) => judge.judge(files.map((file) => ({ ...file, path: file.name }))),
      signal: context.signal,
      onProgress: (done) => progress.update(done),
    });
    await progress.end();
    if (context.signal.aborted) return true;
    await print(context, `${namespace}.${name}`, report);
    return report.discrepancies === 0;
  } finally {
    judge.close();
    await progress.end();
  }
}

async function load({ catalog }: Surroundings, identifier: { namespace: string[]; name: string }) {
  const table = await catalog.loadTable(identifier);
  if (table !== undefined) return table;
  const name = [...identifier.namespace, identifier.name].join(".");
  throw new StreamlabError("not-found", `There is nothing to audit: there is no table ${name}`, {
    hint: "Run streamlab consume first",
  });
}

async function print(context: Context, table: string, report: AuditReport): Promise<void> {
  const { shown, ...figures } = report;
  const record = { action: "audit", table, ...figures, shown: shown.map((each) => ({ ...each })) };
  await printResult(context, record, auditText(table, report));
  if (report.misplaced === 0) return;
  const records = report.misplaced === 1 ? "1 record" : `${formatCount(report.misplaced)} records`;
  await printNote(
    context,
    `${records} would go to the other table by this contract; --contract and --on-extra-fields name another`,
  );
}

function auditText(table: string, report: AuditReport): string {
  const { files, filesGone, events, deadLetters, discrepancies, shown, batchId } = report;
  const looked = `${formatCount(files)} files of ${batchId} batches, ${formatCount(events)} events, ${
    formatCount(deadLetters)
  } dead letters`;
  const gone = filesGone === 0 ? [] : [
    `  ${formatCount(filesGone)} of the files are gone or elsewhere: their rows were compared with the ledger's counts`,
  ];
  if (discrepancies === 0) {
    return [`${table}: every record is in one table exactly once (${looked})`, ...gone].join("\n");
  }
  const rest = discrepancies - Math.min(shown.length, PRINTED_MAX);
  return [
    `${table}: ${discrepancies === 1 ? "1 discrepancy" : `${formatCount(discrepancies)} discrepancies`} (${looked})`,
    ...shown.slice(0, PRINTED_MAX).map((each) => `  ${discrepancyText(each)}`),
    ...(rest > 0 ? [`  and ${formatCount(rest)} more`] : []),
    ...gone,
  ].join("\n");
}

function discrepancyText(each: Discrepancy): string {
  const record = each.position === null ? "" : ` record ${each.position}`;
  return `${each.file}${record} (batch ${each.batchId}) ${each.problem}`;
}
