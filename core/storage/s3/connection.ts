import { messageOf } from "../../base/errors.ts";
import { pipeline, Readable, Transform } from "node:stream";
import { S3Client } from "@aws-sdk/client-s3";
import type { Clock } from "../../base/clock.ts";
import { withDeadline } from "../../base/deadline.ts";
import type { Random } from "../../base/random.ts";
import { retry } from "../../base/retry.ts";
import type { RetryPolicy } from "../../base/retry.ts";
import { surviveStray } from "../../base/stray_rejection.ts";
import type { S3Settings } from "./settings.ts";
import { s3Error } from "./error.ts";
import { type GetAnswer, S3Get } from "./get.ts";
import type { ObjectAccess } from "../store.ts";
import { ForeignAnswerError, isThrottled, isTransient } from "./fault.ts";

/** Bounds of the work on one bucket; tests make them smaller. */
export interface S3Limits {
  /**
   * Time for an answer to begin, and for each further piece of it. An upload also gets the time
   * that its bytes take on a slow line.
   */
  timeoutMs: number;
  /** After broken connections, time-outs and errors of the service. */
  transient: RetryPolicy;
  /** When the service asks for fewer requests. */
  throttled: RetryPolicy;
  /** Requests of one operation that run at once. */
  parallelMax: number;
  /**
   * Larger files are sent in parts of this size, `parallelMax` of them in memory at once; in larger
   * parts if 10,000 (S3's limit) are too few.
   */
  partBytes: number;
  /** Keys in one page of a listing or one request to delete; S3's limit is 1,000. */
  pageKeys: number;
}

export const DEFAULT_S3_LIMITS: S3Limits = {
  timeoutMs: 10_000,
  transient: { attemptsMax: 5, delayMsMin: 50, delayMsMax: 5_000 },
  throttled: { attemptsMax: 6, delayMsMin: 500, delayMsMax: 20_000 },
  parallelMax: 8,
  partBytes: 8 * 1024 * 1024,
  pageKeys: 1000,
};

let survivesBrokenBodies = false;

/**
 * In Deno before 2.9 a response that breaks off also rejects a promise that nothing holds, which
 * would end the process. Its reader or its deadline notices the failure and repeats the request.
 */
function surviveBrokenBodies(): void {
  if (survivesBrokenBodies) return;
  survivesBrokenBodies = true;
  surviveStray((reason) => /error reading a body from connection/.test(messageOf(reason)));
}

/** A slower line counts as dead. */
const BYTES_PER_MS_MIN = 50;
const SOCKETS_MAX = 256;

/** What a request does, for messages, and whether it may be repeated. */
export interface S3Call<T> {
  /** A verb: "read", "list". */
  action: string;
  /** The key or prefix, from the bucket's root. */
  key: string;
  /** False: one try only, and an unclear outcome is thrown as it is. */
  isRepeatable: boolean;
  /** Bytes that the request carries. */
  bytes?: number;
  /** Uses a new connection: Deno sends a request a second time when a reused connection breaks. */
  onOwnConnection?: boolean;
  /** Ends it before its time, with the signal's reason. */
  stop?: AbortSignal | undefined;
  run: (client: S3Client, signal: AbortSignal) => Promise<T>;
}

export interface S3ConnectionContext {
  clock: Clock;
  random: Random;
  /** See `S3StoreOptions`. */
  readsByClient: boolean;
}

/** One bucket at one service: requests with deadlines, retries and errors that people can read. */
export class S3Connection {
  readonly bucket: string;
  readonly limits: S3Limits;
  readonly clock: Clock;
  readonly random: Random;
  readonly #client: S3Client;
  readonly #lonelyClient: S3Client;
  readonly #settings: S3Settings;
  readonly #get: S3Get | undefined;

  constructor(bucket: string, settings: S3Settings, limits: S3Limits, context: S3ConnectionContext) {
    const { clock, random, readsByClient } = context;
    this.bucket = bucket;
    this.limits = limits;
    this.clock = clock;
    this.random = random;
    this.#settings = settings;
    this.#client = makeClient(settings, true);
    this.#lonelyClient = makeClient(settings, false);
    const { endpoint, forcePathStyle, ca } = settings;
    if (endpoint !== undefined && forcePathStyle && !readsByClient) {
      this.#get = new S3Get(this.#client, bucket, endpoint, ca, clock);
    }
    surviveBrokenBodies();
  }

