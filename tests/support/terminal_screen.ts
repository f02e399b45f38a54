/**
 * What a terminal shows after what it was sent: the few sequences that our line editor and progress
 * lines use. Any other fails.
 */
export class TerminalScreen {
  readonly #lines: string[][] = [[]];
  readonly #columns: number;
  #row = 0;
  #column = 0;

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** The lines that are there in the end, those that have scrolled away too. */
  static textOf(sent: string, columns: number): string {
    const screen = new TerminalScreen(columns);
    screen.#take(sent);
    return screen.#lines.map((line) => Array.from(line, (letter) => letter ?? " ").join("").trimEnd()).join("\n");
  }

  #take(sent: string): void {
    // deno-lint-ignore no-control-regex -- escape sequences are what this is about
    for (const [all, count, final] of sent.matchAll(/\x1b\[(\d*)([A-Za-z])|[^]/gu)) {
      if (final !== undefined) this.#command(final, count!);
      else this.#put(all);
    }
  }

  #put(letter: string): void {
    if (letter === "\r") this.#column = 0;
    else if (letter === "\n") this.#down(1);
    else if (letter === "\x07") return;
    else if (letter < " ") throw new Error(`a terminal test does not know ${JSON.stringify(letter)}`);
    else {
      // The cursor waits behind the last column, and goes on below with the next letter.
      if (this.#column === this.#columns) {
        this.#down(1);
        this.#column = 0;
      }
      this.#lines[this.#row]![this.#column++] = letter;
    }
  }

  #command(final: string, count: string): void {
    const steps = count === "" ? 1 : Number(count);
    switch (final) {
      case "A":
        this.#row = Math.max(0, this.#row - steps);
        return;
      case "B":
        return this.#down(steps);
      case "C":
        this.#column = Math.min(this.#columns - 1, this.#column + steps);
        return;
      case "D":
        this.#column = Math.max(0, this.#column - steps);
        return;
      case "G":
        this.#column = Math.max(0, steps - 1);
        return;
      case "J":
        this.#lines.splice(this.#row + 1);
        this.#lines[this.#row]!.splice(this.#column);
        return;
      case "K":
        this.#lines[this.#row]!.splice(count === "2" ? 0 : this.#column);
        return;
      default:
        throw new Error(`a terminal test does not know the sequence CSI ${count}${final}`);
    }
  }

  #down(steps: number): void {
    this.#row += steps;
    while (this.#lines.length <= this.#row) this.#lines.push([]);
  }
}
