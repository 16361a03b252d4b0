// What was made from an object of the configuration, kept for as long as that object lives. Specs are never
// changed in place, and the source gives an unedited document the same spec object again: so an edit costs
// only what it touches, whichever build asks.

export class Memo<Key extends object, Value> {
  readonly #byObject = new WeakMap<Key, Map<string, Value>>();
  readonly #maxVariants: number;

  /** Variants kept of one object: a route on several ports, or before and after another resource's edit. */
  constructor(maxVariants = 16) {
    this.#maxVariants = maxVariants;
  }

  /** `variant` names everything that the value depends on besides `object`. */
  get(object: Key, variant: string, make: () => Value): Value {
    const values = this.#byObject.get(object) ?? new Map<string, Value>();
    this.#byObject.set(object, values);
    const known = values.get(variant);
    if (known !== undefined) return known;
    const made = make();
    values.set(variant, made);
    const oldest = values.keys().next().value;
    if (values.size > this.#maxVariants && oldest !== undefined) values.delete(oldest);
    return made;
  }
}

const numbers = new WeakMap<object, string>();
let counted = 0;

/** A text that stands for this very object in a variant; empty for none. */
export function variantOf(object: object | undefined): string {
  if (object === undefined) return "";
  const known = numbers.get(object) ?? String(++counted);
  numbers.set(object, known);
  return known;
}
