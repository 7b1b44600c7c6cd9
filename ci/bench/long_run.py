#!/usr/bin/env python3
"""Makes the records of a long run from the recorded healthy run: copies its second pod to 49 and its third to 50, and extends
the hold to an hour with 5,000 workers.

  ci/bench/long_run.py DIR    writes the records to DIR; ci/bench/long-run builds a bundle from them and judges it
"""
import datetime
import json
import pathlib
import random
import re
import subprocess
import sys

SOURCE = pathlib.Path(__file__).parent / "../../fixtures/bundles/rig-healthy"
OUT = pathlib.Path(sys.argv[1])
WORKERS, HOLD_MS = 5000, 3_540_000
# Inserted time (position, duration), milliseconds: within the hold, and before scale-down, whose stabilization window starts later
# with the low target.
INSERTIONS = [(70_000, HOLD_MS), (100_000, 12_000)]
CLONES = {2: 50, 3: 100}

random.seed(5)
OUT.mkdir(parents=True, exist_ok=True)
text = {f: (SOURCE / f).read_text() for f in ("timeline.jsonl", "journal.jsonl", "scenario.yaml", "inventory.json", "load.json")}
inventory = json.loads(text["inventory.json"])
started = datetime.datetime.fromisoformat(inventory["started"][:26] + "+00:00")
timeline = [json.loads(line) for line in text["timeline.jsonl"].splitlines()]


def later(ms):
    return ms + sum(duration for at, duration in INSERTIONS if ms >= at)


def stamp(ms, digits=0):
    at = started + datetime.timedelta(milliseconds=ms)
    whole = at.strftime("%Y-%m-%dT%H:%M:%S")
    return whole + (f".{at.microsecond:06d}"[: digits + 1] if digits else "") + "Z"


def shifted(value):
    """A copy of a JSON value with the inserted time added to every time in it."""
    if isinstance(value, dict):
        return {k: (later(v) if k in ("atMs", "requestedMs", "beganMs", "fromMs") else shifted(v)) for k, v in value.items()}
    if isinstance(value, list):
        return [shifted(v) for v in value]
    if isinstance(value, str) and re.fullmatch(r"2026-\d\d-\d\dT[\d:]+(\.\d+)?Z", value):
        at = datetime.datetime.fromisoformat(value[:-1][:26] + "+00:00")
        since = (at - started).total_seconds() * 1000
        moved = at + datetime.timedelta(milliseconds=later(since) - since)
        return moved.strftime("%Y-%m-%dT%H:%M:%S") + (value[19:] if "." in value else "Z")
    return value


pods = []
for o in timeline:
    if "pod" in o and o["pod"]["name"] not in pods:
        pods.append(o["pod"]["name"])
FIRST, SECOND, THIRD = pods
COUNTS = {SECOND: CLONES[2] - 1, THIRD: CLONES[3] - CLONES[2]}


def names(name):
    return [name] + [f"{name[:-4]}{n:04d}" for n in range(1, COUNTS.get(name, 1))] if name in COUNTS else [name]


def copies(value, name, key):
    """Copies of a JSON value about a pod, one for each clone of the pod, with its own name, UID and device."""
    if name not in COUNTS:
        return [value]
    result = [value]
    raw = json.dumps(value)
    for n, clone in enumerate(names(name)[1:], 1 if name == SECOND else 101):
        one = raw.replace(name, clone)
        one = re.sub(r'("uid": ")[0-9a-f]{8}', rf"\g<1>{n:08x}", one)
        one = re.sub(r"GPU-6f1d2c3a-000\d", f"GPU-6f1d{n:04x}-{n:04x}", one)
        result.append(json.loads(one))
    return result


def sized(n):
    return CLONES.get(n, n)


