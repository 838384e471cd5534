{{- define "hilo.fullname" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "hilo.labels" -}}
app.kubernetes.io/name: hilo
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "hilo.selector" -}}
app.kubernetes.io/name: hilo
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "hilo.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* Roles that run here: all but crm where no tenant has a CRM. As JSON, each with its defaults. */}}
{{- define "hilo.roles" -}}
{{- $crm := false -}}
{{- range .Values.tenants -}}
{{- if .crm -}}{{- $crm = true -}}{{- end -}}
{{- end -}}
{{- $roles := dict -}}
{{- range $name, $role := .Values.roles -}}
{{- if or (ne $name "crm") $crm -}}
{{- $_ := set $roles $name (mergeOverwrite (deepCopy $.Values.roleDefaults) (deepCopy ($role | default dict))) -}}
{{- end -}}
{{- end -}}
{{- $roles | toJson -}}
{{- end }}

{{- /* The most pods of a role that find work: each of its lanes needs a partition. */}}
{{- define "hilo.most" -}}
{{- divf .Values.kafka.partitions .Values.kafka.lanes | ceil | int -}}
{{- end }}

{{- define "hilo.priority" -}}
{{- if .role.priorityClassName -}}
{{ .role.priorityClassName }}
{{- else if .root.Values.priorityClasses.create -}}
{{ include "hilo.fullname" .root }}-{{ ternary "gateway" "roles" (eq .name "gateway") }}
{{- end -}}
{{- end }}

{{- define "hilo.isSasl" -}}
{{- if hasPrefix "SASL_" .Values.kafka.securityProtocol -}}yes{{- end -}}
{{- end }}

{{- /* Whether a role shows the broker who it is: by password or by certificate. */}}
{{- define "hilo.isUser" -}}
{{- if or (include "hilo.isSasl" .) (and (eq .Values.kafka.securityProtocol "SSL") .Values.kafka.users.certificates) -}}yes{{- end -}}
{{- end }}

{{- define "hilo.userSecret" -}}
{{- if .root.Values.kafka.users.perRole -}}
{{ include "hilo.fullname" .root }}-{{ .name }}
{{- else -}}
{{ .root.Values.kafka.users.secret }}
{{- end -}}
{{- end }}

{{- define "hilo.userName" -}}
{{- if .root.Values.kafka.users.perRole -}}
{{ include "hilo.fullname" .root }}-{{ .name }}
{{- else -}}
{{ .root.Values.kafka.users.name }}
{{- end -}}
{{- end }}

