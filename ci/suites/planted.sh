# redaction: planted secrets appear in no file of a bundle, in no report, JUnit file, output or submission
scenes=(pass inconclusive)

# One text for each place; the number identifies the place.
secret() { printf 'pl4nted-%02d-Zx9' "$1"; }

run_scene() {
  work=$dir.work
  mkdir -p "$work/home/.kube"
  trap 'kubectl delete secret -n default on-rig --ignore-not-found >/dev/null' EXIT
  plant_kubeconfig
  kubectl create secret generic -n default on-rig --from-literal=password="$(secret 4)" >/dev/null
  plant_values
  local files=(-f ci/rig/scenarios/rig.yaml) code=0 expected=0
  # A run that does not pass collects diagnostics: objects, events and logs of every pod.
  if [ "$1" = inconclusive ]; then files+=(-f ci/rig/scenarios/no-accelerator.yaml) expected=3; fi
  HOME="$work/home" "$gpuhpa" verify --kubeconfig "$work/home/.kube/config" "${files[@]}" -f "$work/overlay.yaml" --helm "$helm" \
    --yes -v --report-dir "$dir" --junit "$dir.xml" >"$dir.log" 2>&1 || code=$?
  if [ "$code" != "$expected" ]; then cat "$dir.log"; echo "exit $code, not $expected"; return 1; fi
  mkdir -p "$dir.out/v1.37"
  "$gpuhpa" export "$dir" --force --dir "$dir.out/v1.37/planted" >>"$dir.log" 2>&1 || { cat "$dir.log"; return 1; }
  nothing_is_shown
}

# The current user stays as it is; further users have every kind of credential.
plant_kubeconfig() {
  local config=$work/home/.kube/config
  kubectl config view --raw >"$config"
  kubectl --kubeconfig "$config" config set-credentials by-token --token="$(secret 1)"
  kubectl --kubeconfig "$config" config set-credentials by-password --username=me --password="$(secret 2)"
  kubectl --kubeconfig "$config" config set-credentials by-plugin --auth-provider=oidc \
    --auth-provider-arg=client-secret="$(secret 3)" --auth-provider-arg=id-token="$(secret 1)x"
}
# Secrets by name and by form, in the environment, in annotations, and in a pod's log.
plant_values() {
  cat >"$work/overlay.yaml" <<YAML
releases:
  ollama:
    values:
      adminPassword: $(secret 5)
      ollamaApi: {apiKey: $(secret 6), url: "http://me:$(secret 7)@models.example/v1"}
      podAnnotations: {example.org/session-token: $(secret 8)}
      extraEnv:
        - {name: HF_TOKEN, value: $(secret 9)}
        - {name: OLLAMA_API_KEY, value: $(secret 10)}
        - {name: HTTPS_PROXY, value: "http://me:$(secret 11)@proxy.example:3128"}
        - {name: AUTHORIZATION, value: "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJwbGFudGVkIn0.$(secret 12)"}
        - {name: TLS_KEY, value: "-----BEGIN PRIVATE KEY-----\nMHcCAQEEI$(secret 13)\n-----END PRIVATE KEY-----"}
YAML
}
nothing_is_shown() {
  local pattern="pl4nted-[0-9]+-Zx9|$work/home" places=("$dir" "$dir.xml" "$dir.log" "$dir.out") file found
  if [ -e "$dir/requests.jsonl.zst" ]; then
    zstd -dq "$dir/requests.jsonl.zst" -o "$dir.requests"
    places+=("$dir.requests")
  fi
  found=$(grep -rlaE "$pattern" "${places[@]}") || true
  for file in $found; do echo "${file#"$dir"} has $(grep -aoE "$pattern" "$file" | sort -u | tr '\n' ' ')"; done
  if [ -n "$found" ]; then return 1; fi
  # The resolved scenario shows REDACTED for each of them, so they were in the input.
  if [ "$(grep -c REDACTED "$dir/scenario.yaml")" -lt 9 ]; then echo "not all of them were planted"; return 1; fi
  echo "none of 13 planted texts in $(find "$dir" "$dir.out" -type f | wc -l) files, output, JUnit"
}
