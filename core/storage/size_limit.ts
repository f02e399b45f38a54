import { StreamlabError } from "../base/errors.ts";

/** What `Store.read` promises of `bytesMax`; `place` is for people. */
export function checkSize(place: string, bytes: number, bytesMax: number | undefined): void {
  if (bytesMax === undefined || bytes <= bytesMax) return;
  const megabytes = (count: number) => `${Math.floor(count / 1e6)} MB`;
  throw new StreamlabError(
    "corrupt",
    `Cannot read "${place}": it has ${megabytes(bytes)}, and no such file has more than ${megabytes(bytesMax)}`,
  );
}
