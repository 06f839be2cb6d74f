/** The series of one reading of /metrics: values by name, each with its labels. */
export type Reading = ReadonlyMap<string, readonly Series[]>;

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads Prometheus' text format. Lines that are none are left out. */
export function readMetrics(text: string): Reading {
  const found = new Map<string, Series[]>();
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
    if (name === undefined) continue;
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key, text]);
    const series = { labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) };
    const others = found.get(name);
    if (others) others.push(series);
    else found.set(name, [series]);
  }
  return found;
}

/** Sum over the series of a metric that have these labels; 0 when there are none. */
export function total(reading: Reading, name: string, labels: Readonly<Record<string, string>> = {}): number {
  return (reading.get(name) ?? [])
    .filter((series) => Object.entries(labels).every(([key, value]) => series.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);
}
