import { buildCidrList, cidrError, cidrErrorIndex, cidrListHas, cidrListSize } from "../../assembly/cidr";

let texts: Array<ArrayBuffer> = [];
let records = new ArrayBuffer(0);
let block = new ArrayBuffer(0);

function build(ranges: Array<string>): bool {
  texts = [];
  records = new ArrayBuffer(ranges.length * 8);
  for (let i = 0; i < ranges.length; i++) {
    const text = String.UTF8.encode(ranges[i]);
    texts.push(text);
    store<u32>(changetype<usize>(records) + i * 8, <u32>changetype<usize>(text));
    store<u32>(changetype<usize>(records) + i * 8, text.byteLength, 4);
  }
  block = new ArrayBuffer(<i32>cidrListSize(ranges.length));
  return buildCidrList(changetype<usize>(block), changetype<usize>(records), ranges.length);
}

function has(address: string): bool {
  const text = String.UTF8.encode(address);
  return cidrListHas(changetype<usize>(block), changetype<usize>(text), text.byteLength);
}

function refusal(range: string): string {
  return build([range]) ? "accepted" : cidrError;
}

describe("cidrListHas", () => {
  it("covers a range and nothing beside it", () => {
    expect(build(["10.0.0.0/8", "192.168.1.128/25", "127.0.0.1"])).toBe(true);
    expect(has("10.0.0.0:1")).toBe(true, "first");
    expect(has("10.255.255.255:65535")).toBe(true, "last");
    expect(has("9.255.255.255:1")).toBe(false, "before");
    expect(has("11.0.0.0:1")).toBe(false, "after");
    expect(has("192.168.1.127:1")).toBe(false, "lower half");
    expect(has("192.168.1.128:1")).toBe(true, "upper half");
    expect(has("127.0.0.1:40000")).toBe(true, "one address");
    expect(has("127.0.0.1")).toBe(true, "without port");
    expect(has("127.0.0.2:40000")).toBe(false, "its neighbour");
    expect(has("[::1]:1")).toBe(false, "the other family");
  });

  it("reads every form of IPv6", () => {
    expect(build(["2001:db8::/32", "::1", "fe80::/10", "1:2:3:4:5:6:7:8"])).toBe(true);
    expect(has("[2001:db8::1]:443")).toBe(true);
    expect(has("[2001:0DB8:ffff:ffff:ffff:ffff:ffff:ffff]:443")).toBe(true, "last, upper case");
    expect(has("[2001:db9::]:443")).toBe(false, "after");
    expect(has("[::1]:1")).toBe(true);
    expect(has("::1")).toBe(true, "bare");
    expect(has("[::]:1")).toBe(false);
    expect(has("[::2]:1")).toBe(false);
    expect(has("[fe80::1%2]:1")).toBe(true, "zone");
    expect(has("[febf:ffff::]:1")).toBe(true);
    expect(has("[fec0::]:1")).toBe(false);
    expect(has("[1:2:3:4:5:6:7:8]:1")).toBe(true);
    expect(has("[1:2:3:4:5:6:0.7.0.8]:1")).toBe(true, "dotted tail");
    expect(has("[1:2:3:4:5:6:7:9]:1")).toBe(false);
  });

  it("keeps the families apart", () => {
    expect(build(["::/0"])).toBe(true);
    expect(has("1.2.3.4:5")).toBe(false);
    expect(has("[::ffff:1.2.3.4]:5")).toBe(true);
    expect(build(["0.0.0.0/0"])).toBe(true);
    expect(has("1.2.3.4:5")).toBe(true);
    expect(has("255.255.255.255:5")).toBe(true);
    expect(has("[::1]:5")).toBe(false);
  });

  it("takes mapped addresses as IPv4", () => {
    expect(build(["10.0.0.0/8", "::ffff:192.168.0.0/112"])).toBe(true);
    expect(has("[::ffff:10.1.2.3]:5")).toBe(true, "mapped address");
    expect(has("[::ffff:a01:203]:5")).toBe(true, "mapped, in hex");
    expect(has("[::ffff:11.1.2.3]:5")).toBe(false);
    expect(has("192.168.200.1:5")).toBe(true, "mapped range");
    expect(has("192.169.0.0:5")).toBe(false);
  });

  it("merges nested ranges in any order", () => {
    expect(
      build(["10.1.0.0/16", "10.0.0.0/8", "10.0.0.0/24", "10.0.0.0/8", "12.0.0.0/8", "::1", "::/127"]),
    ).toBe(true);
    expect(load<u32>(changetype<usize>(block))).toBe(2, "IPv4 ranges left");
    expect(load<u32>(changetype<usize>(block), 4)).toBe(1, "IPv6 ranges left");
    expect(has("10.200.0.1:1")).toBe(true);
    expect(has("11.0.0.1:1")).toBe(false);
    expect(has("12.0.0.1:1")).toBe(true);
    expect(has("[::]:1")).toBe(true);
  });

  it("searches 4,096 ranges", () => {
    const ranges: Array<string> = [];
    // Every second /24 of 10.0.0.0/11, in a scattered order.
    for (let i = 0; i < 4096; i++) {
      const n = ((i * 2741) & 4095) * 2;
      ranges.push("10." + (n >> 8).toString() + "." + (n & 255).toString() + ".0/24");
    }
    expect(build(ranges)).toBe(true);
    expect(load<u32>(changetype<usize>(block))).toBe(4096);
    let wrong = 0;
    for (let n = 0; n < 8192; n++) {
      if (has("10." + (n >> 8).toString() + "." + (n & 255).toString() + ".77:9") !== ((n & 1) === 0))
        wrong += 1;
    }
    expect(wrong).toBe(0);
  });

  it("is false for what is no address", () => {
    expect(build(["0.0.0.0/0", "::/0"])).toBe(true);
    const texts = [
      "",
      ":",
      "[",
      "[]",
      "[::1",
      "/run/envoy.sock",
      "1.2.3",
      "1.2.3.4.5",
      "01.2.3.4",
      "256.1.1.1",
      "1:2:3:4:5:6:7",
      "1::2::3",
      ":1::",
      "::12345",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7::8:9",
      "::1.2.3",
      "1:2:3:4:5:6:7:1.2.3.4",
      "::g",
      "[::1:]:5",
    ];
    for (let i = 0; i < texts.length; i++) expect(has(texts[i])).toBe(false, texts[i]);
  });

  it("is false in an empty list", () => {
    expect(build([])).toBe(true);
    expect(has("1.2.3.4:5")).toBe(false);
    expect(has("[::1]:5")).toBe(false);
  });
});

