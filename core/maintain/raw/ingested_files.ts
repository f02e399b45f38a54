import { StreamlabError } from "../../base/errors.ts";
import { quoteName, quoteText } from "../../engine/duckdb.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { LEDGER_COLUMNS, OUR_COLUMNS } from "../../lake/our_columns.ts";
import { HEAD_ONLY_NOTE } from "../../routing/corrupted_file.ts";
import type { Surroundings } from "../surroundings.ts";
import { TableRows } from "../table_rows.ts";
import { Workshop, type WorkshopOptions } from "../workshop.ts";
import type { RawReader } from "./raw_readers.ts";

/** A version of a raw file that is accounted for. */
export interface IngestedFile {
  /** In the store of its zone. */
  path: string;
  etag: string;
}

/** A raw file, with all the targets that must have it. */
export interface ReadFile {
  path: string;
  readers: readonly RawReader[];
}

export interface IngestedOptions extends Omit<WorkshopOptions, "leavesLake"> {
  ledger: LoadedTable;
  /**
   * Dead letters of these files: one that holds only the head of a large text needs its file.
   * Undefined where the files are kept elsewhere.
   */
  letters: LoadedTable | undefined;
  /** Ingested at that time or earlier, milliseconds since 1970. */
  untilMs: number;
}

/** Versions of these files that every one of their readers has ingested, by the ledger. */
export async function ingestedFiles(
  surroundings: Surroundings,
  files: readonly ReadFile[],
  { ledger, letters, untilMs, ...options }: IngestedOptions,
): Promise<IngestedFile[]> {
  const workshop = await Workshop.open(surroundings, { ...options, leavesLake: false });
  try {
    const { connection, scratch } = workshop;
    await connection.run(TABLES);
    await connection.appendText(
      "listed",
      files.flatMap(({ path, readers }) =>
        readers.map(({ target, name }) => [path, target, name, String(readers.length)])
      ),
    );
    const { table, sourceFile, etag, status, batchId, ingestedAt } = LEDGER_COLUMNS;
    await new TableRows(surroundings.catalog, ledger, scratch).read(async (select) => {
      await connection.run(`INSERT INTO lines SELECT path, target, ${etag}, ${batchId}, ${status},
  epoch_ms(${ingestedAt}) <= ${Math.floor(untilMs)}
FROM (${select}) AS line JOIN listed ON target = line.${quoteName(table)} AND name = line.${sourceFile}
WHERE ${status} IN ('ingested', 'reingested')`);
    });
    if (letters !== undefined) await findHeads(surroundings, workshop, letters);
    const rows = await connection.rows(INGESTED_BY_ALL);
    return rows.map((row) => ({ path: row.path as string, etag: row.etag as string }));
  } finally {
    workshop.close();
  }
}

async function findHeads({ catalog }: Surroundings, { connection, scratch }: Workshop, letters: LoadedTable) {
  const { sourceFile, deadLetterDetail } = OUR_COLUMNS;
  const rows = new TableRows(catalog, letters, scratch);
  await rows.read(async (select) => {
    await connection.run(`INSERT INTO heads SELECT ${sourceFile} FROM (${select})
WHERE contains(${deadLetterDetail}, ${quoteText(HEAD_ONLY_NOTE)})`);
  });
  const [damage] = rows.damages;
  if (damage === undefined) return;
  throw new StreamlabError("corrupt", `Cannot tell which raw files dead letters need: ${damage.problem}`, {
    hint: "maintain --status says what is damaged in the tables",
  });
}

const TABLES = `CREATE TEMP TABLE listed (path VARCHAR, target VARCHAR, name VARCHAR, readers VARCHAR);
CREATE TEMP TABLE lines (path VARCHAR, target VARCHAR, etag VARCHAR, batch_id BIGINT, status VARCHAR, is_due BOOLEAN);
CREATE TEMP TABLE heads (name VARCHAR)`;

/** What a reingest has replaced has no rows any more, whatever version it was. */
const INGESTED_BY_ALL = `WITH ingested AS (
  SELECT path, target, etag FROM lines
  LEFT JOIN (SELECT path, target, max(batch_id) AS last FROM lines WHERE status = 'reingested' GROUP BY ALL) r
  USING (path, target)
  WHERE status = 'ingested' AND is_due AND (last IS NULL OR batch_id >= last)
)
SELECT path, etag FROM ingested JOIN listed USING (path, target)
WHERE path NOT IN (SELECT path FROM listed SEMI JOIN heads USING (name))
GROUP BY path, etag HAVING count(DISTINCT target) = any_value(readers)::BIGINT ORDER BY path, etag`;
