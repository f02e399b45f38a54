/**
 * Counts the tests of a JUnit report, as `deno test --junit-path` writes it: prints `PASSED FAILED
 * SKIPPED`. Steps of a test belong to it and are not counted; a test that was cut off has failed.
 */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export function countTests(report: string): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [, suite] of report.matchAll(/<testsuite (.*?)<\/testsuite>/gs)) {
    const names = new Set<string>();
    for (const [, attributes, content] of suite!.matchAll(/<testcase ([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs)) {
      const name = /\bname="([^"]*)"/.exec(attributes!)![1]!;
      // Steps stand behind all tests of their file.
      if (isStep(name, names)) continue;
      names.add(name);
      if (/<(failure|error)\b/.test(content ?? "")) counts.failed++;
      else if (/<skipped\b/.test(content ?? "")) counts.skipped++;
      else counts.passed++;
    }
  }
  return counts;
}

/** A step is called as its test, ` > `, and its own name; a test may have an arrow in its name. */
function isStep(name: string, tests: Set<string>): boolean {
  const arrow = " &gt; ";
  for (let at = name.indexOf(arrow); at >= 0; at = name.indexOf(arrow, at + 1)) {
    if (tests.has(name.slice(0, at))) return true;
  }
  return false;
}

if (import.meta.main) {
  const { passed, failed, skipped } = countTests(await Deno.readTextFile(Deno.args[0]!));
  // deno-lint-ignore no-console
  console.log(passed, failed, skipped);
}
