import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { compileFixture } from "./fixture.ts";
import { type CompiledModule, Host } from "./index.ts";
import { explore, suspendable } from "./interleave.ts";

const headers = [
  [":authority", "a"],
  [":path", "/"],
  [":method", "GET"],
] as const;

describe("explore", () => {
  let module: CompiledModule;
  before(async () => {
    module = await suspendable(await compileFixture("probe"));
  });

  const run = (text: string, workers: number, check: (value: string, order: readonly number[]) => void) =>
    explore({
      make: () => {
        const host = new Host({ module, workers });
        assert.ok(host.configure(text).ok);
        host.sharedData().set("k", "0");
        return host;
      },
      requests: (host) => host.workers.map((worker) => worker.request({ headers })),
      check: (host, outcomes, order) => {
        assert.ok(outcomes.every((outcome) => outcome.action === "continue" && outcome.trap === undefined));
        check(host.sharedData().get("k")?.value ?? "", order);
      },
    });

  test("a counter by compare-and-set is exact in every order of two and of three workers", () => {
    const two = run("request\tcountShared\tk", 2, (value) => assert.equal(value, "2"));
    assert.deepEqual(two, { orders: 6, complete: true });
    const three = run("request\tcountShared\tk", 3, (value) => assert.equal(value, "3"));
    assert.ok(three.complete && three.orders >= 90, `${three.orders} orders`);
  });

  test("every order of two calls each comes once", () => {
    const orders: string[] = [];
    run("request\tgetShared\tk\nrequest\tsetShared\tk\tx\t0", 2, (_value, order) =>
      orders.push(order.join("")),
    );
    assert.deepEqual(orders, ["0011", "0101", "0110", "1001", "1010", "1100"]);
  });
});
