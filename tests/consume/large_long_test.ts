import { deepStrictEqual, ok } from "node:assert/strict";

const worker = new URL("./large_worker.ts", import.meta.url).pathname;

const event = (id: string, more = "") =>
  `{"user_id":"u","event_id":"${id}","event_type":"t","event_timestamp":"2026-03-01T12:00:00.123Z"${more}}`;

/**
 * Consumes one file of these pieces in a process of its own; how many events and letters it had,
 * and its peak memory.
 */
async function consumeFile(name: string, pieces: Iterable<string>): Promise<Record<string, number>> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-large-" });
  try {
    await Deno.mkdir(`${folder}/raw/events`, { recursive: true });
    const stream = ReadableStream.from(pieces).pipeThrough(new TextEncoderStream());
    await Deno.writeFile(`${folder}/raw/events/${name}`, stream);
    const args = ["run", "--no-check", "--allow-all", worker, folder];
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
    ok(code === 0, new TextDecoder().decode(stderr));
    return JSON.parse(new TextDecoder().decode(stdout)) as Record<string, number>;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function* largeArray(bytes: number): Generator<string> {
  const block = Array.from(
    { length: 1_000 },
    (_, i) =>
      event(
        `${i}`,
        `,"properties":{"url":"https://example.com/${i * 7919}","user_agent":"Mozilla/5.0 (X11; Linux x86_64)"}`,
      ),
  ).join(",\n");
  yield `[${block}`;
  for (let written = block.length; written < bytes; written += block.length) yield `,\n${block}`;
  yield "]";
}

Deno.test("a record of 64 MB is taken, as an event and as a dead letter", async () => {
  const large = "é".repeat(32 << 20);
  const { peakMb, ...taken } = await consumeFile("a.json", [
    `[${event("1")},${event("2", ',"properties":{"k":"')}`.slice(0, -1),
    large,
    `"}},${event("3", ',"extra":"').slice(0, -1)}`,
    large,
    '"}]',
  ]);
  deepStrictEqual(taken, { events: 2, deadLetters: 1 });
  ok(peakMb! < 2_000, `${peakMb} MB`);
});

Deno.test("an array of 1 GB is taken by two threads within 700 MB of memory", async () => {
  const { peakMb, events } = await consumeFile("a.json", largeArray(1e9));
  ok(events! > 4_000_000, `${events}`);
  ok(peakMb! < 700, `${peakMb} MB`);
});
