import { inFolder as inOwnFolder } from "../support/own_folder.ts";

/**
 * The program as a user has it: compiled where STREAMLAB_BIN names one, else run from the source.
 */
const binary = Deno.env.get("STREAMLAB_BIN");
const main = new URL("../../main.ts", import.meta.url).pathname;
/** Quietly: on a terminal Deno draws by itself before a program starts. */
const [program, before]: [string, string[]] = binary === undefined
  ? [Deno.execPath(), ["run", "--quiet", "--no-check", "--allow-all", main]]
  : [binary, []];

/** For a shell script. */
export const programLine = [program, ...before].map((word) => `'${word}'`).join(" ");

export interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  stdin?: string;
}

/** Runs one command in a folder, to its end. */
export async function streamlab(folder: string, args: string[], options: RunOptions = {}): Promise<Outcome> {
  const child = startStreamlab(folder, args, options);
  const writer = child.stdin.getWriter();
  // Who has ended without reading tells why by its status and its words.
  if (options.stdin !== undefined) await writer.write(new TextEncoder().encode(options.stdin)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { status: code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

export function startStreamlab(folder: string, args: string[], { env = {} }: RunOptions = {}): Deno.ChildProcess {
  const command = new Deno.Command(program, {
    args: [...before, ...args],
    cwd: folder,
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
  return command.spawn();
}

/**
 * How it ends. What it says meanwhile is read to the end: a program whose reader has gone has a
 * reason of its own to stop, and takes it for none to complain.
 */
export async function endOf(child: Deno.ChildProcess): Promise<Deno.CommandStatus> {
  const [status] = await Promise.all([
    child.status,
    child.stdin.close(),
    child.stdout.pipeTo(new WritableStream()),
    child.stderr.pipeTo(new WritableStream()),
  ]);
  return status;
}

/** It may have ended by itself, even a moment ago: then there is nothing to end. */
export function killQuietly(child: Deno.ChildProcess, signal: Deno.Signal = "SIGKILL"): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended.
  }
}

/**
 * What a command said on standard error, line by line, but for the progress that a slow one shows
 * after five seconds.
 */
export function messageLines({ stderr }: Outcome): string[] {
  return stderr.trimEnd().split("\n").filter((line) =>
    !/^\S+Z [A-Z][a-z]+ing( [^":]+)?: [\d,]+ (of|files|events)\b/.test(line)
  );
}

/** Runs one command that must succeed; its standard output. */
export async function succeed(folder: string, args: string[], options?: RunOptions): Promise<string> {
  const outcome = await streamlab(folder, args, options);
  if (outcome.status !== 0) {
    throw new Error(`streamlab ${args.join(" ")} ended with ${outcome.status}\n${outcome.stderr}${outcome.stdout}`);
  }
  return outcome.stdout;
}

/** The answer to a question about the lake in `folder`/lake. */
export async function ask(folder: string, sql: string): Promise<Record<string, unknown>[]> {
  return JSON.parse(await succeed(folder, ["query", "--format", "json", sql])) as Record<string, unknown>[];
}

/**
 * What stands in a temporary folder, but for the native part of DuckDB's client, which a compiled
 * program keeps there.
 */
export function leftIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => !name.endsWith(".node"));
}

/** Calls `action` with an empty folder, and removes it. */
export function inFolder(action: (folder: string) => Promise<void>): Promise<void> {
  return inOwnFolder(action, "streamlab-e2e-");
}
