#!/usr/bin/env python3
"""What a run on the rig came to, against what it must.

expect.py BUNDLE WANT      the run ended as the last column of ci/cases says, and its files agree with each other
expect.py --told BUNDLE    the deciding case and its reason, for a table

BUNDLE.xml is the run's JUnit file, BUNDLE.log what it printed."""
import glob, hashlib, json, os, sys
import xml.etree.ElementTree as xml

CASES = 14
KINDS = {"PASS": None, "FAIL": "failure", "INCONCLUSIVE": "error", "NOT_APPLICABLE": "skipped"}
# What ci/rig/faults/ollama gives, and what the load calls it.
FAULTS = {"500": "http-5xx", "503": "http-503", "error-line": "error-line", "cut": "truncated", "html": "bad-json"}
wrong = []


def expect(holds, text):
    if not holds:
        wrong.append(text)
    return holds


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def deciding(verdict):
    """The first case whose result is the verdict's; of a PASS the last."""
    alike = [case for case in verdict["cases"] if case["result"] == verdict["result"]]
    return alike[-1 if verdict["result"] == "PASS" else 0]


def told(bundle):
    if not os.path.exists(f"{bundle}/verdict.json"):
        errors = [line for line in read(f"{bundle}.log").splitlines() if line.startswith("error")]
        return f"refused: {errors[-1] if errors else 'without a word'}"
    verdict = json.loads(read(f"{bundle}/verdict.json"))
    case = deciding(verdict)
    return f"{case['name']} {case['result']}: {case['reason']}"


def ends_so(bundle, want):
    """Does the run end as one alternative of `want` says? A run that is refused has made no change."""
    kind, _, rest = want.partition(" ")
    if kind == "refused":
        return not os.path.exists(f"{bundle}/journal.jsonl") and rest in read(f"{bundle}.log")
    verdict = json.loads(read(f"{bundle}/verdict.json"))
    case = deciding(verdict)
    result, _, words = rest.partition(" ")
    return kind in ("any", case["name"]) and case["result"] == result and words in case["reason"]


def junit_agrees(path, verdict):
    tests = {test.get("name"): test for test in xml.parse(path).getroot().iter("testcase")}
    # Besides the cases the suite and its groups, as a go test reports them.
    leaves = [name for name in tests if name.count("/") == 2]
    expect(len(leaves) == CASES, f"{len(leaves)} cases in {path}, not {CASES}")
    for case in verdict["cases"] if verdict else []:
        found = [child.tag for child in tests[f"{verdict['suite']}/{case['name']}"] if child.tag != "system-out"]
        want = [KINDS[case["result"]]] if KINDS[case["result"]] else []
        expect(found == want, f"{path}: {case['name']} is {found}, not {want}")


def manifest_agrees(bundle):
    manifest = json.loads(read(f"{bundle}/manifest.json"))
    expect(manifest["complete"], "the manifest does not say that the bundle is complete")
    on_disk = {os.path.relpath(os.path.join(d, f), bundle) for d, _, fs in os.walk(bundle) for f in fs} - {"manifest.json"}
    expect(on_disk == set(manifest["files"]), f"manifest and folder differ: {on_disk ^ set(manifest['files'])}")
    for name, digest in manifest["files"].items():
        with open(f"{bundle}/{name}", "rb") as file:
            expect(hashlib.sha256(file.read()).hexdigest() == digest, f"{name}: another digest")


def has_log(path):
    """False where the container went before its pod: then the kubelet answers 200, and this text in place of the log."""
    return not read(path).startswith("unable to retrieve container logs for ")


