/** Figures of a simulation, which stand in the output of the tests. */
export function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text + "\n"));
}
