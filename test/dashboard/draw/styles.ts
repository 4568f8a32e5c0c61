const light = {
  page: "#f4f5f5",
  panel: "#ffffff",
  edge: "#dcdee0",
  text: "#24292e",
  dim: "#5f666d",
  grid: "#e4e6e8",
  green: "#1a7f4b",
  orange: "#c2570c",
  red: "#c4162a",
  c0: "#37872d",
  c1: "#c79c00",
  c2: "#1f60c4",
  c3: "#e05f00",
  c4: "#c4162a",
  c5: "#8f3bb8",
  c6: "#0f8f8f",
  c7: "#7c5a2c",
  c8: "#b0487c",
  c9: "#5b6770",
};

const dark: typeof light = {
  page: "#111217",
  panel: "#181b1f",
  edge: "#2c3036",
  text: "#e3e4e8",
  dim: "#9fa3ab",
  grid: "#2a2e34",
  green: "#73bf69",
  orange: "#ff9830",
  red: "#f2495c",
  c0: "#73bf69",
  c1: "#fade2a",
  c2: "#5794f2",
  c3: "#ff9830",
  c4: "#f2495c",
  c5: "#b877d9",
  c6: "#56d0d0",
  c7: "#c0a16b",
  c8: "#ff85b8",
  c9: "#a8b0b8",
};

const seriesColors = ["green", "orange", "red", "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9"] as const;

/** No variables: renderers other than browsers' know classes only. */
const rules = (colors: typeof light): string =>
  [
    `.page{fill:${colors.page}}.panel{fill:${colors.panel};stroke:${colors.edge}}.grid{stroke:${colors.grid}}`,
    `.t{fill:${colors.text}}.dim,.bg.none{fill:${colors.dim}}.course{fill:${colors.text}}`,
    ...seriesColors.map((name) => `.l.${name}{stroke:${colors[name]}}.a.${name},.f.${name},.t.${name}{fill:${colors[name]}}`),
  ].join("");

/** styles is the picture's style sheet: text stays text, and the reader's colour scheme decides on the colours. */
export const styles = [
  rules(light),
  ".bold,.big{font-weight:600}.l{fill:none;stroke-width:1.5;stroke-linejoin:round}.course{fill-opacity:.15}",
  // White text lies on these, whatever the scheme.
  `.bg.green{fill:${light.green}}.bg.orange{fill:${light.orange}}.bg.red{fill:${light.red}}`,
  `.course.on{fill:#fff;fill-opacity:.25}.t.on{fill:#fff}`,
  `@media(prefers-color-scheme:dark){${rules(dark)}.course.on,.t.on{fill:#fff}}`,
].join("");
