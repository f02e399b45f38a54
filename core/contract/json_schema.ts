import { isUtcOffset } from "./instant_text.ts";
import type { Contract } from "./contract.ts";
import { contractError, ContractProblems } from "./contract_error.ts";
import { contractText } from "./contract_text.ts";
import { checkFullNames, fieldNameProblems } from "./field_names.ts";
import { JsonSyntaxError } from "../json/reader.ts";
import { type JsonNode, parseJsonTree } from "../json/tree.ts";
import { COLUMN_FORMATS } from "./schema/column_formats.ts";
import { ColumnReader } from "./schema/column_reader.ts";
import { normalSchema, type Unchecked } from "./schema/normal_schema.ts";
import type { ContractNeighbours } from "./schema/schema_index.ts";
import { SchemaBudget } from "./schema/schema_budget.ts";
import { usedDefinitions } from "./schema/used_definitions.ts";

/** What a run can ask of a contract besides what is written in it. */
export interface ContractOptions {
  /** Formats that JSON Schema calls annotations are checked. */
  readonly assertFormats?: boolean;
  /** The offset of instants that are written without one, where the contract takes them. */
  readonly assumeOffset?: string;
  readonly folder?: ContractFolder | undefined;
}

/** Where a contract was found: what is beside it may be referred to. */
export interface ContractFolder {
  /** The contract's own file name. */
  readonly file: string;
  /** The text at a path below the folder; undefined where there is none. */
  read(path: string): string | undefined;
}

/** A contract, and what its owner should know of it. */
export interface ContractDocument {
  readonly contract: Contract;
  /** What is read over, as JSON Schema says of annotations. */
  readonly unchecked: readonly Unchecked[];
}

/**
 * Parses a contract from the text of a JSON Schema: 2020-12, and older dialects by what they share
 * with it. What docs/contract.md does not name is refused, all of it at once, each with its JSON
 * pointer: `usage`.
 */
export function parseContract(text: string): Contract {
  return parseContractDocument(text).contract;
}

export function parseContractDocument(text: string, options: ContractOptions = {}): ContractDocument {
  const problems = new ContractProblems();
  const document = problems.attempt(() => parseDocument(text));
  problems.refuse();
  const own = ownKeywords(document!, options, problems);
  const budget = new SchemaBudget(problems);
  const neighbours = neighboursIn(options.folder);
  const normal = normalSchema(document!, { ...own, columnFormats: COLUMN_FORMATS, neighbours }, problems, budget);
  const reader = new ColumnReader(normal, own.assumeOffset, problems);
  const record = problems.attempt(() => reader.record());
  if (record !== undefined) {
    fieldNameProblems(record.fields, "/properties", { underscoreIsOurs: true }).forEach((problem) =>
      problems.add(problem)
    );
    problems.attempt(() => checkFullNames(record.fields));
  }
  if (options.assumeOffset !== undefined && !reader.assumesOffset) {
    problems.add(contractError("", "no field is of the format date-time-lenient, which --assume-offset is for"));
  }
  problems.refuse();
  const title = titleOf(document!);
  const { fields, schemas } = record!;
  const definitions = usedDefinitions(fields, schemas, normal.definitions);
  const parts = { fields, schemas, definitions, ...(title === undefined ? {} : { title }) };
  const written = contractText(parts);
  problems.attempt(() => checkDepth(written));
  problems.refuse();
  return { contract: { ...parts, text: written }, unchecked: [...normal.unchecked, ...reader.unchecked] };
}

/** A contract's own text, and that with one more column anywhere, is read again by each batch. */
function checkDepth(written: string): void {
  try {
    parseJsonTree(`[${written}]`);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw contractError("", `with its references followed, the schema is ${error.message}`);
  }
}

function neighboursIn(folder: ContractFolder | undefined): ContractNeighbours | undefined {
  if (folder === undefined) return undefined;
  const read = (path: string) => {
    const text = folder.read(path);
    return text === undefined ? undefined : parseDocument(text, `${path}#`);
  };
  return { file: folder.file, read };
}

function parseDocument(text: string, at = ""): JsonNode {
  try {
    return parseJsonTree(text.startsWith("\ufeff") ? text.slice(1) : text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw contractError(at, `the text is not JSON: character ${error.offset + 1}: ${error.message}`);
  }
}

/** What the document's top level says of the whole, beneath what the run asks for. */
function ownKeywords(
  document: JsonNode,
  options: ContractOptions,
  problems: ContractProblems,
): { assertFormats: boolean; assumeOffset: string | undefined } {
  const keywords = new Map(document.kind === "object" ? document.entries : []);
  const asserted = keywords.get("x-assert-formats"), offset = keywords.get("x-assume-offset");
  if (asserted !== undefined && asserted.kind !== "boolean") {
    problems.add(contractError("/x-assert-formats", "the value must be true or false"));
  }
  if (offset !== undefined && !(offset.kind === "string" && isUtcOffset(offset.value))) {
    problems.add(contractError("/x-assume-offset", "the value must be Z, +hh:mm or -hh:mm"));
  }
  return {
    assertFormats: options.assertFormats === true || (asserted?.kind === "boolean" && asserted.value),
    assumeOffset: options.assumeOffset ?? (offset?.kind === "string" ? offset.value : undefined),
  };
}

function titleOf(document: JsonNode): string | undefined {
  const title = document.kind === "object" ? document.entries.find(([key]) => key === "title")?.[1] : undefined;
  return title?.kind === "string" ? title.value : undefined;
}
