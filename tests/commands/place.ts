import { strictEqual } from "node:assert/strict";
import { consume } from "../../commands/consume/consume.ts";
import { runProgram } from "../../commands/line/program.ts";
import { maintain } from "../../commands/maintain/maintain.ts";
import { query } from "../../commands/query/query.ts";
import { systemClock } from "../../core/base/clock.ts";
import { systemRandom } from "../../core/base/random.ts";
import { testWorld } from "../support/test_world.ts";
import { scratchFolder } from "../support/scratch_folder.ts";

export interface Shown {
  status: number;
  stdout: string;
  stderr: string;
}

/** A folder with a lake and its event files, where commands are run. */
export class Place {
  readonly folder: string;
  temporaryFolder = scratchFolder();

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async use(action: (place: Place) => Promise<void>): Promise<void> {
    const folder = await Deno.makeTempDir({ prefix: "streamlab-targets-" });
    try {
      await action(new Place(folder));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }

  put(path: string, content: unknown): void {
    const whole = `${this.folder}/${path}`;
    Deno.mkdirSync(whole.slice(0, whole.lastIndexOf("/")), { recursive: true });
    Deno.writeTextFileSync(whole, typeof content === "string" ? content : JSON.stringify(content));
  }

  async run(...args: string[]): Promise<Shown> {
    const world = testWorld({
      commands: [consume, maintain, query],
      cwd: this.folder,
      env: { TMPDIR: this.temporaryFolder },
    });
    const readText = (path: string) => Deno.readTextFile(path).catch(() => undefined);
    const status = await runProgram([...args], { ...world, clock: systemClock, random: systemRandom, readText });
    return { status, stdout: world.stdoutText(), stderr: world.stderrText() };
  }

  /** A run that must succeed; its lines on standard output as JSON, but for notes. */
  async records(...args: string[]): Promise<Record<string, unknown>[]> {
    const { status, stdout, stderr } = await this.run(...args, "--json");
    strictEqual(status, 0, stderr + stdout);
    const lines = stdout.trim().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
    return lines.filter(({ action }) => action !== "note");
  }

  async ask(sql: string): Promise<unknown> {
    const { stdout, status, stderr } = await this.run("query", "--format", "json", sql);
    strictEqual(status, 0, stderr);
    return JSON.parse(stdout);
  }
}
