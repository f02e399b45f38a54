import type { Clock } from "../../base/clock.ts";
import { messageOf, StreamlabError } from "../../base/errors.ts";
import { early } from "../../base/parallel.ts";
import type { Random } from "../../base/random.ts";
import { readLines, Tail } from "./lines.ts";

export interface SparkDriverOptions {
  /** The path of `spark-submit`. */
  submit: string;
  /** As `spark-submit` knows them. */
  master: string;
  conf: readonly string[];
  /** The path of the driver's script. */
  script: string;
  /** How the executors call this program. */
  program: readonly string[];
  /** The executors get its file from us, whose path is then all of `program`. */
  shipsProgram: boolean;
  clock: Clock;
  random: Random;
}

/** What a driver says when it is up. */
interface DriverFacts {
  version: string;
  /** The address of Spark's own page. */
  ui: string | null;
  /** Tasks at once, as far as executors are there by then. */
  slots: number;
}

/** What a task's program refused, in its own words. */
interface Refused {
  kind: string;
  message: string;
  hint: string | null;
}

/** What a driver says of a request: how far its tasks are, and last what came of them. */
export type DriverAnswer =
  & { id: number }
  & (
    | { done: number; active: number }
    | { results: string[] }
    | { failed: { message: string; refused: Refused | null } }
  );

/** How long a driver that was told to end may take until it is killed. */
const END_MS_MAX = 10_000;
/** For its last words: a process that it has started may hold the pipe for longer. */
const TAIL_MS_MAX = 5_000;

/**
 * A Spark driver in a process of its own on this machine. It knows us by a secret, and ends with
 * us however we end: the connection tells it.
 */
export class SparkDriver {
  readonly facts: DriverFacts;
  readonly #process: DriverProcess;
  readonly #peer: Peer;

  private constructor(facts: DriverFacts, process: DriverProcess, peer: Peer) {
    this.facts = facts;
    this.#process = process;
    this.#peer = peer;
  }

  /** Fails with `unavailable` where Spark does not start, and with `interrupted` when aborted. */
  static async start(options: SparkDriverOptions, signal: AbortSignal): Promise<SparkDriver> {
    const secret = options.random.bytes(16).toHex();
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    let process: DriverProcess | undefined, peer: Peer | undefined;
    try {
      process = new DriverProcess(options, `${(listener.addr as Deno.NetAddr).port} ${secret}`);
      peer = await ahead(accept(listener, secret), process, signal);
      const { program, shipsProgram } = options;
      await peer.write({ program, shipped: shipsProgram ? shippedName(options) : null });
      const { value } = await ahead(peer.lines.next(), process, signal);
      const facts = JSON.parse(value ?? "{}") as DriverFacts | { failed?: string };
      if ("version" in facts) return new SparkDriver(facts, process, peer);
      throw notStarted(facts.failed ?? await process.ended);
    } catch (error) {
      peer?.close();
      await process?.end(0);
      throw error;
    } finally {
      listener.close();
    }
  }

  async ask(request: { id: number; command: string; tasks: readonly string[] }): Promise<void> {
    await this.#peer.write(request);
  }

  /** Until the connection is lost. */
  async *answers(): AsyncGenerator<DriverAnswer> {
    for await (const line of this.#peer.lines) yield JSON.parse(line) as DriverAnswer;
  }

  /** What it said last, once it is gone. */
  get ended(): Promise<string> {
    return this.#process.ended;
  }

  /** The driver ends by itself when the connection does. */
  async end(): Promise<void> {
    this.#peer.close();
    await this.#process.end(END_MS_MAX);
  }
}

/** The other side of a connection, in lines. */
class Peer {
  readonly lines: AsyncGenerator<string>;
  readonly #connection: Deno.TcpConn;
  /** One for all lines: those of several requests wait for each other. */
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.lines = readLines(connection.readable);
    this.#writer = connection.writable.getWriter();
  }

  /** As JSON. */
  async write(message: unknown): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(`${JSON.stringify(message)}\n`));
  }

  close(): void {
    try {
      this.#connection.close();
    } catch (error) {
      // The other side has gone, which closes this one, too.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

/** `spark-submit`, which becomes the JVM that has the script as its child. */
class DriverProcess {
  readonly ended: Promise<string>;
  readonly #child: Deno.ChildProcess;
  readonly #clock: Clock;

  constructor({ submit, master, conf, script, shipsProgram, program, clock }: SparkDriverOptions, welcome: string) {
    this.#clock = clock;
    const files = shipsProgram ? ["--files", program[0]!] : [];
    const settings = conf.flatMap((each) => ["--conf", each]);
    try {
      this.#child = new Deno.Command(submit, {
        args: ["--master", master, "--deploy-mode", "client", "--name", "streamlab", ...settings, ...files, script],
        env: { STREAMLAB_DRIVER: welcome },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
        // Ctrl-C is for us, who finish the batch first.
        detached: true,
      }).spawn();
    } catch (cause) {
      throw new StreamlabError("unavailable", `Cannot start Spark: ${submit} does not run: ${messageOf(cause)}`, {
        hint: "Name Spark's folder with --spark-home",
        cause,
      });
    }
    const tail = new Tail();
    const read = Promise.all([tail.read(this.#child.stdout), tail.read(this.#child.stderr)]);
    this.ended = early(this.#child.status.then(async () => {
      await within(clock, TAIL_MS_MAX, early(read));
      return tail.reason ?? "it said nothing";
    }));
  }

  /** Kills it where it is still there after that time. */
  async end(patienceMs: number): Promise<void> {
    await within(this.#clock, patienceMs, this.#child.status);
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has gone by itself.
    }
    await this.ended;
  }
}

/** Until the work is done, or that time is over. */
async function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const patience = new AbortController();
  await Promise.race([work, clock.sleep(ms, patience.signal)]);
  patience.abort();
}

/** Spark calls a file by its name alone. */
function shippedName({ program }: SparkDriverOptions): string {
  return program[0]!.slice(program[0]!.lastIndexOf("/") + 1);
}

/** The one that knows the secret. */
async function accept(listener: Deno.TcpListener, secret: string): Promise<Peer> {
  for (;;) {
    const peer = new Peer(await listener.accept());
    const { value } = await peer.lines.next();
    if (value === secret) return peer;
    peer.close();
  }
}

/** What comes of the work, unless the process ends or the user stops us before. */
async function ahead<T>(work: Promise<T>, { ended }: DriverProcess, signal: AbortSignal): Promise<T> {
  const stopped = Promise.withResolvers<never>();
  const stop = () => stopped.reject(new StreamlabError("interrupted", "stopped while Spark was starting"));
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([
      early(work),
      stopped.promise,
      ended.then((reason) => Promise.reject(notStarted(reason))),
    ]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function notStarted(reason: string): StreamlabError {
  return new StreamlabError("unavailable", `Cannot start Spark: ${reason}`, {
    hint:
      "Check --master, --spark-conf and, for its Python, PYSPARK_PYTHON; spark-submit says more when it is run by hand",
  });
}
