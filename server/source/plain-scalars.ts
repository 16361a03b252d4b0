// Plain scalars that YAML 1.1 and 1.2 read differently. We read 1.2; kubectl and many others still read 1.1,
// so the same file would mean two things.
// Sources: the YAML 1.1 type repository (bool, int, float); YAML 1.2.2, chapter 10.3, the core schema.

/** What to say of a plain scalar that is read differently; undefined for all others. */
export function readDifferently(source: string): string | undefined {
  const other = inYaml11(source);
  if (other === undefined) return undefined;
  const now = inYaml12(source);
  return `${source} is ${other} in YAML 1.1 but ${now} in YAML 1.2, which is read here; ${advice(source, now)}`;
}

function inYaml11(source: string): string | undefined {
  if (/^(y|yes|on)$/i.test(source)) return "true";
  if (/^(n|no|off)$/i.test(source)) return "false";
  const digits = source.replaceAll("_", "");
  if (/^[-+]?0[0-7_]+$/.test(source)) return `the number ${Number.parseInt(digits, 8)}, in octal,`;
  if (/^[-+]?0[0-9]*[89][0-9]*$/.test(source)) return "a text";
  if (/^0o[0-7]+$/.test(source)) return "a text";
  if (/^[-+]?0b[01_]+$/.test(source)) return `the number ${Number.parseInt(digits.replace("0b", ""), 2)}`;
  if (/^[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$/.test(source))
    return `the number ${sexagesimal(digits)}`;
  if (
    source.includes("_") &&
    /^[-+]?(0x[0-9a-fA-F_]+|[0-9][0-9_]*(\.[0-9_]*)?([eE][-+][0-9]+)?)$/.test(source)
  )
    return `the number ${Number(digits)}`;
  if (/^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][0-9]+$/.test(source)) return "a text";
  if (/^[-+]?[0-9]+[eE][-+][0-9]+$/.test(source)) return "a text";
  return undefined;
}

function inYaml12(source: string): string {
  if (/^[-+]?[0-9]+$/.test(source)) return `the number ${Number(source)}`;
  if (/^0o[0-7]+$/.test(source)) return `the number ${Number.parseInt(source.slice(2), 8)}`;
  if (/^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$/.test(source))
    return `the number ${Number(source)}`;
  return "a text";
}

function advice(source: string, now: string): string {
  if (/^(y|yes|on)$/i.test(source)) return `write true, or "${source}" in quotes`;
  if (/^(n|no|off)$/i.test(source)) return `write false, or "${source}" in quotes`;
  return now === "a text"
    ? `write "${source}" in quotes, or the number in decimal`
    : `write ${now.replace("the number ", "")}, or "${source}" in quotes`;
}

/** `1:30` is 90: digits to the base of 60. */
function sexagesimal(digits: string): number {
  const negative = digits.startsWith("-");
  const parts = digits.replace(/^[-+]/, "").split(":").map(Number);
  const value = parts.reduce((sum, part) => sum * 60 + part, 0);
  return negative ? -value : value;
}
