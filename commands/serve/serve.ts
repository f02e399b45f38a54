import { resolve } from "node:path";
import * as z from "zod";
import { StreamlabError } from "../../core/base/errors.ts";
import type { BatchWatch } from "../../core/serve/metrics/batch_watch.ts";
import type { LakeWatch } from "../../core/serve/metrics/lake_watch.ts";
import type { Surroundings } from "../../core/maintain/surroundings.ts";
import type { Store } from "../../core/storage/store.ts";
import { parseLocation } from "../../core/storage/location.ts";
import { type Context, defineCommand, type ExitStatus, stoppedStatus } from "../line/command.ts";
import { scrub } from "../line/errors.ts";
import { flag } from "../line/flags.ts";
import { printNote } from "../line/output.ts";
import { secretsIn } from "../line/program.ts";
import { listenError, LOOPBACK_HOSTS, parsePort, tellFailure } from "../listening.ts";
import { machineSettings } from "../machine.ts";
import { observeLake, openTelemetry } from "../telemetry.ts";
import { readTokenFile } from "../token_file.ts";
import { openExistingLake, openLake, readersStore } from "../open_lake.ts";
import denoJson from "../../deno.json" with { type: "json" };

/** What a question of the console may take of the disk. */
const QUESTION_TEMP_SIZE = "1GB";
/** Pages and monitoring ask for the same tables every few seconds. */
const TABLES_KEPT = 32;

const flags = z.object({
  source: flag.lake({ doc: "lake to serve: local (./lake), s3, a path or s3://bucket/prefix", default: "local" }),
  port: flag.of(parsePort, { doc: "port to listen on; 0 takes a free one", default: "4180", placeholder: "PORT" }),
  host: flag.text({
    doc: "address to listen on; any but this machine's own needs --token-file",
    default: "127.0.0.1",
    placeholder: "ADDRESS",
  }),
  tokenFile: flag.file({ doc: "bearer tokens that may come in, one a line" }),
  allowHost: flag.list({ doc: "further names that the server is reached by, such as streamlab.example.com" }),
  vendCredentials: flag.switch({
    doc: "give clients of /catalog that ask for them this process's own keys for the bucket; needs --token-file",
  }),
  allowUpkeep: flag.switch({
    doc: "let the console's users run upkeep (compact, expire, remove orphans) and replay dead letters",
  }),
  threads: flag.count({ doc: "threads to use (default: all cores)" }),
  memory: flag.size({ doc: "memory for each question, and for reading the tables", default: "256MB" }),
});

type ServeFlags = z.output<typeof flags>;

export const serve = defineCommand({
  name: "serve",
  summary: "Serve the lake: a console, metrics for Prometheus, and an Iceberg REST catalog",
  description: [
    "Shows the lake in a browser: what waits and what came, tables, dead letters, and SQL.",
    "Offers /catalog, an Iceberg REST catalog over the lake's own files: PyIceberg, Spark, Trino and DuckDB read and write the",
    "tables beside a running consumer. /metrics is for Prometheus, /healthz and /readyz for whoever watches the process. It keeps no",
    "state, so several may run. Ctrl-C finishes the requests under way.",
    "",
    "Listens on this machine only. Elsewhere every request but those for health needs a token of --token-file.",
  ].join("\n"),
  examples: [
    { doc: "serve ./lake on http://127.0.0.1:4180", line: "streamlab serve" },
    { doc: "a bucket, on another port", line: "streamlab serve --source s3 --port 8181" },
    {
      doc: "for other machines, with tokens",
      line: "streamlab serve --host 0.0.0.0 --token-file tokens --allow-host lake.example.com",
    },
  ],
  flags,
  run,
});

async function run(context: Context, given: ServeFlags): Promise<ExitStatus> {
  const { clock, signal } = context;
  const tokens = await readTokens(context, given);
  const store = await openExistingLake(context, given.source);
  if (given.vendCredentials) checkVending(given, store);
  const [{ LakeServer }, { Guard }, { keepHeapSmall }, parts] = await Promise.all([
    import("../../core/serve/lake_server.ts"),
    import("../../core/serve/guard.ts"),
    import("../../core/serve/heap_care.ts"),
    openParts(context, given, store),
  ]);
  const hosts = [given.host, ...given.allowHost ?? []];
  const guard = new Guard({ hosts, tokens, hostAdvice: "--allow-host adds one" });
  const onFailure = (error: unknown, request: string) => void tellFailure(context, error, request);
  const { watch, batches } = parts;
  const source = { watch, batches, clock, version: denoJson.version };
  const server = new LakeServer({ ...parts, ...source, guard, onFailure });
  const telemetry = await openTelemetry(context);
  const exporting = telemetry && await observeLake(context, telemetry, source, false);
  const place = { hostname: given.host, port: given.port };
  const over = new AbortController();
  const caring = keepHeapSmall(clock, over.signal);
  try {
    await server.serve(place, signal, ({ hostname, port }) => {
      const name = hostname.includes(":") ? `[${hostname}]` : hostname;
      void printNote(
        context,
        `Serving ${store.root} at http://${name}:${port} (/, /catalog, /metrics, /healthz, /readyz)`,
      );
    });
  } catch (error) {
    throw listenError(error, { ...place, portFlag: "--port", hostFlag: "--host" });
  } finally {
    over.abort();
    await caring;
    await exporting?.end();
  }
  return stoppedStatus(signal);
}

