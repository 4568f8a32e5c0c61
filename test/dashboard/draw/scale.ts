/** Scale is a vertical axis: its marks, the last of which is its end. */
export interface Scale {
  readonly min: number;
  readonly max: number;
  readonly ticks: readonly number[];
}

/** scaleOf finds round marks, about as many as wanted, from zero up to something that holds the maximum. */
export function scaleOf(maximum: number, wanted: number, base: 10 | 60 | 1_024 = 10): Scale {
  const step = stepOf(Math.max(maximum, Number.MIN_VALUE * 2 ** 60) / wanted, base);
  const count = Math.max(1, Math.ceil(maximum / step - 1e-9));
  return {
    min: 0,
    max: count * step,
    ticks: Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12))),
  };
}

/** Above its base a unit has steps of its own: minutes are not marked every 100 s, nor mebibytes every million. */
function stepOf(rough: number, base: 10 | 60 | 1_024): number {
  if (base === 60 && rough > 20) {
    return [30, 60, 120, 300, 600, 1_800, 3_600].find((step) => step >= rough) ?? 3_600 * stepOf(rough / 3_600, 10);
  }
  const unit = base === 1_024 ? 1_024 ** Math.max(0, Math.floor(Math.log(rough) / Math.log(1_024))) : 1;
  const power = 10 ** Math.floor(Math.log10(rough / unit));
  return unit * power * ([1, 2, 5, 10].find((factor) => factor * power * unit >= rough * (1 - 1e-9)) ?? 10);
}