  /** Sends the request, repeats it if that is allowed and may help, and throws readable errors. */
  async call<T>(call: S3Call<T>): Promise<T> {
    try {
      return call.isRepeatable ? await this.repeat(() => this.once(call)) : await this.once(call);
    } catch (error) {
      throw this.error(call.action, call.key, error);
    }
  }

  /** A faster way to read an object, see `S3Get`; undefined if the usual one is needed. */
  async get(key: string, headers: Record<string, string>, stop?: AbortSignal): Promise<GetAnswer | undefined> {
    const get = this.#get;
    return get === undefined ? undefined : await this.deadline((signal) => get.send(key, headers, signal), 0, stop);
  }

  /** Sends the request once; throws what the client throws, or `DeadlineError`. */
  once<T>(
    { run, bytes = 0, onOwnConnection, stop }: Pick<S3Call<T>, "run" | "bytes" | "onOwnConnection" | "stop">,
  ): Promise<T> {
    const client = onOwnConnection ? this.#lonelyClient : this.#client;
    return this.deadline((signal) => run(client, signal), bytes, stop);
  }

  /** Retries transient failures as often as the limits say; throws the last error unchanged. */
  repeat<T>(action: () => Promise<T>, stop?: AbortSignal): Promise<T> {
    const { transient, throttled } = this.limits;
    const { clock, random } = this;
    return retry(
      throttled,
      clock,
      random,
      isThrottled,
      () => retry(transient, clock, random, isTransient, action, stop),
      stop,
    );
  }

  /** With credentials that are good now; those of a session expire. */
  async access(): Promise<ObjectAccess> {
    const { endpoint, forcePathStyle, ca } = this.#settings;
    try {
      const { config } = this.#client;
      // Credential providers call other services without a deadline.
      const [{ accessKeyId, secretAccessKey, sessionToken, expiration }, region] = await this.deadline(() =>
        Promise.all([config.credentials(), config.region()])
      );
      return {
        region,
        forcePathStyle,
        accessKeyId,
        secretAccessKey,
        endpoint,
        sessionToken,
        expiresAtMs: expiration?.getTime(),
        ca,
      };
    } catch (error) {
      throw this.error("open", "", error);
    }
  }

  error(action: string, key: string, error: unknown): Error {
    return s3Error(action, `s3://${this.bucket}${key === "" ? "" : `/${key}`}`, error, this.#settings);
  }

  deadline<T>(action: (signal: AbortSignal) => Promise<T>, bytes = 0, stop?: AbortSignal): Promise<T> {
    return withDeadline(this.clock, this.limits.timeoutMs + bytes / BYTES_PER_MS_MIN, action, stop);
  }
}

function makeClient(settings: S3Settings, keepAlive: boolean): S3Client {
  const agent = { keepAlive, maxSockets: SOCKETS_MAX };
  const client = new S3Client({
    endpoint: settings.endpoint,
    region: settings.region,
    credentials: settings.credentials,
    forcePathStyle: settings.forcePathStyle,
    followRegionRedirects: settings.endpoint === undefined,
    // We retry ourselves, because a conditional create must never be repeated.
    maxAttempts: 1,
    // Deno (2.9) does not report "100 Continue"; the client would wait for it, seconds per upload.
    expectContinueHeader: false,
    // Bodies are covered by their signature; other stores than AWS do not know the newer checksums.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: {
      httpAgent: agent,
      httpsAgent: settings.ca === undefined ? agent : { ...agent, ca: settings.ca },
    },
  });
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const result = await next(args);
      const response = result.response as { body?: unknown };
      if (context.commandName !== "GetObjectCommand" && response.body instanceof Readable) {
        response.body = pipeline(response.body, limitTo(ANSWER_BYTES_MAX), () => undefined);
      }
      return result;
    },
    { step: "deserialize", priority: "low", name: "boundAnswer" },
  );
  return client;
}

/**
 * Limit of an answer that is not an object, which the client reads whole. The largest page of keys
 * has a tenth of it.
 */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

function limitTo(bytesMax: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(piece: Uint8Array, _encoding, done) {
      bytes += piece.length;
      if (bytes > bytesMax) done(new ForeignAnswerError("end"));
      else done(null, piece);
    },
  });
}
