import { resolve } from "node:path";
import type { z } from "zod";
import { StreamlabError } from "../core/base/errors.ts";
import type { Contract, ContractValue } from "../core/contract/contract.ts";
import type { ContractDocument } from "../core/contract/json_schema.ts";
import { isUtcOffset } from "../core/contract/instant_text.ts";
import type { Context } from "./line/command.ts";
import { contractFolder, readText } from "./contract_folder.ts";
import { flag } from "./line/flags.ts";

/** What a run asks of a contract besides what is written in it. */
export interface ContractFlags {
  contract: string | undefined;
  assertFormats: boolean;
  assumeOffset: string | undefined;
}

/** The flags beside `--contract`, for a section of help. */
export function contractFlags(section: string): {
  assertFormats: z.ZodType<boolean, string | undefined>;
  assumeOffset: z.ZodType<string | undefined, string | undefined>;
} {
  return {
    assertFormats: flag.switch({
      section,
      doc: "check the formats that JSON Schema calls annotations: email, uri, hostname, ipv4, …",
    }),
    assumeOffset: flag.of(parseOffset, {
      section,
      doc: "offset of instants without one, in fields of the format date-time-lenient: Z, +01:00",
      placeholder: "OFFSET",
    }),
  };
}

function parseOffset(text: string): string {
  if (isUtcOffset(text)) return text;
  throw new StreamlabError("usage", `expected an offset such as Z or +01:00, got "${text}"`);
}

/** The contract of `--contract`; without the flag that of before, else the built-in one. */
export async function readContract(
  context: Context,
  flags: ContractFlags,
  before: string | undefined,
): Promise<Contract> {
  return (await readContractDocument(context, flags, before)).contract;
}

export async function readContractDocument(
  context: Context,
  flags: ContractFlags,
  before: string | undefined,
): Promise<ContractDocument> {
  const { contract: file, assertFormats, assumeOffset } = flags;
  const { parseContractDocument } = await import("../core/contract/json_schema.ts");
  if (file === undefined && before !== undefined) return parseContractDocument(before, { assertFormats, assumeOffset });
  if (file === undefined) {
    const given = assertFormats ? "--assert-formats" : assumeOffset === undefined ? undefined : "--assume-offset";
    if (given !== undefined) {
      throw new StreamlabError("usage", `Cannot use ${given} without --contract: the built-in one has no such field`);
    }
    const { defaultContract } = await import("../core/contract/default_contract.ts");
    return { contract: defaultContract(), unchecked: [] };
  }
  const path = resolve(context.cwd, file);
  const text = readText(path, file);
  if (text === undefined) {
    throw new StreamlabError("usage", `Cannot read the contract ${file}: there is no such file`, {
      hint: "Name the file of a JSON Schema with --contract",
    });
  }
  return parseContractDocument(text, { assertFormats, assumeOffset, folder: contractFolder(path) });
}

/** Places that a note names of each thing. */
const PLACES_SHOWN_MAX = 3;

/** What the owner of a contract should know: what is read over, and what is kept as JSON text. */
export function contractNotes({ contract, unchecked }: ContractDocument): string[] {
  const notes: string[] = [];
  const places = new Map<string, string[]>();
  for (const { what, pointer } of unchecked) places.set(what, [...places.get(what) ?? [], pointer]);
  if (places.size > 0) {
    const parts = [...places].map(([what, pointers]) => `${what} (${someOf(pointers)})`);
    const formats = unchecked.some(({ what }) => what.startsWith("format "));
    const hint = formats ? "; --assert-formats checks formats" : "";
    notes.push(`Annotations of the contract, which are not checked: ${parts.join(", ")}${hint}`);
  }
  const columns = contract.fields.flatMap((field) => jsonColumns(field, field.name));
  if (columns.length > 0) notes.push(`Kept as JSON text, as no column type holds what they may be: ${someOf(columns)}`);
  return notes;
}

function jsonColumns({ type, checks }: ContractValue, name: string): string[] {
  switch (type.kind) {
    case "json":
      return checks.schemas === undefined ? [] : [name];
    case "struct":
      return type.fields.flatMap((field) => jsonColumns(field, `${name}.${field.name}`));
    case "list":
      return jsonColumns(type.element, `${name}.element`);
    case "map":
      return jsonColumns(type.value, `${name}.value`);
    default:
      return [];
  }
}

function someOf(names: readonly string[]): string {
  const more = names.length - PLACES_SHOWN_MAX;
  return names.slice(0, PLACES_SHOWN_MAX).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
