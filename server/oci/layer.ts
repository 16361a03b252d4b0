// The layer of a module's image: a tar with one file, plugin.wasm, in gzip. Its bytes, and so the image's digest,
// follow from the module alone: no time, no owner, and stored instead of deflated, since what deflate makes
// differs between versions of zlib. A release module is packed already and would shrink little.

import { crc32 } from "node:zlib";

const block = 512;
/** Istio's and Envoy Gateway's agents look for this name. */
const fileName = "plugin.wasm";

export function tarOf(content: Uint8Array): Uint8Array {
  const padded = Math.ceil(content.length / block) * block;
  const tar = new Uint8Array(block + padded + 2 * block); // two empty blocks end it
  tar.set(header(content.length));
  tar.set(content, block);
  return tar;
}

/** POSIX ustar: numbers in octal, the checksum over the header with spaces in the checksum's own place. */
function header(size: number): Uint8Array {
  const bytes = new Uint8Array(block);
  const put = (offset: number, text: string) => bytes.set(Buffer.from(text, "latin1"), offset);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  put(0, fileName);
  put(100, `${octal(0o644, 7)}\0`);
  put(108, `${octal(0, 7)}\0`); // owner
  put(116, `${octal(0, 7)}\0`); // group
  put(124, `${octal(size, 11)}\0`);
  put(136, `${octal(0, 11)}\0`); // time
  put(148, "        ");
  put(156, "0"); // a plain file
  put(257, "ustar\x0000");
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  put(148, `${octal(sum, 6)}\0 `);
  return bytes;
}

const storedMax = 0xffff;

/** RFC 1952 around RFC 1951's stored blocks. */
export function gzipStored(content: Uint8Array): Uint8Array {
  const blocks = Math.max(1, Math.ceil(content.length / storedMax));
  const result = Buffer.alloc(10 + blocks * 5 + content.length + 8);
  result.set([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  let at = 10;
  for (let i = 0; i < blocks; i++) {
    const part = content.subarray(i * storedMax, (i + 1) * storedMax);
    result[at] = i === blocks - 1 ? 1 : 0;
    result.writeUInt16LE(part.length, at + 1);
    result.writeUInt16LE(part.length ^ storedMax, at + 3);
    result.set(part, at + 5);
    at += 5 + part.length;
  }
  result.writeUInt32LE(crc32(content), at);
  result.writeUInt32LE(content.length % 2 ** 32, at + 4);
  return result;
}
