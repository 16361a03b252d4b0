// The encoder of what assembly/start/unpack.ts decodes: matches and literals in bits, each bit coded by how likely it
// was in its context so far (a range coder as LZMA's). Same bytes in, same bytes out, on every machine.

// Contexts; unpack.ts has the same numbers.
const IS_MATCH = 0; // + whether a match came before
const IS_SAME_OFFSET = 2;
const LENGTH = 8;
const OFFSET = 72;
const LITERAL = 136; // + 256 for each place in a word of four bytes
export const CONTEXTS = LITERAL + 1024;

const HALF = 1024;
const RATE = 4;
const MAX_MATCH = 1024;
/** A match of this length is taken whole. */
const LONG = 64;
const MAX_CANDIDATES = 48;
const PASSES = 3;

class Encoder {
  bytes = [];
  chances = new Uint16Array(CONTEXTS).fill(HALF);
  low = 0;
  range = 0xffffffff;
  cache = 0;
  pending = 0;
  begun = false;

  bit(context, bit) {
    const chance = this.chances[context];
    const bound = (this.range >>> 11) * chance;
    if (bit === 0) {
      this.range = bound;
      this.chances[context] = chance + ((2048 - chance) >> RATE);
    } else {
      this.low += bound;
      this.range -= bound;
      this.chances[context] = chance - (chance >> RATE);
    }
    if (this.range < 2 ** 24) {
      this.range = this.range * 256;
      this.shift();
    }
  }

  /** Lets the top byte go, unless a carry may still change it. */
  shift() {
    if (this.low < 0xff000000 || this.low >= 2 ** 32) {
      const carry = this.low >= 2 ** 32 ? 1 : 0;
      if (this.begun) this.bytes.push((this.cache + carry) & 255);
      for (; this.pending > 0; this.pending--) this.bytes.push((255 + carry) & 255);
      this.begun = true;
      this.cache = Math.floor(this.low / 2 ** 24) & 255;
    } else this.pending += 1;
    this.low = (this.low % 2 ** 24) * 256;
  }

  finish() {
    for (let i = 0; i < 5; i++) this.shift();
    return Uint8Array.from(this.bytes);
  }
}

/** The bits of a number from 1: its size in bits in unary, then the bits below the first, with their contexts. */
function* bitsOf(base, value) {
  const size = 31 - Math.clz32(value);
  for (let i = 0; i < size; i++) yield [base + i, 1];
  yield [base + size, 0];
  for (let i = size - 1; i >= 0; i--) yield [base + 32 + i, (value >> i) & 1];
}

function* bitsOfLiteral(byte, at) {
  let tree = 1;
  for (let i = 7; i >= 0; i--) {
    const bit = (byte >> i) & 1;
    yield [LITERAL + ((at & 3) << 8) + tree, bit];
    tree = tree * 2 + bit;
  }
}

