import { SHORT_LIVED_JAVA } from "./java.ts";
import { jarsFromMaven, type JavaPackage } from "./maven.ts";
import { cacheFolder, onPath } from "./python.ts";

const VERSION = "1.11.0";
const FOLDER = `${cacheFolder}/iceberg-compatibility-kit-${VERSION}`;
const SUITE = "org.apache.iceberg.rest.RESTCompatibilityKitCatalogTests";

const packages: JavaPackage[] = [
  ["org.apache.iceberg", "iceberg-open-api", VERSION, "tests"],
  ["org.apache.iceberg", "iceberg-open-api", VERSION, "test-fixtures"],
  ["org.apache.iceberg", "iceberg-core", VERSION],
  ["org.apache.iceberg", "iceberg-core", VERSION, "tests"],
  ["org.apache.iceberg", "iceberg-api", VERSION],
  ["org.apache.iceberg", "iceberg-api", VERSION, "tests"],
  ["org.apache.iceberg", "iceberg-bundled-guava", VERSION],
  ["org.apache.iceberg", "iceberg-parquet", VERSION],
  ["org.apache.hadoop", "hadoop-client-api", "3.4.1"],
  ["org.apache.hadoop", "hadoop-client-runtime", "3.4.1"],
  ["org.junit.platform", "junit-platform-console-standalone", "1.11.4"],
  ["org.assertj", "assertj-core", "3.27.3"],
  ["org.mockito", "mockito-core", "4.11.0"],
  ["org.slf4j", "slf4j-simple", "2.0.17"],
];

/** What our server leaves out of the kit, and why; docs/serve.md says it to users. */
export const leftOut: Readonly<Record<string, readonly string[]>> = {
  "a table's name is its folder, so it is not renamed": [
    "dropAfterRenameDoesntCorruptTable",
    "renameTableNamespaceMissing",
    "testRenameTable",
    "testRenameTableDestinationTableAlreadyExists",
    "testRenameTableMissingSourceTable",
  ],
  "the client wants a location outside of the warehouse": [
    "testCompleteCreateOrReplaceTransactionCreate",
    "testCompleteCreateOrReplaceTransactionReplace",
    "testCompleteCreateTable",
    "testCompleteCreateTransaction",
    "testCompleteCreateTransactionMultipleSchemas",
    "testCompleteCreateTransactionV2",
    "testCompleteReplaceTransaction",
    "testLoadTable",
  ],
  "format version 2 is written, neither 1 nor 3": [
    "createTableTransaction[1]",
    "createTableTransaction[3]",
    "replaceTableTransaction[1]",
    "testCreateTableWithDefaultColumnValue",
  ],
  "its metadata files are the table: one that was dropped cannot be registered": ["testRegisterTable"],
  "a table whose only metadata file was taken away is not there": ["testLoadTableWithMissingMetadataFile"],
};

/** What came of the kit's tests, by name; those that run with several values have a number. */
export interface KitReport {
  passed: string[];
  failed: string[];
  /** Left out by the kit's own assumptions of what a catalog supports. */
  assumed: string[];
}

export function findCompatibilityKit(): Promise<string> {
  return jarsFromMaven(FOLDER, packages);
}

/** Runs the Iceberg project's own tests of REST catalogs on an empty one. */
export async function runCompatibilityKit(uri: string, reports: string): Promise<KitReport> {
  const command = new Deno.Command(onPath("java") ?? "java", {
    args: [
      ...["-Xmx400m", ...SHORT_LIVED_JAVA],
      ...["-Drck.local=false", "-Drck.requires-namespace-create=true", "-cp", await findCompatibilityKit()],
      ...["org.junit.platform.console.ConsoleLauncher", "execute", "--details=none", `--reports-dir=${reports}`],
      `--select-class=${SUITE}`,
    ],
    env: { CATALOG_URI: uri, CATALOG_WAREHOUSE: "lake" },
    cwd: reports,
  });
  const { stderr } = await command.output();
  const report: KitReport = { passed: [], failed: [], assumed: [] };
  const text = await Deno.readTextFile(`${reports}/TEST-junit-jupiter.xml`).catch(() => {
    throw new Error(`Cannot run the kit: ${new TextDecoder().decode(stderr).slice(-3_000)}`);
  });
  for (const [, name, content] of text.matchAll(/<testcase name="([^"]*)"[^>]*?(?:\/>|>(.*?)<\/testcase>)/gs)) {
    const kind = /<skipped\b/.test(content ?? "")
      ? "assumed"
      : /<(failure|error)\b/.test(content ?? "")
      ? "failed"
      : "passed";
    report[kind].push(name!.replace(/\(.*?\)/, ""));
  }
  return report;
}
