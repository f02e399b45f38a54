import { seededRandom } from "../../core/base/random.ts";
import { writeAll } from "../../core/disk/file_bytes.ts";

/** A request on its way through the proxy. */
export interface ProxiedRequest {
  /** Counts the requests of all connections, from 0. */
  index: number;
  method: string;
  /** As it stands in the request line, percent-encoded, with the query. */
  target: string;
  /** Of the server's answer, once that has come. */
  status?: number;
}

/**
 * What becomes of a request. "before": it never reaches the server; "after": the server has done
 * it, only the answer is lost.
 */
export type ProxyFault =
  /** An S3 error answer of the proxy's own. */
  | { do: "answer"; when: "before" | "after"; status: number; code: string }
  /** The connection is closed without an answer. */
  | { do: "cut"; when: "before" | "after" }
  /**
   * The connection is closed while the client still sends, which resets it where there is a body.
   */
  | { do: "reset" }
  /** No answer, ever; the connection stays open. `onStall` is called when it has come to that. */
  | { do: "stall"; when: "before" | "after"; onStall: () => void }
  /** The answer's body breaks off after this many bytes. */
  | { do: "truncate"; bytes: number }
  | { do: "delay"; ms: number };

export type DecideFault = (
  request: ProxiedRequest,
) => ProxyFault | undefined | Promise<ProxyFault | undefined>;

export interface FaultProxy {
  endpoint: string;
  /** Where requests go. Replaced where a test starts the server anew. */
  server: string;
  /** Replaced between the steps of a test. */
  decide: DecideFault | undefined;
  /** Every request so far. */
  requests: ProxiedRequest[];
  /** Bytes of answers that went back to the client, heads included. */
  bytesBack: number;
  /** Requests under way at the same time, at most. */
  parallelMax: number;
  stop(): Promise<void>;
}

/**
 * An HTTP/1.1 proxy on a free port of this machine in front of one server; it passes bytes through
 * as they are, or breaks them.
 */
