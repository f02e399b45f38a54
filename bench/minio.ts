// deno-lint-ignore-file no-console
/**
 * `deno task minio`: a MinIO without Docker, as compose.yaml's: the bucket `lake`, on the address and with the credentials that
 * `--source s3` takes where nothing else is said. It is found on the PATH, or built by Go, once. Until Ctrl-C; its data stay in .cache/minio.
 */
import { startMinio } from "../tests/support/minio.ts";

const folder = ".cache/minio";
await Deno.mkdir(folder, { recursive: true });
const minio = await startMinio({ folder, port: 9000, consolePort: 9001 });
await minio.makeBucket("lake");
console.log(`MinIO on ${minio.endpoint}, console on http://127.0.0.1:9001, user and password minioadmin`);
for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => void minio.stop());
await minio.ended;
Deno.exit(0);