/** What the cheapest way through the data is made of, by the prices that the last way has led to. */
function parse(data, start, chances, found) {
  const costs0 = new Float64Array(CONTEXTS);
  const costs1 = new Float64Array(CONTEXTS);
  for (let i = 0; i < CONTEXTS; i++) {
    costs0[i] = -Math.log2(chances[i] / 2048);
    costs1[i] = -Math.log2(1 - chances[i] / 2048);
  }
  const price = (bits) => {
    let sum = 0;
    for (const [context, bit] of bits) sum += bit === 0 ? costs0[context] : costs1[context];
    return sum;
  };
  const lengths = Array.from({ length: MAX_MATCH + 1 }, (_, n) => (n === 0 ? 0 : price(bitsOf(LENGTH, n))));
  const literals = Array.from({ length: 1024 }, (_, i) => price(bitsOfLiteral(i & 255, i >> 8)));
  // States: at each place, having come by a literal (0) or by a match (1), with the last offset.
  const best = [0, 1].map(() => new Float64Array(data.length + 1).fill(Infinity));
  const from = [0, 1].map(() => new Array(data.length + 1));
  const last = [0, 1].map(() => new Int32Array(data.length + 1));
  best[0][0] = 0;
  for (let at = 0; at < data.length; at++) {
    for (const state of [0, 1]) {
      const here = best[state][at];
      if (here === Infinity) continue;
      const literal = here + costs0[IS_MATCH + state] + literals[(((start + at) & 3) << 8) | data[at]];
      if (literal < best[0][at + 1]) {
        best[0][at + 1] = literal;
        from[0][at + 1] = { state, length: 1, offset: 0 };
        last[0][at + 1] = last[state][at];
      }
      const try_ = (offset, longest, cost) => {
        for (let length = longest >= LONG ? longest : 1; length <= longest; length++) {
          const total = cost + lengths[length];
          if (total < best[1][at + length]) {
            best[1][at + length] = total;
            from[1][at + length] = { state, length, offset };
            last[1][at + length] = offset;
          }
        }
      };
      const begin = here + costs1[IS_MATCH + state];
      const same = last[state][at];
      if (same > 0 && state === 0) try_(same, matchLength(data, at, same), begin + costs1[IS_SAME_OFFSET]);
      for (const [offset, longest] of found[at])
        try_(
          offset,
          longest,
          begin + (state === 0 ? costs0[IS_SAME_OFFSET] : 0) + price(bitsOf(OFFSET, offset)),
        );
    }
  }
  const parts = [];
  let state = best[0][data.length] <= best[1][data.length] ? 0 : 1;
  for (let at = data.length; at > 0;) {
    const part = from[state][at];
    parts.push(part);
    at -= part.length;
    state = part.state;
  }
  return parts.reverse();
}

function matchLength(data, at, offset) {
  if (offset > at) return 0;
  let length = 0;
  while (at + length < data.length && length < MAX_MATCH && data[at + length] === data[at + length - offset])
    length++;
  return length;
}

/** Offsets of earlier places that go on alike, nearest first, each longer than all nearer ones. */
function candidates(data) {
  const heads = new Map();
  const previous = new Int32Array(data.length).fill(-1);
  return Array.from(data, (byte, at) => {
    const key = (byte << 8) | (data[at + 1] ?? 0);
    const found = [];
    let longest = 1;
    let place = heads.get(key) ?? -1;
    for (let i = 0; place >= 0 && i < MAX_CANDIDATES; i++, place = previous[place]) {
      const length = matchLength(data, at, at - place);
      if (length > longest) {
        found.push([at - place, length]);
        longest = length;
      }
    }
    previous[at] = heads.get(key) ?? -1;
    heads.set(key, at);
    return found;
  });
}

function encode(encoder, data, start, parts) {
  const write = (bits) => {
    for (const [context, bit] of bits) encoder.bit(context, bit);
  };
  let at = 0;
  let last = 0;
  let before = 0;
  for (const { length, offset } of parts) {
    encoder.bit(IS_MATCH + before, offset > 0 ? 1 : 0);
    if (offset === 0) write(bitsOfLiteral(data[at], start + at));
    else {
      if (before === 0) encoder.bit(IS_SAME_OFFSET, offset === last ? 1 : 0);
      if (before === 1 || offset !== last) write(bitsOf(OFFSET, offset));
      write(bitsOf(LENGTH, length));
      last = offset;
    }
    before = offset > 0 ? 1 : 0;
    at += length;
  }
}

/**
 * Packs chunks `{ start, bytes }` of memory, in the order of addresses. Each begins anew with literals and matches,
 * keeps the chances, and repeats nothing of the others.
 */
export function squeeze(chunks) {
  const found = chunks.map(({ bytes }) => candidates(bytes));
  let chances = new Uint16Array(CONTEXTS).fill(HALF);
  let best;
  for (let i = 0; i < PASSES; i++) {
    const encoder = new Encoder();
    for (const [j, { start, bytes }] of chunks.entries())
      encode(encoder, bytes, start, parse(bytes, start, chances, found[j]));
    const packed = encoder.finish();
    chances = encoder.chances;
    if (best === undefined || packed.length < best.length) best = packed;
  }
  return best;
}
