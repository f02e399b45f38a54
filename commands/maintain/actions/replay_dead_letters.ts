import { counted, formatCount } from "../../../core/base/counted.ts";
import { isKind, StreamlabError } from "../../../core/base/errors.ts";
import type { DeadLetterReason } from "../../../core/contract/contract.ts";
import { identifierText } from "../../../core/iceberg/catalog/catalog.ts";
import { OUR_COLUMNS } from "../../../core/lake/our_columns.ts";
import type { ChosenLetters, ReplayReport } from "../../../core/maintain/letters/letter_choice.ts";
import { parseLocation } from "../../../core/storage/location.ts";
import type { LetterConditions } from "../../letter_replay.ts";
import { type LetterTarget, letterTargets } from "../../letter_targets.ts";
import { flag } from "../../line/flags.ts";
import { printNote, printResult } from "../../line/output.ts";
import { openLake } from "../../open_lake.ts";
import { type Job, lakeAction } from "../action.ts";

const SECTION = "REPLAY";

const REPLAY_FLAGS = {
  reason: flag.choice(["invalid_schema", "extra_fields", "corrupted_record", "corrupted_batch"], {
    section: SECTION,
    doc:
      "with --replay-dead-letters: only letters of this reason; corrupted ones are counted, and --reingest takes their files",
  }),
  where: flag.text({
    section: SECTION,
    doc: "with --replay-dead-letters: only letters that this SQL condition takes, by columns of their table",
    placeholder: "SQL",
  }),
};

type ReplayFlags = typeof REPLAY_FLAGS;

export const replayDeadLetters = lakeAction({
  name: "replay-dead-letters",
  doc: "judge dead letters again by the contract of today: those that are valid now become events, exactly once",
  flags: REPLAY_FLAGS,
  check({ reason, where }, isWanted) {
    const given = reason !== undefined ? "--reason" : where !== undefined ? "--where" : undefined;
    if (isWanted || given === undefined) return;
    throw new StreamlabError("usage", `${given} says nothing without --replay-dead-letters`, {
      hint: "Give --replay-dead-letters beside it",
    });
  },
  run: replayTargets,
});

/** Reasons of letters that are no record, whatever the contract says. */
const BARE: ReadonlySet<DeadLetterReason> = new Set(["corrupted_batch", "corrupted_record"]);

async function replayTargets(job: Job<ReplayFlags>): Promise<boolean> {
  const { context, surroundings: { catalog }, flags } = job;
  const targets = await letterTargets(catalog, flags.table);
  for (const fed of targets) {
    if (context.signal.aborted) return true;
    if (await catalog.loadTable(fed.letters) === undefined) continue;
    try {
      await replayTarget(job, fed);
    } catch (error) {
      // One that cannot be replayed keeps no other from it, unless it was asked for.
      if (flags.table !== undefined || targets.length === 1 || !isKind(error, "usage")) throw error;
      await printNote(context, error.message);
    }
  }
  return true;
}

async function replayTarget(job: Job<ReplayFlags>, fed: LetterTarget): Promise<void> {
  const { context, surroundings, machine, flags: { dryRun } } = job;
  const { LetterReplay } = await import("../../letter_replay.ts");
  const tools = {
    surroundings,
    machine,
    batchMemory: machine.memory,
    openRaw: (root: string) => openLake(context, parseLocation(root)),
    note: (text: string) => printNote(context, text),
  };
  const done = await new LetterReplay(tools, fed, await conditionsOf(job), context.signal).run(dryRun);
  const table = identifierText(fed.letters);
  const { reasons, ...figures } = done;
  const lists = { reasons: reasons.map((each) => ({ ...each })) };
  await printResult(
    context,
    { action: "replay-dead-letters", table, dryRun, ...figures, ...lists },
    textOf(table, done, dryRun),
  );
}

async function conditionsOf({ flags: { reason, where } }: Job<ReplayFlags>): Promise<LetterConditions> {
  const { quoteText } = await import("../../../core/engine/duckdb.ts");
  return [
    ...reason === undefined ? [] : [`${OUR_COLUMNS.deadLetterReason} = ${quoteText(reason)}`],
    ...where === undefined ? [] : [where],
  ];
}

function textOf(table: string, { reasons, batches, events, changed }: ReplayReport, dryRun: boolean): string {
  const sum = (pick: (each: ChosenLetters) => number) => reasons.reduce((total, each) => total + pick(each), 0);
  const letters = sum((each) => each.letters);
  if (letters === 0 && batches === 0) return `${table}: no dead letters to judge again`;
  const [taken, other] = dryRun ? [sum((each) => each.taken), sum((each) => each.changed)] : [events, changed];
  const would = dryRun ? "would become" : "became";
  const more = other === 0 ? "" : `, ${formatCount(other)} ${dryRun ? "would have" : "have"} another reason or detail`;
  const bare = reasons.filter(({ reason }) => BARE.has(reason)).reduce((total, { letters }) => total + letters, 0);
  const rest = bare === 0
    ? ""
    : `; ${formatCount(bare)} ${
      bare === 1 ? "holds" : "hold"
    } no record: --reingest takes the files that they come from`;
  const how = dryRun || batches === 0 ? "" : `, in ${counted(batches, "batch", "batches")}`;
  // Those of a replay that was finished first are among them no more.
  return `${table}: of ${counted(Math.max(letters, taken + other), "dead letter")} ${formatCount(taken)} ${would} ${
    taken === 1 ? "an event" : "events"
  }${more}${how}${rest}`;
}
