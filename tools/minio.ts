// deno-lint-ignore-file no-console
/**
 * `deno task minio`: a MinIO without Docker, as compose.yaml's: the bucket `lake`, on the address
 * and with the credentials that `--source s3` takes where nothing else is said. It is found on the
 * PATH, or built by Go, once. Until Ctrl-C; its data stay in .cache/minio. `--port` and
 * `--console-port` are others than 9000 and 9001; 0 is one that is free.
 */
import { parseArgs } from "node:util";
import { startMinio } from "../tests/support/minio.ts";

const { values } = parseArgs({
  options: { "port": { type: "string", default: "9000" }, "console-port": { type: "string", default: "9001" } },
});
const FOLDER = ".cache/minio";
await Deno.mkdir(FOLDER, { recursive: true });
const minio = await startMinio({
  folder: FOLDER,
  port: Number(values.port),
  consolePort: Number(values["console-port"]),
});
await minio.makeBucket("lake");
console.log(`MinIO on ${minio.endpoint}, console on ${minio.consoleUrl}, user and password minioadmin`);
for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => void minio.stop());
await minio.ended;
Deno.exit(0);
