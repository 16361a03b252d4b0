import { beginBlocks, freeBlocks, takeBlocks } from "../../assembly/config/blocks";
import { itemAt, keyAt, valueAt } from "../../assembly/config/records";
import { refusalLength, refusalStart } from "../../assembly/config/refusal";
import { beginRegexes } from "../../assembly/regex/regex";
import { equalsAscii } from "../../assembly/bytes";
import {
  StringMatch,
  StringMatchHas,
  RequestMatch,
  AttachmentHas,
  Attachment,
} from "../../assembly/generated/records";
import {
  decodeHeaderRoutingConfig,
  HeaderRoutingConfig,
  HeaderRoutingPolicy,
  HeaderRoutingPolicyHas,
  HeaderRoutingRule,
  WeightedDestination,
} from "../../filters/header_routing/generated/config";

let text = new ArrayBuffer(0);

function decode(json: string): HeaderRoutingConfig | null {
  return decodeBytes(String.UTF8.encode(json, true));
}

/** The last byte is the 0 that follows the document. */
function decodeBytes(bytes: ArrayBuffer): HeaderRoutingConfig | null {
  freeBlocks(takeBlocks());
  beginBlocks();
  beginRegexes();
  text = bytes;
  return decodeHeaderRoutingConfig(changetype<usize>(text), text.byteLength - 1);
}

/** The line that is logged; empty when the document is accepted. */
function refusal(json: string): string {
  return decode(json) === null ? refusalText() : "";
}

function refusalText(): string {
  return String.UTF8.decodeUnsafe(refusalStart(), refusalLength()).replace("sluice: refused: ", "");
}

/** A configuration of one policy with one rule, to which these fields are added. */
function rule(fields: string): string {
  return '{"policies":[{"name":"n/p","rules":[{"name":"r","destination":{"subset":"v1"}' + fields + "}]}]}";
}

function bytesOf(start: usize, length: u32): string {
  return String.UTF8.decodeUnsafe(start, length);
}

describe("records", () => {
  it("hold what was given, and defaults for what was not", () => {
    const config = decode('{"policies":[{"name":"n/p","attach":[{"route":"r"},{"host":"h"}],"rules":[]}]}');
    expect(config === null).toBe(true, "rules has at least one entry");
    const good = decode(
      rule(',"match":[{"uri":{"prefix":"/a"},"headers":{"X-Uid":{},"b":{"exact":"\\u00e9"}}}]'),
    );
    if (good === null) {
      expect(refusalText()).toBe("");
      return;
    }
    expect(good.arenaKiB).toBe(128);
    expect(good.maxStreams).toBe(65_536);
    expect(good.policiesCount).toBe(1);
    const policy = itemAt<HeaderRoutingPolicy>(good.policiesStart, 0);
    expect(policy.inherit).toBe(true);
    expect(policy.present & HeaderRoutingPolicyHas.attach_).toBe(0);
    expect(bytesOf(policy.nameStart, policy.nameLength)).toBe("n/p");
    const first = itemAt<HeaderRoutingRule>(policy.rulesStart, 0);
    const match = itemAt<RequestMatch>(first.matchStart, 0);
    expect(match.ignoreUriCase).toBe(false);
    expect(match.headersCount).toBe(2);
    const key = keyAt<StringMatch>(match.headersStart, 0);
    expect(bytesOf(key.start, key.length)).toBe("x-uid", "lower case");
    expect(valueAt<StringMatch>(match.headersStart, 0).present).toBe(0);
    const second = valueAt<StringMatch>(match.headersStart, 1);
    expect(second.present).toBe(StringMatchHas.exact_);
    expect(bytesOf(second.exactStart, second.exactLength)).toBe("\u00e9");
  });

  it("keep lists of records in order, over several moves of the stack", () => {
    const parts: string[] = [];
    for (let i = 0; i < 500; i++) parts.push('{"virtualHost":"h' + i.toString() + '","route":"r"}');
    const json =
      '{"policies":[{"name":"n","attach":[' +
      parts.join(",") +
      '],"rules":[{"name":"r","destinations":[{"subset":"a","weight":1},{"subset":"b","weight":2}]}]}]}';
    const config = decode(json);
    if (config === null) {
      expect(refusalText()).toBe("");
      return;
    }
    const policy = itemAt<HeaderRoutingPolicy>(config.policiesStart, 0);
    expect(policy.attachCount).toBe(500);
    for (let i = 0; i < 500; i++) {
      const attachment = itemAt<Attachment>(policy.attachStart, i);
      expect(bytesOf(attachment.virtualHostStart, attachment.virtualHostLength)).toBe("h" + i.toString());
      expect(attachment.present).toBe(AttachmentHas.virtualHost_ | AttachmentHas.route_);
    }
    const first = itemAt<HeaderRoutingRule>(policy.rulesStart, 0);
    expect(itemAt<WeightedDestination>(first.destinationsStart, 1).weight).toBe(2);
  });

  it("give their memory back", () => {
    const json = rule(',"match":[{"headers":{"a":{"in":["x","y","z"]}}}]');
    decode(json);
    freeBlocks(takeBlocks());
    const size = memory.size();
    for (let i = 0; i < 3000; i++) {
      decode(json);
      freeBlocks(takeBlocks());
    }
    // The tests' own strings come and go; without giving back, 3,000 blocks would be 12 MB.
    expect(memory.size() - size).toBeLessThan(40);
  });
});

