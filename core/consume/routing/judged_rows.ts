import type { ExtraField, Row } from "../../contract/judgement.ts";
import type { DeadLetterReason } from "../../contract/contract.ts";
import { TextFileWriter } from "../../engine/scratch.ts";

/** A record that the exact judge found to be an event. */
export interface JudgedEvent {
  file: number;
  position: number;
  values: Row;
  rescued: string | null;
  extras: readonly ExtraField[];
}

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

/** What happened to the records of one file, in numbers. */
export interface FileTally {
  events: number;
  deadLetters: number;
}

/**
 * Judged records on their way to Parquet: two local files of a JSON object a line, which SQL reads and casts afterwards.
 * Bounded memory, whatever their number.
 */
export class JudgedRows {
  private readonly eventFile: TextFileWriter;
  private readonly letterFile: TextFileWriter;
  private readonly tallies = new Map<number, FileTally>();
  /** The longest line so far, in UTF-16 units times three: no less than its bytes. */
  lineBytesMax = 0;
  events = 0;
  deadLetters = 0;
  /** Top-level names of extra fields that events carry, with a sample of the JSON text of each (for `add`). */
  readonly extras = new Map<string, Set<string>>();

  constructor(readonly eventsPath: string, readonly lettersPath: string) {
    this.eventFile = new TextFileWriter(eventsPath);
    this.letterFile = new TextFileWriter(lettersPath);
  }

  addEvent(event: JudgedEvent): void {
    const { file, position, values, rescued } = event;
    this.append(this.eventFile, { file, position, values, rescued });
    this.tally(file).events++;
    this.events++;
  }

  addDeadLetter(letter: DeadLetter): void {
    this.append(this.letterFile, letter);
    this.tally(letter.file).deadLetters++;
    this.deadLetters++;
  }

  tallyOf(file: number): Readonly<FileTally> {
    return this.tallies.get(file) ?? { events: 0, deadLetters: 0 };
  }

  close(): void {
    this.eventFile.close();
    this.letterFile.close();
  }

  private append(file: TextFileWriter, row: unknown): void {
    const line = JSON.stringify(row);
    this.lineBytesMax = Math.max(this.lineBytesMax, line.length * 3);
    file.write(line + "\n");
  }

  private tally(file: number): FileTally {
    let tally = this.tallies.get(file);
    if (tally === undefined) this.tallies.set(file, tally = { events: 0, deadLetters: 0 });
    return tally;
  }
}
