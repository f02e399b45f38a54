/** The metadata file of a table's highest version, in the lake of this folder. */
export function newestMetadata(lake: string, table: string): string {
  const folder = `${lake}/warehouse/${table.replace(".", "/")}/metadata`;
  const names = Array.from(Deno.readDirSync(folder), ({ name }) => name).filter((name) => /^v\d+\./.test(name));
  return `${folder}/${names.sort((a, b) => parseInt(a.slice(1)) - parseInt(b.slice(1))).at(-1)!}`;
}

/** Cuts it in the middle, as a full disk does. */
export async function cutMetadata(lake: string, table: string): Promise<void> {
  const path = newestMetadata(lake, table);
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.slice(0, text.length / 2));
}
