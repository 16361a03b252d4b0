// Forms of texts. Header names are lower-cased where they lie, as Envoy holds them.

import { cidrError, buildCidrList } from "../cidr";
import { lower } from "../bytes";
import { ByteString } from "../set";
import { byteOf } from "./json";
import { refuse } from "./refusal";
import { CIDR, HEADER_NAME, HEADER_VALUE, HOST, NAME, PATH, TOKEN } from "./table";

const one: usize = memory.data(8, 4);
const oneRange: usize = memory.data(40, 8);

/** Whether a text has a form; lower-cases a header's name. */
export function checkFormat(format: u32, start: usize, length: u32): bool {
  if (length === 0) return true;
  if (format === HEADER_NAME) {
    if (!isToken(start, length)) return refuse(byteOf(start - 1), "not a header name");
    for (let i: u32 = 0; i < length; i++) store<u8>(start + i, lower(load<u8>(start + i)));
    return true;
  }
  if (format === HEADER_VALUE)
    return isHeaderValue(start, length) || refuse(byteOf(start - 1), "not a header value");
  if (format === TOKEN) return isToken(start, length) || refuse(byteOf(start - 1), "not a token");
  if (format === NAME || format === HOST)
    return (
      isName(start, length) || refuse(byteOf(start - 1), "not a name of letters, digits, dots and dashes")
    );
  if (format === PATH) return load<u8>(start) === 47 || refuse(byteOf(start - 1), "must begin with /");
  if (format === CIDR) return checkCidr(start, length);
  return true;
}

function checkCidr(start: usize, length: u32): bool {
  const text = changetype<ByteString>(one);
  text.start = start;
  text.length = length;
  return buildCidrList(oneRange, one, 1) || refuse(byteOf(start - 1), cidrError);
}

/** Letters, digits and !#$%&'*+-.^_`|~ (RFC 9110). */
function isToken(start: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(start + i);
    // One bit for each of the 64 bytes from 0x20 and from 0x60 on.
    const allowed =
      byte < 0x20 || byte > 0x7f
        ? 0
        : byte < 0x60
          ? (0xc7fffffe03ff6cfa >>> (byte - 0x20)) & 1
          : (0x57ffffff >>> (byte - 0x60)) & 1;
    if (allowed === 0) return false;
  }
  return true;
}

/** No control characters but tabs, no white space at the ends. */
function isHeaderValue(start: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(start + i);
    if ((byte < 32 && byte !== 9) || byte === 127) return false;
  }
  return load<u8>(start) > 32 && load<u8>(start + length - 1) > 32;
}

/** Letters, digits, dots, dashes, underscores and colons (IPv6 addresses are hosts). */
function isName(start: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(start + i);
    const plain = lower(byte) - 97 < 26 || byte - 48 < 11 || byte === 45 || byte === 46 || byte === 95;
    if (!plain) return false;
  }
  return true;
}