def grown(o):
    """The observations of the long run that replace one of the recorded run."""
    if "pod" in o:
        return [dict(o, pod=p) for p in copies(o["pod"], o["pod"]["name"], "pod")]
    if "podDeleted" in o:
        return [dict(o, podDeleted=p) for p in copies(o["podDeleted"], o["podDeleted"]["name"], "podDeleted")]
    if "probe" in o and o["probe"]["pod"]:
        return [dict(o, probe=p) for p in copies(o["probe"], o["probe"]["pod"], "probe")]
    if "endpoints" in o:
        o["endpoints"]["readyPods"] = sorted(n for pod in o["endpoints"]["readyPods"] for n in names(pod))
    if "workload" in o:
        for key in ("specReplicas", "replicas", "readyReplicas"):
            o["workload"][key] = sized(o["workload"][key])
    if "hpa" in o:
        o["hpa"]["maxReplicas"] = 100
        for key in ("currentReplicas", "desiredReplicas"):
            o["hpa"][key] = o["hpa"][key] if o["hpa"][key] is None else sized(o["hpa"][key])
        for c in o["hpa"]["conditions"]:
            c["message"] = re.sub(r"scale to (\d+)", lambda m: f"scale to {sized(int(m[1]))}", c["message"])
    if "event" in o:
        for was in (r"(New size: )(\d+)()", r"( from )(\d+)( to )", r"( to )(\d+)()$"):
            o["event"]["message"] = re.sub(was, lambda m: f"{m[1]}{sized(int(m[2]))}{m[3]}", o["event"]["message"])
    if "node" in o:
        o["node"]["allocatable"]["nvidia.com/gpu"] = 104
    if "metric" in o and "samples" in o["metric"]["result"]:
        samples = o["metric"]["result"]["samples"]
        o["metric"]["result"]["samples"] = [c for s in samples for c in copies(s, s["object"], "metric")]
    return [o]


def requests(began_us, ended_us):
    """The requests of a closed loop: each worker sends its next chat when the previous one has ended."""
    made = []
    for worker in range(WORKERS):
        due = began_us
        while due < ended_us:
            sent = due + random.randint(100, 3000)
            took = random.randint(40_000_000, 60_000_000)
            first = sent + took - random.randint(8_000_000, 12_000_000)
            ended = sent + took
            r = {"id": 0, "worker": worker, "scheduledUs": due, "sentUs": sent, "headersUs": first - 90, "firstTokenUs": first, "endedUs": ended,
                 "status": 200, "outcome": "succeeded", "chunks": 65, "largestChunkGapUs": random.randint(70_000, 90_000), "tokens": 64,
                 "serverTotalNs": took * 1000, "serverLoadNs": 3_000_000, "error": None}
            if ended >= ended_us:
                r.update(endedUs=ended_us, outcome="cancelled-by-ramp-down", tokens=0, serverTotalNs=None, serverLoadNs=None)
                if first >= ended_us:
                    r.update(headersUs=None, firstTokenUs=None, status=None, chunks=0, largestChunkGapUs=0)
            made.append(r)
            due = ended + random.randint(20, 200)
    made.sort(key=lambda r: r["sentUs"])
    for n, r in enumerate(made):
        r["id"] = n
    made.sort(key=lambda r: r["endedUs"])
    return made


def quantiles(values):
    values = sorted(values)
    at = lambda q: values[min(len(values) - 1, int(len(values) * q))]
    return {"count": len(values), "min": values[0], "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": values[-1]}


# The observations just before the inserted hour, by kind, as templates.
hold_from = INSERTIONS[0][0]
last = {}
for o in timeline:
    if o["atMs"] < hold_from:
        key = next(k for k in o if k not in ("seq", "atMs", "sourceTime"))
        last[o["metric"]["hop"] if key == "metric" else key] = o
last = {k: grown(json.loads(json.dumps(o)))[0] for k, o in last.items()}


