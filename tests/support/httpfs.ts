import { findPython, isRequired, onPath } from "./python.ts";

/**
 * Where PyPI's package has put DuckDB's extension httpfs; undefined where there is no Python to
 * install it with.
 */
export async function findHttpfs(): Promise<string | undefined> {
  if (!isRequired && onPath("python3") === undefined) return undefined;
  const { program } = await findPython();
  const packages = `${program.slice(0, -"bin/python".length)}lib`;
  for (const { name } of Deno.readDirSync(packages)) {
    const path = `${packages}/${name}/site-packages/duckdb_extension_httpfs/extensions/v1.5.5/httpfs.duckdb_extension`;
    if (await Deno.stat(path).then(() => true, () => false)) return path;
  }
  if (isRequired) throw new Error(`PyPI's httpfs is not below ${packages}`);
  return undefined;
}
