/**
 * All that is in a folder: files with their bytes, folders, links, and when each was changed last,
 * so that even a file that was made and removed again shows.
 */
export function folderState(root: string): Map<string, string> {
  const state = new Map<string, string>();
  const walk = (path: string, name: string) => {
    const { isDirectory, isSymlink, mtime } = Deno.lstatSync(path);
    const content = isDirectory ? "folder" : isSymlink ? Deno.readLinkSync(path) : Deno.readFileSync(path).toHex();
    state.set(name, `${mtime!.getTime()} ${content}`);
    if (!isDirectory) return;
    for (const entry of Deno.readDirSync(path)) walk(`${path}/${entry.name}`, `${name}/${entry.name}`);
  };
  walk(root, "");
  return state;
}