const whole = ["64", "64.0", "6.4e1", "640e-1", "64.000", "0.64E+2"];
const notWhole = [
  "64.5",
  "1e400",
  "1e-1",
  "-64",
  "15",
  "99999999999999999999999",
  "0064",
  "+64",
  "64.",
  ".5",
  "1e",
  "NaN",
];

describe("whole numbers", () => {
  it("may be written as protobuf prints doubles", () => {
    for (let i = 0; i < whole.length; i++) {
      const config = decode('{"policies":[],"arenaKiB":' + whole[i] + "}");
      expect(config === null ? refusalText() : config.arenaKiB.toString()).toBe("64", whole[i]);
    }
  });

  it("are refused with a fraction, out of range, or in a form that JSON does not have", () => {
    for (let i = 0; i < notWhole.length; i++)
      expect(refusal('{"policies":[],"arenaKiB":' + notWhole[i] + "}").includes("arenaKiB")).toBe(
        true,
        notWhole[i],
      );
  });
});

class Row {
  constructor(
    public name: string,
    public json: string,
    public line: string,
  ) {}
}

const refusals: Row[] = [
  new Row("nothing", "", "(document): byte 0: the text ends early"),
  new Row("white space", " \n", "(document): byte 2: the text ends early"),
  new Row("no object", "[]", '(document): byte 0: expected an object, found "["'),
  new Row("unknown field", '{"polices":[]}', "polices: byte 1: unknown field"),
  new Row("field twice", '{"policies":[],"policies":[]}', "policies: byte 15: the field is given twice"),
  new Row("missing", "{}", '(document): byte 0: a field is missing: "policies"'),
  new Row("trailing text", '{"policies":[]}{}', "(document): byte 15: text after the end of the document"),
  new Row("trailing comma", '{"policies":[],}', '(document): byte 15: expected a field\'s name, found "}"'),
  new Row("null", '{"policies":null}', 'policies: byte 12: expected a list, found "n"'),
  new Row(
    "text for number",
    '{"policies":[],"arenaKiB":"64"}',
    'arenaKiB: byte 26: expected a number, found """',
  ),
  new Row("cut off", '{"policies":[', "policies[0]: byte 13: the text ends early"),
  new Row(
    "needed of a group",
    '{"policies":[{"name":"n","rules":[{"name":"r"}]}]}',
    'policies[0].rules[0]: byte 34: one is needed of "destination", "destinations", "headers"',
  ),
  new Row(
    "too many of a group",
    rule(',"destinations":[{"subset":"a","weight":1}]'),
    'policies[0].rules[0]: byte 36: only one may be given of "destination", "destinations"',
  ),
  new Row(
    "name twice",
    '{"policies":[{"name":"n","rules":[{"name":"r","headers":{}},{"name":"r","headers":{}}]}]}',
    'policies[0].rules[1].name: byte 68: already given above: "r"',
  ),
  new Row(
    "key twice",
    rule(',"match":[{"headers":{"UID":{},"uid":{}}}]'),
    "policies[0].rules[0].match[0].headers.uid: byte 108: the name is given twice",
  ),
  new Row(
    "a key that is no name",
    rule(',"match":[{"headers":{"a b":{}}}]'),
    'policies[0].rules[0].match[0].headers["a b"]: byte 99: not a header name',
  ),
  new Row("empty text", '{"policies":[{"name":"","rules":[]}]}', "policies[0].name: byte 21: an empty text"),
  new Row(
    "negative weight",
    '{"policies":[{"name":"n","rules":[{"name":"r","destinations":[{"subset":"a","weight":-1}]}]}]}',
    "policies[0].rules[0].destinations[0].weight: byte 85: not between 0 and 1000000",
  ),
  new Row(
    "a duration without unit",
    rule(',"stickyBy":{"cookie":{"name":"c","ttl":"5"}}'),
    "policies[0].rules[0].stickyBy.cookie.ttl: byte 117: not a duration, such as 500ms, 2s or 1m30s",
  ),
  new Row(
    "control character",
    '{"policies":[],"a\n',
    "(document): byte 17: a control character in a text must be escaped",
  ),
  new Row("bad escape", '{"a\\x":1}', "(document): byte 3: not an escape that JSON has"),
  new Row("half a pair", '{"\\ud800":1}', "(document): byte 2: not an escape of a Unicode character"),
];