def hour():
    average = None
    for second in range(HOLD_MS // 1000):
        at = hold_from + second * 1000
        hops = [("api", 1)] + ([("store", 15)] if second % 15 == 0 else []) + ([("exporter", 30)] if second % 30 == 0 else [])
        for hop, _ in hops:
            samples = last[hop]["metric"]["result"]["samples"]
            new = []
            for s in samples:
                s = dict(s, value=random.randint(90, 100) * 1000)
                if s["timestamp"]:
                    s["timestamp"] = stamp(at - 5000, 3 if hop == "store" else 0)
                new.append(s)
            if hop == "exporter":
                # Each node's exporter gives a reading of its own.
                for node in range(0, len(new), 8):
                    yield {"atMs": at + 40, "metric": {"hop": hop, "requestedMs": at + 20, "result": {"samples": new[node:node + 8]}}}
            else:
                yield {"atMs": at + 30, "metric": {"hop": hop, "requestedMs": at + 20, "result": {"samples": new}}}
            if hop == "api":
                average = sum(s["value"] for s in new) // len(new)
        yield {"atMs": at + 600, "load": None}
        if second % 5 == 4:
            hpa = dict(last["hpa"]["hpa"], currentMetrics=[dict(last["hpa"]["hpa"]["currentMetrics"][0], averageValue=average)])
            yield {"atMs": at + 800, "hpa": hpa}


began_us = json.loads(text["load.json"])["beganMs"] * 1000
ended_us = later(json.loads(text["load.json"])["endedMs"]) * 1000
made = requests(began_us, ended_us)
merged = []
for o in timeline:
    if o["atMs"] >= hold_from and hold_from is not None:
        merged.extend(hour())
        hold_from = 1 << 60
    merged.extend(shifted(one) for one in grown(o))
# Repeats the last reading before scale-down during the inserted time.
gap = [o for o in merged if later(INSERTIONS[1][0]) - 1500 - INSERTIONS[1][1] <= o["atMs"] < later(INSERTIONS[1][0]) - INSERTIONS[1][1] and "metric" in o and o["metric"]["hop"] == "api"]
zero = gap[-1]
for second in range(INSERTIONS[1][1] // 1000):
    copy = json.loads(json.dumps(zero))
    copy["atMs"] += (second + 1) * 1000
    copy["metric"]["requestedMs"] += (second + 1) * 1000
    merged.append(copy)
merged.sort(key=lambda o: o["atMs"])

headers = sorted(r["headersUs"] for r in made if r["headersUs"])
sent = sorted(r["sentUs"] for r in made)
good = [r for r in made if r["outcome"] == "succeeded"]
ttft = quantiles([r["firstTokenUs"] - r["sentUs"] for r in good])
h = s = e = g = 0
loads = [o for o in merged if "load" in o]
with open(OUT / "timeline.jsonl", "w") as out:
    for n, o in enumerate(merged):
        if "load" in o:
            at = 1 << 62 if o is loads[-1] else o["atMs"] * 1000
            while h < len(headers) and headers[h] <= at: h += 1
            while s < len(sent) and sent[s] <= at: s += 1
            while e < len(made) and made[e]["endedUs"] <= at:
                g += made[e]["outcome"] == "succeeded"
                e += 1
            if o is loads[0]: h = s = e = g = 0
            o["load"] = {"inFlight": s - e, "answeredConnections": h, "succeeded": g, "failed": 0, "tokens": 64 * g, "ttftP50Us": ttft["p50"] if g else 0}
        o = {"seq": n, **{k: v for k, v in o.items() if k != "seq"}}
        out.write(json.dumps(o, separators=(",", ":")) + "\n")
with open(OUT / "journal.jsonl", "w") as out:
    for line in text["journal.jsonl"].splitlines():
        out.write(json.dumps(shifted(json.loads(line)), separators=(",", ":")) + "\n")

report = json.loads(text["load.json"])
report.update(beganMs=min(r["sentUs"] for r in made) // 1000, endedMs=ended_us // 1000, concurrency=WORKERS, requests=len(made), tokens=64 * len(good),
              outcomes={"cancelled-by-ramp-down": len(made) - len(good), "succeeded": len(good)}, ttftUs=ttft,
              durationUs=quantiles([r["endedUs"] - r["sentUs"] for r in good]),
              sendDelayUs=quantiles([r["sentUs"] - r["scheduledUs"] for r in made]))
(OUT / "load.json").write_text(json.dumps(report, indent=2) + "\n")
inventory["nodes"][0]["allocatable"]["nvidia.com/gpu"] = 104
(OUT / "inventory.json").write_text(json.dumps(inventory, indent=2) + "\n")
scenario = text["scenario.yaml"]
for was, now in (("maxReplicas: 3", "maxReplicas: 100"), ('averageValue: "60"', 'averageValue: "2"'), ("concurrency: 6", f"concurrency: {WORKERS}"),
                 ("type: Pods\n          value: 2", "type: Pods\n          value: 200")):
    assert was in scenario, was
    scenario = scenario.replace(was, now)
(OUT / "scenario.yaml").write_text(scenario)
lines = "".join(json.dumps(r, separators=(",", ":")) + "\n" for r in made)
subprocess.run(["zstd", "-q", "-f", "-3", "-o", OUT / "requests.jsonl.zst"], input=lines.encode(), check=True)
