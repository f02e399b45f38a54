import { StreamlabError } from "../../base/errors.ts";
import type { DataFile } from "../format/data_file.ts";
import type { ResolvedEntry } from "../format/manifest_entry.ts";
import { partitionKey } from "../format/partition_spec.ts";

/**
 * The reserved column of position delete files that names the data file (specification: "Reserved
 * Field IDs").
 */
const FILE_PATH_FIELD_ID = 2147483546;

const decoder = new TextDecoder();

/** Which delete files apply to which data file (specification: "Scan Planning"). */
export class DeleteIndex {
  readonly #positionByFile = new Map<string, ResolvedEntry[]>();
  readonly #positionByPartition = new Map<string, ResolvedEntry[]>();
  readonly #equalityByPartition = new Map<string, ResolvedEntry[]>();
  /** Equality deletes of an unpartitioned spec, which apply in every partition. */
  readonly #equalityEverywhere: ResolvedEntry[] = [];

  /**
   * `entries` are live entries of delete manifests. Throws for deletion vectors, which belong to
   * version 3.
   */
  constructor(entries: ResolvedEntry[]) {
    for (const entry of entries) {
      const file = entry.dataFile;
      if (file.format === "puffin") {
        throw new StreamlabError(
          "corrupt",
          `Cannot read ${file.path}: deletion vectors belong to version 3 of the table format`,
          {
            hint: "Read this table with an engine that knows version 3, or compact it there first",
          },
        );
      }
      const key = partitionKey(file.specId, file.partition);
      if (file.content === "equality-deletes") {
        if (file.partition.length === 0) this.#equalityEverywhere.push(entry);
        else add(this.#equalityByPartition, key, entry);
      } else {
        const target = referencedFile(file);
        if (target === undefined) add(this.#positionByPartition, key, entry);
        else add(this.#positionByFile, target, entry);
      }
    }
  }

  /**
   * Position deletes of the same sequence number apply too, equality deletes only to older files.
   */
  deletesFor(entry: ResolvedEntry): ResolvedEntry[] {
    const file = entry.dataFile;
    const key = partitionKey(file.specId, file.partition);
    const position = [
      ...(this.#positionByFile.get(file.path) ?? []),
      ...(this.#positionByPartition.get(key) ?? []),
    ].filter((candidate) => candidate.sequenceNumber >= entry.sequenceNumber);
    const equality = [...this.#equalityEverywhere, ...(this.#equalityByPartition.get(key) ?? [])]
      .filter((candidate) => candidate.sequenceNumber > entry.sequenceNumber);
    return [...position, ...equality];
  }
}

/**
 * The one data file that position deletes refer to: named outright, or by equal bounds of the path
 * column.
 */
function referencedFile(file: DataFile): string | undefined {
  if (file.referencedDataFile !== undefined) return file.referencedDataFile;
  const lower = file.lowerBounds?.get(FILE_PATH_FIELD_ID);
  const upper = file.upperBounds?.get(FILE_PATH_FIELD_ID);
  if (!lower || !upper) return undefined;
  const path = decoder.decode(lower);
  return path === decoder.decode(upper) ? path : undefined;
}

function add(map: Map<string, ResolvedEntry[]>, key: string, entry: ResolvedEntry): void {
  const list = map.get(key);
  if (list) list.push(entry);
  else map.set(key, [entry]);
}
