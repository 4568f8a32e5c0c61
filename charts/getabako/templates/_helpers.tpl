{{/* 52 characters leave room for the suffixes of names that may have 63. */}}
{{- define "getabako.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "getabako.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "getabako.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "getabako.name" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: getabako
{{- /* A label that is given twice would be refused. */}}
{{- with omit .Values.commonLabels "helm.sh/chart" "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/version" "app.kubernetes.io/managed-by" "app.kubernetes.io/part-of" "app.kubernetes.io/component" }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What all pods of the release have in common, that of `helm test` among them. */}}
{{- define "getabako.releaseLabels" -}}
app.kubernetes.io/name: {{ include "getabako.name" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* The pods of one component, from (dict "root" $ "component" ...). The component keeps the pod of `helm test` out of the Services. */}}
{{- define "getabako.selectorLabels" -}}
{{ include "getabako.releaseLabels" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Whatever takes webhooks. */}}
{{- define "getabako.webhookLabels" -}}
{{- include "getabako.selectorLabels" (dict "root" . "component" (ternary "intake" "operator" (eq .Values.mode "split"))) }}
{{- end }}

{{/* Every pod with metrics. A Service has one selector, so where there are two components they share a label. */}}
{{- define "getabako.telemetryLabels" -}}
{{- if eq .Values.mode "split" }}
{{- include "getabako.releaseLabels" . }}
getabako.dev/telemetry: "true"
{{- else }}
{{- include "getabako.selectorLabels" (dict "root" . "component" "operator") }}
{{- end }}
{{- end }}

{{/* The Deployments, as JSON: templates return text only. */}}
{{- define "getabako.components" -}}
{{- $controller := include "getabako.serviceAccountName" . }}
{{- if eq .Values.mode "split" }}
{{- $intake := include "getabako.intakeServiceAccountName" . }}
{{- if eq $intake $controller }}
{{- fail "mode split needs two ServiceAccounts: name one for the controllers in serviceAccount.name and another for the webhooks in intake.serviceAccount.name" }}
{{- end }}
{{- list
  (dict "component" "intake" "suffix" "-intake" "roles" "intake" "serviceAccount" $intake "replicas" .Values.intake.replicas "resources" (default .Values.resources .Values.intake.resources))
  (dict "component" "controller" "suffix" "-controller" "roles" "controller" "serviceAccount" $controller "replicas" .Values.controller.replicas "resources" (default .Values.resources .Values.controller.resources))
  | toJson }}
{{- else }}
{{- list (dict "component" "operator" "suffix" "" "roles" "intake,controller" "serviceAccount" $controller "replicas" .Values.replicas "resources" .Values.resources) | toJson }}
{{- end }}
{{- end }}

{{- define "getabako.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "getabako.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "getabako.intakeServiceAccountName" -}}
{{- if .Values.intake.serviceAccount.create }}
{{- default (printf "%s-intake" (include "getabako.fullname" .)) .Values.intake.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.intake.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "getabako.image" -}}
{{- with .Values.image }}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- end }}
{{- end }}
{{- end }}

{{/* The namespaces that are served, as JSON; none means all. */}}
{{- define "getabako.watchNamespaces" -}}
{{- concat .Values.watchNamespaces (compact (list .Values.watchNamespace)) | uniq | sortAlpha | toJson }}
{{- end }}

{{/* Namespaces whose Secrets may be read, as JSON. */}}
{{- define "getabako.secretNamespaces" -}}
{{- $watched := include "getabako.watchNamespaces" . | fromJsonArray }}
{{- default (default (list .Release.Namespace) $watched) .Values.secrets.namespaces | uniq | sortAlpha | toJson }}
{{- end }}

{{/*
A role and its binding: (dict "root" $ "name" ... "account" ... "rules" "YAML" "namespaces" (list ...)). With no namespaces it is one of
the cluster, otherwise one in each of them.
*/}}
{{- define "getabako.grant" -}}
{{- $kind := ternary "ClusterRole" "Role" (empty .namespaces) }}
{{- $grant := . }}
{{- range $namespace := default (list "") .namespaces }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ $grant.name }}
  {{- with $namespace }}
  namespace: {{ . | quote }}
  {{- end }}
  labels:
    {{- include "getabako.labels" $grant.root | nindent 4 }}
rules:
  {{- $grant.rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ $grant.name }}
  {{- with $namespace }}
  namespace: {{ . | quote }}
  {{- end }}
  labels:
    {{- include "getabako.labels" $grant.root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ $grant.name }}
subjects:
  - kind: ServiceAccount
    name: {{ $grant.account }}
    namespace: {{ $grant.root.Release.Namespace | quote }}
{{- end }}
{{- end }}

{{/* Each Secret that an object refers to is listed and watched by its name; it takes no more. From (list of names). */}}
{{- define "getabako.secretRules" -}}
- apiGroups: [""]
  resources: [secrets]
  {{- with . }}
  resourceNames:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  verbs: [list, watch]
{{- end }}
