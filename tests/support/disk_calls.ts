/** One call of a program to the operating system's files. */
export interface DiskCall {
  name: "open" | "write" | "sync" | "rename" | "link" | "remove" | "mkdir" | "copyFile";
  path: string;
  /** Of `rename` and `link`. */
  target?: string;
}

/** The operating system's own errors, by their codes. */
export function diskError(code: string): Error {
  return Object.assign(new Error(`injected (os error ${code})`), { code });
}

/**
 * Every call goes through `watch` first, which may throw in its place. Other tests must not run
 * meanwhile.
 */
export async function withWatchedDisk<T>(watch: (call: DiskCall) => void, action: () => Promise<T>): Promise<T> {
  const { open, rename, link, remove, mkdir, copyFile } = Deno;
  const { write, sync } = Deno.FsFile.prototype;
  const paths = new WeakMap<Deno.FsFile, string>();
  Deno.open = async (path, options) => {
    watch({ name: "open", path: String(path) });
    const file = await open(path, options);
    paths.set(file, String(path));
    return file;
  };
  Deno.FsFile.prototype.write = async function (bytes) {
    watch({ name: "write", path: paths.get(this) ?? "" });
    return await write.call(this, bytes);
  };
  // That it is asked for is what counts; waiting for the disk would only take time.
  Deno.FsFile.prototype.sync = function () {
    return new Promise((resolve) => resolve(watch({ name: "sync", path: paths.get(this) ?? "" })));
  };
  const pair = (name: "rename" | "link", call: typeof rename): typeof rename => async (from, to) => {
    watch({ name, path: String(from), target: String(to) });
    return await call(from, to);
  };
  Deno.rename = pair("rename", rename);
  Deno.link = pair("link", link as typeof rename) as typeof link;
  Deno.copyFile = async (from, to) => {
    watch({ name: "copyFile", path: String(to) });
    return await copyFile(from, to);
  };
  Deno.remove = async (path, options) => {
    watch({ name: "remove", path: String(path) });
    return await remove(path, options);
  };
  Deno.mkdir = async (path, options) => {
    watch({ name: "mkdir", path: String(path) });
    return await mkdir(path, options);
  };
  try {
    return await action();
  } finally {
    Object.assign(Deno, { open, rename, link, remove, mkdir, copyFile });
    Object.assign(Deno.FsFile.prototype, { write, sync });
  }
}
