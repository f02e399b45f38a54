import type { DeadLetterReason } from "../contract/contract.ts";
import type { Judgement, Row } from "../contract/judgement.ts";
import type { JsonPath } from "../json/pointer.ts";
import { type Scratch, TextFileWriter } from "../disk/scratch.ts";

export interface DeadLetter {
  file: number;
  /** Null for a whole file. */
  position: number | null;
  reason: DeadLetterReason;
  detail: string;
  /** The exact text of the record, or what stands for the file. */
  raw: string;
  values: Row | null;
}

/**
 * A record that was an event but for fields that are to become columns; it is judged again when
 * those are known.
 */
export interface PendingRecord {
  file: number;
  position: number;
  raw: string;
}

/** Places of extra fields that a batch remembers. Far fewer become columns. */
const EXTRA_PATHS_MAX = 10_000;

/** What happened to the records of one file, in numbers. */
export interface FileTally {
  events: number;
  deadLetters: number;
}

/**
 * Judged records on their way to Parquet: local files of a JSON object a line, which SQL reads and
 * casts afterwards. Bounded memory, whatever their number.
 */
export class JudgedRows {
  readonly eventFile: TextFileWriter;
  readonly letterFile: TextFileWriter;
  readonly pendingFile: TextFileWriter;
  readonly #tallies = new Map<number, FileTally>();
  /** No less than the bytes of the longest line. */
  lineBytesMax = 0;
  events = 0;
  deadLetters = 0;
  pending = 0;
  /** Where the fields stood that are to become columns, by their text: some, if they are many. */
  readonly extraPaths = new Map<string, JsonPath>();
  readonly #holdsExtras: boolean;

  /** `holdsExtras`: an event with extra fields is pending instead of an event. */
  constructor(scratch: Scratch, name: string, holdsExtras: boolean) {
    this.#holdsExtras = holdsExtras;

    this.eventFile = new TextFileWriter(scratch.path(`${name}-events.ndjson`));
    this.letterFile = new TextFileWriter(scratch.path(`${name}-letters.ndjson`));
    this.pendingFile = new TextFileWriter(scratch.path(`${name}-pending.ndjson`));
  }

  add(file: number, position: number, raw: string, judgement: Exclude<Judgement, { kind: "not_json" }>): void {
    if (judgement.kind === "dead_letter") {
      const { reason, detail, values } = judgement;
      return this.addDeadLetter({ file, position, reason, detail, raw, values });
    }
    const { extras } = judgement;
    if (this.#holdsExtras && extras.length > 0) {
      for (const { path } of extras) {
        if (this.extraPaths.size < EXTRA_PATHS_MAX) this.extraPaths.set(JSON.stringify(path), path);
      }
      this.#append(this.pendingFile, { file, position, raw } satisfies PendingRecord);
      this.pending++;
    } else {
      this.addEvent(file, position, judgement);
    }
  }

  addEvent(file: number, position: number, event: Extract<Judgement, { kind: "event" }>): void {
    this.#append(this.eventFile, { file, position, values: event.values, rescued: event.rescued });
    this.#tally(file).events++;
    this.events++;
  }

  addDeadLetter(letter: DeadLetter): void {
    this.#append(this.letterFile, letter);
    this.#tally(letter.file).deadLetters++;
    this.deadLetters++;
  }

  tallyOf(file: number): Readonly<FileTally> {
    return this.#tallies.get(file) ?? { events: 0, deadLetters: 0 };
  }

  /** Makes everything so far readable by others. */
  flush(): void {
    for (const file of [this.eventFile, this.letterFile, this.pendingFile]) file.flush();
  }

  close(): void {
    for (const file of [this.eventFile, this.letterFile, this.pendingFile]) file.close();
  }

  #append(file: TextFileWriter, row: unknown): void {
    const line = JSON.stringify(row);
    this.lineBytesMax = Math.max(this.lineBytesMax, line.length * 3);
    file.write(line + "\n");
  }

  #tally(file: number): FileTally {
    let tally = this.#tallies.get(file);
    if (tally === undefined) this.#tallies.set(file, tally = { events: 0, deadLetters: 0 });
    return tally;
  }
}
