import { createFileSync, readFilePart, writeFileSync } from "../disk/scratch.ts";
import type { Packing } from "../disk/decompress.ts";
import type { EventFormat } from "../lake/event_file.ts";
import type { FilePiece } from "../lake/file_survey.ts";
import type { PlainParquet } from "./plain_parquet.ts";

/** A raw file of a batch, ready to be read: on the local disk. */
export interface LocalRawFile {
  /** Its number in the plan. */
  number: number;
  /** What the ledger and `_source_file` call it. */
  name: string;
  /** Absolute: its own, or that of a spool which holds it. */
  path: string;
  /** Where it begins in the spool; undefined for a file of its own. */
  offset?: number;
  /** Bytes. */
  size: number;
  /** How its bytes are packed, if they are. */
  packed?: Packing;
  format: EventFormat;
  /** What is to be read of it, where that is not all; of a copy only these bytes are there. */
  pieces?: readonly FilePiece[] | undefined;
  /** Of a Parquet file that DuckDB would not read as it is. */
  plain?: PlainParquet;
}

/** A file that cannot be read at all: what is wrong with it. */
export interface BrokenFile extends Omit<LocalRawFile, "format" | "plain"> {
  detail: string;
}

/** Takes a file out of its spool, into one of its own. */
export function unspool(file: LocalRawFile, path: string): LocalRawFile {
  if (file.offset === undefined) return file;
  const own = createFileSync(path);
  try {
    writeFileSync(own, path, readFilePart(file.path, file.size, file.offset));
  } finally {
    own.close();
  }
  const { offset: _spooled, ...rest } = file;
  return { ...rest, path };
}
