// deno-lint-ignore-file no-console
/**
 * `deno task bench:work`: one work by its name, in rounds that alternate with what it is compared
 * with; medians, their ratio, and peak memory. Without a name it lists them; `--scale 0.1` tries it
 * on a tenth of the files.
 *
 *     deno task bench:work --work large-files --rounds 5 --program dist/streamlab
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Measured, median } from "./measured_process.ts";
import { SINGLE_WORKS } from "./single_works.ts";
import type { PairedWork } from "./paired_work.ts";
import { PAIRED_WORKS } from "./work.ts";

const { values } = parseArgs({
  options: {
    work: { type: "string" },
    rounds: { type: "string", default: "3" },
    scale: { type: "string", default: "1" },
    program: { type: "string" },
  },
});
const rounds = Number(values.rounds), scale = Number(values.scale);
const program = values.program === undefined
  ? [Deno.execPath(), "run", "--no-check", "--allow-all", new URL("../main.ts", import.meta.url).pathname]
  : [resolve(values.program)];
const paired = PAIRED_WORKS[values.work ?? ""], single = SINGLE_WORKS[values.work ?? ""];
if (paired === undefined && single === undefined) list();
else {await inScratch(async (scratch) => {
    console.log(`${values.work}: ${(paired ?? single)!.doc}; load ${Deno.loadavg()[0]!.toFixed(1)} before`);
    if (paired !== undefined) await compare(await paired.make(program, scratch, scale), scratch);
    else console.log(await single!.run(program, scratch, rounds));
  });}

function list(): void {
  for (const [name, { doc }] of Object.entries({ ...PAIRED_WORKS, ...SINGLE_WORKS })) {
    console.log(`--work ${name.padEnd(14)}${doc}`);
  }
}

async function inScratch(action: (scratch: string) => Promise<void>): Promise<void> {
  const scratch = await Deno.makeTempDir({ prefix: "streamlab-work-" });
  try {
    await action(scratch);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

async function compare({ ways, events, bytes }: PairedWork, scratch: string): Promise<void> {
  console.log(`${events.toLocaleString("en-US")} events, ${mega(bytes)}`);
  const runs: [Measured[], Measured[]] = [[], []];
  for (let round = 1; round <= rounds; round++) {
    for (const [index, way] of ways.entries()) {
      const output = `${scratch}/output`;
      await Deno.mkdir(output);
      runs[index]!.push(await way.run(output));
      await Deno.remove(output, { recursive: true });
    }
    const seconds = runs.map((measured) => measured.at(-1)!.seconds);
    console.log(
      `  round ${round}: ${ways[0].name} ${seconds[0]!.toFixed(2)} s, ${ways[1].name} ${seconds[1]!.toFixed(2)} s`,
    );
  }
  for (const [index, { name }] of ways.entries()) say(name, runs[index]!, bytes);
  const ratio = (of: (measured: Measured) => number) =>
    median(runs[0].map((measured, round) => of(measured) / of(runs[1][round]!))).toFixed(2);
  console.log(`ratio: ${ratio(({ seconds }) => seconds)} by the clock, ${ratio(spent)} by processor time`);
}

function say(name: string, measured: readonly Measured[], bytes: number): void {
  const seconds = median(measured.map((each) => each.seconds));
  const memory = Math.max(...measured.map(({ memoryMax }) => memoryMax ?? NaN));
  const processor = `${median(measured.map(spent)).toFixed(2)} s of processor`;
  console.log(`${name}: ${seconds.toFixed(2)} s, ${processor}, ${mega(bytes / seconds)}/s, peak ${mega(memory)}`);
}

function spent({ processorSeconds }: Measured): number {
  return processorSeconds ?? NaN;
}

function mega(bytes: number): string {
  return `${Math.round(bytes / 1e6).toLocaleString("en-US")} MB`;
}
