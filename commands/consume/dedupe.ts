/** `--dedupe-by` and what belongs to it. */
import type * as z from "zod";
import { StreamlabError } from "../../core/base/errors.ts";
import type { Contract } from "../../core/contract/contract.ts";
import { checkDedupeRule, type DedupeRule } from "../../core/lake/dedupe_rule.ts";
import { flag } from "../line/flags.ts";

/** What `--dedupe-by` says where repeats are kept from now on. */
const NONE = "none";
/** The default contract's; other contracts often call it so, too. */
const USUAL_TIME = "event_timestamp";

/** The flags of deduplication, in a section of help. */
export function dedupeFlags(section: string): {
  dedupeBy: z.ZodType<string[] | undefined, string | undefined>;
  dedupeWithin: z.ZodType<number | undefined, string | undefined>;
  eventTime: z.ZodType<string | undefined, string | undefined>;
} {
  return {
    dedupeBy: flag.list({
      section,
      doc: "drop events that repeat a kept one with the same values of these columns, and count them (default: as " +
        "before, else none)",
      placeholder: "COLUMNS",
    }),
    dedupeWithin: flag.duration({
      section,
      doc: "with --dedupe-by: how far apart their times may be, before or after (default: as before)",
    }),
    eventTime: flag.text({
      section,
      doc: `with --dedupe-by: the column of the event's time (default: as before, else ${USUAL_TIME} or the only one)`,
      placeholder: "COLUMN",
    }),
  };
}

export interface DedupeChoice {
  dedupeBy?: string[] | undefined;
  /** Milliseconds. */
  dedupeWithin?: number | undefined;
  eventTime?: string | undefined;
}

/** The rule of this run: what the flags say, else what the target was fed by before. */
export function dedupeRuleFor(
  { dedupeBy, dedupeWithin, eventTime }: DedupeChoice,
  contract: Contract,
  before: DedupeRule | undefined,
): DedupeRule | undefined {
  const isOff = dedupeBy?.length === 1 && dedupeBy[0] === NONE;
  const by = isOff ? undefined : dedupeBy ?? before?.by;
  if (by === undefined) {
    const lone = dedupeWithin !== undefined ? "--dedupe-within" : eventTime !== undefined ? "--event-time" : undefined;
    if (lone === undefined) return undefined;
    throw new StreamlabError("usage", `${lone} says nothing without --dedupe-by`, {
      hint: "Name the columns that make a key: --dedupe-by event_id",
    });
  }
  const withinMicros = dedupeWithin === undefined ? before?.withinMicros : String(dedupeWithin * 1_000);
  if (withinMicros === undefined) {
    throw new StreamlabError("usage", "--dedupe-by needs --dedupe-within: how far apart the times of repeats may be", {
      hint: "For example --dedupe-within 1d",
    });
  }
  const rule = {
    by,
    at: eventTime ?? before?.at ?? eventTimeColumn(contract, "deduplicate", "--event-time"),
    withinMicros,
  };
  checkDedupeRule(rule, (column) => contract.fields.find(({ name }) => name === column)?.type.kind);
  return rule;
}

/** The usual column of times, or the only one; fails with `usage` where a flag must name it. */
export function eventTimeColumn({ fields }: Contract, action: string, flag: string): string {
  const times = fields.filter(({ type }) => type.kind === "timestamptz" || type.kind === "timestamp");
  const found = times.find(({ name }) => name === USUAL_TIME) ?? (times.length === 1 ? times[0] : undefined);
  if (found !== undefined) return found.name;
  const why = times.length === 0
    ? "the contract has no column of times"
    : `it may be ${times.map(({ name }) => name).join(" or ")}`;
  throw new StreamlabError("usage", `Cannot ${action} without knowing an event's time: ${why}`, {
    hint: times.length === 0 ? "Give the time's field the format date-time" : `Name it with ${flag}`,
  });
}
