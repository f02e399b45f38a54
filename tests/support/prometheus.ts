import { cacheFolder, isFile, isRequired, onPath, runOrThrow } from "./python.ts";

const programs = ["prometheus", "promtool"] as const;
/** Debian's own; `dpkg --extract` takes its files and starts no service. */
const debianPackage = "prometheus";
const folder = `${cacheFolder}/prometheus`;

export interface PrometheusPrograms {
  prometheus: string;
  promtool: string;
}

/** Declares a test that needs Prometheus; shown as ignored where it cannot be had. */
export function prometheusTest(name: string, run: (programs: PrometheusPrograms) => Promise<void>): void {
  const canRun = isRequired || installed() !== undefined || onPath("apt-get") !== undefined;
  Deno.test({ name, ignore: !canRun, fn: async () => await run(await findPrometheus()) });
}

/** From the PATH or the cache, else from Debian into the cache. */
async function findPrometheus(): Promise<PrometheusPrograms> {
  const found = installed();
  if (found !== undefined) return found;
  await Deno.mkdir(folder, { recursive: true });
  // One download for all test processes that ask at the same time.
  using lock = await Deno.open(`${folder}/lock`, { create: true, write: true });
  await lock.lock(true);
  if (installed() === undefined) {
    const scratch = await Deno.makeTempDir({ dir: folder });
    try {
      const apt = onPath("apt-get");
      if (apt === undefined) throw new Error(`There is no ${programs.join(", nor ")} on the PATH`);
      await runOrThrow(apt, ["update", "-qq"], {});
      await runOrThrow(apt, ["download", "-qq", debianPackage], { cwd: scratch });
      const [file] = await Array.fromAsync(Deno.readDir(scratch));
      await runOrThrow("dpkg", ["--extract", `${scratch}/${file!.name}`, scratch], {});
      for (const name of programs) await Deno.rename(`${scratch}/usr/bin/${name}`, `${folder}/${name}`);
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  }
  return installed()!;
}

function installed(): PrometheusPrograms | undefined {
  const [prometheus, promtool] = programs.map((name) => onPath(name) ?? cached(name));
  return prometheus === undefined || promtool === undefined ? undefined : { prometheus, promtool };
}

function cached(name: string): string | undefined {
  return isFile(`${folder}/${name}`) ? `${folder}/${name}` : undefined;
}
