import { stringify } from "yaml";
import type { KindDefinition } from "../../src/api/kind.ts";
import { customResourceDefinition } from "./crd.ts";
import { type GeneratedFile, generatedFrom } from "./generated-file.ts";

const notice = generatedFrom("src/api");

/** crdFiles are the CRDs as people apply them by hand, and the chart's copies. */
export function crdFiles(kinds: readonly KindDefinition[]): GeneratedFile[] {
  return kinds.flatMap((kind) => {
    const crd = customResourceDefinition(kind);
    return [
      { path: `crds/${kind.plural}.yaml`, content: `# ${notice}\n${print(crd)}` },
      { path: `charts/getabako/templates/crds/${kind.plural}.yaml`, content: chartTemplate(crd) },
    ];
  });
}

/**
 * chartTemplate makes a CRD a Helm template: unlike files in a chart's crds/ folder it is upgraded with the release, and
 * the annotation keeps it, with all its objects, when the release is uninstalled.
 */
export function chartTemplate(crd: Record<string, unknown>): string {
  const metadata = { ...(crd["metadata"] as object), annotations: { "helm.sh/resource-policy": "keep" } };
  const body = print({ ...crd, metadata }).replaceAll("{{", '{{ "{{" }}');
  return `{{- /* ${notice} */ -}}\n{{- if .Values.crds.install }}\n${body}{{- end }}\n`;
}

/** print writes YAML that means the same to a YAML 1.1 parser, as the API server's and Helm's are: it quotes "no" and "on". */
function print(value: unknown): string {
  return stringify(value, { schema: "yaml-1.1", lineWidth: 130, aliasDuplicateObjects: false });
}
