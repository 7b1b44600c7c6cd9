#!/usr/bin/env python3
"""expect.py BUNDLE JUNIT CASE RESULT WORD...: the bundle's verdict and the JUnit file say this of the case, and agree."""
import hashlib, json, os, sys
import xml.etree.ElementTree as xml

bundle, junit, case, result, word = *sys.argv[1:5], " ".join(sys.argv[5:])
wrong = []


def expect(holds, text):
    if not holds:
        wrong.append(text)


verdict = json.load(open(f"{bundle}/verdict.json"))
cases = {one["name"]: one for one in verdict["cases"]}
expect(len(cases) == 14, f"{len(cases)} cases in verdict.json, not 14")
expect(cases[case]["result"] == result, f"{case} is {cases[case]['result']}, not {result}")
expect(word in cases[case]["reason"], f"{case}: no `{word}` in: {cases[case]['reason']}")
expect(verdict["standIn"], "the verdict does not say that the accelerators are stand-ins")

kinds = {"PASS": None, "FAIL": "failure", "INCONCLUSIVE": "error", "NOT_APPLICABLE": "skipped"}
for path in (junit, f"{bundle}/junit.xml"):
    tests = {t.get("name"): t for t in xml.parse(path).getroot().iter("testcase")}
    expect(len(tests) == 14, f"{len(tests)} cases in {path}, not 14")
    for name, one in cases.items():
        found = [child.tag for child in tests[f"{verdict['suite']}/{name}"] if child.tag != "system-out"]
        want = [kinds[one["result"]]] if kinds[one["result"]] else []
        expect(found == want, f"{path}: {name} is {found}, not {want}")

manifest = json.load(open(f"{bundle}/manifest.json"))
expect(manifest["complete"], "the manifest does not say that the bundle is complete")
on_disk = {os.path.relpath(os.path.join(d, f), bundle) for d, _, fs in os.walk(bundle) for f in fs} - {"manifest.json"}
expect(on_disk == set(manifest["files"]), f"manifest and folder differ: {on_disk ^ set(manifest['files'])}")
for name, digest in manifest["files"].items():
    expect(hashlib.sha256(open(f"{bundle}/{name}", "rb").read()).hexdigest() == digest, f"{name}: another digest")

if verdict["result"] == "PASS":
    events, probes, devices = [], set(), {}
    for line in open(f"{bundle}/timeline.jsonl"):
        seen = json.loads(line)
        if seen.get("event", {}).get("reason") == "SuccessfulRescale":
            events.append(int(seen["event"]["message"].split("New size: ")[1].split(";")[0]))
        # The first chat, which names no pod, goes through the Service.
        if seen.get("probe", {}).get("pod") and seen["probe"]["error"] is None:
            probes.add(seen["probe"]["pod"])
        if seen.get("pod", {}).get("devices"):
            devices[seen["pod"]["name"]] = tuple(seen["pod"]["devices"])
    expect(events and max(events) >= 2 and events[-1] == 1, f"SuccessfulRescale events give the sizes {events}")
    expect(len(probes) >= 1 and probes <= set(devices), f"probed {sorted(probes)}, devices of {sorted(devices)}")
    expect(len(set(devices.values())) == len(devices) >= 2, f"devices: {devices}")
    # With a window of 30 s at most five minutes; the scenario's window, from the plan.
    expect(verdict["tookMs"] <= 300_000, f"the run took {verdict['tookMs'] / 1000:.0f} s")
    print(f"  sizes by SuccessfulRescale: 1 -> {' -> '.join(map(str, events))}; devices: {devices}; "
          f"{verdict['tookMs'] / 1000:.0f} s, at least {verdict['leastMs'] / 1000:.0f} s")

for text in wrong:
    print(f"  {text}")
sys.exit(bool(wrong))
