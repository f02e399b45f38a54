import { findSpark, SPARK_VERSIONS } from "../../tests/support/spark.ts";
import { cacheFolder, isFile, onPath, runOrThrow } from "../../tests/support/python.ts";

/** For the scripts that need no Java. */
const PACKAGES = [
  "dlt[filesystem,pyiceberg]==1.31.0",
  "pyiceberg[pyarrow,pyiceberg-core,sql-sqlite]==0.12.0",
  "duckdb==1.5.5",
];
const folder = `${cacheFolder}/bench-peers`;

/** A Python with the packages; the first time it is made, which takes minutes. */
export async function findPeersPython(): Promise<string> {
  const program = `${folder}/bin/python`, done = `${folder}/done`;
  if (isFile(done) && await Deno.readTextFile(done) === PACKAGES.join("\n")) return program;
  await Deno.mkdir(folder, { recursive: true });
  await runOrThrow(onPath("python3") ?? "python3", ["-m", "venv", folder]);
  await runOrThrow(program, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...PACKAGES]);
  await Deno.writeTextFile(done, PACKAGES.join("\n"));
  return program;
}

/** Spark 3.5, as long as most run it. */
export function findPeersSpark(): Promise<{ python: string; jar: string }> {
  return findSpark(SPARK_VERSIONS[0]!);
}

/** Of a script for it, whose scratch goes into the folder. */
export function sparkEnv(python: string, folder: string): Record<string, string> {
  return {
    PYSPARK_PYTHON: python,
    PYSPARK_DRIVER_PYTHON: python,
    SPARK_LOCAL_IP: "127.0.0.1",
    TMPDIR: folder,
  };
}

export const PEER_VERSIONS: Readonly<Record<string, string>> = {
  spark: SPARK_VERSIONS[0]!.spark,
  "iceberg-spark-runtime": SPARK_VERSIONS[0]!.iceberg,
  ...Object.fromEntries(PACKAGES.map((spec) => spec.replace(/\[.*\]/, "").split("==") as [string, string])),
};
