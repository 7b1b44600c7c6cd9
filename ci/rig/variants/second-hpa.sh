# another HPA scales the target already
. "$RIG/lib/hpa-there.sh"
on() {
  hpa_there competing-hpa <<'SPEC'
maxReplicas: 2
metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
SPEC
}
