/**
 * The file of `produce --truth`: lines are added, never changed, so one file can tell of several
 * runs.
 */
import type { TruthLog } from "../../core/produce/parts.ts";
import { localError } from "../../core/disk/disk_error.ts";
import { readAt, writeAll } from "../../core/disk/file_bytes.ts";

export interface TruthFile extends TruthLog {
  close(): void;
}

/**
 * Opens or makes the file. What stands after the last newline is the rest of a run that was cut
 * short; its event file never appeared, so the rest is removed. The lock is held only while
 * writing: two runs may share a file.
 */
export async function openTruthFile(path: string): Promise<TruthFile> {
  const writing = async <T>(action: () => Promise<T>): Promise<T> => {
    try {
      return await action();
    } catch (error) {
      throw localError("write the truth to", path, error, true);
    }
  };
  const file = await writing(() => Deno.open(path, { read: true, append: true, create: true }));
  const { isFile } = await writing(() => madeReady(file)).catch((error) => {
    file.close();
    throw error;
  });
  const write = async (line: Iterable<Uint8Array>) => {
    for (const piece of line) await writeAll(file, piece);
  };
  return {
    append: (line) =>
      writing(() => {
        // A pipe or a device can be neither locked nor made durable.
        if (!isFile) return write(line);
        return locked(file, async () => {
          await write(line);
          await file.syncData();
        });
      }),
    close: () => file.close(),
  };
}

/** What stands in it is whole lines. */
async function madeReady(file: Deno.FsFile): Promise<Deno.FileInfo> {
  const info = await file.stat();
  if (info.isFile) await locked(file, () => removeTornLine(file));
  return info;
}

async function locked(file: Deno.FsFile, action: () => Promise<void>): Promise<void> {
  await file.lock(true);
  try {
    await action();
  } finally {
    await file.unlock();
  }
}

const NEWLINE = 10;
const PIECE_LENGTH = 1 << 16;

async function removeTornLine(file: Deno.FsFile): Promise<void> {
  const { size } = await file.stat();
  let end = size;
  while (end > 0) {
    const start = Math.max(0, end - PIECE_LENGTH);
    const piece = await readAt(file, start, end - start);
    const newline = piece.lastIndexOf(NEWLINE);
    if (newline >= 0) {
      end = start + newline + 1;
      break;
    }
    end = start;
  }
  if (end < size) await file.truncate(end);
}
