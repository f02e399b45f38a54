/** `--notifications`: what tells of new objects, so that a bucket is listed only now and then. */
import { StreamlabError } from "../../core/base/errors.ts";
import { localFolder, type RawZone } from "../../core/lake/raw_zone.ts";
import { ObjectNews } from "../../core/notifications/object_news.ts";
import type { QueuePlace } from "../../core/notifications/sqs_queue.ts";
import type { Context } from "../line/command.ts";
import { printNote } from "../line/output.ts";
import { listenError, LOOPBACK_HOSTS, tellFailure } from "../listening.ts";
import { readTokenFile } from "../token_file.ts";

export type NotificationPlace =
  | { kind: "webhook"; hostname: string; port: number; path: string }
  | { kind: "queue"; queue: QueuePlace };

export interface NotificationChoice {
  notifications?: NotificationPlace | undefined;
  notificationsTokenFile?: string | undefined;
  once: boolean;
  allTargets: boolean;
}

export function parseNotifications(text: string): NotificationPlace {
  const [, host = "", port = "", path = "/"] = /^http:\/\/([^/?#:@[\]]+|\[[\da-f:.]+\]):(\d{1,5})(\/[^?#]*)?$/i
    .exec(text) ?? [];
  if (host !== "" && Number(port) <= 65_535) {
    return { kind: "webhook", hostname: host.replace(/^\[|\]$/g, ""), port: Number(port), path };
  }
  const [, service = "", queue = ""] = /^sqs:\/\/([^/?#@]+)(\/[^?#]+)$/.exec(text) ?? [];
  const url = service === "" ? null : URL.parse(`${schemeOf(service)}://${service}${queue}`);
  if (url !== null) return { kind: "queue", queue: { url: url.href, region: regionOf(url.hostname) } };
  throw new StreamlabError("usage", `expected http://HOST:PORT or sqs://HOST/ACCOUNT/NAME, got "${text}"`);
}

/** What stands in for the service on this machine has no certificate. */
function schemeOf(service: string): "http" | "https" {
  const host = service.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  return LOOPBACK_HOSTS.includes(host) ? "http" : "https";
}

/** `sqs.REGION.amazonaws.com`, and the names of endpoints in a network of one's own. */
function regionOf(hostname: string): string | undefined {
  return /(?:^|\.)sqs(?:-fips)?\.([a-z0-9-]+)\.(?:vpce\.)?amazonaws\.com(?:\.cn)?$/.exec(hostname)?.[1];
}

/** Refuses what cannot go together, before anything is done. */
export function checkNotifications({ typed }: Pick<Context, "typed">, choice: NotificationChoice): void {
  const { notifications, notificationsTokenFile, once } = choice;
  if (once && typed.has("notifications")) {
    throw new StreamlabError("usage", "--notifications says nothing with --once, which lists what is there", {
      hint: "Leave one of them out",
    });
  }
  if (typed.has("notificationsTokenFile") && notifications?.kind !== "webhook") {
    throw new StreamlabError("usage", "--notifications-token-file says nothing without --notifications http://…", {
      hint: "Leave it out, or say where messages are posted",
    });
  }
  if (notifications?.kind !== "webhook" || notificationsTokenFile !== undefined) return;
  if (LOOPBACK_HOSTS.includes(notifications.hostname)) return;
  throw new StreamlabError(
    "usage",
    `Cannot take messages on ${notifications.hostname} from everybody: there are no tokens`,
    { hint: "Add --notifications-token-file, or listen on 127.0.0.1" },
  );
}

interface OpenedNews {
  news: ObjectNews;
  close(): Promise<void>;
}

/** What tells of new objects in a run, for all its targets; opened when the first has its turn. */
export class NotificationsOfRun {
  readonly #context: Context;
  readonly #choice: NotificationChoice;
  #opening: Promise<OpenedNews> | undefined;

  constructor(context: Context, choice: NotificationChoice) {
    this.#context = context;
    this.#choice = choice;
  }

  /** Undefined where nothing tells of the zone's files but the zone itself. */
  async newsOf(zone: RawZone): Promise<ObjectNews | undefined> {
    const { notifications, once, allTargets } = this.#choice;
    if (notifications === undefined || once) return undefined;
    if (localFolder(zone) !== undefined) {
      // Of several targets some may be fed from a folder.
      if (allTargets) return undefined;
      throw new StreamlabError("usage", "Cannot use --notifications: the raw files are in a folder of this disk", {
        hint: "Leave it out: the system tells of new files by itself",
      });
    }
    const opening = this.#opening ??= openNews(this.#context, notifications, this.#choice.notificationsTokenFile);
    try {
      return (await opening).news;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    const opened = await this.#opening?.catch(() => undefined);
    await opened?.close();
  }
}

function openNews(context: Context, place: NotificationPlace, tokenFile: string | undefined): Promise<OpenedNews> {
  return place.kind === "webhook" ? openWebhook(context, place, tokenFile) : openQueue(context, place.queue);
}

async function openWebhook(
  context: Context,
  { hostname, port, path }: NotificationPlace & { kind: "webhook" },
  tokenFile: string | undefined,
): Promise<OpenedNews> {
  const flag = "--notifications-token-file";
  const tokens = tokenFile === undefined ? undefined : await readTokenFile(context, tokenFile, flag);
  const { Webhook } = await import("../../core/serve/webhook.ts");
  const news = new ObjectNews();
  const onFailure = (error: unknown) => void tellFailure(context, error, "A notification");
  const webhook = new Webhook({ path, tokens, clock: context.clock, news, onFailure });
  const end = new AbortController(), listening = Promise.withResolvers<Deno.NetAddr>();
  const serving = webhook.serve({ hostname, port }, end.signal, (address) => listening.resolve(address))
    .catch((error) => {
      listening.reject(
        listenError(error, { hostname, port, portFlag: "--notifications", hostFlag: "--notifications" }),
      );
    });
  const address = await listening.promise;
  const name = hostname.includes(":") ? `[${hostname}]` : hostname;
  await printNote(context, `Notifications are taken at http://${name}:${address.port}${path}`);
  return {
    news,
    close: async () => {
      end.abort();
      await serving;
    },
  };
}

async function openQueue(context: Context, place: QueuePlace): Promise<OpenedNews> {
  const [{ SqsQueue }, { QueueReader }, { openOwnAccess }] = await Promise.all([
    import("../../core/notifications/sqs_queue.ts"),
    import("../../core/notifications/queue_reader.ts"),
    import("../../core/storage/s3/own_access.ts"),
  ]);
  const { clock, random } = context;
  const news = new ObjectNews();
  const onTrouble = (error: unknown) => void tellFailure(context, error, "Notifications");
  let isTold = false;
  const onForeign = () => {
    if (isTold) return;
    isTold = true;
    void printNote(context, `A message in ${place.url} is no S3 event message, and stays there; so do others like it`);
  };
  const queue = new SqsQueue(place, { clock, access: await openOwnAccess(context) });
  const reader = new QueueReader(queue, news, { clock, random, onTrouble, onForeign });
  const end = new AbortController(), stop = AbortSignal.any([end.signal, context.signal]);
  try {
    await reader.begin(stop);
    await printNote(context, `Notifications are taken from ${place.url}`);
  } catch (error) {
    // Who stops the run waits for no answer, and needs no news.
    if (!stop.aborted) throw error;
  }
  const reading = reader.run(stop);
  return {
    news,
    close: async () => {
      end.abort();
      await reading;
    },
  };
}