export function startFaultProxy(server: string, decide?: DecideFault): FaultProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const work: Promise<void>[] = [];
  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`,
    server,
    decide,
    requests: [],
    bytesBack: 0,
    parallelMax: 0,
    stop: async () => {
      listener.close();
      for (const connection of open) close(connection);
      await Promise.allSettled(work);
    },
  };
  const connect = async () => {
    const { hostname, port } = new URL(proxy.server);
    const upstream = await Deno.connect({ hostname, port: Number(port) });
    upstream.setNoDelay();
    open.add(upstream);
    return upstream;
  };
  let underWay = 0;
  const serve = async (client: Deno.TcpConn) => {
    open.add(client);
    // Heads and bodies are written apart; waiting for the first one's acknowledgement would cost 40
    // ms each time.
    client.setNoDelay();
    const input = new HttpInput(client);
    try {
      for (let head = await input.head(); head !== undefined; head = await input.head()) {
        proxy.parallelMax = Math.max(proxy.parallelMax, ++underWay);
        try {
          await exchange(proxy, client, head, () => input.bytes(head!.length ?? 0), connect);
        } finally {
          underWay--;
        }
      }
    } catch {
      // The connection is over: closing it is all that is left to do.
    } finally {
      close(client);
    }
  };
  work.push((async () => {
    for await (const client of listener) work.push(serve(client));
  })());
  return proxy;
}

/** Takes one request through its fault; throws where the connection is to be closed. */
async function exchange(
  proxy: FaultProxy,
  client: Deno.Conn,
  head: HttpHead,
  readBody: () => Promise<Uint8Array>,
  connect: () => Promise<Deno.Conn>,
): Promise<void> {
  const [method = "", target = ""] = head.firstLine.split(" ");
  const request: ProxiedRequest = { index: proxy.requests.length, method, target };
  proxy.requests.push(request);
  const fault = await proxy.decide?.(request);
  if (fault?.do === "reset") throw new Error("reset");
  const body = await readBody();
  const when = fault !== undefined && "when" in fault ? fault.when : undefined;
  if (fault?.do === "delay") await new Promise((resolve) => setTimeout(resolve, fault.ms));
  if (when === "before") return await misbehave(fault!, client);
  const upstream = await connect();
  try {
    await writeAll(upstream, head.bytes);
    await writeAll(upstream, body);
    const input = new HttpInput(upstream);
    const answer = await input.head();
    if (answer === undefined) throw new Error("the server closed the connection");
    request.status = Number(answer.firstLine.split(" ")[1]);
    const hasBody = method !== "HEAD" && !/ (204|304) /.test(answer.firstLine);
    if (when === "after") {
      await input.body(hasBody ? answer : { ...answer, length: 0 }, () => Promise.resolve());
      return await misbehave(fault!, client);
    }
    let left = fault?.do === "truncate" ? fault.bytes : Infinity;
    const pass = async (bytes: Uint8Array) => {
      const piece = bytes.subarray(0, left);
      left -= piece.length;
      proxy.bytesBack += piece.length;
      await writeAll(client, piece);
      if (left <= 0) throw new Error("truncated");
    };
    proxy.bytesBack += answer.bytes.length;
    await writeAll(client, answer.bytes);
    if (hasBody) await input.body(answer, pass);
  } finally {
    close(upstream);
  }
}

async function misbehave(fault: ProxyFault, client: Deno.Conn): Promise<void> {
  if (fault.do === "answer") {
    const words = `<Error><Code>${fault.code}</Code><Message>said the proxy</Message></Error>`;
    const head =
      `HTTP/1.1 ${fault.status} X\r\ncontent-type: application/xml\r\ncontent-length: ${words.length}\r\n\r\n`;
    await writeAll(client, new TextEncoder().encode(head + words));
  } else if (fault.do === "stall") {
    fault.onStall();
    // Until the client gives up and closes.
    while (await client.read(new Uint8Array(1024)) !== null);
    throw new Error("the client gave up");
  } else throw new Error("cut");
}

interface HttpHead {
  firstLine: string;
  bytes: Uint8Array;
  length: number | undefined;
  isChunked: boolean;
}

/** Reads HTTP/1.1 messages off a connection, as bytes. */
class HttpInput {
  readonly #connection: Deno.Conn;
  #buffer = new Uint8Array();

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  async head(): Promise<HttpHead | undefined> {
    const end = await this.#find("\r\n\r\n");
    if (end === undefined) return undefined;
    const bytes = this.#take(end);
    const [firstLine = "", ...lines] = new TextDecoder().decode(bytes).split("\r\n");
    const header = (name: string) =>
      lines.find((line) => line.toLowerCase().startsWith(`${name}:`))?.split(":")[1]?.trim();
    const length = header("content-length");
    return {
      firstLine,
      bytes,
      length: length === undefined ? undefined : Number(length),
      isChunked: /chunked/i.test(header("transfer-encoding") ?? ""),
    };
  }

  async bytes(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    const held = this.#take(Math.min(length, this.#buffer.length));
    bytes.set(held);
    for (let filled = held.length; filled < length;) {
      const count = await this.#connection.read(bytes.subarray(filled));
      if (count === null) throw new Error("broke off");
      filled += count;
    }
    return bytes;
  }

  /** Hands on the body that belongs to the head, in pieces. */
  async body(head: HttpHead, pass: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    if (head.isChunked && head.length === undefined) return await this.#chunks(pass);
    for (let left = head.length ?? 0; left > 0;) {
      if (this.#buffer.length === 0 && !await this.#fill()) throw new Error("broke off");
      const piece = this.#take(Math.min(left, this.#buffer.length));
      left -= piece.length;
      await pass(piece);
    }
  }

  async #chunks(pass: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    while (true) {
      const end = await this.#find("\r\n");
      if (end === undefined) throw new Error("broke off");
      const line = this.#take(end);
      const length = parseInt(new TextDecoder().decode(line), 16);
      const chunk = await this.bytes(length + 2);
      await pass(line);
      await pass(chunk);
      if (length === 0) return;
    }
  }

  /**
   * The position after the first `mark`, reading on as far as needed; undefined at the end of the
   * connection.
   */
  async #find(mark: string): Promise<number | undefined> {
    for (let from = 0;;) {
      const text = new TextDecoder("latin1").decode(this.#buffer.subarray(from));
      const index = text.indexOf(mark);
      if (index >= 0) return from + index + mark.length;
      from = Math.max(0, this.#buffer.length - mark.length);
      if (!await this.#fill()) return undefined;
    }
  }

  async #fill(): Promise<boolean> {
    const piece = new Uint8Array(64 * 1024);
    const count = await this.#connection.read(piece);
    if (count === null) return false;
    const joined = new Uint8Array(this.#buffer.length + count);
    joined.set(this.#buffer);
    joined.set(piece.subarray(0, count), this.#buffer.length);
    this.#buffer = joined;
    return true;
  }

  #take(length: number): Uint8Array {
    const bytes = this.#buffer.slice(0, length);
    this.#buffer = this.#buffer.slice(length);
    return bytes;
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // The other side, or `stop`, was first.
  }
}

/** Answers that do not pass: rights that are taken away, an object that is said not to be there. */
const refusals: ProxyFault[] = [
  { do: "answer", when: "before", status: 403, code: "AccessDenied" },
  { do: "answer", when: "before", status: 404, code: "NoSuchKey" },
];

/**
 * Faults at random for that share of the requests, the same for the same seed and order of
 * requests; `refuses` says whether there are such among them as asking again does not mend. No
 * stalls: they take real time.
 */
export function proxyFaultsBySeed(seed: number, chance: number, refuses = false): DecideFault {
  const random = seededRandom(seed);
  return () => {
    if (random.next() >= chance) return undefined;
    const when = random.next() < 0.5 ? "before" as const : "after" as const;
    const kinds: ProxyFault[] = [
      { do: "cut", when },
      { do: "reset" },
      { do: "answer", when, status: 500, code: "InternalError" },
      { do: "answer", when, status: 503, code: "SlowDown" },
      { do: "truncate", bytes: Math.floor(random.next() * 2000) },
      { do: "delay", ms: Math.floor(random.next() * 20) },
      ...(refuses ? refusals : []),
    ];
    return kinds[Math.floor(random.next() * kinds.length)];
  };
}