async function openParts(context: Context, given: ServeFlags, store: Store) {
  const [{ FileCatalog }, { FileNamespaces }, { RestCatalogService }, { LakeWatch }, { BatchWatch }] = await Promise
    .all([
      import("../../core/iceberg/catalog/file_catalog.ts"),
      import("../../core/iceberg/catalog/file_namespaces.ts"),
      import("../../core/serve/catalog/rest_catalog_service.ts"),
      import("../../core/serve/metrics/lake_watch.ts"),
      import("../../core/serve/metrics/batch_watch.ts"),
    ]);
  const { clock, random } = context;
  const files = new FileCatalog({ store, clock, random, tablesKept: TABLES_KEPT });
  const access = given.vendCredentials ? store.objectAccess?.bind(store) : undefined;
  const namespaces = new FileNamespaces(store);
  const catalog = new RestCatalogService({ catalog: files, namespaces, access, clock, random });
  const onFailure = (error: unknown) => void tellFailure(context, error, "look at the lake");
  const watch = new LakeWatch({ catalog: files, store, clock, random }, {
    ...machineSettings(context, given),
    openRaw: (root) => openLake(context, parseLocation(root)),
    onFailure,
  });
  const batches = new BatchWatch(files, clock, onFailure);
  const console = await openConsole(context, given, { catalog: files, store, clock, random }, watch, batches);
  return { catalog, watch, batches, console };
}

/** Questions read through a cache: what a bucket holds is fetched once. */
async function openConsole(
  context: Context,
  given: ServeFlags,
  surroundings: Surroundings,
  watch: LakeWatch,
  batches: BatchWatch,
) {
  const [{ FileCatalog }, { ConsoleService }, { LimitedSession }, { Session }, ...own] = await Promise.all([
    import("../../core/iceberg/catalog/file_catalog.ts"),
    import("../../core/serve/console/console_service.ts"),
    import("../../core/serve/console/limited_session.ts"),
    import("../../core/query/sql_session.ts"),
    import("../../core/serve/console/long_answers.ts"),
    import("../../core/serve/console/upkeep_desk.ts"),
    import("../letter_replay.ts"),
    import("../../core/lake/history.ts"),
  ]);
  const [{ exportAnswers, liveAnswers }, { UpkeepDesk }, { replayBy }, { BATCHES, History, UPKEEP }] = own;
  const { store } = surroundings;
  const { clock, random } = context;
  const readers = await readersStore(context, store);
  const catalog = readers === store
    ? surroundings.catalog
    : new FileCatalog({ store: readers, clock, random, tablesKept: TABLES_KEPT });
  const httpfs = context.env("STREAMLAB_HTTPFS");
  const session = new Session({
    openCatalog: () => Promise.resolve(catalog),
    openLake: () => Promise.resolve(store),
    clock,
    random,
    httpfs: httpfs === "off" ? false : httpfs && resolve(context.cwd, httpfs),
    tempSizeMax: QUESTION_TEMP_SIZE,
    ...machineSettings(context, given),
  });
  const secrets = secretsIn(context);
  const note = (text: string) => printNote(context, scrub(text, secrets));
  const tools = {
    surroundings,
    machine: machineSettings(context, given),
    openRaw: (root: string) => openLake(context, parseLocation(root)),
    note,
  };
  return new ConsoleService({
    lake: scrub(store.root, secrets),
    watch,
    batches,
    live: liveAnswers(),
    exports: exportAnswers(),
    upkeep: given.allowUpkeep ? new UpkeepDesk(surroundings, tools.machine, note, replayBy(tools)) : undefined,
    onFailure: (error, request) => void tellFailure(context, error, request),
    session: new LimitedSession(session, clock),
    catalog,
    history: { batches: new History(BATCHES, surroundings), upkeep: new History(UPKEEP, surroundings) },
    clock,
    shown: (text) => scrub(text, secrets),
  });
}

function checkVending({ tokenFile }: ServeFlags, store: Store): void {
  if (store.objectAccess === undefined) {
    throw new StreamlabError("usage", `Cannot give out credentials for ${store.root}: it is a folder of this machine`, {
      hint: "Leave --vend-credentials out",
    });
  }
  if (tokenFile !== undefined) return;
  throw new StreamlabError("usage", "Cannot give out credentials to everybody: there are no tokens", {
    hint: "Add --token-file, or leave --vend-credentials out",
  });
}

async function readTokens(context: Context, { host, tokenFile }: ServeFlags) {
  if (tokenFile === undefined) {
    if (LOOPBACK_HOSTS.includes(host)) return undefined;
    throw new StreamlabError("usage", `Cannot serve on ${host} to everybody: there are no tokens`, {
      hint: "Add --token-file, or leave --host out to serve this machine only",
    });
  }
  return await readTokenFile(context, tokenFile, "--token-file");
}