describe("buildCidrList", () => {
  it("refuses what is no range, and says which", () => {
    expect(refusal("").includes("not an IPv4 or IPv6")).toBe(true, "");
    expect(refusal("localhost").includes("not an IPv4 or IPv6")).toBe(true, "localhost");
    expect(refusal("10.0.0.0 /8").includes("not an IPv4 or IPv6")).toBe(true, "10.0.0.0 /8");
    expect(refusal("10.0.0/8").includes("not an IPv4 or IPv6")).toBe(true, "10.0.0/8");
    expect(refusal("fe80::1%eth0").includes("not an IPv4 or IPv6")).toBe(true, "fe80::1%eth0");
    expect(refusal("10.0.0.0/33").includes("from 0 to 32")).toBe(true, "10.0.0.0/33");
    expect(refusal("10.0.0.0/").includes("from 0 to 32")).toBe(true, "10.0.0.0/");
    expect(refusal("10.0.0.0/08").includes("from 0 to 32")).toBe(true, "10.0.0.0/08");
    expect(refusal("10.0.0.0/-1").includes("from 0 to 32")).toBe(true, "10.0.0.0/-1");
    expect(refusal("::/129").includes("from 0 to 128")).toBe(true, "::/129");
    expect(refusal("::/1000").includes("from 0 to 128")).toBe(true, "::/1000");
    expect(refusal("10.0.0.1/8").includes("beyond the prefix")).toBe(true, "10.0.0.1/8");
    expect(refusal("2001:db8::1/32").includes("beyond the prefix")).toBe(true, "2001:db8::1/32");
    expect(refusal("1::/15").includes("beyond the prefix")).toBe(true, "1::/15");
    expect(build(["10.0.0.0/8", "::1", "x"])).toBe(false);
    expect(cidrErrorIndex).toBe(2);
  });
});
