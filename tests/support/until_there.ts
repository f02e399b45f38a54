/** Until something that `isThere` finds lies in a folder, which is there already, or below it. */
export async function untilThere(folder: string, isThere: () => boolean): Promise<void> {
  const watcher = Deno.watchFs(folder);
  if (isThere()) return watcher.close();
  for await (const _event of watcher) if (isThere()) break;
}

export function isFileThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
