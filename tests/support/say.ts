/** Prints a figure of a test, which stands in the output of CI. */
export function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text + "\n"));
}
