/** Whole lines, without their ends; a last one that was cut short does not count. */
export async function* readLines(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  // A line of many megabytes comes in many pieces, which are joined once.
  let pieces: string[] = [];
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const [first, ...others] = text.split("\n") as [string, ...string[]];
    pieces.push(first);
    for (const next of others) {
      yield pieces.join("");
      pieces = [next];
    }
  }
}

const TAIL_LINES = 200;

/** The last lines of what a program prints; somebody must read it, or the program stops. */
export class Tail {
  readonly #lines: string[] = [];

  async read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const line of readLines(stream)) {
      this.#lines.push(line);
      if (this.#lines.length > TAIL_LINES) this.#lines.shift();
    }
  }

  /** The last line that names an error, in Java's words or in Python's; else the last one. */
  get reason(): string | undefined {
    const said = this.#lines.map((line) => line.trim()).filter((line) => line !== "");
    const error = said.findLast((line) => /^(Caused by: |Exception in |Error: )|^[\w.]+(Exception|Error): /.test(line));
    return error ?? said.at(-1);
  }
}
