import { ensureArena, resetArena } from "../../assembly/abi/arena";
import { beginPolicies, nextPolicy } from "../../assembly/attach/lookup";
import { addPolicy, AttachTable, finishTable, newAttachTable } from "../../assembly/attach/table";
import { beginBlocks, freeBlocks, takeBlocks } from "../../assembly/config/blocks";
import { itemAt } from "../../assembly/config/records";
import { beginRegexes } from "../../assembly/regex/regex";
import { authority, indexPairs, uri } from "../../assembly/request/view";
import {
  decodeHeaderRoutingConfig,
  HeaderRoutingPolicy,
  HeaderRoutingPolicyHas,
} from "../../filters/header_routing/generated/config";

let text = new ArrayBuffer(0);
let host = new ArrayBuffer(0);
let target = new ArrayBuffer(0);
const noPairs = new ArrayBuffer(4);

/** The table of policies, each attached as one of these lists says; an empty text: to everything. */
function tableOf(attachments: string[]): AttachTable {
  freeBlocks(takeBlocks());
  beginBlocks();
  beginRegexes();
  ensureArena(8192);
  const parts: string[] = [];
  for (let i = 0; i < attachments.length; i++) {
    const attach = attachments[i] === "" ? "" : '"attach":' + attachments[i] + ",";
    parts.push(
      '{"name":"' + i.toString() + '",' + attach + '"rules":[{"name":"r","destination":{"subset":"s"}}]}',
    );
  }
  text = String.UTF8.encode('{"policies":[' + parts.join(",") + "]}", true);
  const config = decodeHeaderRoutingConfig(changetype<usize>(text), text.byteLength - 1);
  const table = newAttachTable(attachments.length * 4);
  if (config === null) return table;
  for (let i = config.policiesCount; i > 0; i--) {
    const policy = itemAt<HeaderRoutingPolicy>(config.policiesStart, i - 1);
    const isGiven = (policy.present & HeaderRoutingPolicyHas.attach_) !== 0;
    addPolicy(table, i - 1, policy.attachStart, policy.attachCount, isGiven);
  }
  finishTable(table);
  return table;
}

/** The policies that apply, such as `0 2`. There is no host: names of routes are absent. */
function policiesOf(table: AttachTable, authorityText: string, path: string): string {
  resetArena();
  expect(indexPairs(changetype<usize>(noPairs))).toBe(true);
  host = String.UTF8.encode(authorityText);
  target = String.UTF8.encode(path);
  authority.start = changetype<usize>(host);
  authority.length = host.byteLength;
  uri.start = changetype<usize>(target);
  uri.length = target.byteLength;
  expect(beginPolicies(table)).toBe(true);
  const found: string[] = [];
  for (let i = nextPolicy(); i >= 0; i = nextPolicy()) found.push(i.toString());
  return found.join(" ");
}

describe("attachment by host and path", () => {
  it("finds exact hosts, suffixes, prefixes and everything, in the order of the policies", () => {
    const table = tableOf([
      '[{"host":"A.example"}]',
      '[{"host":"*.example"}]',
      '[{"host":"a.*"}]',
      '[{"host":"*"}]',
      "",
      '[{"path":{"prefix":"/x"}}]',
      '[{"host":"a.example","path":{"exact":"/x"}},{"host":"b.example"}]',
    ]);
    expect(policiesOf(table, "a.example", "/")).toBe("0 1 2 3 4");
    expect(policiesOf(table, "A.EXAMPLE", "/x")).toBe("0 1 2 3 4 5 6");
    expect(policiesOf(table, "a.example:80", "/x")).toBe("0 1 2 3 4 5 6");
    expect(policiesOf(table, "b.example", "/x1")).toBe("1 3 4 5 6");
    expect(policiesOf(table, "a.b.example", "/")).toBe("1 2 3 4");
    expect(policiesOf(table, ".example", "/")).toBe("3 4", "a star stands for one byte at least");
    expect(policiesOf(table, "example", "/")).toBe("3 4");
    expect(policiesOf(table, "", "/")).toBe("3 4");
    expect(policiesOf(table, "[::1]:80", "/")).toBe("3 4");
  });

  it("names a policy once, however often it is attached", () => {
    const table = tableOf(['[{"host":"a"},{"host":"a"},{"host":"*"},{"path":{}}]', '[{"host":"a"}]']);
    expect(policiesOf(table, "a", "/")).toBe("0 1");
    expect(policiesOf(table, "b", "/")).toBe("0");
  });
});

describe("attachment by names", () => {
  it("does not hold where the names cannot be read", () => {
    const table = tableOf([
      '[{"route":"r"}]',
      '[{"virtualHost":"v"}]',
      '[{"virtualHost":"v","route":"r"}]',
      "",
    ]);
    expect(policiesOf(table, "a", "/")).toBe("3");
  });

  it("an empty route name is a name", () => {
    const table = tableOf(['[{"route":""}]']);
    expect(policiesOf(table, "a", "/")).toBe("0");
  });
});
