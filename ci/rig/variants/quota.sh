# every new namespace gets a ResourceQuota of one GPU, as policy engines give it
on() { one_gpu_in default; }
meanwhile() {
  awaiting "the run's namespace" 600 run_namespace_exists
  one_gpu_in gpuhpa
}
off() {
  kubectl -n default delete quota one-gpu --ignore-not-found >/dev/null
  # A run that did not end leaves its namespace, and one that takes the quota for another user's keeps it.
  kubectl delete namespace gpuhpa --ignore-not-found --wait >/dev/null
}
one_gpu_in() { kubectl -n "$1" create quota one-gpu --hard=requests.nvidia.com/gpu=1 >/dev/null; }
run_namespace_exists() { kubectl get namespace gpuhpa >/dev/null 2>&1; }
