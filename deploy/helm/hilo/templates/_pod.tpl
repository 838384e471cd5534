{{- /* The pod of a role: root, name, role. */}}
{{- define "hilo.pod" -}}
{{- $root := .root -}}
{{- $role := .role -}}
{{- $name := .name -}}
{{- $fullname := include "hilo.fullname" $root -}}
metadata:
  labels:
    {{- include "hilo.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ $name }}
    {{- with $role.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  annotations:
    # A change of the configuration is a new pod. A changed Secret is not: `kubectl rollout restart` after one.
    checksum/config: {{ include "hilo.config" (dict "root" $root "everybody" (eq $name "golden")) | sha256sum }}
    {{- with $role.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  serviceAccountName: {{ $fullname }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  securityContext:
    {{- include "hilo.podSecurity" $root | nindent 4 }}
  {{- with $root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with include "hilo.priority" . }}
  priorityClassName: {{ . }}
  {{- end }}
  terminationGracePeriodSeconds: {{ $role.terminationGracePeriodSeconds }}
  containers:
    - name: hilo
      image: {{ include "hilo.image" $root }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args: [run, {{ $name }}, --config, /etc/hilo/config/hilo.toml]
      env:
        {{- if include "hilo.isSasl" $root }}
        - { name: HILO__KAFKA__USERNAME, value: {{ include "hilo.userName" . | quote }} }
        {{- end }}
        # HOSTNAME, of which kafka.instance is made, is the pod's name: Kubernetes sets it.
        {{- range $key, $value := $role.env }}
        - { name: {{ $key }}, value: {{ $value | quote }} }
        {{- end }}
      ports:
        {{- if eq $name "gateway" }}
        - { name: http, containerPort: 8080 }
        {{- end }}
        - { name: admin, containerPort: 8090 }
      # It listens on nothing until the broker and the registry have answered, and gives up after 30 s by itself.
      startupProbe:
        httpGet: { path: /healthz, port: admin }
        periodSeconds: 2
        failureThreshold: 30
        timeoutSeconds: 2
      # Fails when a lane got nothing done for a minute: only a new start helps then.
      livenessProbe:
        httpGet: { path: /healthz, port: admin }
        periodSeconds: 10
        failureThreshold: 3
        timeoutSeconds: 5
      # Groups joined, state restored, every partition owned. A rollout goes on, and a budget counts, by it.
      readinessProbe:
        httpGet: { path: /readyz, port: admin }
        periodSeconds: 5
        failureThreshold: 2
        timeoutSeconds: 5
      {{- if eq $name "gateway" }}
      # Endpoints forget the pod first; then it ends what it has taken.
      lifecycle:
        preStop:
          sleep: { seconds: 5 }
      {{- end }}
      resources:
        {{- $resources := deepCopy $role.resources }}
        {{- $_ := set $resources.requests "ephemeral-storage" "64Mi" }}
        {{- /* What is no volume claim counts here: an emptyDir of a stateful role has its own limit. */}}
        {{- if or (eq $name "gateway") $role.volume.persistent }}
        {{- $_ := set $resources.limits "ephemeral-storage" "256Mi" }}
        {{- end }}
        {{- toYaml $resources | nindent 8 }}
      securityContext:
        {{- include "hilo.containerSecurity" $root | nindent 8 }}
      volumeMounts:
        - { name: data, mountPath: /var/lib/hilo }
        - { name: tmp, mountPath: /tmp }
        - { name: config, mountPath: /etc/hilo/config, readOnly: true }
        - { name: readers, mountPath: /etc/hilo/readers, readOnly: true }
        {{- include "hilo.clusterMounts" (dict "root" $root "name" $name "knows" true) | nindent 8 }}
        {{- range $tenant, $its := $root.Values.tenants }}
        {{- if eq $name "gateway" }}
        - { name: {{ printf "tenant-%s" $tenant | lower | replace "_" "-" }}, mountPath: /etc/hilo/tenants/{{ $tenant }}, readOnly: true }
        {{- end }}
        {{- range $its.crm }}
        {{- if eq $name "crm" }}
        - { name: {{ printf "crm-%s" $tenant | lower | replace "_" "-" }}, mountPath: /etc/hilo/crm/{{ $tenant }}, readOnly: true }
        {{- end }}
        {{- if .mapping }}
        - { name: {{ printf "mapping-%s" $tenant | lower | replace "_" "-" }}, mountPath: /etc/hilo/mapping/{{ $tenant }}, readOnly: true }
        {{- end }}
        {{- end }}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: { sizeLimit: 64Mi }
    - name: config
      configMap:
        name: {{ $fullname }}
        items: [{ key: {{ ternary "golden.toml" "hilo.toml" (eq $name "golden") }}, path: hilo.toml }]
    - name: readers
      projected:
        defaultMode: 0440
        sources:
          {{- range $reader, $its := $root.Values.readers }}
          {{- if or (eq $name "golden") (eq $reader $root.Values.monitoring.reader) }}
          - secret: { name: {{ $its.secret.name }}, items: [{ key: {{ $its.secret.key }}, path: {{ $reader }} }] }
          {{- end }}
          {{- end }}
    {{- include "hilo.clusterVolumes" (dict "root" $root "name" $name "knows" true) | nindent 4 }}
    {{- range $tenant, $its := $root.Values.tenants }}
    {{- if eq $name "gateway" }}
    - name: {{ printf "tenant-%s" $tenant | lower | replace "_" "-" }}
      secret:
        secretName: {{ $its.secret }}
        defaultMode: 0440
        {{- $keys := $its.keys | default dict }}
        # What the gateway shows and checks, and no other key of the Secret.
        items:
          {{- range concat (list ($keys.verifyToken | default "verify_token")) ($keys.appSecrets | default (list "app_secret")) ($keys.apiTokens | default (list "api_token")) | uniq }}
          - { key: {{ . }}, path: {{ . }} }
          {{- end }}
    {{- end }}
    {{- range $its.crm }}
    {{- if eq $name "crm" }}
    - name: {{ printf "crm-%s" $tenant | lower | replace "_" "-" }}
      secret: { secretName: {{ .secret.name }}, defaultMode: 0440, items: [{ key: {{ .secret.key | default "token" }}, path: token }] }
    {{- end }}
    {{- if .mapping }}
    - name: {{ printf "mapping-%s" $tenant | lower | replace "_" "-" }}
      configMap: { name: {{ .mapping }} }
    {{- end }}
    {{- end }}
    {{- end }}
    {{- if or (eq $name "gateway") (not $role.volume.persistent) }}
    - name: data
      emptyDir: { sizeLimit: {{ $role.volume.size }} }
    {{- end }}
  topologySpreadConstraints:
    {{- range $key, $unsatisfiable := dict "topology.kubernetes.io/zone" $role.spread.zones "kubernetes.io/hostname" $role.spread.nodes }}
    - maxSkew: 1
      topologyKey: {{ $key }}
      whenUnsatisfiable: {{ $unsatisfiable }}
      labelSelector:
        matchLabels:
          {{- include "hilo.selector" $root | nindent 10 }}
          app.kubernetes.io/component: {{ $name }}
    {{- end }}
  {{- with $role.nodeSelector }}
  nodeSelector: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with $role.tolerations }}
  tolerations: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with $role.affinity }}
  affinity: {{ toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
