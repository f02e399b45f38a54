/** `--infer-contract`: a contract drawn from raw files, for its owner to mend. */
import { counted } from "../../core/base/counted.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import type { Json } from "../../core/base/json.ts";
import type { RawSample } from "../../core/consume/raw_sample.ts";
import type { Contract } from "../../core/contract/contract.ts";
import type { InferredTime } from "../../core/contract/infer/inferred_schema.ts";
import { temporaryFolder } from "../../core/disk/ownership.ts";
import type { RawZone } from "../../core/lake/raw_zone.ts";
import type { Context, ExitStatus } from "../line/command.ts";
import { formatSize, printNote } from "../line/output.ts";

/** Half of what a contract may have: some keys hold objects with fields of their own. */
const KEYS_MAX = 10_000;
/** Places of faults that are named. */
const SHOWN_MAX = 10;

/** `before`: what the target was fed with until now, as canonical text. */
export async function inferContract(
  context: Context,
  zone: RawZone,
  before: string | undefined,
): Promise<ExitStatus> {
  const [{ sampleRecords }, { ValueShape }, { inferredSchema }, { parseContract }, { routedNotes }] = await Promise.all(
    [
      import("../../core/consume/raw_sample.ts"),
      import("../../core/contract/infer/value_shape.ts"),
      import("../../core/contract/infer/inferred_schema.ts"),
      import("../../core/contract/json_schema.ts"),
      import("../../core/consume/notes.ts"),
    ],
  );
  const { signal, clock, random, env } = context;
  const sample = await sampleRecords({ zone, signal, clock, random, temporaryFolder: temporaryFolder(env) });
  const shape = new ValueShape();
  for (const record of sample.records) if (record.startsWith("{")) shape.add(JSON.parse(record));
  if (shape.fields.size === 0) {
    const where = zone.recordsAt === undefined ? "" : ` at ${zone.recordsAt}`;
    throw new StreamlabError(
      "not-found",
      `Cannot draw a contract from ${zone.store.root}/${zone.prefix}: no JSON object${where}`,
      {
        hint: "Name another place with --raw; --format says what all files are, whatever their names",
      },
    );
  }
  if (shape.fields.size > KEYS_MAX) {
    const keys = counted(shape.fields.size, "different key");
    throw new StreamlabError(
      "usage",
      `Cannot draw a contract from ${zone.store.root}/${zone.prefix}: its objects have ${keys}`,
      { hint: "Keys that are ids or other data make no columns: write them as values" },
    );
  }
  const { schema, times } = inferredSchema(shape);
  const text = JSON.stringify(schema, null, 2);
  const contract = parseContract(text);
  await context.stdout.write(`${text}\n`);
  await printNote(
    context,
    sampleLine(sample),
    ...routedNotes(zone.store.root, sample).map((note) => note.text),
    ...timeLines(times),
    ...await faultLines(contract, sample.records),
    ...(before === undefined ? [] : differenceLines(parseContract(before), contract)),
  );
  return context.signal.aborted ? 130 : 0;
}

function sampleLine({ sampled, files, bytes, records, unread }: RawSample): string {
  const left = unread > 0 ? `; ${counted(unread, "file")} could not be read here` : "";
  return `Drawn from ${counted(records.length, "record")}, the first ${formatSize(bytes)} of ${sampled} of ${
    counted(files, "file")
  }${left}`;
}

/** Numbers that may be something else: their owner knows. */
function timeLines(times: readonly InferredTime[]): string[] {
  if (times.length === 0) return [];
  const shown = times.slice(0, SHOWN_MAX).map(({ place, format, values }) =>
    `  ${place}: ${format}, ${counted(values, "value")}`
  );
  const rest = times.length - shown.length;
  return [
    "Taken for times, by name and value:",
    ...shown,
    ...(rest > 0 ? [`  and ${counted(rest, "field")} more`] : []),
  ];
}

/** What it would make dead letters of, of the records that it was drawn from. */
async function faultLines(contract: Contract, records: readonly string[]): Promise<string[]> {
  const { Judge } = await import("../../core/contract/judge.ts");
  const judge = new Judge(contract, "dead-letter");
  const counts = new Map<string, { letters: number; example: string }>();
  for (const record of records) {
    const judgement = judge.judge(record);
    if (judgement.kind === "event" || !("detail" in judgement)) continue;
    const place = judgement.detail.split(":")[0]!.replaceAll(/\/\d+(?=\/|$)/g, "/*");
    const known = counts.get(place) ?? { letters: 0, example: judgement.detail };
    counts.set(place, { ...known, letters: known.letters + 1 });
  }
  const sorted = [...counts.values()].sort((a, b) => b.letters - a.letters);
  const letters = sorted.reduce((sum, each) => sum + each.letters, 0);
  return [
    `It would make dead letters of ${letters} of them`,
    ...sorted.slice(0, SHOWN_MAX).map((each) => `  ${each.letters}: ${each.example}`),
  ];
}

function differenceLines(before: Contract, now: Contract): string[] {
  const [old, drawn] = [fieldTexts(before), fieldTexts(now)];
  const lines = [
    ...[...drawn].filter(([key]) => !old.has(key)).map(([key, text]) => `  new: ${key} ${text}`),
    ...[...old].filter(([key]) => !drawn.has(key)).map(([key]) => `  not met: ${key}`),
    ...[...drawn].filter(([key, text]) => old.has(key) && old.get(key) !== text)
      .map(([key, text]) => `  differs: ${key} ${text}, until now ${old.get(key)}`),
  ];
  return lines.length === 0
    ? ["It says the same as the contract of the target"]
    : ["From the contract of the target it differs:", ...lines];
}

/** Each field of the canonical text with its schema, fields of structs by their path. */
function fieldTexts(contract: Contract): Map<string, string> {
  const texts = new Map<string, string>();
  const walk = (schema: { [key: string]: Json }, path: string, isRequired: boolean) => {
    const { properties, required, ...rest } = schema;
    if (path !== "" && properties === undefined) {
      texts.set(path, `${JSON.stringify(rest)}${isRequired ? ", required" : ""}`);
    }
    for (const [key, field] of Object.entries(properties ?? {})) {
      const isNeeded = Array.isArray(required) && required.includes(key);
      walk(field as { [key: string]: Json }, `${path}/${key}`, isNeeded);
    }
  };
  walk(JSON.parse(contract.text) as { [key: string]: Json }, "", false);
  return texts;
}
