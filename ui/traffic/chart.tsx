// A line over the last minutes, with uPlot. Colours come from the page's own, so a change of theme makes it anew.

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Point } from "../../server/metrics-service/report.ts";

export interface Series {
  label: string;
  /** Name of a custom property that holds the colour. */
  colour: string;
  value: (point: Point) => number | null;
  isFilled?: boolean;
}

interface Props {
  label: string;
  points: readonly Point[];
  series: readonly Series[];
  format: (value: number) => string;
  theme: string;
  height: number;
}

/** The picture spans so much, however little of it is known yet. */
const spanSeconds = 300;

export function Chart({ label, points, series, format, theme, height }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const newest = useRef<uPlot.AlignedData>([[]]);
  newest.current = [
    points.map(({ at }) => at / 1000),
    ...series.map(({ value }) => points.map(value)),
  ] as uPlot.AlignedData;
  // Series and format are constants of the caller.
  useEffect(() => {
    const { current } = element;
    if (current === null) return undefined;
    const made = new uPlot(optionsOf(current, series, format, height), newest.current, current);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: current.clientWidth, height }));
    observer.observe(current);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [theme, height]);
  useEffect(() => plot.current?.setData(newest.current), [points]);
  return (
    <figure class="chart">
      <figcaption>
        {label}
        <span class="legend">
          {series.map(({ label: name, colour }) => (
            <span key={name}>
              <i style={{ background: `var(${colour})` }} />
              {name}
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={element} role="img" aria-label={`${label}, last five minutes`} />
    </figure>
  );
}

function optionsOf(
  element: HTMLElement,
  series: readonly Series[],
  format: (value: number) => string,
  height: number,
): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--soft"),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour("--grid"), width: 1 },
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 6, 0, 0],
    scales: {
      x: { time: true, range: (_, __, max) => [(max ?? 0) - spanSeconds, max ?? 0] },
      y: { range: (_, __, max) => [0, Math.max(max ?? 0, 1) * 1.15] },
    },
    axes: [
      { ...axis, space: 58, size: 24, values: (_, at) => at.map(clock) },
      { ...axis, space: 34, size: 52, gap: 6, values: (_, values) => values.map(format) },
    ],
    series: [
      {},
      ...series.map(({ label, colour: name, isFilled }) => ({
        label,
        stroke: colour(name),
        width: 2,
        points: { show: false },
        spanGaps: false,
        ...(isFilled && { fill: `${colour(name)}24` }),
      })),
    ],
  };
}

const clock = (seconds: number): string =>
  new Date(seconds * 1000).toLocaleTimeString("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
