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
import type { PairedWork, WayRun } from "./paired_work.ts";
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
  const runs: WayRun[][] = ways.map(() => []);
  for (let round = 1; round <= rounds; round++) {
    for (const [index, way] of ways.entries()) {
      const output = `${scratch}/output`;
      await Deno.mkdir(output);
      runs[index]!.push(await way.run(output));
      await Deno.remove(output, { recursive: true });
    }
    const seconds = ways.map(({ name }, index) => `${name} ${runs[index]!.at(-1)!.seconds.toFixed(2)} s`);
    console.log(`  round ${round}: ${seconds.join(", ")}; load ${Deno.loadavg()[0]!.toFixed(1)}`);
  }
  for (const [index, { name }] of ways.entries()) say(name, runs[index]!, bytes);
  const base = runs.at(-1)!;
  for (const [index, { name }] of ways.slice(0, -1).entries()) {
    const ratio = (of: (run: WayRun) => number, baseOf = of) =>
      median(runs[index]!.map((run, round) => of(run) / baseOf(base[round]!))).toFixed(2);
    const clock = ({ seconds }: WayRun) => seconds;
    const work = runs[index]!.some(hasToldWork) ? `, ${ratio(worked, clock)} without its start` : "";
    console.log(
      `${name} against ${ways.at(-1)!.name}: ` +
        `ratio ${ratio(clock)} by the clock${work}, ${ratio(spent)} by processor time`,
    );
  }
}

function hasToldWork({ workSeconds }: WayRun): boolean {
  return workSeconds !== undefined;
}

function worked({ workSeconds }: WayRun): number {
  return workSeconds ?? NaN;
}

function say(name: string, measured: readonly WayRun[], bytes: number): void {
  const seconds = median(measured.map((each) => each.seconds));
  const memory = Math.max(...measured.map(({ memoryMax }) => memoryMax ?? NaN));
  const processor = `${median(measured.map(spent)).toFixed(2)} s of processor`;
  const work = measured.some(hasToldWork) ? ` (${median(measured.map(worked)).toFixed(2)} s without its start)` : "";
  console.log(
    `${name}: ${seconds.toFixed(2)} s${work}, ${processor}, ${mega(bytes / seconds)}/s, peak ${mega(memory)}`,
  );
}

function spent({ processorSeconds }: Measured): number {
  return processorSeconds ?? NaN;
}

function mega(bytes: number): string {
  return `${Math.round(bytes / 1e6).toLocaleString("en-US")} MB`;
}
