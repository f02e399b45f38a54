/** The rules of the house as data; CONTRIBUTING.md gives the reasons. Every exception stands here, with its own. */

/** What stands at the top of the repository, and nothing else. */
export const topLevel = [
  ".ci",
  ".dockerignore",
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
  "compose.yaml",
  "core",
  "deno.json",
  "deno.lock",
  "docs",
  "main.ts",
  "tests",
];

const ground = ["core/base"];
const formats = [...ground, "core/storage", "core/avro", "core/engine"];
const tables = [...formats, "core/iceberg"];
const jobs = [...tables, "core/rows", "core/contract"];

/** Folders and what they may import besides themselves; neighbours on a layer never import each other. */
export const layers: Readonly<Record<string, readonly string[]>> = {
  "core/base": [],
  "core/storage": ground,
  "core/avro": ground,
  "core/engine": ground,
  "core/iceberg": formats,
  // What a valid event is must not depend on how tables are kept.
  "core/contract": ["core/base", "core/iceberg/spec"],
  // Where the table format meets the engine: field ids, partitions and statistics as DuckDB has them.
  "core/rows": tables,
  "core/produce": jobs,
  "core/consume": jobs,
  "core/query": jobs,
  "core/maintain": jobs,
  "commands": [...jobs, "core/produce", "core/consume", "core/query", "core/maintain"],
  "main.ts": ["commands", "core/base"],
};

/** Folders within a folder are its own business, but for these. */
export const publicSubfolders = ["core/iceberg/spec", "core/iceberg/action"];

/** Packages, and the one place each is imported from: what may have to be replaced one day is replaced there. */
export const importers: Readonly<Record<string, readonly string[]>> = {
  "@duckdb/node-api": ["core/engine/"],
  "@duckdb/node-bindings": ["core/engine/"],
  "@aws-sdk/client-s3": ["core/storage/s3_store"],
  "avsc": ["core/avro/"],
  "@faker-js/faker": ["core/produce/"],
  "apache-arrow": ["core/produce/", "core/query/"],
  "parquet-wasm": ["core/produce/"],
  "fast-check": ["tests/"],
  // Without types: each stands behind a typed edge.
  "@std/cli": ["commands/parse_args.ts"],
  "@std/streams": ["core/engine/scratch.ts"],
  "zod": ["core/contract/", "core/consume/", "core/maintain/", "commands/"],
};

export const functionLinesMax = 70;
export const fileLinesMax = 400;

/** Files (`path`) and functions (`path:name`) that may be longer, with the reason. */
export const longer: Readonly<Record<string, string>> = {};

/** Files of core/ and commands/ that main.ts does not reach, with the reason. */
export const unreached: Readonly<Record<string, string>> = {
  "core/storage/store.ts": "types only",
};

/** Names that say nothing about what is inside. */
export const emptyNames = /(^|[_/-])(utils?|helpers?|common|managers?|misc|stuff)([_./-]|$)/i;

/** Words that must not stand in any file of the repository. */
export const unfinishedWords = /\b(TODO|FIXME|XXX|HACK)\b/;
