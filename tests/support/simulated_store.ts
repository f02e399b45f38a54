import type { Clock } from "../../core/base/clock.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import { type Random, seededRandom } from "../../core/base/random.ts";
import { checkPath, checkPrefix } from "../../core/storage/path.ts";
import { probeCreate } from "../../core/storage/probe.ts";
import { checkSize } from "../../core/storage/size_limit.ts";
import type { FileInfo, ListedFile, ReadOptions, Store, UnfinishedWrite } from "../../core/storage/store.ts";
import type { ConnectOptions, Decision, Operation, Phase, SimulatedDisk } from "./simulated_disk.ts";

/**
 * Thrown where the simulation stops a process. No program can go on: every later operation of its
 * handle throws it too.
 */
export class Crash extends Error {
  constructor(process: string) {
    super(`${process} has crashed`);
    this.name = "Crash";
  }
}

/**
 * One process's handle on a `SimulatedDisk`: a store that keeps the contract, and the process's
 * clock and chance. Without `localPath`: what DuckDB writes itself would bypass the simulation, so
 * tests of the protocol memoise routing.
 */
export class SimulatedStore implements Store {
  /** It answers late, or not at all, as a bucket does. */
  readonly kind = "s3";
  readonly root: string;
  readonly process: string;
  readonly random: Random;
  /** The process's clock: simulated time plus its skew. Sleeping takes no real time. */
  readonly clock: Clock;
  readonly #disk: SimulatedDisk;
  readonly #durable: boolean;
  readonly #latency: Random;
  #isDead = false;
  #resumes: (() => void)[] = [];
  readonly #deaths = new Set<() => void>();

  constructor(disk: SimulatedDisk, options: Required<ConnectOptions> & { seed: number }) {
    this.#disk = disk;
    this.root = disk.options.root;
    this.process = options.process;
    this.#durable = options.durable;
    this.random = seededRandom(options.seed);
    this.#latency = seededRandom(options.seed + 1);
    this.clock = {
      nowMs: () => disk.nowMs() + options.clockSkewMs,
      sleep: (ms, signal) => this.#sleep(ms, signal),
    };
  }

  /**
   * Stops the process from outside, as SIGKILL does; requests on their way arrive or not, by the
   * seed.
   */
  kill(): void {
    this.#isDead = true;
    for (const die of this.#deaths) die();
    this.resume();
  }

  /** Lets operations that a hook paused go on. */
  resume(): void {
    for (const resume of this.#resumes.splice(0)) resume();
  }

  rootExists(): Promise<boolean> {
    return this.#operate("look", "", () => this.#disk.page("", undefined).length > 0);
  }

  async read(path: string, options: ReadOptions & { bytesMax?: number } = {}): Promise<Uint8Array> {
    checkPath(path);
    return await this.#operate("read", path, () => {
      const content = this.#content(path, options);
      checkSize(path, content.length, options.bytesMax);
      return content.slice();
    });
  }

