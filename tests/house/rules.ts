/**
 * The rules of the house as data; CONTRIBUTING.md gives the reasons. Every exception stands here,
 * with its own.
 */

/** What stands at the top of the repository, and nothing else. */
export const topLevel = [
  ".ci",
  ".dockerignore",
  ".editorconfig",
  ".env.example",
  ".gitignore",
  "ARCHITECTURE.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "Dockerfile",
  "LICENSE",
  "README.md",
  "bench",
  "commands",
  "compose.spark.yaml",
  "compose.yaml",
  "core",
  "deno.json",
  "deno.lock",
  "docs",
  "examples",
  "main.ts",
  "tests",
  "tools",
];

const ground = ["core/base"];
const formats = [...ground, "core/json", "core/avro", "core/disk"];
const stores = [...formats, "core/storage", "core/engine"];
const tables = [...stores, "core/iceberg", "core/contract", "core/tables"];
const jobs = [...tables, "core/telemetry", "core/notifications", "core/lake", "core/routing"];

/**
 * Folders and what they may import besides themselves, bottom up; neighbours on a layer never
 * import each other.
 */
export const layers: Readonly<Record<string, readonly string[]>> = {
  "core/base": [],
  "core/json": ground,
  "core/avro": ground,
  "core/disk": ground,
  "core/telemetry": ground,
  "core/storage": formats,
  "core/engine": formats,
  "core/notifications": ["core/base", "core/storage"],
  // The table format, fit to be a package of its own: it knows no engine.
  "core/iceberg": ["core/base", "core/avro", "core/storage"],
  // What a valid event is must not depend on how tables are kept.
  "core/contract": ["core/base", "core/json", "core/iceberg/format"],
  // Where the table format meets the engine: field ids, partitions and statistics as DuckDB has
  // them.
  "core/tables": [...stores, "core/iceberg"],
  "core/lake": tables,
  "core/routing": [...tables, "core/lake"],
  "core/produce": jobs,
  "core/consume": jobs,
  "core/query": jobs,
  "core/maintain": jobs,
  "core/serve": [...jobs, "core/query", "core/maintain"],
  // The command line that knows no command.
  "commands/line": ["core/base", "core/disk", "core/storage"],
  "commands": [...jobs, "core/produce", "core/consume", "core/query", "core/maintain", "core/serve", "commands/line"],
  "main.ts": ["commands", "commands/line", "core/base"],
};

/** Folders within a folder are its own business, but for these. */
export const publicSubfolders = [
  "core/iceberg/format",
  "core/iceberg/action",
  "core/iceberg/catalog",
  "core/iceberg/manifest",
  "core/iceberg/scan",
  "core/storage/local",
  "core/storage/s3",
  "core/storage/cache",
  "core/storage/overlay",
  "core/routing/spark",
  "core/tables/read",
  "core/tables/write",
  "core/query/format",
  "core/contract/infer",
  "core/maintain/audit",
  "core/maintain/compaction",
  "core/maintain/letters",
  "core/maintain/removal",
  "core/maintain/repeats",
  "core/maintain/raw",
  "core/maintain/upkeep",
  "core/maintain/status",
  "core/serve/catalog",
  "core/serve/console",
  "core/serve/metrics",
  "commands/produce",
  "commands/consume",
  "commands/query",
  "commands/maintain",
  "commands/route",
  "commands/rewrite",
  "commands/judge",
  "commands/survey",
  "commands/serve",
];

/**
 * Packages, and the one place each is imported from: what may have to be replaced one day is
 * replaced there.
 */
export const importers: Readonly<Record<string, readonly string[]>> = {
  "@duckdb/node-api": ["core/engine/"],
  "@duckdb/node-bindings": ["core/engine/"],
  "@aws-sdk/client-s3": ["core/storage/s3/"],
  "avsc": ["core/avro/"],
  "avsc/lib/types.js": ["core/avro/avsc.ts"],
  "@faker-js/faker": ["core/produce/"],
  "@opentelemetry/api": ["core/telemetry/"],
  "apache-arrow": ["core/produce/", "core/query/"],
  "parquet-wasm": ["core/produce/"],
  "assemblyscript": ["tools/"],
  "fast-check": ["tests/support/property.ts"],
  "ajv": ["tests/contract/"],
  "@codemirror": ["core/serve/console/pages/sql_editor.js"],
  "@lezer": ["core/serve/console/pages/sql_editor.js"],
  "axe-core": ["tests/support/browser.ts"],
  // Without types: each stands behind a typed edge.
  "@std/cli": ["commands/line/parse_args.ts"],
  "@std/streams": ["core/disk/scratch.ts"],
  "zod": ["core/contract/", "core/lake/", "commands/"],
};

/** Files that reach the terminal by themselves, with the reason. */
export const terminals: Readonly<Record<string, string>> = {
  "commands/line/system_world.ts": "opens the streams",
  "commands/line/output_stream.ts": "is the one writer",
  "commands/query/prompt_terminal.ts": "Node's line editor draws what is typed",
};

export const functionLinesMax = 70;
export const fileLinesMax = 400;
export const proseWidthMax = 100;

/** Files (`path`) and functions (`path:name`) that may be longer, with the reason. */
export const longer: Readonly<Record<string, string>> = {};

/** Files of core/ and commands/ that main.ts does not reach, with the reason. */
export const unreached: Readonly<Record<string, string>> = {
  "core/routing/task_cluster.ts": "types only",
  "core/storage/store.ts": "types only",
};

/** Exports (`path: name`) that only tests use, with the reason. */
export const usedByTests: Readonly<Record<string, string>> = {};

/** Where an object may lack a property instead of holding `undefined`, with the reason. */
export const sparseObjects: Readonly<Record<string, string>> = {
  "core/engine/duckdb.ts": "DuckDB is handed each key",
  "core/produce/parquet_columns.ts": "each key is a column of the file",
  "core/contract/json_schema.ts": "contracts are compared",
  "core/contract/schema/column_reader.ts": "contracts are compared",
  "core/contract/schema/column_formats.ts": "contracts are compared",
  "core/contract/iceberg_schema.ts": "schemas are compared",
  "core/iceberg/catalog/rest_client.ts": "fetch sends each header",
  "core/storage/s3/download.ts": "fetch sends each header",
  "core/storage/s3/request_signer.ts": "fetch sends each header",
  "core/storage/s3/settings.ts": "what a catalog does not tell stays as in our own settings",
};

/** Names that say nothing about what is inside. */
export const emptyNames = /(^|[_/-])(utils?|helpers?|common|managers?|misc|stuff)([_./-]|$)/i;

/** Words that must not stand in any file of the repository. */
export const unfinishedWords = /\b(TODO|FIXME|XXX|HACK)\b/;
