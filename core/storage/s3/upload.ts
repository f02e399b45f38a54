import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { mapParallel } from "../../base/parallel.ts";
import type { S3Connection } from "./connection.ts";
import { faultOf } from "./fault.ts";
import { bareEtag } from "./listing.ts";

/** S3's limit (Amazon S3 User Guide, "Multipart upload limits"). */
const PARTS_MAX = 10_000;

/** Bytes that can be read more than once, for a request that has to be repeated. */
export interface UploadSource {
  size: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

export function bytesSource(bytes: Uint8Array): UploadSource {
  return {
    size: bytes.length,
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
  };
}

/** Puts the object in its place, replacing what was there: whole, or in parts above `partBytes`. */
export async function upload(connection: S3Connection, key: string, source: UploadSource): Promise<void> {
  if (source.size > connection.limits.partBytes) return await uploadParts(connection, key, source);
  const bytes = await source.read(0, source.size);
  await connection.call({
    action: "write",
    key,
    isRepeatable: true,
    bytes: bytes.length,
    run: async (client, abortSignal) => {
      const command = new PutObjectCommand({ Bucket: connection.bucket, Key: key, Body: bytes });
      bareEtag((await client.send(command, { abortSignal })).ETag);
    },
  });
}

interface Part {
  PartNumber: number;
  ETag: string | undefined;
}

async function uploadParts(connection: S3Connection, key: string, source: UploadSource): Promise<void> {
  const { bucket, limits } = connection;
  const partBytes = Math.max(limits.partBytes, Math.ceil(source.size / PARTS_MAX));
  const offsets: number[] = [];
  for (let offset = 0; offset < source.size; offset += partBytes) offsets.push(offset);
  const { UploadId } = await connection.call({
    action: "begin to write",
    key,
    isRepeatable: true,
    run: (client, abortSignal) =>
      client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: key }), { abortSignal }),
  });
  try {
    const parts = await mapParallel(offsets, limits.parallelMax, async (offset, index): Promise<Part> => {
      const Body = await source.read(offset, partBytes);
      const part = { Bucket: bucket, Key: key, UploadId, PartNumber: index + 1, Body };
      const { ETag } = await connection.call({
        action: `write part ${index + 1} of`,
        key,
        isRepeatable: true,
        bytes: Body.length,
        run: (client, abortSignal) => client.send(new UploadPartCommand(part), { abortSignal }),
      });
      return { PartNumber: index + 1, ETag };
    });
    await complete(connection, key, UploadId, parts, source.size);
  } catch (error) {
    // The failure matters more than its leftovers, which `listUnfinished` finds.
    await abortUpload(connection, key, UploadId).catch(() => undefined);
    throw error;
  }
}

/**
 * If the first completion succeeded after all, a repeated one finds its upload gone. Then the
 * object shows it.
 */
async function complete(
  connection: S3Connection,
  key: string,
  UploadId: string | undefined,
  Parts: Part[],
  size: number,
): Promise<void> {
  const { bucket } = connection;
  const command = new CompleteMultipartUploadCommand({
    Bucket: bucket,
    Key: key,
    UploadId,
    MultipartUpload: { Parts },
  });
  try {
    await connection.repeat(() =>
      connection.once({ bytes: size, run: (client, abortSignal) => client.send(command, { abortSignal }) })
    );
  } catch (error) {
    if (faultOf(error) === "missing-upload" && await isThere(connection, key, Parts.length, size)) return;
    throw connection.error("write", key, error);
  }
}

/**
 * Whether the object is one of that size in that many parts: the ETag of such an object ends in
 * their number.
 */
async function isThere(connection: S3Connection, key: string, parts: number, size: number): Promise<boolean> {
  const head = await connection.call({
    action: "look at",
    key,
    isRepeatable: true,
    run: (client, abortSignal) =>
      client.send(new HeadObjectCommand({ Bucket: connection.bucket, Key: key }), { abortSignal }),
  });
  return head.ContentLength === size && bareEtag(head.ETag).endsWith(`-${parts}`);
}

/**
 * Aborts an upload, whose parts would otherwise be stored and paid for; a missing one is no error.
 */
export async function abortUpload(connection: S3Connection, key: string, uploadId: string | undefined): Promise<void> {
  const command = new AbortMultipartUploadCommand({ Bucket: connection.bucket, Key: key, UploadId: uploadId });
  try {
    await connection.repeat(() =>
      connection.once({ run: (client, abortSignal) => client.send(command, { abortSignal }) })
    );
  } catch (error) {
    if (faultOf(error) !== "missing-upload") throw connection.error("discard the upload of", key, error);
  }
}
