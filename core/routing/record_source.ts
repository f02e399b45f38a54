import type { Connection } from "../engine/duckdb.ts";
import { packRecords } from "./packed_files.ts";
import { parquetRecords } from "./parquet_json_sql.ts";
import { type CountedFile, jsonRecords, packedRecords } from "./record_sql.ts";
import type { RecordQuery } from "./sql/record_query.ts";

/** Where records come from. The steps behind it know only `RecordQuery`. */
export interface RecordSource {
  /** May write to scratch, and ask about columns. */
  records(connection: Connection): Promise<RecordQuery>;
}

/** The sources of counted files. `pack` is a path in scratch, for those that lie in spools. */
export function fileSources(files: readonly CountedFile[], pack: string): RecordSource[] {
  const spooled = files.filter(({ offset }) => offset !== undefined);
  const own = Map.groupBy(files.filter(({ offset }) => offset === undefined), ({ format }) => format);
  const { json = [], ndjson = [], parquet = [] } = Object.fromEntries(own);
  return [
    ...(json.length > 0 ? [new JsonFiles(json, "json")] : []),
    ...(ndjson.length > 0 ? [new JsonFiles(ndjson, "ndjson")] : []),
    ...(spooled.length > 0 ? [new SpooledFiles(spooled, pack)] : []),
    ...parquet.map((file) => new ParquetRows(file)),
  ];
}

class JsonFiles implements RecordSource {
  readonly #files: readonly CountedFile[];
  readonly #format: "json" | "ndjson";

  constructor(files: readonly CountedFile[], format: "json" | "ndjson") {
    this.#files = files;
    this.#format = format;
  }

  records(): Promise<RecordQuery> {
    return Promise.resolve(jsonRecords(this.#files, this.#format));
  }
}

/** JSON files that lie in spools, which SQL cannot read: their records are packed into one file. */
class SpooledFiles implements RecordSource {
  readonly #files: readonly CountedFile[];
  readonly #pack: string;

  constructor(files: readonly CountedFile[], pack: string) {
    this.#files = files;
    this.#pack = pack;
  }

  records(): Promise<RecordQuery> {
    packRecords(this.#files, this.#pack);
    return Promise.resolve(packedRecords(this.#pack, this.#files));
  }
}

class ParquetRows implements RecordSource {
  readonly #file: CountedFile;

  constructor(file: CountedFile) {
    this.#file = file;
  }

  records(connection: Connection): Promise<RecordQuery> {
    return parquetRecords(connection, this.#file);
  }
}
