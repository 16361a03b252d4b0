import { beginBlocks } from "../../assembly/config/blocks";
import { LONGEST, sha256 } from "../../assembly/explain/sha256";
import { buildToken, isToken } from "../../assembly/explain/token";

function hashOf(text: string): string {
  const bytes = String.UTF8.encode(text);
  const hash = sha256(changetype<usize>(bytes), <u32>bytes.byteLength);
  let digits = "";
  for (let i: u32 = 0; i < 32; i++) {
    const byte = <u32>load<u8>(hash + i);
    digits += (byte < 16 ? "0" : "") + byte.toString(16);
  }
  return digits;
}

function tokenOf(digits: string): usize {
  beginBlocks();
  const bytes = String.UTF8.encode(digits);
  return buildToken(changetype<usize>(bytes), <u32>bytes.byteLength);
}

function is(token: usize, text: string): bool {
  const bytes = String.UTF8.encode(text);
  return isToken(token, changetype<usize>(bytes), <u32>bytes.byteLength);
}

describe("sha256", () => {
  it("gives what FIPS 180-4's examples give", () => {
    expect(hashOf("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(hashOf("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(hashOf("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).toBe(
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    );
  });

  // Where the padding just fits, and where it needs a block of its own.
  it("pads every length", () => {
    expect(hashOf("a".repeat(55))).toBe("9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
    expect(hashOf("a".repeat(64))).toBe("ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
    expect(hashOf("a".repeat(LONGEST))).toBe(
      "02d7160d77e18c6447be80c2e355c7ed4388545271702c50253b0914c65ce5fe",
    );
  });
});

describe("a token", () => {
  const digits = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  it("is the text with this hash, and no other", () => {
    const token = tokenOf(digits);
    expect(is(token, "abc")).toBe(true);
    expect(is(tokenOf(digits.toUpperCase()), "abc")).toBe(true);
    expect(is(token, "abd")).toBe(false);
    expect(is(token, "")).toBe(false);
    expect(is(token, digits)).toBe(false);
    expect(is(token, "abc".padEnd(LONGEST + 1, "x"))).toBe(false);
  });

  it("differs from one whose hash differs in any byte", () => {
    const token = tokenOf(digits);
    for (let i = 0; i < 32; i++) {
      store<u8>(token + i, load<u8>(token + i) ^ 1);
      expect(is(token, "abc")).toBe(false);
      store<u8>(token + i, load<u8>(token + i) ^ 1);
    }
    expect(is(token, "abc")).toBe(true);
  });

  it("is not made of anything but 64 hexadecimal digits", () => {
    expect(tokenOf("")).toBe(0);
    expect(tokenOf(digits.slice(1))).toBe(0);
    expect(tokenOf(digits + "0")).toBe(0);
    expect(tokenOf(digits.slice(1) + "g")).toBe(0);
    expect(tokenOf(digits.slice(1) + "`")).toBe(0);
    expect(tokenOf(digits.slice(1) + ":")).toBe(0);
  });
});
