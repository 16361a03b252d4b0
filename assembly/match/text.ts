// One condition on a text. An empty condition holds for every text that is present.

import { containsBytes, equals, sameBytes, sameIgnoringCase } from "../bytes";
import { StringMatch, StringMatchHas } from "../generated/records";
import { matchesRegex } from "../regex/match";
import { ByteSet, byteSetHas } from "../set";

export function textMatches(condition: StringMatch, start: usize, length: u32): bool {
  const given = condition.present;
  if (given & StringMatchHas.exact_)
    return equals(condition.exactStart, condition.exactLength, start, length);
  if (given & StringMatchHas.prefix_) {
    const size = condition.prefixLength;
    return size <= length && sameBytes(condition.prefixStart, start, size);
  }
  if (given & StringMatchHas.suffix_) {
    const size = condition.suffixLength;
    return size <= length && sameBytes(condition.suffixStart, start + (length - size), size);
  }
  if (given & StringMatchHas.contains_)
    return containsBytes(start, length, condition.containsStart, condition.containsLength);
  if (given & StringMatchHas.regex_) return matchesRegex(condition.regexCompiled, start, length);
  if (given & StringMatchHas.in_) return byteSetHas(changetype<ByteSet>(condition.inIndex), start, length);
  return true;
}

/** As textMatches; exact and prefix take ASCII letters of either case for equal. */
export function textMatchesIgnoringCase(condition: StringMatch, start: usize, length: u32): bool {
  const given = condition.present;
  if (given & StringMatchHas.exact_)
    return condition.exactLength === length && sameIgnoringCase(condition.exactStart, start, length);
  if (given & StringMatchHas.prefix_)
    return (
      condition.prefixLength <= length &&
      sameIgnoringCase(condition.prefixStart, start, condition.prefixLength)
    );
  return textMatches(condition, start, length);
}
