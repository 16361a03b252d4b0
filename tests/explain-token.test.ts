// sluice-explain on live traffic: a chain of single filters in a real Envoy, each of which tells what it decided; and that
// the token reaches neither a service nor a log nor a dump, on routes with filters and without, on and off.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { hashOfToken } from "../cli/observability.ts";
import { CannotStart } from "../server/serve.ts";
import { type Answer, startTestMesh, type TestMesh } from "./support/mesh.ts";
import { observedMesh } from "./support/observed.ts";
import { waitFor } from "./support/wait.ts";

const token = "correct-horse-battery-staple-0123456789";
const wrong = token.replace("9", "8");
const explainTokenSha256 = createHash("sha256").update(token).digest("hex");
const header = "sluice-explain";

const told = ({ headers }: Answer): string[] => [headers["sluice-explanation"] ?? []].flat();
const reached = (answer: Answer): string[] => answer.echo().headers.map(([name]) => name);

describe("with a token", () => {
  let mesh: TestMesh;
  const output: string[] = [];
  before(async () => {
    mesh = await startTestMesh({
      files: await observedMesh(),
      observability: { accessLog: true, explainTokenSha256 },
      onOutput: (line) => output.push(line),
    });
  });
  after(() => mesh.close());

  test("every filter of the chain tells what it decided, and the service sees no token", async () => {
    const answer = await mesh.request({ path: "/slow", headers: { [header]: token, user: "insider" } });
    assert.equal(answer.echo().version, "v3");
    assert.ok(!reached(answer).includes(header));
    assert.deepEqual(
      told(answer)
        .join("\n")
        .split(/, (?=\w+: )|\n/)
        .sort(),
      [
        "fault: ficool/game-day/broken: not met, match[0].uri; ficool/game-day/late: met; ficool/game-day/endless: not met, match[0].uri; ficool/game-day/late: delay",
        "header_routing: ficool/canary/insiders: met; ficool/canary/insiders: to v3",
        "rate_limit: ficool/search/greedy: not met, match[0].headers.user; ficool/search/per-key: not met, match[0].headers.x-key",
      ],
    );
  });

  test("a refused request is told by what", async () => {
    const request = { headers: { [header]: token, "x-key": "one" } };
    assert.match(told(await mesh.request(request)).join(), /per-key: allowed/);
    const limited = await mesh.request(request);
    assert.equal(limited.status, 429);
    assert.match(told(limited).join(), /^rate_limit: .*ficool\/search\/per-key: limited$/);
  });

  for (const [name, value] of [
    ["a wrong token", wrong],
    ["a token that goes on", `${token}0`],
    ["a long text", "x".repeat(10_000)],
    ["the hash of the token", explainTokenSha256],
    ["an empty text", ""],
  ] as const) {
    test(`${name} is told nothing, and goes no further`, async () => {
      const answer = await mesh.request({ headers: { [header]: value } });
      assert.deepEqual(told(answer), []);
      assert.ok(!reached(answer).includes(header));
    });
  }

  test("a request without the header after one with it is told nothing", async () => {
    for (let i = 0; i < 40; i++) {
      const isAsked = i % 2 === 0;
      const answer = await mesh.request({ headers: isAsked ? { [header]: token } : {} });
      assert.equal(told(answer).length > 0, isAsked, `request ${i}`);
    }
  });

  test("on a route without policies the token goes no further either", async () => {
    const answer = await mesh.request({ path: "/old/a", headers: { [header]: token } });
    assert.equal(answer.echo().path, "/new/a");
    assert.deepEqual(told(answer), []);
    assert.ok(!reached(answer).includes(header));
  });

  test("no line of a log and no dump of the configuration has the token", async () => {
    await mesh.request({ path: "/last", headers: { [header]: token } });
    await waitFor("the log's line of the last request", () => output.some((line) => line.includes("/last")));
    assert.ok(!output.some((line) => line.includes(token) || line.includes(wrong)));
    const dump = await mesh.envoy.admin("/config_dump?include_eds");
    assert.ok(dump.includes(explainTokenSha256));
    assert.ok(!dump.includes(token));
  });
});

describe("without a token", () => {
  let mesh: TestMesh;
  before(async () => {
    mesh = await startTestMesh({ files: await observedMesh() });
  });
  after(() => mesh.close());

  for (const path of ["/", "/old/a"]) {
    test(`the header means nothing and goes no further: ${path}`, async () => {
      const answer = await mesh.request({ path, headers: { [header]: token } });
      assert.deepEqual(told(answer), []);
      assert.ok(!reached(answer).includes(header));
    });
  }
});

describe("--explain-token-file", () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "sluice-token-"));
  });
  after(() => rm(directory, { recursive: true }));
  const hashOf = async (text: string): Promise<string> => {
    const file = join(directory, "token");
    await writeFile(file, text);
    return hashOfToken(file);
  };

  test("the file's line, with or without its end", async () => {
    for (const end of ["", "\n", "\r\n"]) assert.equal(await hashOf(token + end), explainTokenSha256);
  });
  for (const [name, text] of [
    ["too short", "short"],
    ["two lines", `${token}\n${token}\n`],
    ["blanks", "correct horse battery staple"],
    ["too long", "x".repeat(257)],
  ] as const) {
    test(`refused: ${name}`, async () => {
      await assert.rejects(
        () => hashOf(text),
        (error) => error instanceof CannotStart && /16 to 256 printable/.test(error.message),
      );
    });
  }
  test("refused: no such file", () => {
    assert.throws(() => hashOfToken(join(directory, "absent")), CannotStart);
  });
});
