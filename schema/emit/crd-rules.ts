// What the fields of one object must agree on, in CEL, for the API server: the counterpart of the checks that
// `validate` makes by code. By the name of the object's type.

export interface Rule {
  rule: string;
  message: string;
}

const rises = (low: string, high: string): Rule => ({
  rule: `duration(self.${low}) <= duration(self.${high})`,
  message: `\`${high}\` is below \`${low}\``,
});

const timeOfDay = "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$";

export const objectRules: Readonly<Record<string, readonly Rule[]>> = {
  UniformDelay: [rises("min", "max")],
  NormalDelay: [rises("mean", "max")],
  ParetoDelay: [rises("min", "max")],
  FaultDelay: [
    {
      rule: "!has(self.percentiles) || self.percentiles.all(p, p.matches('^p(100|[0-9]{1,2}([.][0-9]{1,4})?)$'))",
      message: "percentiles are p0 to p100, such as p50 or p99.9",
    },
  ],
  FaultSchedule: [
    {
      rule: "!has(self.from) || !has(self.until) || self.from < self.until",
      message: "`until` is not after `from`",
    },
  ],
  WeeklyWindow: [
    {
      rule: `self.start.matches('${timeOfDay}') && self.end.matches('${timeOfDay}')`,
      message: "a time of day is written as 09:30, up to 24:00",
    },
    {
      rule: "self.start < self.end",
      message: "`end` is not after `start`; for a window over midnight write two",
    },
  ],
  FaultStopWhen: [
    {
      rule: "!has(self.requestsBelow) || self.requestsBelow.matches('^0*[1-9][0-9]{0,8}/[sm]$')",
      message: "write `requestsBelow` as 5/s or 30/m",
    },
  ],
  RateLimit: [
    {
      rule: "has(self.key) || !has(self.overrides) || self.overrides.all(o, !has(o.values))",
      message: "`values` of an override are compared with the key's first part, and the limit has no `key`",
    },
  ],
  HeaderRoutingRule: [
    {
      rule: "!has(self.destinations) || self.destinations.exists(d, !has(d.weight) || d.weight > 0)",
      message: "all weights are 0; give one a weight above 0",
    },
  ],
  Dimension: [
    {
      rule: "!(self.name in ['virtual_host', 'route', 'response_code', 'dimensions', 'le', 'quantile'])",
      message: "the metrics have a label of this name already",
    },
    {
      rule: "self.name.matches('^[A-Za-z][A-Za-z0-9_]*$')",
      message: "a label has letters, digits and underscores only, and a letter first",
    },
  ],
};

/** On texts; an evaluation that fails refuses too, which is how an expression that RE2 does not have is found. */
export const formatRules: Readonly<Record<string, Rule & { cost: number }>> = {
  regex: {
    rule: "''.matches(self) || !''.matches(self)",
    message: "is not an expression of RE2",
    cost: 2_500,
  },
  cidr: {
    rule: "isCIDR(self) || isIP(self)",
    message: "is not an address or a range of addresses",
    cost: 30,
  },
};

/** On objects whose keys the user chooses. */
export const keyRules: Readonly<Record<string, Rule>> = {
  headerName: {
    rule: "self.all(k, k.matches('^[!#$%&*+.^_`|~0-9A-Za-z-]+$'))",
    message: "a key is not a header name",
  },
};
