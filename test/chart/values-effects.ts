/** Effect is what setting one value changes in what is rendered: lines, or parts of lines, that come and that go. */
export interface Effect {
  readonly path: string;
  readonly value: unknown;
  readonly gains?: string;
  readonly loses?: string;
  /** Whether it has to be set alone, because another value would win over it, or it over others. */
  readonly alone?: true;
  /** Values that it needs beside it: a probe of the NetworkPolicy means nothing where there is none. */
  readonly beside?: Readonly<Record<string, unknown>>;
}

const split = { mode: "split" };
const monitors = { "metrics.serviceMonitor.enabled": true };
const podMonitor = { "metrics.podMonitor.enabled": true };
const alerts = { "metrics.prometheusRule.enabled": true };
const dashboard = { "metrics.dashboard.enabled": true };
const ingress = { "ingress.enabled": true, "ingress.host": "getabako.example.com" };
const route = { "httpRoute.enabled": true, "httpRoute.parentRefs": [{ name: "public" }] };
const policy = { "networkPolicy.enabled": true };

const monitorEffects = (path: string, kind: string, beside: Effect["beside"]): Effect[] =>
  [
    { path: `${path}.enabled`, value: true, gains: `kind: ${kind}` },
    { path: `${path}.namespace`, value: "monitoring", gains: 'namespace: "monitoring"' },
    { path: `${path}.labels`, value: { release: "prometheus" }, gains: "release: prometheus" },
    { path: `${path}.annotations`, value: { note: "n1" }, gains: "note: n1" },
    { path: `${path}.interval`, value: "15s", gains: "interval: 15s", loses: "interval: 30s" },
    { path: `${path}.scrapeTimeout`, value: "5s", gains: "scrapeTimeout: 5s" },
    { path: `${path}.relabelings`, value: [{ targetLabel: "cluster", replacement: "a" }], gains: "targetLabel: cluster" },
    { path: `${path}.metricRelabelings`, value: [{ action: "labeldrop", regex: "pod" }], gains: "action: labeldrop" },
  ].map((effect) => (effect.path.endsWith(".enabled") ? effect : { ...effect, beside: beside ?? {} }));

/** Each alert can be left out, and its severity, its time and its threshold show; the threshold is one that no standard has. */
const alertEffects = (names: readonly string[]): Effect[] =>
  names.map((name) => ({
    path: `metrics.prometheusRule.alerts.${name}`,
    value: { enabled: false },
    loses: `alert: ${name}`,
    beside: alerts,
  }));

/** alertNames are the alerts of the chart, in the order of values.yaml. */
export const alertNames = [
  "GetabakoDown",
  "GetabakoNoLeader",
  "GetabakoJobsWaiting",
  "GetabakoJobsStarved",
  "GetabakoWebhooksRejected",
  "GetabakoWebhooksUnavailable",
  "GetabakoWebhooksLost",
  "GetabakoRequestsFailing",
  "GetabakoAttemptsFailing",
  "GetabakoObjectNotReady",
  "GetabakoRunnerOutdated",
  "GetabakoGitHubRateLimitLow",
  "GetabakoSweepsFailing",
  "GetabakoProviderThrottled",
  "GetabakoProviderFailing",
] as const;

