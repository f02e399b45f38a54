/**
 * Installs what the later steps need and no registry serves ready made, one thing after another;
 * says how long each took. What fails here is tried again, and fails, in the tests that need it.
 */
import { findChromium } from "../tests/support/browser.ts";
import { findCompatibilityKit } from "../tests/support/compatibility_kit.ts";
import { findGoProgram } from "../tests/support/go_program.ts";
import { composeProgram } from "../tests/support/docker.ts";
import { clientProgram, findBase } from "../tests/support/docker_images.ts";
import { minioProgram } from "../tests/support/minio.ts";
import { findPython } from "../tests/support/python.ts";
import { findRestCatalog } from "../tests/support/rest_catalog_server.ts";
import { seaweedProgram } from "../tests/support/seaweedfs.ts";
import { findSpark, OLDER_SPARK, SPARK_VERSIONS } from "../tests/support/spark.ts";
import { findTrino } from "../tests/support/trino.ts";

type Part = [name: string, install: () => Promise<unknown>];

const parts: Part[] = [
  ["Python packages", findPython],
  ["minio", () => findGoProgram(minioProgram)],
  ...[...SPARK_VERSIONS, OLDER_SPARK].map((version): Part => [
    `Spark ${version.spark} with Iceberg ${version.iceberg}`,
    () => findSpark(version),
  ]),
  ["REST catalog", findRestCatalog],
  ["REST compatibility kit", findCompatibilityKit],
  ["Chromium", findChromium],
  ["weed", () => findGoProgram(seaweedProgram)],
  ["Trino", findTrino],
  ["docker-compose", () => findGoProgram(composeProgram)],
  ["mc", () => findGoProgram(clientProgram)],
  ["Debian", findBase],
];

for (const [name, install] of parts) {
  const startMs = performance.now();
  const outcome = await install().then(() => "there", (error) => `not installed: ${error}`);
  // deno-lint-ignore no-console
  console.log(`== ${name}: ${outcome}, ${Math.round((performance.now() - startMs) / 1_000)} s`);
}
