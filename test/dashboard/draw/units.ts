/** formatValue writes a number as Grafana does for a unit: three digits that count, and the unit's own steps. */
export function formatValue(value: number, unit: string, decimals?: number): string {
  switch (unit) {
    case "s":
      return seconds(value, decimals);
    case "d":
      return `${digits(value, decimals)} ${value === 1 ? "day" : "days"}`;
    case "reqps":
      return `${digits(value, decimals)} req/s`;
    case "percentunit":
      return `${digits(value * 100, decimals)}%`;
    case "bytes":
      return steps(value, 1_024, ["B", "KiB", "MiB", "GiB"], decimals);
    case "short":
      return steps(value, 1_000, ["", "K", "Mil"], decimals);
    default:
      throw new Error(`the unit ${unit} is not known here`);
  }
}

function seconds(value: number, decimals: number | undefined): string {
  const size = Math.abs(value);
  if (size === 0) return "0 s";
  if (size < 1) return `${digits(value * 1_000, decimals)} ms`;
  if (size < 60) return `${digits(value, decimals)} s`;
  if (size < 3_600) return `${digits(value / 60, decimals)} min`;
  return `${digits(value / 3_600, decimals)} h`;
}

function steps(value: number, step: number, names: readonly string[], decimals: number | undefined): string {
  const power = Math.min(names.length - 1, Math.max(0, Math.floor(Math.log(Math.max(1, Math.abs(value))) / Math.log(step))));
  return `${digits(value / step ** power, decimals)} ${names[power] ?? ""}`.trim();
}

function digits(value: number, decimals: number | undefined): string {
  if (decimals !== undefined) return value.toFixed(decimals);
  return String(Number(value.toPrecision(3)));
}
