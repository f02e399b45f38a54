/** An S3 event message that says what was created, as a record of MinIO's and of AWS's has it. */
export function s3Message(bucket: string, ...keys: string[]): string {
  return JSON.stringify({ Records: keys.map((key) => s3Record("s3:ObjectCreated:Put", bucket, key)) });
}

/** One record of a message; the key as it stands there, encoded as forms do. */
export function s3Record(eventName: string, bucket: string, key: string): Record<string, unknown> {
  const encoded = encodeURIComponent(key).replaceAll("%20", "+");
  return {
    eventVersion: "2.0",
    eventSource: "minio:s3",
    eventName,
    s3: {
      s3SchemaVersion: "1.0",
      bucket: { name: bucket },
      object: { key: encoded, size: 9, eTag: "e", sequencer: "1" },
    },
  };
}
