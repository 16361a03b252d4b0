// Address ranges as the filters read them: an address, or the first address of a range and its length.

import { isIP } from "node:net";

/** What is wrong with an address range; undefined when nothing is. */
export function checkCidr(text: string): string | undefined {
  const [address = "", bits, ...rest] = text.split("/");
  const family = address.includes("%") ? 0 : isIP(address);
  if (family === 0 || rest.length > 0)
    return `${JSON.stringify(text)} is not an address range; write one such as 10.0.0.0/8 or 2001:db8::/32`;
  if (bits === undefined) return undefined;
  const width = family === 4 ? 32 : 128;
  if (!/^(0|[1-9]\d{0,2})$/.test(bits) || Number(bits) > width)
    return `/${bits} must be between /0 and /${width}`;
  const shift = BigInt(width - Number(bits));
  const value = family === 4 ? ipv4(address) : ipv6(address);
  if ((value >> shift) << shift === value) return undefined;
  const first = (value >> shift) << shift;
  const written = family === 4 ? formatIpv4(first) : formatIpv6(first);
  return `${text} does not begin at the first address of the range; write ${written}/${bits}`;
}

const ipv4 = (text: string) => text.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n);

/** Of a valid address; the last 32 bits may be written as IPv4. */
function ipv6(text: string): bigint {
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const low = tail === null ? 0n : ipv4(tail[2] ?? "");
  const plain =
    tail === null ? text : `${tail[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`;
  const [head = "", rest] = plain.split("::");
  const groups = (half: string) => (half === "" ? [] : half.split(":"));
  const right = rest === undefined ? [] : groups(rest);
  const left = groups(head);
  const zeros = Array<string>(8 - left.length - right.length).fill("0");
  return [...left, ...zeros, ...right].reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n);
}

const formatIpv4 = (value: bigint) => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");

/** With the longest end of zeros left out, which a first address has. */
function formatIpv6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16),
  );
  const text = groups.join(":");
  return text.replace(/(^|:)0(:0)+$/, "::");
}
