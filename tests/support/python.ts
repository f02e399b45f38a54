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
    const answering = new AnsweringScript(this.program, script);
    try {
      await action((line) => answering.ask(line));
    } finally {
      await answering.end();
    }
  }

  /**
   * An answer of such a script that all tests of this file ask, for its imports take longer than
   * most of what it is asked; it ends with them.
   */
  async ask<Answer extends object>(script: string, question: Record<string, unknown>): Promise<Answer> {
    let answering = standing.get(script);
    if (answering === undefined) {
      standing.set(script, answering = new AnsweringScript(this.program, script));
      addEventListener("unload", () => answering!.kill());
    }
    const answer = await answering.ask<Answer | { error: string }>(JSON.stringify(question));
    if ("error" in answer) throw new Error(`${script} failed: ${answer.error.slice(-3000)}`);
    return answer;
  }
}

const standing = new Map<string, AnsweringScript>();

class AnsweringScript {
  readonly #script: string;
  readonly #child: Deno.ChildProcess;
  readonly #questions: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: ReadableStreamDefaultReader<string>;

  constructor(program: string, script: string) {
    this.#script = script;
    this.#child = new Deno.Command(program, {
      args: [new URL(`../interop/${script}`, import.meta.url).pathname],
      env: BUFFERED,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#questions = this.#child.stdin.getWriter();
    const lines = new TextLineStream() as TransformStream<string, string>;
    this.#answers = this.#child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(lines).getReader();
  }

  /** Answers come in the order of the questions. */
  async ask<Answer>(line: string): Promise<Answer> {
    await this.#questions.write(new TextEncoder().encode(`${line}\n`));
    const { value } = await this.#answers.read();
    if (value === undefined) throw new Error(`${this.#script} has ended, and says why above`);
    return JSON.parse(value) as Answer;
  }

  async end(): Promise<void> {
    await this.#questions.close().catch(() => undefined);
    await this.#answers.cancel();
    await this.#child.status;
  }

  kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
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
