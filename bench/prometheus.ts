/** Sample is one line of a metrics page. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** samplesOf reads the samples of some metrics off a page in Prometheus' text format; the pages are large, so the rest is skipped. */
export function samplesOf(page: string, names: readonly string[]): Sample[] {
  const samples: Sample[] = [];
  for (const line of page.split("\n")) {
    const end = line.search(/[ {]/);
    if (end <= 0 || !names.includes(line.slice(0, end))) continue;
    const text = line.includes("{") ? line.slice(line.indexOf("{") + 1, line.lastIndexOf("}")) : "";
    const labels = [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name = "", value = ""]) => [name, value] as const);
    samples.push({
      name: line.slice(0, end),
      labels: Object.fromEntries(labels),
      value: Number(line.slice(line.lastIndexOf(" ") + 1)),
    });
  }
  return samples;
}

/** sumOf adds the samples of a page up that have certain labels. */
export function sumOf(page: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
  return samplesOf(page, [name])
    .filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);
}
