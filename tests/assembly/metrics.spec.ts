import { ensureArena, resetArena } from "../../assembly/abi/arena";
import { allocate, beginBlocks } from "../../assembly/config/blocks";
import { ByteString } from "../../assembly/set";
import { PathTemplates } from "../../filters/metrics/generated/config";
import { isTakenLabel } from "../../filters/metrics/reserved";
import { isIdentifier, templateOf } from "../../filters/metrics/template";
import { isLabelText } from "../../filters/metrics/text";

const keep: ArrayBuffer[] = [];

/** The text's bytes, which live until the tests end. */
function bytes(text: string): ArrayBuffer {
  const buffer = String.UTF8.encode(text);
  keep.push(buffer);
  return buffer;
}

function identifier(text: string): bool {
  const buffer = bytes(text);
  return isIdentifier(changetype<usize>(buffer), buffer.byteLength);
}

/** Whether bytes, in hexadecimal, can be a label's value. */
function labelText(hex: string): bool {
  const buffer = new ArrayBuffer(hex.length / 2);
  for (let i = 0; i < buffer.byteLength; i++)
    store<u8>(changetype<usize>(buffer) + i, <u8>parseInt(hex.substr(i * 2, 2), 16));
  return isLabelText(changetype<usize>(buffer), buffer.byteLength);
}

/** The template of a path. */
function template(path: string, given: string[], learn: bool): string {
  ensureArena(65_536);
  resetArena();
  beginBlocks();
  const templates = changetype<PathTemplates>(allocate(offsetof<PathTemplates>()));
  templates.learn = learn;
  templates.templatesCount = given.length;
  templates.templatesStart = allocate(given.length * offsetof<ByteString>());
  for (let i = 0; i < given.length; i++) {
    const text = bytes(given[i]);
    const item = changetype<ByteString>(templates.templatesStart + i * offsetof<ByteString>());
    item.start = changetype<usize>(text);
    item.length = text.byteLength;
  }
  const text = bytes(path);
  const start = changetype<usize>(text);
  const to = changetype<ByteString>(allocate(offsetof<ByteString>()));
  templateOf(templates, start, start + text.byteLength, to);
  return String.UTF8.decodeUnsafe(to.start, to.length);
}

describe("identifiers", () => {
  it("are numbers, UUIDs and hashes", () => {
    expect(identifier("0")).toBe(true);
    expect(identifier("18446744073709551616")).toBe(true);
    expect(identifier("3f2504e0-4f89-11d3-9a0c-0305e82c3301")).toBe(true);
    expect(identifier("3F2504E0-4F89-11D3-9A0C-0305E82C3301")).toBe(true);
    expect(identifier("d41d8cd98f00b204")).toBe(true);
    expect(identifier("deadbee1")).toBe(true);
    expect(identifier("dGhpcyBpcyA0Mg1234xy")).toBe(true);
  });

  it("are not words, versions, names", () => {
    expect(identifier("")).toBe(false);
    expect(identifier("users")).toBe(false);
    expect(identifier("v1")).toBe(false);
    expect(identifier("facade")).toBe(false);
    expect(identifier("deadbeef")).toBe(false);
    expect(identifier("1.2")).toBe(false);
    expect(identifier("go-search-service")).toBe(false);
    expect(identifier("a-rather-long-name-of-2-things")).toBe(false);
    expect(identifier("-")).toBe(false);
    expect(identifier("2024-01-01")).toBe(false);
  });
});

describe("templates", () => {
  it("stand for a path of as many segments, the first one first", () => {
    const given = ["/users/me", "/users/{id}", "/users/{id}/cart", "/"];
    expect(template("/users/me", given, false)).toBe("/users/me");
    expect(template("/users/anna", given, false)).toBe("/users/{id}");
    expect(template("/users/anna/cart", given, false)).toBe("/users/{id}/cart");
    expect(template("/", given, false)).toBe("/");
  });

  it("leave other paths alone", () => {
    const given = ["/users/{id}"];
    expect(template("/users", given, false)).toBe("/users");
    expect(template("/users/", given, false)).toBe("/users/");
    expect(template("/users/1/", given, false)).toBe("/users/1/");
    expect(template("/users/1/cart", given, false)).toBe("/users/1/cart");
    expect(template("/user/1", given, false)).toBe("/user/1");
    expect(template("*", given, false)).toBe("*");
    expect(template("", given, false)).toBe("");
  });

  it("are learned where none is given", () => {
    expect(template("/a/17/b/18", [], true)).toBe("/a/{id}/b/{id}");
    expect(template("/17", ["/{id}/x"], true)).toBe("/{id}");
    expect(template("/a//17/", [], true)).toBe("/a//{id}/");
    expect(template("/words/only", [], true)).toBe("/words/only");
  });

  it("do not outgrow the room of a value by more than a byte", () => {
    const long = "/" + "x".repeat(500);
    expect(template(long, [], true).length).toBe(129);
    expect(template("/1/2/3/4/5/6/7/8/9".repeat(20), [], true).length).toBeLessThan(134);
  });
});

describe("texts of labels", () => {
  it("are UTF-8 of every length", () => {
    expect(labelText("")).toBe(true);
    expect(labelText("41207e")).toBe(true);
    expect(labelText("c3bc")).toBe(true);
    expect(labelText("e29883")).toBe(true);
    expect(labelText("f09f9880")).toBe(true);
    expect(labelText("f48fbfbf")).toBe(true);
  });

  it("are not control characters", () => {
    expect(labelText("00")).toBe(false);
    expect(labelText("0a")).toBe(false);
    expect(labelText("1f")).toBe(false);
    expect(labelText("7f")).toBe(false);
  });

  it("are not broken, overlong, surrogates, or beyond Unicode", () => {
    expect(labelText("80")).toBe(false);
    expect(labelText("c3")).toBe(false);
    expect(labelText("c328")).toBe(false);
    expect(labelText("e298")).toBe(false);
    expect(labelText("c080")).toBe(false);
    expect(labelText("e08080")).toBe(false);
    expect(labelText("eda080")).toBe(false);
    expect(labelText("f08080af")).toBe(false);
    expect(labelText("f4908080")).toBe(false);
    expect(labelText("ff")).toBe(false);
  });
});

describe("labels that are taken", () => {
  it("are those of the metrics and of Prometheus", () => {
    const route = bytes("route");
    const le = bytes("le");
    const tenant = bytes("tenant");
    expect(isTakenLabel(changetype<usize>(route), 5)).toBe(true);
    expect(isTakenLabel(changetype<usize>(le), 2)).toBe(true);
    expect(isTakenLabel(changetype<usize>(tenant), 6)).toBe(false);
  });
});
