/** `--upsert-by` and what belongs to it. */
import type * as z from "zod";
import { StreamlabError } from "../../core/base/errors.ts";
import type { Contract } from "../../core/contract/contract.ts";
import type { TargetRules } from "../../core/lake/target_record.ts";
import { checkUpsertRule, type DeleteCondition, type UpsertRule } from "../../core/lake/upsert_rule.ts";
import { flag } from "../line/flags.ts";
import { eventTimeColumn } from "./dedupe.ts";

/** The flags of upserts, in a section of help. */
export function upsertFlags(section: string): {
  upsertBy: z.ZodType<string[] | undefined, string | undefined>;
  newestBy: z.ZodType<string | undefined, string | undefined>;
  deleteWhen: z.ZodType<string | undefined, string | undefined>;
} {
  return {
    upsertBy: flag.list({
      section,
      doc:
        "the table holds the newest record of each key, which these columns make (default: as before, else every event)",
      placeholder: "COLUMNS",
    }),
    newestBy: flag.text({
      section,
      doc: "with --upsert-by: the column that says which record is newer, of times or whole numbers (default: as " +
        "before, else event_timestamp or the only one of times)",
      placeholder: "COLUMN",
    }),
    deleteWhen: flag.text({
      section,
      doc: "with --upsert-by: records that remove their key, such as 'op = \"d\"' (default: as before, else none)",
      placeholder: "CONDITION",
    }),
  };
}

export interface UpsertChoice {
  upsertBy?: string[] | undefined;
  newestBy?: string | undefined;
  deleteWhen?: string | undefined;
}

/** The rule of this run: what the flags say, else what the target was fed by before. */
export function upsertRuleFor(
  { upsertBy, newestBy, deleteWhen }: UpsertChoice,
  contract: Contract,
  before: UpsertRule | undefined,
): UpsertRule | undefined {
  const by = upsertBy ?? before?.by;
  if (by === undefined) {
    const lone = newestBy !== undefined ? "--newest-by" : deleteWhen !== undefined ? "--delete-when" : undefined;
    if (lone === undefined) return undefined;
    throw new StreamlabError("usage", `${lone} says nothing without --upsert-by`, {
      hint: "Name the columns that make a key: --upsert-by user_id",
    });
  }
  const newest = newestBy ?? before?.newest ?? eventTimeColumn(contract, "upsert", "--newest-by");
  const condition = deleteWhen === undefined ? before?.deleteWhen : parseCondition(deleteWhen);
  const rule = { by, newest, deleteWhen: condition };
  checkUpsertRule(rule, (column) => contract.fields.find(({ name }) => name === column)?.type.kind);
  return rule;
}

/** Refuses, by name, what does not go together with it. */
export function checkUpsertAlone(
  { upsert, dedupe, onExtraFields }: TargetRules,
  { engine }: { engine: "embedded" | "spark" },
): void {
  if (upsert === undefined) return;
  const refuse = (what: string, why: string, hint: string) =>
    new StreamlabError("usage", `Cannot use --upsert-by with ${what}: ${why}`, { hint });
  if (dedupe !== undefined) {
    throw refuse("--dedupe-by", "of each key there is one row, so none is repeated", "Leave one of them out");
  }
  if (onExtraFields === "add") {
    throw refuse(
      "--on-extra-fields add",
      "records that remove keys could not be read by the columns that are added",
      "Rescue extra fields: --on-extra-fields rescue",
    );
  }
  if (engine === "spark") {
    throw refuse(
      "--engine spark",
      "a task has a part of a batch, and the newest of each key is found in whole ones",
      "Use the embedded engine for this table",
    );
  }
}

const CONDITION = /^\s*(?:"((?:[^"]|"")+)"|([^\s"=]+))\s*=\s*(.+?)\s*$/s;

/** `op = "d"`: a column, and a value as JSON has it; or in single quotes, as SQL. */
function parseCondition(text: string): DeleteCondition {
  const refuse = () =>
    new StreamlabError("usage", `Cannot read --delete-when ${text}: it is no COLUMN = VALUE`, {
      hint: `For example --delete-when 'op = "d"', or 'deleted = true'`,
    });
  const [, quoted, plain, value] = CONDITION.exec(text) ?? [];
  const column = quoted?.replaceAll('""', '"') ?? plain;
  if (column === undefined || value === undefined) throw refuse();
  const is = valueOf(value);
  if (typeof is !== "string" && typeof is !== "boolean" && !Number.isSafeInteger(is)) throw refuse();
  return { column, is: is as string | number | boolean };
}

/** Undefined for what is no value. */
function valueOf(text: string): unknown {
  const single = /^'((?:[^']|'')*)'$/.exec(text)?.[1];
  if (single !== undefined) return single.replaceAll("''", "'");
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
