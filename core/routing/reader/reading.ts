/** What the workers of a batch are told and what they answer: plain data, as it is posted. */
import type { DeadLetterReason, OnExtraFields, OnWrongType } from "../../contract/contract.ts";
import type { Packing } from "../../disk/decompress.ts";
import type { WrittenFile } from "../../engine/copy.ts";
import type { OnEmpty } from "../../lake/batch_plan.ts";
import type { FoundPacking } from "../../lake/routing_task.ts";
import type { JsonPath } from "../../json/pointer.ts";
import type { TargetTable } from "../../tables/write/target_table.ts";
import type { EventKeys, KeyRule } from "../repeats/event_keys.ts";
import type { RepeatPositions } from "../repeats.ts";

/** How records are read from their places, one by one. */
export interface Placing {
  /** The JSON pointer to them in an envelope, where files hold envelopes. */
  recordsAt: string | undefined;
  /** What the file's path says, as members of each record that is an object. */
  members: string;
  onEmpty: OnEmpty;
  /** See `RouteOptions`. */
  judgesAll: boolean;
}

/** A file, or a part of one, that one worker reads. */
export interface ReadUnit {
  /** Of its file, in the plan. */
  number: number;
  /** What `_source_file` calls it. */
  name: string;
  /** Local. */
  path: string;
  /** Where its bytes begin, and how many they are. */
  offset: number;
  size: number;
  /** How they are packed, if they are. */
  packed?: Packing;
  how:
    /** An array, or values one after another, by its first character. */
    | "json"
    | "lines"
    /** Elements of an array, valid and with commas between them. */
    | "elements"
    /** Values one after another, valid and on no lines of their own. */
    | "values"
    /** One record, or what was to be one. */
    | "rest"
    /** By `placing`: an array, or values one after another, by its first character; or lines. */
    | "placed"
    | "placed-lines"
    /** Whole lines of envelopes, and whole values of them that have no lines of their own. */
    | "envelope-lines"
    | "envelope-values"
    /** An envelope without records. */
    | "bare-envelope"
    /** Whole lines of a file: those at its start, and others. */
    | "first-lines"
    | "more-lines"
    /** Record by record, by the judge alone. */
    | "exact-json"
    | "exact-lines"
    /** Frames of rows that were written out as JSON: see `FramedRows`. */
    | "rows"
    /** The same of texts of dead letters. */
    | "letters"
    /** Not read: one dead letter for all of it. */
    | "broken"
    /** Lines of `HeldRecord`. */
    | "pending";
  /** Of its first record. */
  position: number;
  /** Of a part: how many it has by the survey. */
  records?: number;
  /** Why it is broken, or bare. */
  detail?: string | undefined;
  placing?: Placing;
  /** How it is packed by its first bytes, where its name says something else. */
  found?: FoundPacking | undefined;
  /** Its packing was found in its first bytes: it is not looked for again. */
  isFound?: boolean;
}

/** A record with fields that are to become columns; it is judged again when these are known. */
export interface HeldRecord {
  file: number;
  name: string;
  position: number;
  raw: string;
}

/** A field that the contract does not name, and the record that has it first. */
export interface ExtraPath {
  path: JsonPath;
  file: number;
  position: number;
  /** Among the extra fields of that record. */
  index: number;
}

/** In the order of the plan: negative where the first comes before the second. */
export function compareExtraPaths(a: ExtraPath, b: ExtraPath): number {
  return a.file - b.file || a.position - b.position || a.index - b.index;
}

/** What a worker may hold at once. */
export interface ReaderLimits {
  /** Larger files are cut into parts, so that every worker reads some. */
  wholeFileBytes: number;
  /** Bytes of a part. */
  partBytes: number;
  /** A part grows to so many where it holds no whole record; beyond, its file is read exactly. */
  partBytesMax: number;
  /** Rows, or bytes of text, that are a row group. */
  groupRows: number;
  groupBytes: number;
  /** Rows that are held where a row group has too few for each of many partitions. */
  heldRows: number;
  /** What a table's files keep for their footers, or have waiting to be written. */
  heldBytes: number;
  /** What all threads together may hold of large values: see `LargeValues`. */
  largeBytes: number;
}

/** The same for all workers of a batch. */
export interface Reading {
  /** In its canonical spelling. */
  contract: string;
  onExtraFields: OnExtraFields;
  onWrongType?: OnWrongType | undefined;
  onEmpty?: OnEmpty | undefined;
  /** Events that are left out. */
  repeats?: RepeatPositions | undefined;
  /** By what the keys of events are collected, where they are asked for. */
  keys?: KeyRule | undefined;
  /** Events wait in memory, if they all can, until `write` says which are left out. */
  holds?: boolean | undefined;
  events: TargetTable;
  deadLetters: TargetTable;
  ingestedAtMicros: bigint;
  batchId: bigint;
  /** A folder of this reading's, in which the workers' files get names of their own. */
  folder: string;
  limits: ReaderLimits;
  units: readonly ReadUnit[];
  /** The number of the next unit that no worker has taken. */
  next: SharedArrayBuffer;
  /** See `LargeValuesOptions`. */
  held: SharedArrayBuffer;
}

/** The parts of a file that was looked through. */
export interface Survey {
  number: number;
  units: ReadUnit[];
}

/** A file that is not packed as its name says; none of it has been read. */
export interface MisnamedFile {
  number: number;
  found: FoundPacking;
}

/** What happened to the records of a unit, in numbers. */
export interface UnitTally {
  number: number;
  records: number;
  events: number;
  deadLetters: number;
}

export interface ReadResult {
  /** How many units the worker has read. */
  units: number;
  tallies: UnitTally[];
  misnamed: MisnamedFile[];
  events: WrittenFile[];
  deadLetters: WrittenFile[];
  /** Events that were left out as repeats. */
  dropped: number;
  /** Whether all events are still in memory: `events` has none of them. */
  isHeld: boolean;
  /** Dead letters by reason. */
  reasons: ReadonlyMap<DeadLetterReason, number>;
  /** The file of pending records, and where their extra fields stand. */
  pending?: { path: string; records: number };
  extraPaths: ExtraPath[];
  /** Of the events, where they were asked for, and could be had. */
  keys: EventKeys | undefined;
}

export type WrittenEvents = Pick<ReadResult, "events" | "dropped">;

export type Work =
  | { kind: "read"; reading: Reading }
  /** What was read last and is held. */
  | { kind: "write"; repeats: RepeatPositions | undefined }
  /** `folder` is for what is unpacked. */
  | { kind: "survey"; units: readonly ReadUnit[]; limits: ReaderLimits; folder: string; next: SharedArrayBuffer };

/** An error of a worker. */
export interface Failure {
  name: string;
  message: string;
  stack?: string;
  /** Of a `StreamlabError`. */
  kind?: string;
  hint?: string;
}
