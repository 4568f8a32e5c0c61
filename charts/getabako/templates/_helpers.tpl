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
{{- end }}

{{/* The component keeps the pod of `helm test` out of the Services. */}}
{{- define "getabako.selectorLabels" -}}
app.kubernetes.io/name: {{ include "getabako.name" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "getabako.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "getabako.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
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

{{/* The subject of every binding. */}}
{{- define "getabako.subjects" -}}
- kind: ServiceAccount
  name: {{ include "getabako.serviceAccountName" . }}
  namespace: {{ .Release.Namespace | quote }}
{{- end }}

{{/* Namespaces whose Secrets may be read, as JSON: templates return text only. */}}
{{- define "getabako.secretNamespaces" -}}
{{- $standard := list (default .Release.Namespace .Values.watchNamespace) }}
{{- default $standard .Values.secrets.namespaces | uniq | sortAlpha | toJson }}
{{- end }}
