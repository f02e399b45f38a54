import {
  type Contract,
  type DeadLetterReason,
  type OnExtraFields,
  type OnWrongType,
} from "../../core/contract/contract.ts";
import { defaultContract } from "../../core/contract/default_contract.ts";
import { parseContract } from "../../core/contract/json_schema.ts";

/** What becomes of one record. `values` holds the columns that are not null. */
export type ExpectedRecord =
  | { kind: "event"; values: Record<string, unknown>; rescued?: string }
  | { kind: Exclude<DeadLetterReason, "corrupted_batch">; detail: string; values?: Record<string, unknown> };

/** A file that is corrupted as a whole, with the detail; or its records in their order. */
export type ExpectedFile = { corrupted_batch: string } | { records: ExpectedRecord[] };

/** A row of the table of cases: an event file, judged by a contract. */
export interface ContractCase {
  /** Unique; a sentence. */
  name: string;
  contract: Contract;
  onExtraFields: OnExtraFields;
  onWrongType: OnWrongType;
  format: "json" | "ndjson";
  bytes: Uint8Array;
  expect: ExpectedFile;
}

/** A piece of a file: text, bytes that are no text, or a text many times. */
type Part = string | { base64: string } | { repeat: string; times: number };

/**
 * As it is written in `cases/*.json`. Either `records`, judged both as an array and as NDJSON, or a
 * whole file in one format.
 */
export interface WrittenCase {
  name: string;
  /**
   * A JSON Schema, as JSON or as text where numbers must keep their digits; the default contract
   * when left out.
   */
  contract?: unknown;
  onExtraFields?: OnExtraFields;
  onWrongType?: OnWrongType;
  records?: string[];
  file?: Part[];
  format?: "json" | "ndjson";
  expect: ExpectedFile;
}

const folder = new URL("./cases/", import.meta.url);

/** The files that hold the table, in order of name. */
export function caseFiles(): URL[] {
  const names = [...Deno.readDirSync(folder)].map((entry) => entry.name).filter((name) => name.endsWith(".json"));
  return names.sort().map((name) => new URL(name, folder));
}

/** Every row of the table. */
export function loadCases(): ContractCase[] {
  return caseFiles().flatMap((file) => (JSON.parse(Deno.readTextFileSync(file)) as WrittenCase[]).flatMap(casesOf));
}

/** The cases that a written one stands for: two when it holds records. */
export function casesOf(written: WrittenCase): ContractCase[] {
  const { name, expect } = written;
  const shared = {
    contract: contractOf(written),
    onExtraFields: written.onExtraFields ?? "dead-letter",
    onWrongType: written.onWrongType ?? "dead-letter",
    expect,
  } as const;
  if (written.records !== undefined) {
    const array = encode(`[${written.records.join(", ")}]`), lines = encode(`${written.records.join("\n")}\n`);
    return [
      { ...shared, name: `${name} (in an array)`, format: "json", bytes: array },
      { ...shared, name: `${name} (in NDJSON)`, format: "ndjson", bytes: lines },
    ];
  }
  return [{ ...shared, name, format: written.format ?? "json", bytes: bytesOf(written.file ?? []) }];
}

function contractOf({ contract }: WrittenCase): Contract {
  if (contract === undefined) return defaultContract();
  return parseContract(typeof contract === "string" ? contract : JSON.stringify(contract));
}

function bytesOf(parts: Part[]): Uint8Array {
  const pieces = parts.map((part) => {
    if (typeof part === "string") return encode(part);
    if ("base64" in part) return Uint8Array.from(atob(part.base64), (character) => character.charCodeAt(0));
    return encode(part.repeat.repeat(part.times));
  });
  const bytes = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  pieces.reduce((at, piece) => {
    bytes.set(piece, at);
    return at + piece.length;
  }, 0);
  return bytes;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
