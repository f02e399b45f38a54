import { cacheFolder, isFile, isRequired, onPath, runOrThrow } from "./python.ts";

/** A server or tool that publishes no binaries which a test could take: Go builds it, once. */
export interface GoProgram {
  name: string;
  /** What is built, as `go build` takes it. */
  package: string;
  version: string;
}

/**
 * True where the program is there or can be built, or must be: then a test that needs it fails
 * instead of being skipped.
 */
export function canHaveGoProgram(program: GoProgram): boolean {
  return isRequired || isFile(pathOf(program)) || onPath(program.name) !== undefined || onPath("go") !== undefined;
}

function pathOf({ name, version }: GoProgram): string {
  return `${cacheFolder}/${name}-${version.split("-")[1] ?? version}/${name}`;
}

/** In the cache, on the PATH, or built by Go into the cache, which takes minutes. */
export async function findGoProgram(program: GoProgram): Promise<string> {
  const cached = pathOf(program);
  if (isFile(cached)) return cached;
  const installed = onPath(program.name);
  if (installed !== undefined) return installed;
  const folder = cached.slice(0, cached.lastIndexOf("/"));
  await Deno.mkdir(folder, { recursive: true });
  // One build for all test processes that ask at the same time.
  using lock = await Deno.open(`${folder}/lock`, { create: true, write: true });
  await lock.lock(true);
  if (isFile(cached)) return cached;
  // deno-lint-ignore no-console -- whoever runs the tests wonders what takes so long
  console.error(`building ${program.name}, which takes some minutes, once`);
  const scratch = await Deno.makeTempDir({ dir: folder });
  try {
    await build(program, scratch);
    await Deno.rename(`${scratch}/program`, cached);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
  return cached;
}

/**
 * In a module of our own: `go install` refuses a package whose module has replace directives, as
 * SeaweedFS's has, though it needs none of them.
 */
async function build({ package: path, version }: GoProgram, folder: string): Promise<void> {
  await Deno.writeTextFile(`${folder}/go.mod`, "module streamlab.test/build\n\ngo 1.24\n");
  const env = { GOFLAGS: "-mod=mod", GOWORK: "off", CGO_ENABLED: "0" };
  for (const args of [["get", `${path}@${version}`], ["build", "-ldflags=-s -w", "-o", "program", path]]) {
    await runOrThrow("nice", ["go", ...args], { cwd: folder, env });
  }
}