{{- define "hilo.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
# A large volume is not walked through at each start.
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "hilo.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* [kafka] and [registry], the same for roles and Jobs. `password`: whether Kafka is told who asks. */}}
{{- define "hilo.cluster" -}}
{{- $kafka := .root.Values.kafka -}}
[kafka]
bootstrap_servers = {{ join "," $kafka.bootstrapServers | toJson }}
topic_prefix = {{ $kafka.topicPrefix | toJson }}
partitions = {{ $kafka.partitions }}
replication = {{ $kafka.replication }}
lanes = {{ $kafka.lanes }}
commit_interval_ms = {{ $kafka.commitIntervalMs }}
transaction_timeout_ms = {{ $kafka.transactionTimeoutMs }}
session_timeout_ms = {{ $kafka.sessionTimeoutMs }}
instance = "env:HOSTNAME"
security_protocol = {{ $kafka.securityProtocol | toJson }}
{{- if $kafka.caSecret.name }}
ca_file = "/etc/hilo/kafka-ca/ca.crt"
{{- end }}
{{- if include "hilo.isSasl" .root }}
sasl_mechanism = {{ $kafka.saslMechanism | toJson }}
{{- if .knows }}
password = "file:/etc/hilo/kafka/password"
{{- end }}
{{- else if and .knows (include "hilo.isUser" .root) }}
certificate_file = "/etc/hilo/kafka/user.crt"
key_file = "/etc/hilo/kafka/user.key"
{{- end }}

[registry]
url = {{ .root.Values.registry.url | toJson }}
{{- with .root.Values.registry.caSecret.name }}
ca_file = "/etc/hilo/registry-ca/ca.crt"
{{- end }}
{{- if .root.Values.registry.username }}
username = {{ .root.Values.registry.username | toJson }}
password = "file:/etc/hilo/registry/password"
{{- end }}
{{- end }}

{{- /* Who may read: of all roles Prometheus, of golden everybody. */}}
{{- define "hilo.readers" -}}
{{- range $name, $reader := .Values.readers }}
{{- if or $.everybody (eq $name $.Values.monitoring.reader) }}

[readers.{{ $name }}]
token = "file:/etc/hilo/readers/{{ $name }}"
role = {{ $reader.role | toJson }}
{{- with $reader.tenants }}
tenants = {{ . | toJson }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "hilo.config" -}}
[http]
listen = "0.0.0.0:8080"
{{- /* With a name of its own it answers to that one, and to its Service's. */}}
{{- $hosts := list }}
{{- if .root.Values.ingress.enabled }}{{ $hosts = append $hosts .root.Values.ingress.host }}{{ end }}
{{- if .root.Values.httpRoute.enabled }}{{ $hosts = concat $hosts .root.Values.httpRoute.hosts }}{{ end }}
{{- if $hosts }}
{{- $service := printf "%s-public" (include "hilo.fullname" .root) }}
{{- $hosts = concat $hosts (list $service (printf "%s.%s" $service .root.Release.Namespace) (printf "%s.%s.svc" $service .root.Release.Namespace)) }}
hosts = {{ uniq $hosts | toJson }}
{{- end }}

[admin]
listen = "0.0.0.0:8090"

[storage]
data_dir = "/var/lib/hilo"

{{ include "hilo.cluster" (dict "root" .root "knows" (include "hilo.isUser" .root)) }}
{{- include "hilo.readers" (dict "Values" .root.Values "everybody" .everybody) }}
{{- range $name, $tenant := .root.Values.tenants }}
{{- $keys := $tenant.keys | default dict }}

[tenants.{{ $name }}]
verify_token = "file:/etc/hilo/tenants/{{ $name }}/{{ $keys.verifyToken | default "verify_token" }}"
{{- $files := list }}
{{- range $keys.appSecrets | default (list "app_secret") }}{{ $files = append $files (printf "file:/etc/hilo/tenants/%s/%s" $name .) }}{{ end }}
app_secrets = {{ $files | toJson }}
{{- $files = list }}
{{- range $keys.apiTokens | default (list "api_token") }}{{ $files = append $files (printf "file:/etc/hilo/tenants/%s/%s" $name .) }}{{ end }}
api_tokens = {{ $files | toJson }}
{{- with $tenant.country }}
country = {{ . | toJson }}
{{- end }}
{{- with $tenant.timeZone }}
time_zone = {{ . | toJson }}
{{- end }}
{{- with $tenant.ownNumbers }}
own_numbers = {{ . | toJson }}
{{- end }}
{{- with $tenant.accounts }}
accounts = {{ . | toJson }}
{{- end }}
{{- with $tenant.autoReplies }}
auto_replies = {{ . | toJson }}
{{- end }}
{{- with $tenant.optOutWords }}

[tenants.{{ $name }}.opt_out]
words = {{ . | toJson }}
{{- end }}
{{- range $sink, $crm := $tenant.crm }}

[tenants.{{ $name }}.crm.{{ $sink }}]
token = "file:/etc/hilo/crm/{{ $name }}/token"
{{- with $crm.apiVersion }}
api_version = {{ . | toJson }}
{{- end }}
{{- with $crm.baseUrl }}
base_url = {{ . | toJson }}
{{- end }}
{{- with $crm.mapping }}
mapping = "/etc/hilo/mapping/{{ $name }}"
{{- end }}
{{- end }}
{{- with $tenant.ads }}

[tenants.{{ $name }}.ads]
{{- range $ad, $campaign := . }}
{{- if kindIs "string" $campaign }}
{{ $ad | toJson }} = {{ $campaign | toJson }}
{{- else }}
{{ $ad | toJson }} = { {{ $parts := list }}{{ range $key, $text := $campaign }}{{ $parts = append $parts (printf "%s = %s" $key ($text | toJson)) }}{{ end }}{{ join ", " $parts }} }
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Volumes that Kafka and the registry need: as the pod's list. `name` is the role. */}}
{{- define "hilo.clusterVolumes" -}}
{{- $values := .root.Values -}}
{{- if and .knows (include "hilo.isUser" .root) }}
- name: kafka
  secret: { secretName: {{ include "hilo.userSecret" . }}, defaultMode: 0440 }
{{- end }}
{{- with $values.kafka.caSecret.name }}
- name: kafka-ca
  secret: { secretName: {{ . }}, defaultMode: 0440, items: [{ key: {{ $values.kafka.caSecret.key }}, path: ca.crt }] }
{{- end }}
{{- if $values.registry.username }}
- name: registry
  secret: { secretName: {{ $values.registry.secret.name }}, defaultMode: 0440, items: [{ key: {{ $values.registry.secret.key }}, path: password }] }
{{- end }}
{{- with $values.registry.caSecret.name }}
- name: registry-ca
  secret: { secretName: {{ . }}, defaultMode: 0440, items: [{ key: {{ $values.registry.caSecret.key }}, path: ca.crt }] }
{{- end }}
{{- end }}

{{- define "hilo.clusterMounts" -}}
{{- $values := .root.Values -}}
{{- if and .knows (include "hilo.isUser" .root) }}
- { name: kafka, mountPath: /etc/hilo/kafka, readOnly: true }
{{- end }}
{{- if $values.kafka.caSecret.name }}
- { name: kafka-ca, mountPath: /etc/hilo/kafka-ca, readOnly: true }
{{- end }}
{{- if $values.registry.username }}
- { name: registry, mountPath: /etc/hilo/registry, readOnly: true }
{{- end }}
{{- if $values.registry.caSecret.name }}
- { name: registry-ca, mountPath: /etc/hilo/registry-ca, readOnly: true }
{{- end }}
{{- end }}

{{- /* Ports of a NetworkPolicy. */}}
{{- define "hilo.ports" -}}
{{- $ports := list -}}
{{- range . }}{{- $ports = append $ports (dict "port" (int .) "protocol" "TCP") -}}{{- end -}}
{{- $ports | toJson -}}
{{- end }}
