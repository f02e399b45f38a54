import axe from "axe-core";
import { TextLineStream } from "@std/streams/text-line-stream";
import { systemClock } from "../../core/base/clock.ts";
import { removeFolder } from "./own_folder.ts";
import { endGroup, startGroup } from "./process_group.ts";
import { isRequired, onPath, runOrThrow } from "./python.ts";

/** Debian's packages, and what others call it. */
const programs = ["chromium-headless-shell", "chromium", "google-chrome"];
const debianPackage = "chromium-headless-shell";
/** Where the machine has much else to do, a page takes a minute for what it does in a second. */
const startMsMax = 180_000;
const waitMsMax = 180_000;
const endMsMax = 180_000;
const tabsMax = 20;

/** Declares a test that needs Chromium; shown as ignored where it is not there. */
export function browserTest(name: string, run: (browser: Browser) => Promise<void>): void {
  const canRun = isRequired || programs.some((program) => onPath(program) !== undefined);
  Deno.test({ name, ignore: !canRun, fn: () => Browser.use(run) });
}

/** Installs it from Debian unless it is there. */
export async function findChromium(): Promise<string> {
  const found = programs.map(onPath).find((path) => path !== undefined);
  if (found !== undefined) return found;
  const apt = onPath("apt-get");
  if (apt === undefined) throw new Error(`There is no ${programs.join(", nor ")} on the PATH`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await runOrThrow(apt, ["update", "-qq"], { env });
  await runOrThrow(apt, ["install", "-y", "-qq", "--no-install-recommends", debianPackage], { env });
  return onPath(debianPackage) ?? debianPackage;
}

type Message = { id?: number; method?: string; params?: Record<string, unknown>; result?: unknown; error?: unknown };

/** Chromium with one page, driven by its DevTools protocol. */
export class Browser {
  /** Errors of scripts and refusals of the content security policy, as the console tells them. */
  readonly complaints: string[] = [];
  /** Addresses that were asked for. */
  readonly requests: string[] = [];
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, PromiseWithResolvers<unknown>>();
  #sent = 0;
  #session: string | undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#take(JSON.parse(String(data)) as Message);
  }

  static async use(action: (browser: Browser) => Promise<void>): Promise<void> {
    const folder = await Deno.makeTempDir({ prefix: "streamlab-browser-" });
    const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
    const process = startGroup(await findChromium(), {
      args: [...flags, "--remote-debugging-port=0", `--user-data-dir=${folder}`, "about:blank"],
      stdout: "null",
      stderr: "piped",
    });
    const lines = new TextLineStream() as TransformStream<string, string>;
    const said = process.stderr.pipeThrough(new TextDecoderStream()).pipeThrough(lines);
    const reader = said.getReader();
    try {
      const browser = await Browser.#connect(await inTime(startMsMax, addressIn(reader), "Chromium does not start"));
      try {
        await action(browser);
      } finally {
        await browser.#close();
      }
      await inTime(endMsMax, process.status, "Chromium does not end");
    } finally {
      // Those that it started write into the folder, and hold the pipe, after it has ended.
      await endGroup(process);
      await reader.cancel();
      await removeFolder(folder);
    }
  }

  static async #connect(address: string): Promise<Browser> {
    const socket = new WebSocket(address);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    const browser = new Browser(socket);
    const { targetId } = await browser.#send<{ targetId: string }>("Target.createTarget", { url: "about:blank" });
    const attached = await browser.#send<{ sessionId: string }>("Target.attachToTarget", { targetId, flatten: true });
    browser.#session = attached.sessionId;
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await browser.#send(`${domain}.enable`);
    return browser;
  }

  /** Wide and high in CSS pixels; light or dark as the system would say. */
  async look(width: number, height: number, scheme: "light" | "dark" = "light"): Promise<void> {
    await this.#send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
    const features = [{ name: "prefers-color-scheme", value: scheme }];
    await this.#send("Emulation.setEmulatedMedia", { features });
  }

  async open(url: string): Promise<void> {
    await this.#send("Page.navigate", { url });
  }

  /** Lets no address be had that the pattern fits. */
  async block(pattern: string): Promise<void> {
    await this.#send("Network.setBlockedURLs", { urls: [pattern] });
  }

  /** The value of an expression in the page, as JSON has it. */
  async run<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.#send<{ result: { value: T }; exceptionDetails?: unknown }>(
      "Runtime.evaluate",
      { expression, awaitPromise: true, returnByValue: true },
    );
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return result.value;
  }

  /** Until the page's text has it; the text then. */
  async untilSeen(pattern: RegExp): Promise<string> {
    const endMs = performance.now() + waitMsMax;
    let text = "";
    while (performance.now() < endMs) {
      text = await this.text();
      if (pattern.test(text)) return text;
      await systemClock.sleep(50);
    }
    throw new Error(`The page does not show ${pattern}: ${text.slice(0, 2_000)}`);
  }

  /** Until an expression in the page is true. */
  async untilTrue(expression: string): Promise<void> {
    const endMs = performance.now() + waitMsMax;
    while (performance.now() < endMs) {
      if (await this.run<boolean>(expression)) return;
      await systemClock.sleep(20);
    }
    throw new Error(`In the page it stays untrue that ${expression}: ${(await this.text()).slice(0, 2_000)}`);
  }

  /** What axe-core finds wrong for people who use the page with a screen reader or the keyboard. */
  async accessibilityFaults(): Promise<string[]> {
    await this.run(axe.source);
    return await this.run(`axe.run(document).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => id + " " + target.join(" ") + ": " + failureSummary)))`);
  }

  text(): Promise<string> {
    return this.run<string>("document.body?.innerText ?? ''");
  }

  /** A key as it is pressed and let go; `text` is what it types. */
  async press(key: string, { text, ctrl = false }: { text?: string; ctrl?: boolean } = {}): Promise<void> {
    const code = { Enter: 13, Tab: 9, Escape: 27, ArrowLeft: 37, Delete: 46, " ": 32, a: 65 }[key];
    const event = { key, code: key, windowsVirtualKeyCode: code, modifiers: ctrl ? 2 : 0, text };
    await this.#send("Input.dispatchKeyEvent", { ...event, type: text === undefined ? "rawKeyDown" : "keyDown" });
    await this.#send("Input.dispatchKeyEvent", { ...event, type: "keyUp", text: undefined });
  }

  /** From element to element as the Tab key goes, until that of the id has the focus. */
  async tabTo(id: string): Promise<void> {
    const passed: string[] = [];
    while (passed.length < tabsMax) {
      await this.press("Tab");
      const { focused, tag } = await this.run<Record<"focused" | "tag", string>>(
        "(({ id: focused, localName: tag }) => ({ focused, tag }))(document.activeElement)",
      );
      if (focused === id) return;
      passed.push(focused === "" ? tag : focused);
    }
    throw new Error(`The Tab key does not lead to ${id}, but to ${passed.join(", ")}`);
  }

  async insertText(text: string): Promise<void> {
    await this.#send("Input.insertText", { text });
  }

  async screenshot(): Promise<Uint8Array<ArrayBuffer>> {
    const { data } = await this.#send<{ data: string }>("Page.captureScreenshot", { format: "png" });
    return Uint8Array.fromBase64(data);
  }

  #send<T = unknown>(method: string, params: Record<string, unknown> = {}): Promise<T> {
    const id = ++this.#sent;
    const answer = Promise.withResolvers<unknown>();
    this.#answers.set(id, answer);
    this.#socket.send(JSON.stringify({ id, method, params, sessionId: this.#session }));
    return inTime(waitMsMax, answer.promise, `Chromium does not answer ${method}`) as Promise<T>;
  }

  #take({ id, method, params, result, error }: Message): void {
    if (id !== undefined) {
      if (error === undefined) this.#answers.get(id)?.resolve(result);
      else this.#answers.get(id)?.reject(new Error(JSON.stringify(error)));
      this.#answers.delete(id);
    }
    if (method === "Runtime.exceptionThrown") this.complaints.push(JSON.stringify(params?.exceptionDetails));
    if (method === "Log.entryAdded") {
      const { level, text, url } = params!.entry as { level: string; text: string; url?: string };
      if (level === "error") this.complaints.push(`${text} ${url ?? ""}`);
    }
    if (method === "Page.javascriptDialogOpening") this.complaints.push(`a dialog: ${params?.message}`);
    if (method === "Network.requestWillBeSent") this.requests.push((params!.request as { url: string }).url);
  }

  async #close(): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.onclose = resolve);
    this.#session = undefined;
    await this.#send("Browser.close");
    this.#socket.close();
    await inTime(endMsMax, closed, "Chromium does not hang up");
  }
}

/** Where it listens, as it says by itself. */
async function addressIn(reader: ReadableStreamDefaultReader<string>): Promise<string> {
  for (let line = await reader.read(); !line.done; line = await reader.read()) {
    const address = /^DevTools listening on (ws:.*)$/.exec(line.value)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error("Chromium has ended");
}

async function inTime<T>(ms: number, work: Promise<T>, otherwise: string): Promise<T> {
  const patience = new AbortController();
  try {
    return await Promise.race([
      work,
      systemClock.sleep(ms, patience.signal).then(() => {
        throw new Error(otherwise);
      }),
    ]);
  } finally {
    patience.abort();
  }
}
