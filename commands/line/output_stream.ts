/**
 * The one writer to standard output and standard error. Names, values and foreign errors may
 * contain escape sequences. None gets past this file to a terminal, so commands need not care.
 */
import { visibleLines } from "../../core/base/visible_text.ts";
import { writeAll } from "../../core/disk/file_bytes.ts";
import { type MessageStream, OutputClosed, type OutputStream } from "./command.ts";

/** An open file of the operating system. */
export interface OutputFile {
  write(bytes: Uint8Array): Promise<number>;
}

/** For results: a terminal gets them with escapes, everything else as they are. */
export function dataStream(file: OutputFile, isTerminal: boolean): OutputStream {
  return { write: (data) => writeOut(file, isTerminal ? visibleLines(textOf(data)) : data) };
}

/** For messages: always with escapes, since people read them wherever they are sent. */
export function messageStream(file: OutputFile): MessageStream {
  return {
    write: (data) => writeOut(file, visibleLines(textOf(data))),
    redraw: (line) => writeOut(file, `\r\x1b[K${visibleLines(line)}`),
  };
}

function textOf(data: string | Uint8Array): string {
  return typeof data === "string" ? data : new TextDecoder().decode(data);
}

async function writeOut(file: OutputFile, data: string | Uint8Array): Promise<void> {
  try {
    await writeAll(file, typeof data === "string" ? new TextEncoder().encode(data) : data);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw new OutputClosed("the reader of the output has gone");
    throw error;
  }
}
