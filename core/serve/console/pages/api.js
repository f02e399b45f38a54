import { addressOf } from "./address.js";

/** For as long as the tab is open. */
const TOKEN = "streamlab-token";

export class ApiError extends Error {
  constructor(status, message, hint) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

export function keepToken(token) {
  sessionStorage.setItem(TOKEN, token);
}

/** The JSON at an address of the server's; `body` makes it a question. */
export async function ask(path, parameters, { signal, body } = {}) {
  return await (await request(path, parameters, { signal, body })).json();
}

/** A file of the server's, for the user's disk. */
export async function download(path, parameters, name, signal) {
  save(await (await request(path, parameters, { signal })).blob(), name);
}

/** Lets the browser keep it. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/**
 * Server-sent events, each with its JSON, until the server or `signal` ends them. `EventSource`
 * could not send a token.
 */
export async function follow(path, parameters, { signal, body }, take) {
  const response = await request(path, parameters, { signal, body, accept: "text/event-stream" });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const events = (text + piece.value).split("\n\n");
      text = events.pop();
      for (const event of events) {
        const found = /^event: (\w+)\ndata: ([^\n]*)$/.exec(event);
        if (found !== null) take(found[1], JSON.parse(found[2]));
      }
    }
  } catch (error) {
    // Cut short by the network or by us: the caller knows which.
    if (!(error instanceof TypeError) && !signal.aborted) throw error;
  }
}

async function request(path, parameters, { signal, body, accept = "*/*" }) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = new Headers({ accept });
  if (token !== null) headers.set("authorization", `Bearer ${token}`);
  if (body !== undefined) headers.set("content-type", "application/json");
  let response;
  try {
    response = await fetch(addressOf(`/api/${path}`, parameters), {
      method: body === undefined ? "GET" : "POST",
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "The server does not answer", "Is streamlab serve still running?");
  }
  if (response.ok) return response;
  const { message, hint } = (await response.json().catch(() => ({}))).error ?? {};
  throw new ApiError(response.status, message ?? `The server answered ${response.status}`, hint);
}
