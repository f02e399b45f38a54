import { isFile, onPath, runOrThrow } from "./python.ts";

/** Group, artifact, version, and a classifier. */
export type JavaPackage = readonly [group: string, artifact: string, version: string, classifier?: string];

/** The class path of packages from Maven Central and what they need, fetched once into `folder`. */
export async function jarsFromMaven(folder: string, packages: readonly JavaPackage[]): Promise<string> {
  const jars = `${folder}/lib/*`;
  await Deno.mkdir(folder, { recursive: true });
  using lock = await Deno.open(`${folder}/lock`, { create: true, write: true });
  await lock.lock(true);
  if (isFile(`${folder}/done`)) return jars;
  const items = packages.map(([group, artifact, release, classifier]) =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${release}</version>` +
    `${classifier ? `<classifier>${classifier}</classifier>` : ""}</dependency>`
  );
  await Deno.writeTextFile(
    `${folder}/pom.xml`,
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>streamlab</groupId>` +
      `<artifactId>rest</artifactId><version>1</version><dependencies>${items.join("")}</dependencies></project>`,
  );
  const goal = [
    "-q",
    "-B",
    // By default it waits half an hour for a server that has gone silent.
    "-Dmaven.wagon.rto=30000",
    "-Daether.connector.requestTimeout=30000",
    "-f",
    `${folder}/pom.xml`,
    "dependency:copy-dependencies",
    `-DoutputDirectory=${folder}/lib`,
  ];
  await runOrThrow(onPath("mvn") ?? "mvn", goal);
  await Deno.writeTextFile(`${folder}/done`, "");
  return jars;
}
