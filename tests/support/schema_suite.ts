import { cacheFolder, isFile, isRequired, onPath, runOrThrow } from "./python.ts";

/**
 * The official JSON-Schema-Test-Suite: on no registry by itself, but whole in the source package of
 * Python's jsonschema.
 */
const PACKAGE = "jsonschema", VERSION = "4.25.1";

const suiteFolder = `${cacheFolder}/json-schema-suite-${VERSION}`;
const testsFolder = `${suiteFolder}/${PACKAGE}-${VERSION}/json/tests`;

/** Schemas and values of one keyword. */
export interface SuiteGroup {
  description: string;
  schema: unknown;
  tests: { description: string; data: unknown; valid: boolean }[];
}

export function canFindSuite(): boolean {
  return isRequired || isFile(`${suiteFolder}/done`) || onPath("python3") !== undefined;
}

/** The groups of a file such as `draft2020-12/items.json`, in their order. */
export async function suiteGroups(dialect: string): Promise<Map<string, SuiteGroup[]>> {
  await findSuite();
  const groups = new Map<string, SuiteGroup[]>();
  const folder = `${testsFolder}/${dialect}`;
  for (const { name } of [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1)) {
    if (name.endsWith(".json")) groups.set(name, JSON.parse(Deno.readTextFileSync(`${folder}/${name}`)));
  }
  return groups;
}

async function findSuite(): Promise<void> {
  if (isFile(`${suiteFolder}/done`)) return;
  await Deno.mkdir(suiteFolder, { recursive: true });
  // One download for all test processes that ask at the same time.
  using lock = await Deno.open(`${suiteFolder}/lock`, { create: true, write: true });
  await lock.lock(true);
  if (isFile(`${suiteFolder}/done`)) return;
  const python = onPath("python3") ?? "python3";
  const source = ["--no-deps", "--no-binary", ":all:", `${PACKAGE}==${VERSION}`, "--dest", suiteFolder];
  await runOrThrow(python, ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", ...source]);
  await runOrThrow("tar", ["xzf", `${suiteFolder}/${PACKAGE}-${VERSION}.tar.gz`, "-C", suiteFolder]);
  await Deno.writeTextFile(`${suiteFolder}/done`, VERSION);
}
