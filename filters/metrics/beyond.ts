// Label sets beyond maxSeries, for metrics of which only the response's class stays then.

import { stableHash } from "../../assembly/hash";
import { BAD_LIST, countFailure, SERIES_FULL } from "./failures";
import { classLabel, high, low, resetHash } from "./labels";
import { admitSeries, isListDamaged, reserveSeries, Series, SeriesList } from "./series";

/** Whether the series that admitOrClass gave last is the class's. */
export let isBeyond: bool = false;

/** The series of the labels at hand, or that of the class, which `part` tells apart from other metrics'. */
export function admitOrClass(list: SeriesList, maxSeries: u32, part: u64): Series | null {
  const series = admitSeries(list, low, high, maxSeries);
  isBeyond = series === null;
  if (series !== null) return series;
  countFailure(isListDamaged ? BAD_LIST : SERIES_FULL);
  resetHash(part, stableHash(classLabel.start, classLabel.length, part + 1));
  return reserveSeries(low, high);
}
