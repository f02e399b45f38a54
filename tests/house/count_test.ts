import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { countTests } from "../../.ci/count.ts";

Deno.test("the gate counts the tests of a report without their steps", async () => {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-" });
  try {
    await Deno.writeTextFile(
      `${folder}/some_test.ts`,
      `Deno.test("one", () => {});
       Deno.test("a > b, <c>", async (t) => void await t.step("inner", () => {}));
       Deno.test({ name: "left out", ignore: true, fn() {} });
       Deno.test("a broken step", async (t) => void await t.step("inner", () => { throw new Error("</testcase>") }));
       Deno.test("d > e", () => { throw new Error("no") });`,
    );
    const args = ["test", "--no-check", "--no-config", `--junit-path=${folder}/report.xml`, folder];
    const { code } = await new Deno.Command(Deno.execPath(), { args, stdout: "null", stderr: "null" }).output();
    strictEqual(code, 1);
    const report = await Deno.readTextFile(`${folder}/report.xml`);
    deepStrictEqual(countTests(report), { passed: 2, failed: 2, skipped: 1 });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a test that was cut off has failed for the gate", () => {
  const report = `<testsuites><testsuite name="x"><testcase name="ok" time="0"></testcase>
    <testcase name="slow"><error message="Cancelled"/></testcase></testsuite></testsuites>`;
  deepStrictEqual(countTests(report), { passed: 1, failed: 1, skipped: 0 });
});
