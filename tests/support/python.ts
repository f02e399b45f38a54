import { TextLineStream } from "@std/streams/text-line-stream";

/** The foreign readers of the interop tests come from PyPI, once, into a cache of their own. */
const packages = [
  "pyiceberg[pyarrow,pyiceberg-core]==0.12.0",
  "duckdb==1.5.5",
  "duckdb-extension-iceberg==1.5.5",
  "duckdb-extension-avro==1.5.5",
  "duckdb-extension-httpfs==1.5.5",
];
export const cacheFolder = `${Deno.env.get("HOME") ?? "/tmp"}/.cache/streamlab-test`;
const pythonFolder = `${cacheFolder}/python-iceberg-0.12.0-duckdb-1.5.5`;
/** Nothing may be skipped: what is missing is installed, or the test fails. */
export const isRequired = Deno.env.get("STREAMLAB_REQUIRE_ALL") === "1";

/**
 * Declares a test that needs PyIceberg and DuckDB for Python; shown as ignored where there is no
 * Python to install them with.
 */
export function pythonTest(name: string, run: (python: Python) => Promise<void>): void {
  Deno.test({ name, ignore: !canRunPython(), fn: async () => await run(await findPython()) });
}

export function canRunPython(): boolean {
  return isRequired || isInstalled() || onPath("python3") !== undefined;
}

/**
 * Where Python is told not to buffer, a write that a signal cuts short loses the rest: what it
 * prints must go through a buffer, which an empty value of this variable leaves to it.
 */
const BUFFERED = { PYTHONUNBUFFERED: "" };

export class Python {
  readonly program: string;

  constructor(program: string) {
    this.program = program;
  }

  /**
   * Runs a script of `tests/interop`; its standard output is JSON. Integers beyond 2^53 must come
   * as text.
   */
  async json<Result>(script: string, ...args: string[]): Promise<Result> {
    const path = new URL(`../interop/${script}`, import.meta.url).pathname;
    const command = new Deno.Command(this.program, {
      args: [path, ...args],
      env: BUFFERED,
      stdout: "piped",
      stderr: "piped",
    });
    const { success, stdout, stderr } = await command.output();
    const decoder = new TextDecoder();
    if (!success) throw new Error(`${script} failed: ${decoder.decode(stderr).slice(-3000)}`);
    return JSON.parse(decoder.decode(stdout)) as Result;
  }

  /** With a script that answers each line of its input with a line of JSON, until that ends. */
  async converse(
    script: string,
    action: (ask: <Answer>(line: string) => Promise<Answer>) => Promise<void>,
  ): Promise<void> {
    const path = new URL(`../interop/${script}`, import.meta.url).pathname;
    const child = new Deno.Command(this.program, {
      args: [path],
      env: BUFFERED,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const errors = new Response(child.stderr).text();
    const questions = child.stdin.getWriter();
    const lines = new TextLineStream() as TransformStream<string, string>;
    const answers = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(lines).getReader();
    const ask = async <Answer>(line: string) => {
      await questions.write(new TextEncoder().encode(`${line}\n`));
      const { value } = await answers.read();
      if (value === undefined) throw new Error(`${script} failed: ${(await errors).slice(-3000)}`);
      return JSON.parse(value) as Answer;
    };
    try {
      await action(ask);
    } finally {
      await questions.close().catch(() => undefined);
      await answers.cancel();
      await Promise.all([child.status, errors]);
    }
  }
}

/** A Python that has the packages: from the cache, or installed into it, which takes a minute. */
export async function findPython(): Promise<Python> {
  const program = `${pythonFolder}/bin/python`;
  if (isInstalled()) return new Python(program);
  await Deno.mkdir(pythonFolder, { recursive: true });
  // One installation for all test processes that ask at the same time.
  using lock = await Deno.open(`${pythonFolder}/lock`, { create: true, write: true });
  await lock.lock(true);
  if (isInstalled()) return new Python(program);
  await runOrThrow(onPath("python3") ?? "python3", ["-m", "venv", pythonFolder]);
  await runOrThrow(program, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages]);
  await Deno.writeTextFile(`${pythonFolder}/done`, packages.join("\n"));
  return new Python(program);
}

/** These very packages, not those of an earlier version of this file. */
function isInstalled(): boolean {
  const done = `${pythonFolder}/done`;
  return isFile(done) && Deno.readTextFileSync(done) === packages.join("\n");
}

/** Ten times the longest: a registry that has gone silent would be waited for for ever. */
const INSTALL_MS_MAX = 600_000;
const INSTALL_TRIES = 3;

/** Runs an installer, again where it fails or comes to a halt. */
export async function runOrThrow(
  program: string,
  args: string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<void> {
  for (let tries = 1;; tries++) {
    const signal = AbortSignal.timeout(INSTALL_MS_MAX);
    const command = new Deno.Command(program, { ...options, args, stdout: "null", stderr: "piped", signal });
    const { success, stderr } = await command.output();
    if (success) return;
    if (tries < INSTALL_TRIES) continue;
    const why = signal.aborted ? `not done after ${INSTALL_MS_MAX / 1_000} s` : new TextDecoder().decode(stderr);
    throw new Error(`Cannot install by ${program}: ${why.slice(-2000)}`);
  }
}

export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

export function onPath(program: string): string | undefined {
  return Deno.env.get("PATH")?.split(":").map((folder) => `${folder}/${program}`).find(isFile);
}
