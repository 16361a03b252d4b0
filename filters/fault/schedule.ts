// When a fault is active: between two dates, and inside windows of the week, in UTC.

const DAY_MS: u64 = 86_400_000;
const MINUTE_MS: u64 = 60_000;

/** Minutes of the day in which a fault is active, on the days whose bit is set (Monday = 1, Sunday = 64). */
@unmanaged
export class Window {
  days: u32;
  startMinute: u16;
  /** Exclusive; 1440 is midnight. */
  endMinute: u16;
}


@unmanaged
export class Schedule {
  /** Milliseconds since 1970; 0: from ever. */
  fromMs: u64;
  /** Exclusive; 0: for ever. */
  untilMs: u64;
  /** 0 windows: at any time of the week. */
  windows: usize;
  count: u32;
}

export function isActive(schedule: Schedule, wallMs: u64): bool {
  if (wallMs < schedule.fromMs) return false;
  if (schedule.untilMs !== 0 && wallMs >= schedule.untilMs) return false;
  const count = schedule.count;
  if (count === 0) return true;
  // 1 January 1970 was a Thursday, the fourth day from Monday.
  const weekday = (wallMs / DAY_MS + 3) % 7;
  const day: u32 = 1 << (<u32>weekday);
  const minute = <u32>((wallMs % DAY_MS) / MINUTE_MS);
  for (let index: u32 = 0; index < count; index++) {
    const window = changetype<Window>(schedule.windows + <usize>index * offsetof<Window>());
    if ((window.days & day) !== 0 && minute >= window.startMinute && minute < window.endMinute) return true;
  }
  return false;
}

/** Minutes of `HH:MM` up to 24:00; -1 when it is not of that form. */
export function minuteOfDay(start: usize, length: u32): i32 {
  if (length !== 5 || load<u8>(start + 2) !== 0x3a) return -1;
  const hours = twoDigits(start);
  const minutes = twoDigits(start + 3);
  if (hours < 0 || minutes < 0 || minutes > 59) return -1;
  const total = hours * 60 + minutes;
  return total > 1440 ? -1 : total;
}

function twoDigits(start: usize): i32 {
  const tens = <i32>load<u8>(start) - 48;
  const ones = <i32>load<u8>(start + 1) - 48;
  if (tens < 0 || tens > 9 || ones < 0 || ones > 9) return -1;
  return tens * 10 + ones;
}
