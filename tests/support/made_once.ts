/** Something that a test does with a folder of its own, which goes with it. */
type Use<T> = (action: (place: T) => Promise<void>) => Promise<void>;

/**
 * Like `use`, with a copy of what `make` makes once for all tests of a file. A copy keeps the times
 * of its files, by which a lake knows them.
 */
export function madeOnce<T extends { folder: string }>(use: Use<T>, make: (place: T) => Promise<void>): Use<T> {
  const room = Deno.makeTempDirSync({ prefix: "streamlab-made-" });
  addEventListener("unload", () => Deno.removeSync(room, { recursive: true }));
  const made = `${room}/copy`;
  let making: Promise<void> | undefined;
  return (action) =>
    use(async (place) => {
      making ??= use(async (first) => {
        await make(first);
        await copyFolder(first.folder, made);
      });
      await making;
      await copyFolder(`${made}/.`, place.folder);
      await action(place);
    });
}

export async function copyFolder(from: string, to: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("cp", { args: ["-a", from, to] }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
