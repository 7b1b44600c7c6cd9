# runs of verify, each with its variant, its scenario and its expected outcome: the rows of ci/cases
live=yes
mapfile -t scenes < <(awk -F' *[|]' '!/^#/ && NF > 1 { print $1 }' ci/cases)

row() { awk -F' *[|] *' -v name="$1" '!/^#/ && $1 == name { print $2 "|" $3 }' ci/cases; }

before_scene() {
  IFS='|' read -r variant scenarios <<<"$(row "$1")"
  # KEDA serves external.metrics.k8s.io, which prometheus-adapter serves in other cases.
  if [[ " $variant $scenarios" == *" keda"* ]]; then ci/rig/keda on; else ci/rig/keda off; fi
  if [ "$variant" != - ]; then ci/rig/broken "$variant"; fi
}

run_scene() {
  local files=() file code=0 judged=0
  for file in $scenarios; do files+=(-f "ci/rig/scenarios/$file"); done
  # A variant may provide a kubeconfig of its own, for example for a proxy before the API server.
  local way=${KUBECONFIG%/*}/run.kubeconfig
  if [ -e "$way" ]; then files+=(--kubeconfig "$way"); fi
  "$gpuhpa" verify "${files[@]}" --helm "$helm" --yes --report-dir "$dir" --junit "$dir.xml" 2>&1 | tee "$dir.log" ||
    code=${PIPESTATUS[0]}
  if [ "$variant" != - ]; then
    ci/rig/acted || { echo "the variant had no effect on the run, so the run proves nothing"; return 1; }
  fi
  "$built/examples/expect" check "$dir" "$1" "$code"
  # judge finds the bundle sound and derives the same verdict. A refused scenario leaves no bundle, and the verdict of a refused
  # run is INCONCLUSIVE.
  if [ ! -e "$dir" ]; then return; fi
  if [ "$code" = 2 ]; then code=3; fi
  "$gpuhpa" judge "$dir" >"$dir.judged" 2>&1 || judged=$?
  if [ "$judged" != "$code" ]; then cat "$dir.judged"; echo "judge exits $judged, not $code"; return 1; fi
}