/** effects has a row for each value of the chart. */
export const effects: readonly Effect[] = [
  { path: "mode", alone: true, value: "split", gains: "--roles=intake\n", loses: "--roles=intake,controller" },
  { path: "replicas", value: 5, gains: "replicas: 5" },
  { path: "intake.replicas", value: 5, gains: "replicas: 5", beside: split },
  { path: "intake.resources", value: { requests: { cpu: "7m" } }, gains: "cpu: 7m", beside: split },
  { path: "intake.secretNames", value: ["webhooks-only"], gains: "- webhooks-only", beside: split },
  { path: "intake.serviceAccount.create", alone: true, value: false, gains: "serviceAccountName: default", beside: split },
  { path: "intake.serviceAccount.name", alone: true, value: "hooks", gains: "serviceAccountName: hooks", beside: split },
  { path: "intake.serviceAccount.annotations", value: { note: "hooks" }, gains: "note: hooks", beside: split },
  { path: "controller.replicas", value: 6, gains: "replicas: 6", beside: split },
  { path: "controller.resources", value: { requests: { cpu: "8m" } }, gains: "cpu: 8m", beside: split },
  { path: "image.repository", alone: true, value: "r.example.com/getabako", gains: 'image: "r.example.com/getabako:' },
  { path: "image.tag", alone: true, value: "1.2.3", gains: "localhost/getabako:1.2.3" },
  { path: "image.digest", alone: true, value: `sha256:${"a".repeat(64)}`, gains: "localhost/getabako@sha256:aaa" },
  { path: "image.pullPolicy", value: "Always", gains: "imagePullPolicy: Always", loses: "imagePullPolicy: IfNotPresent" },
  { path: "imagePullSecrets", value: [{ name: "registry" }], gains: "- name: registry" },
  { path: "nameOverride", alone: true, value: "shoes", gains: "app.kubernetes.io/name: shoes" },
  { path: "fullnameOverride", alone: true, value: "shoes", gains: "--lease-name=shoes" },
  { path: "commonLabels", value: { "cost-centre": "ci" }, gains: "cost-centre: ci" },
  { path: "watchNamespaces", alone: true, value: ["b", "a"], gains: "--watch-namespace=a,b", loses: "kind: ClusterRole\n" },
  { path: "watchNamespace", alone: true, value: "ci", gains: "--watch-namespace=ci", loses: "kind: ClusterRole\n" },
  { path: "secrets.namespaces", value: ["apps"], gains: 'namespace: "apps"' },
  { path: "secrets.names", value: ["github-app"], gains: "- github-app" },
  { path: "crds.install", value: false, loses: "kind: CustomResourceDefinition" },
  { path: "rbac.create", value: false, loses: "kind: ClusterRole\n" },
  { path: "rbac.userRoles", value: "Never", loses: "aggregate-to-view" },
  { path: "lease.create", value: false, loses: "kind: Lease" },
  {
    path: "serviceAccount.create",
    alone: true,
    value: false,
    gains: "serviceAccountName: default",
    loses: "kind: ServiceAccount\nmetadata",
  },
  { path: "serviceAccount.name", alone: true, value: "operator", gains: "serviceAccountName: operator" },
  {
    path: "serviceAccount.annotations",
    value: { "eks.amazonaws.com/role-arn": "arn" },
    gains: "eks.amazonaws.com/role-arn: arn",
  },
  { path: "logLevel", value: "debug", gains: "--log-level=debug" },
  { path: "workers", value: 64, gains: "--workers=64" },
  { path: "awsRateFactor", value: 2, gains: "--aws-rate-factor=2" },
  { path: "nodeOptions", value: "", loses: "NODE_OPTIONS" },
  { path: "proxy.httpsProxy", value: "http://proxy:3128", gains: "name: HTTPS_PROXY" },
  { path: "proxy.httpProxy", value: "http://proxy:3128", gains: "name: HTTP_PROXY" },
  { path: "proxy.noProxy", value: ".example.com", gains: "name: NO_PROXY" },
  { path: "proxy.secretName", value: "proxy", gains: 'secretRef:\n                name: "proxy"' },
  {
    path: "caBundle.configMap",
    value: "corp-ca",
    gains: "NODE_EXTRA_CA_CERTS\n              value: /etc/getabako/ca-bundle/ca.crt",
  },
  {
    path: "caBundle.key",
    value: "bundle.pem",
    gains: "/etc/getabako/ca-bundle/bundle.pem",
    beside: { "caBundle.configMap": "corp-ca" },
  },
  { path: "extraEnv", value: [{ name: "A", value: "a" }], gains: "- name: A\n" },
  { path: "extraEnvFrom", value: [{ configMapRef: { name: "aws" } }], gains: "configMapRef:" },
  { path: "extraVolumes", value: [{ name: "tmp", emptyDir: {} }], gains: "emptyDir: {}" },
  { path: "extraVolumeMounts", value: [{ name: "tmp", mountPath: "/tmp" }], gains: "mountPath: /tmp" },
  { path: "resources", value: { limits: { memory: "1Gi" } }, gains: "memory: 1Gi" },
  { path: "service.type", alone: true, value: "LoadBalancer", gains: "type: LoadBalancer" },
  { path: "service.port", value: 8000, gains: "port: 8000" },
  { path: "service.nodePort", value: 30_080, gains: "nodePort: 30080", beside: { "service.type": "NodePort" } },
  { path: "service.annotations", value: { note: "n2" }, gains: "note: n2" },
  { path: "metrics.service.port", value: 9100, gains: "port: 9100" },
  { path: "metrics.service.annotations", value: { note: "n3" }, gains: "note: n3" },
  ...monitorEffects("metrics.serviceMonitor", "ServiceMonitor", monitors),
  ...monitorEffects("metrics.podMonitor", "PodMonitor", podMonitor),
  { path: "metrics.prometheusRule.enabled", value: true, gains: "kind: PrometheusRule" },
  { path: "metrics.prometheusRule.namespace", value: "monitoring", gains: 'namespace: "monitoring"', beside: alerts },
  { path: "metrics.prometheusRule.labels", value: { release: "prometheus" }, gains: "release: prometheus", beside: alerts },
  { path: "metrics.prometheusRule.annotations", value: { note: "n4" }, gains: "note: n4", beside: alerts },
  { path: "metrics.prometheusRule.alertLabels", value: { team: "ci" }, gains: "team: ci", beside: alerts },
  {
    path: "metrics.prometheusRule.runbookUrl",
    value: "https://docs.example.com/",
    gains: "https://docs.example.com/GetabakoDown.md",
    beside: alerts,
  },
  { path: "metrics.prometheusRule.matchers", value: 'cluster="a"', gains: String.raw`up{cluster=\"a\",pod=`, beside: alerts },
  ...alertEffects(alertNames),
  { path: "metrics.prometheusRule.extraRules", value: [{ record: "a:b", expr: "up" }], gains: "record: a:b", beside: alerts },
  { path: "metrics.dashboard.enabled", value: true, gains: "getabako.json: |" },
  { path: "metrics.dashboard.namespace", value: "monitoring", gains: 'namespace: "monitoring"', beside: dashboard },
  { path: "metrics.dashboard.labels", value: { grafana_dashboard: "yes" }, gains: 'grafana_dashboard: "yes"', beside: dashboard },
  { path: "metrics.dashboard.annotations", value: { folder: "CI" }, gains: "folder: CI", beside: dashboard },
  { path: "ingress.enabled", value: true, gains: "kind: Ingress", beside: { "ingress.host": "getabako.example.com" } },
  { path: "ingress.className", value: "nginx", gains: 'ingressClassName: "nginx"', beside: ingress },
  { path: "ingress.annotations", value: { note: "n5" }, gains: "note: n5", beside: ingress },
  { path: "ingress.host", value: "ci.example.com", gains: 'host: "ci.example.com"', beside: { "ingress.enabled": true } },
  { path: "ingress.tls.secretName", value: "tls", gains: 'secretName: "tls"', beside: ingress },
  { path: "httpRoute.enabled", value: true, gains: "kind: HTTPRoute", beside: { "httpRoute.parentRefs": [{ name: "public" }] } },
  { path: "httpRoute.parentRefs", value: [{ name: "public" }], gains: "- name: public", beside: { "httpRoute.enabled": true } },
  { path: "httpRoute.hostnames", value: ["ci.example.com"], gains: "- ci.example.com", beside: route },
  { path: "httpRoute.labels", value: { team: "ci" }, gains: "team: ci", beside: route },
  { path: "httpRoute.annotations", value: { note: "n6" }, gains: "note: n6", beside: route },
  { path: "networkPolicy.enabled", value: true, gains: "kind: NetworkPolicy" },
  {
    path: "networkPolicy.webhookFrom",
    value: [{ ipBlock: { cidr: "192.30.252.0/22" } }],
    gains: "192.30.252.0/22",
    beside: policy,
  },
  { path: "networkPolicy.metricsFrom", value: [{ podSelector: { matchLabels: { a: "b" } } }], gains: "a: b", beside: policy },
  { path: "networkPolicy.egress.enabled", value: false, loses: "- Egress", beside: policy },
  { path: "networkPolicy.egress.ports", value: [8443], gains: "port: 8443", beside: policy },
  { path: "networkPolicy.egress.to", value: [{ ipBlock: { cidr: "10.0.0.0/8" } }], gains: "10.0.0.0/8", beside: policy },
  { path: "networkPolicy.egress.extra", value: [{ ports: [{ port: 3128 }] }], gains: "port: 3128", beside: policy },
  { path: "podDisruptionBudget.enabled", value: false, loses: "kind: PodDisruptionBudget" },
  { path: "podDisruptionBudget.maxUnavailable", value: "50%", gains: "maxUnavailable: 50%" },
  { path: "podAnnotations", value: { note: "n7" }, gains: "note: n7" },
  { path: "podLabels", value: { team: "ci" }, gains: "team: ci" },
  { path: "nodeSelector", value: { disk: "ssd" }, gains: "disk: ssd" },
  { path: "tolerations", value: [{ key: "system", operator: "Exists" }], gains: "key: system" },
  { path: "affinity", value: { nodeAffinity: {} }, gains: "nodeAffinity: {}" },
  { path: "topologySpreadConstraints", value: [], loses: "topologySpreadConstraints:" },
  { path: "priorityClassName", value: "system-cluster-critical", gains: 'priorityClassName: "system-cluster-critical"' },
  { path: "terminationGracePeriodSeconds", value: 90, gains: "terminationGracePeriodSeconds: 90" },
  { path: "preStopSleepSeconds", value: 0, loses: "preStop:" },
  { path: "podSecurityContext", value: { runAsUser: 1000 }, gains: "runAsUser: 1000" },
  { path: "securityContext", value: { readOnlyRootFilesystem: false }, gains: "readOnlyRootFilesystem: false" },
  ...["startup", "liveness", "readiness"].flatMap((probe, index) => [
    { path: `probes.${probe}.periodSeconds`, value: 11 + index, gains: `periodSeconds: ${11 + index}\n` },
    { path: `probes.${probe}.failureThreshold`, value: 21 + index, gains: `failureThreshold: ${21 + index}\n` },
    ...(probe === "startup"
      ? []
      : [{ path: `probes.${probe}.timeoutSeconds`, value: 31 + index, gains: `timeoutSeconds: ${31 + index}\n` }]),
  ]),
  { path: "helmTest.enabled", value: false, loses: "helm.sh/hook: test" },
  { path: "helmTest.appId", value: 123_456, gains: 'value: "123456"' },
  { path: "extraObjects", value: [{ kind: "ConfigMap", note: "{{ .Release.Name }}" }], gains: "note: 'getabako'" },
];

/** nested makes a map of a path and a value: {"a.b": 1} is {a: {b: 1}}. */
export function nested(flat: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(flat)) {
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    let at = result;
    for (const key of keys) at = (at[key] ??= {}) as Record<string, unknown>;
    at[last] = value;
  }
  return result;
}
