"""Compares what readers that are not ours see in the three artifacts. Started by ci/artifacts.

artifacts.py JUNIT-XSD DIR..."""
import json, os, subprocess, sys, tempfile
import junitparser, xmlschema

wrong = []


def expect(holds, text):
    if not holds:
        wrong.append(text)


def result(case):
    kinds = {type(one) for one in case.result}
    return "fail" if kinds & {junitparser.Failure, junitparser.Error} else "skip" if junitparser.Skipped in kinds else "pass"


def junit(path):
    """Test -> result, as junitparser reads a JUnit file; no test twice, and counts that add up."""
    seen = {}
    root = junitparser.JUnitXml.fromfile(path)
    for suite in root:
        cases = list(suite)
        for case in cases:
            expect(case.name not in seen, f"{path}: {case.name} twice")
            seen[case.name] = result(case)
        of = lambda kind: sum(any(isinstance(one, kind) for one in case.result) for case in cases)
        counted = (len(cases), of(junitparser.Failure), of(junitparser.Error), of(junitparser.Skipped))
        told = (suite.tests, suite.failures, suite.errors, suite.skipped)
        expect(counted == told, f"{path}: {suite.name} counts {told}, holds {counted}")
    return seen


def own(path):
    """Test -> result by the programme's rules for results.json: every line parses, pass, fail or skip with a Test counts."""
    with open(path, encoding="utf-8", newline="\n") as file:
        events = [json.loads(line) for line in file if line.strip()]
    return {e["Test"]: e["Action"] for e in events if e.get("Test") and e["Action"] in ("pass", "fail", "skip")}


def read(dir, out):
    at = lambda name: os.path.join(dir, name)
    failed = lambda seen: "fail" in seen.values()
    told = {"junit.xml by junitparser": junit(at("junit.xml")), "results.json line by line": own(at("results.json"))}
    commands = {
        "results.json by gotestsum": ["gotestsum", "--format=standard-quiet", "--junitfile", out, "--raw-command", "--", "cat", at("results.json")],
        "results.json by go-junit-report": ["go-junit-report", "-set-exit-code", "-parser", "gojson", "-in", at("results.json"), "-out", out],
        "e2e.log by go-junit-report": ["go-junit-report", "-set-exit-code", "-in", at("e2e.log"), "-out", out],
    }
    for name, command in commands.items():
        done = subprocess.run(command, capture_output=True, text=True)
        told[name] = junit(out)
        # gotestsum ends as the command does that it was given, here as cat.
        if command[0] == "go-junit-report":
            expect((done.returncode != 0) == failed(told[name]), f"{name}: exit {done.returncode}")
    return told


schema = xmlschema.XMLSchema10(sys.argv[1])  # of Jenkins
for dir in sys.argv[2:]:
    for error in schema.iter_errors(os.path.join(dir, "junit.xml")):
        # The schema is older than the reason of a skipped test, which Jenkins reads from an attribute of it.
        old = error.path.endswith("/skipped") and "attribute not allowed" in error.reason
        expect(old, f"{dir}/junit.xml breaks the schema: {error.reason} at {error.path}")
    with tempfile.TemporaryDirectory() as scratch:
        told = read(dir, os.path.join(scratch, "junit.xml"))
    names = list(told)
    for name in names[1:]:
        for test in sorted(told[names[0]].keys() | told[name].keys()):
            a, b = told[names[0]].get(test), told[name].get(test)
            expect(a == b, f"{dir}: {test} is {a} in {names[0]}, {b} in {name}")
    results = list(told[names[0]].values())
    expect(results, f"{dir}: no tests")
    print(f"{dir}: {len(results)} tests, {', '.join(f'{results.count(k)} {k}' for k in ('pass', 'fail', 'skip'))}, by {len(names)} readings")
for text in wrong:
    print(f"  {text}")
sys.exit(bool(wrong))