  async readRange(path: string, offset: number, length: number, options: ReadOptions = {}): Promise<Uint8Array> {
    checkPath(path);
    return await this.#operate("read", path, () => {
      const content = this.#content(path, options);
      const start = offset < 0 ? Math.max(0, content.length + offset) : offset;
      return content.slice(start, start + length);
    });
  }

  async getFile(path: string, localPath: string, options: ReadOptions = {}): Promise<void> {
    // Synchronous, so that the run stays the same for the same seed.
    Deno.writeFileSync(localPath, await this.read(path, options));
  }

  async stat(path: string): Promise<FileInfo | undefined> {
    checkPath(path);
    return await this.#operate("stat", path, () => this.#disk.version(path)?.info);
  }

  async *list(prefix: string, options: { after?: string } = {}): AsyncIterable<ListedFile> {
    checkPrefix(prefix);
    let after = options.after;
    while (true) {
      const page = await this.#operate("list", prefix, () => this.#disk.page(prefix, after));
      for (const info of page) yield { path: info.path, info };
      after = page.at(-1)?.path;
      if (page.length < this.#disk.options.pageSize || after === undefined) return;
    }
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    checkPath(path);
    const content = bytes.slice();
    await this.#operate("write", path, () => this.#disk.put(path, content, this.#durable), true);
  }

  async create(path: string, bytes: Uint8Array): Promise<boolean> {
    checkPath(path);
    const content = bytes.slice();
    return await this.#operate("create", path, () => {
      if (this.#disk.version(path) !== undefined && !this.#disk.options.ignoresConditions) return false;
      this.#disk.put(path, content, this.#durable);
      return true;
    }, true);
  }

  async putFile(path: string, localPath: string): Promise<void> {
    checkPath(path);
    const content = Deno.readFileSync(localPath);
    await this.#operate("putFile", path, () => this.#disk.put(path, content, this.#durable), true);
    Deno.removeSync(localPath);
  }

  async copy(path: string, to: string, etag: string): Promise<boolean> {
    checkPath(path);
    checkPath(to);
    return await this.#operate("copy", to, () => {
      if (this.#disk.version(to) !== undefined) return false;
      this.#disk.put(to, this.#content(path, { etag }).slice(), this.#durable);
      return true;
    }, true);
  }

  async deletePaths(paths: string[]): Promise<void> {
    for (const path of paths) checkPath(path);
    for (const path of paths) {
      await this.#operate("delete", path, () => this.#disk.remove(path, this.#durable), true);
    }
  }

  /** Nothing is ever half-written here: an operation has happened or it has not. */
  async *listUnfinished(prefix: string): AsyncIterable<UnfinishedWrite> {
    checkPrefix(prefix);
    yield* await this.#operate("listUnfinished", prefix, (): UnfinishedWrite[] => []);
  }

  async discardUnfinished(writes: UnfinishedWrite[]): Promise<void> {
    await this.deletePaths(writes.map(({ path }) => path));
  }

  localPath(): undefined {
    return undefined;
  }

  probe(folder: string): Promise<void> {
    return probeCreate(this, folder, this.random, "Use a store that honours it");
  }

  /**
   * A request to a service beside the disk, which goes wrong like any operation; `tell` changes
   * something there.
   */
  async request<T>(name: "ask" | "tell", path: string, effect: () => T): Promise<T> {
    return await this.#operate(name, path, effect, name === "tell");
  }

  #content(path: string, options: ReadOptions): Uint8Array {
    const version = this.#disk.version(path);
    if (version === undefined) {
      throw new StreamlabError("not-found", `Cannot read "${this.root}/${path}": there is no such file`);
    }
    if (options.etag === undefined || options.etag === version.info.etag) return version.bytes;
    throw new StreamlabError("conflict", `Cannot read "${this.root}/${path}": it has changed since it was listed`);
  }

  /** Takes one operation through its latency and the hook's decisions before and after it. */
  async #operate<T>(name: Operation["name"], path: string, effect: () => T, mutates = false): Promise<T> {
    this.#checkAlive();
    const operation = this.#disk.begin(this.process, name, path);
    await this.#travel(mutates ? effect : undefined);
    const before = await this.#decide(operation, "before");
    if (before?.do === "late") {
      this.#disk.schedule(before.ms, effect);
      throw new StreamlabError("unavailable", `Cannot ${name} "${this.root}/${path}": timed out (simulated)`);
    }
    let result = effect();
    if (before?.do === "twice") {
      if (before.ms === 0) result = effect();
      else this.#disk.schedule(before.ms, effect);
    }
    await this.#decide(operation, "after");
    return result;
  }

  /**
   * Waits for the request to arrive. If the process dies meanwhile, a change may arrive all the
   * same.
   */
  async #travel(effect: (() => void) | undefined): Promise<void> {
    const latencyMsMax = this.#disk.options.latencyMsMax;
    if (latencyMsMax === 0) await Promise.resolve();
    else {
      await this.#wait(Math.floor(this.#latency.next() * (latencyMsMax + 1)));
      if (this.#isDead && effect !== undefined && this.#latency.next() < 0.5) effect();
    }
    this.#checkAlive();
  }

  async #decide(operation: Operation, phase: Phase): Promise<Decision | undefined> {
    const decision = this.#disk.hook?.(operation, phase);
    if (decision === undefined) return undefined;
    if (decision.do === "fail") throw decision.error;
    if (decision.do === "crash") this.kill();
    else if (decision.do === "power-cut") this.#disk.powerCut(decision.keep);
    else if (decision.do === "delay") await this.#wait(decision.ms);
    else if (decision.do === "pause") await new Promise<void>((resolve) => this.#resumes.push(resolve));
    else if (phase === "after") throw new Error(`"${decision.do}" can only be decided before an operation`);
    this.#checkAlive();
    return decision;
  }

  async #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.#checkAlive();
    if (!signal?.aborted) await this.#wait(ms, signal);
    this.#checkAlive();
  }

  /** Until simulated time has passed, the signal is aborted or the process is killed. */
  #wait(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.#deaths.delete(end);
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const cancel = this.#disk.schedule(ms, end);
      this.#deaths.add(end);
      signal?.addEventListener("abort", end);
    });
  }

  #checkAlive(): void {
    if (this.#isDead) throw new Crash(this.process);
  }
}
