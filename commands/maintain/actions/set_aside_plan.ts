import { counted } from "../../../core/base/counted.ts";
import { StreamlabError } from "../../../core/base/errors.ts";
import type { SetAsideReport } from "../../../core/consume/set_plan_aside.ts";
import { formatSize, printResult } from "../../line/output.ts";
import { lakeAction } from "../action.ts";

export const setPlanAside = lakeAction({
  name: "set-aside-plan",
  doc: "set aside the plan of --table's batch that cannot be routed; its files go to a later batch",
  flags: {},
  check({ table }, isWanted) {
    if (!isWanted || table !== undefined) return;
    throw new StreamlabError("usage", "--set-aside-plan is about the plan of one table", {
      hint: "Give --table beside it; --status shows which plan is stuck",
    });
  },
  async run({ context, surroundings, flags: { table, dryRun } }) {
    const { setPlanAside } = await import("../../../core/consume/set_plan_aside.ts");
    const { namespace, name } = table!;
    const target = `${namespace}.${name}`;
    const report = await setPlanAside({ ...surroundings, target: { namespace: [namespace], name }, dryRun });
    await printResult(context, recordOf(target, report, dryRun), `${target}: ${textOf(report, dryRun)}`);
    return true;
  },
});

function recordOf(table: string, report: SetAsideReport, dryRun: boolean) {
  return {
    action: "set-aside-plan",
    table,
    dryRun,
    outcome: report.outcome,
    batchId: "batchId" in report ? Number(report.batchId) : null,
    files: "files" in report ? report.files ?? null : null,
    bytes: "bytes" in report ? report.bytes ?? null : null,
    letters: "letters" in report ? report.letters ?? null : null,
  };
}

function textOf(report: SetAsideReport, dryRun: boolean): string {
  if (report.outcome === "nothing") return "there is no plan to set aside";
  const { batchId } = report;
  if (report.outcome === "routed") return `batch ${batchId} is routed; the next run of consume commits it`;
  const what = `${dryRun ? "would set aside" : "set aside"} the plan of batch ${batchId}`;
  const { files, bytes, letters, isReingest } = report;
  if (isReingest) return `${what}, a reingest; the rows of ${counted(files!, "file")} stay as they are`;
  if (letters !== undefined) {
    return `${what}, a replay; ${counted(letters, "dead letter stays", "dead letters stay")} as ${
      letters === 1 ? "it is" : "they are"
    }`;
  }
  const waits = files === undefined
    ? "its list of files cannot be read, and whatever was on it waits"
    : `${counted(files, "file")} (${formatSize(bytes!)}) ${files === 1 ? "waits" : "wait"}`;
  return `${what}; ${waits} for a later batch`;
}
