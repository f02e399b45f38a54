import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import type { SqlColumn } from "../../core/engine/duckdb_stream.ts";
import { type AskOptions, Session } from "../../core/query/sql_session.ts";
import { formatNdjson } from "../../core/query/format/format_text.ts";
import { IcebergWorld } from "./iceberg_world.ts";

/** A lake with tables, and a session that asks it. */
export class QueryWorld {
  readonly lake: IcebergWorld;
  readonly session: Session;

  private constructor(lake: IcebergWorld, session: Session) {
    this.lake = lake;
    this.session = session;
  }

  static async use(action: (world: QueryWorld) => Promise<void>): Promise<void> {
    await IcebergWorld.use(async (lake) => {
      const temporaryFolder = await Deno.makeTempDir({ prefix: "streamlab-query-test-" });
      try {
        const session = new Session({
          openCatalog: () => Promise.resolve(lake.catalog),
          clock: systemClock,
          random: seededRandom(1),
          temporaryFolder,
          threads: 2,
          memory: "500MB",
        });
        await action(new QueryWorld(lake, session));
        for await (const left of Deno.readDir(temporaryFolder)) throw new Error(`${left.name} was left behind`);
      } finally {
        await Deno.remove(temporaryFolder, { recursive: true });
      }
    });
  }

  /** The answer's rows as lines of JSON. */
  async ask(sql: string, options: AskOptions = {}): Promise<string[]> {
    return await this.session.ask(sql, options, async (rows) => {
      let text = "";
      for await (const piece of formatNdjson(rows)) text += piece;
      return text === "" ? [] : text.trimEnd().split("\n");
    });
  }

  async columns(sql: string): Promise<SqlColumn[]> {
    return await this.session.ask(sql, {}, ({ columns }) => Promise.resolve(columns));
  }

  /** The files that the question opens and leaves out, by their partition. */
  async scan(sql: string): Promise<{ open: string[]; skip: string[] }> {
    const lines = (await this.ask(sql, { explainScan: true })).map((line) => JSON.parse(line));
    const of = (action: string) =>
      lines.filter((line) => line.action === action).map((line) => line.partition as string).sort();
    return { open: of("open"), skip: of("skip") };
  }
}
