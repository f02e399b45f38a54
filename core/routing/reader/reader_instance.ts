import { StreamlabError } from "../../base/errors.ts";
import { readProgramPart } from "../../disk/program_part.ts";
import { powersOfFive } from "./powers_of_five.ts";
import type { ReaderCalls } from "./reader_calls.ts";

/** Reading and writing in steps of 16 bytes may touch so many behind the end of a buffer. */
export const OVERRUN = 64;

/** Bytes of a key that `ReaderInstance` needs. */
export const HASH_KEY_BYTES = 288;

/** A text in the memory of a `ReaderInstance`. */
export interface PlacedText {
  readonly at: number;
  readonly length: number;
}

const POWERS_OF_FIVE = powersOfFive();

function failForMemory(): never {
  throw new StreamlabError("unavailable", "Cannot read event files: a record takes more than 2 GB of memory", {
    hint: "Look for a record of very many values, and take its file away",
  });
}

/** reader.wasm ready to be used, also by other threads. */
export function compiledReader(): WebAssembly.Module {
  return new WebAssembly.Module(readProgramPart(new URL("../assembly/reader.wasm", import.meta.url)));
}

/** reader.wasm with a memory of its own: for one thread. */
export class ReaderInstance {
  readonly calls: ReaderCalls;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #questions: ((text: string) => boolean)[] = [];
  #bytes: Uint8Array<ArrayBuffer>;
  #words = new Uint32Array();
  readonly #kept = new Map<string, PlacedText>();

  /**
   * `compiled` may come from another thread. `hashKey` is secret: who knows it can make texts that
   * are slow to tell apart.
   */
  constructor(compiled: WebAssembly.Module, hashKey: Uint8Array) {
    const judge = {
      holds: (question: number, at: number, length: number) => {
        return this.#questions[question]!(this.#decoder.decode(this.bytes.subarray(at, at + length))) ? 1 : 0;
      },
    };
    const { exports } = new WebAssembly.Instance(compiled, { judge, memory: { ended: failForMemory } });
    this.calls = exports as unknown as ReaderCalls;
    this.#bytes = new Uint8Array(this.calls.memory.buffer as ArrayBuffer);
    this.bytes.set(hashKey, this.calls.hashKeyPtr());
    this.bytes.set(new Uint8Array(POWERS_OF_FIVE.buffer), this.calls.powersOfFivePtr());
  }

  /**
   * The whole memory. A call that makes memory grow voids it, and all views into it: ask for it
   * anew behind every call.
   */
  get bytes(): Uint8Array<ArrayBuffer> {
    const { buffer } = this.calls.memory;
    if (this.#bytes.buffer !== buffer) this.#bytes = new Uint8Array(buffer as ArrayBuffer);
    return this.#bytes;
  }

  /** A question that the reader asks about texts, once about each; its number. */
  addQuestion(holds: (text: string) => boolean): number {
    return this.#questions.push(holds) - 1;
  }

  /** Keeps a text in memory for as long as this lives. */
  place(text: string): PlacedText {
    const encoded = this.#encoder.encode(text);
    const at = this.calls.alloc(encoded.length + OVERRUN);
    this.bytes.set(encoded, at);
    return { at, length: encoded.length };
  }

  /** A word of 32 bits; its index is a quarter of its address. */
  word(index: number): number {
    const { buffer } = this.calls.memory;
    if (this.#words.buffer !== buffer) this.#words = new Uint32Array(buffer as ArrayBuffer);
    return this.#words[index]!;
  }

  /** What stands in memory as UTF-8. */
  text(from: number, to: number): string {
    return this.#decoder.decode(this.bytes.subarray(from, to));
  }

  /** The place of a text that comes again and again; it is kept once. */
  keep(text: string): PlacedText {
    let placed = this.#kept.get(text);
    if (placed === undefined) this.#kept.set(text, placed = this.place(text));
    return placed;
  }
}
