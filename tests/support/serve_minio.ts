/** `deno task minio`: the object store of compose.yaml without Docker, with its data in .cache/minio, until Ctrl-C. */
import { startMinio } from "./minio.ts";

const folder = ".cache/minio";
await Deno.mkdir(folder, { recursive: true });
const minio = await startMinio({ folder, port: 9000, consolePort: 9001 });
const bucket = await minio.makeBucket("lake");
// deno-lint-ignore no-console -- this is a program of its own
console.log(
  `MinIO at ${minio.endpoint} with the bucket "${bucket}"; try: deno task streamlab produce --sink s3 --batches 5`,
);
for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => void minio.stop());
await minio.ended;
Deno.exit(0);
