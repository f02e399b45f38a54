/** Lines of an output as they come. */
export class Lines {
  readonly #lines: AsyncGenerator<string>;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#lines = Lines.#of(stream);
  }

  static async *#of(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
    let rest = "";
    for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + piece).split("\n");
      rest = lines.pop()!;
      yield* lines;
    }
  }

  /** The next one that matches; what comes before it is passed over. */
  async next(pattern: RegExp): Promise<string> {
    const seen: string[] = [];
    for (let next = await this.#lines.next(); !next.done; next = await this.#lines.next()) {
      if (pattern.test(next.value)) return next.value;
      seen.push(next.value);
    }
    throw new Error(`${pattern} did not come in ${JSON.stringify(seen)}`);
  }

  async close(): Promise<void> {
    await this.#lines.return(undefined);
  }
}