def faults_are_counted(bundle):
    """Where Ollama's faults are given on purpose (ci/rig/faults/ollama), the load has counted as many of each kind."""
    given = {}
    for log in glob.glob(f"{bundle}/diagnostics/*/*.log"):
        last = {}  # a pod's own counters; of a long log only the end is kept
        for line in read(log).splitlines():
            if line.startswith("fault "):
                _, kind, count = line.split()
                last[kind] = int(count)
        for kind, count in last.items():
            given[FAULTS[kind]] = given.get(FAULTS[kind], 0) + count
    load = json.loads(read(f"{bundle}/load.json")) if os.path.exists(f"{bundle}/load.json") else {"outcomes": {}}
    counted = {kind: load["outcomes"].get(kind, 0) for kind in FAULTS.values()}
    if "ollama-faulty" in read(f"{bundle}/scenario.yaml"):
        expect(sum(counted.values()) > 0, "the server that fails on purpose has failed no chat, so the run shows nothing")
    # A run that passes keeps no logs.
    if not given:
        return
    taken, ends = set(), False
    for line in read(f"{bundle}/timeline.jsonl").splitlines():
        seen = json.loads(line)
        error = (seen.get("probe") or {}).get("error")
        if error:
            counted[error.split(":")[0]] += 1
        ends = ends or (seen.get("phase") or {}).get("phase") == "cleanup"
        if not ends and (seen.get("pod") or {}).get("deleting"):
            taken.add(seen["pod"]["name"])
    cancelled = load["outcomes"].get("cancelled-by-ramp-down", 0)
    missing = {kind: given.get(kind, 0) - counted[kind] for kind in counted}
    # A pod that was taken away before the clean-up took its count along: what the load counted of it is held against
    # nothing. A log that is missing otherwise excuses nothing.
    gone = [pod for pod in sorted(taken) if not any(map(has_log, glob.glob(f"{bundle}/diagnostics/*/{pod}-*.log")))]
    if gone:
        missing = {kind: max(0, count) for kind, count in missing.items()}
    # A chat that we took away ourselves may have been answered with a fault that nobody read.
    expect(min(missing.values()) >= 0 and sum(missing.values()) <= cancelled,
           f"the server gave the faults {given}, the load counted {counted} and took {cancelled} chats away")
    expect(sum(load["outcomes"].values()) == load["requests"], f"{load['requests']} requests, of which {load['outcomes']}")
    print(f"  faults by the server's own count: {given}; by the load's, with the chats of its own: {counted}; "
          f"{cancelled} chats taken away" + (f"; without the logs of {gone}, which are gone" if gone else ""))


def pass_is_shown(bundle, verdict):
    """The sizes, chats and devices of a PASS, found in the timeline by other code than the judge's."""
    sizes, probed, devices = [], set(), {}
    for line in read(f"{bundle}/timeline.jsonl").splitlines():
        seen = json.loads(line)
        if seen.get("event", {}).get("reason") == "SuccessfulRescale":
            sizes.append(int(seen["event"]["message"].split("New size: ")[1].split(";")[0]))
        # The first chat, which names no pod, goes through the Service.
        if seen.get("probe", {}).get("pod") and seen["probe"]["error"] is None:
            probed.add(seen["probe"]["pod"])
        if seen.get("pod", {}).get("allocatedDevices"):
            devices[seen["pod"]["name"]] = tuple(seen["pod"]["allocatedDevices"])
    expect(sizes and max(sizes) >= 2 and sizes[-1] == 1, f"SuccessfulRescale events give the sizes {sizes}")
    expect(probed and probed <= set(devices), f"probed {sorted(probed)}, devices of {sorted(devices)}")
    expect(len(set(devices.values())) == len(devices) >= 2, f"devices: {devices}")
    print(f"  sizes by SuccessfulRescale: 1 -> {' -> '.join(map(str, sizes))}; devices: {devices}; "
          f"{verdict['durationMs'] / 1000:.0f} s, at least {verdict['minDurationMs'] / 1000:.0f} s")


def check(bundle, want):
    alternatives = want.split(" or ")
    expect(any(ends_so(bundle, one.strip()) for one in alternatives), f"ended otherwise than `{want}`: {told(bundle)}")
    if not os.path.exists(f"{bundle}/verdict.json"):
        return junit_agrees(f"{bundle}.xml", None)
    verdict = json.loads(read(f"{bundle}/verdict.json"))
    expect(verdict["restored"], "the clean-up left something behind")
    expect(len(verdict["cases"]) == CASES, f"{len(verdict['cases'])} cases in verdict.json, not {CASES}")
    for path in (f"{bundle}.xml", f"{bundle}/junit.xml"):
        junit_agrees(path, verdict)
    manifest_agrees(bundle)
    faults_are_counted(bundle)
    if verdict["result"] == "PASS":
        pass_is_shown(bundle, verdict)


if sys.argv[1] == "--told":
    print(told(sys.argv[2]).replace("|", "\\|").replace("\n", " "))
else:
    check(sys.argv[1], sys.argv[2])
for text in wrong:
    print(f"  {text}")
sys.exit(bool(wrong))