describe("refusals", () => {
  it("name the path, the byte and the reason", () => {
    for (let i = 0; i < refusals.length; i++)
      expect(refusal(refusals[i].json)).toBe(refusals[i].line, refusals[i].name);
  });
});

/** A document whose only key is these bytes. */
function key(bytes: u8[]): ArrayBuffer {
  const document = new ArrayBuffer(bytes.length + 5);
  const view = Uint8Array.wrap(document);
  view[0] = 123;
  view[1] = 34;
  for (let i = 0; i < bytes.length; i++) view[2 + i] = bytes[i];
  view[2 + bytes.length] = 34;
  return document;
}
const goodBytes: u8[][] = [
  [0xc3, 0xa9],
  [0xe2, 0x82, 0xac],
  [0xed, 0x9f, 0xbf],
  [0xf0, 0x9f, 0x98, 0x80],
  [0xf4, 0x8f, 0xbf, 0xbf],
];
const badBytes: u8[][] = [
  [0x80],
  [0xc0, 0xaf],
  [0xc3],
  [0xe0, 0x80, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xf0, 0x80, 0x80, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xff],
];

describe("UTF-8", () => {
  it("well-formed sequences are read", () => {
    for (let i = 0; i < goodBytes.length; i++) {
      decodeBytes(key(goodBytes[i]));
      expect(refusalText().includes("unknown field")).toBe(true);
    }
  });
  it("all else is refused", () => {
    for (let i = 0; i < badBytes.length; i++) {
      decodeBytes(key(badBytes[i]));
      expect(refusalText().includes("not valid UTF-8")).toBe(true);
    }
  });
});

class Duration {
  constructor(
    public text: string,
    public ns: i64,
  ) {}
}
const durations: Duration[] = [
  new Duration("0s", 0),
  new Duration("1h30m", 5_400_000_000_000),
  new Duration("100ms", 100_000_000),
  new Duration("1.5s", 1_500_000_000),
  new Duration("0.000000001s", 1),
  new Duration("1.000000001h", 3_600_000_003_600),
  new Duration("2us3ns", 2_003),
  new Duration("7\u00b5s", 7_000),
  new Duration("8760h", 31_536_000_000_000_000),
];
const notDurations = ["", "1", "1d", "-1s", "1.s", "s", "1s ", "8761h", "999999999999999999999h", "1e3s"];

describe("durations", () => {
  it("are exact", () => {
    for (let i = 0; i < durations.length; i++) {
      const config = decode(rule(',"stickyBy":{"cookie":{"name":"c","ttl":"' + durations[i].text + '"}}'));
      if (config === null) {
        expect(refusalText()).toBe("");
        continue;
      }
      const policy = itemAt<HeaderRoutingPolicy>(config.policiesStart, 0);
      const sticky = itemAt<HeaderRoutingRule>(policy.rulesStart, 0).stickyBy;
      let ns: i64 = -1;
      if (sticky !== null) {
        const cookie = sticky.cookie;
        if (cookie !== null) ns = cookie.ttlNs;
      }
      expect<i64>(ns).toBe(durations[i].ns, durations[i].text);
    }
  });

  it("are refused in any other form, and out of range", () => {
    for (let i = 0; i < notDurations.length; i++)
      expect(
        refusal(rule(',"stickyBy":{"cookie":{"name":"c","ttl":"' + notDurations[i] + '"}}')).includes("ttl"),
      ).toBe(true, notDurations[i]);
  });
});

describe("equalsAscii", () => {
  it("compares a text with a literal", () => {
    const bytes = String.UTF8.encode("abc");
    expect(equalsAscii(changetype<usize>(bytes), 3, "abc")).toBe(true);
    expect(equalsAscii(changetype<usize>(bytes), 2, "abc")).toBe(false);
    expect(equalsAscii(changetype<usize>(bytes), 3, "abd")).toBe(false);
  });
});
