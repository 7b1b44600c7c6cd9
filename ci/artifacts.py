"""Compares how independent readers read the three artifacts. Run by ci/artifacts.

artifacts.py JUNIT-XSD DIR..."""
import json, os, subprocess, sys, tempfile
import junitparser, xmlschema

failures = []


def expect(condition, text):
    if not condition:
        failures.append(text)


def result(case):
    kinds = {type(result) for result in case.result}
    return "fail" if kinds & {junitparser.Failure, junitparser.Error} else "skip" if junitparser.Skipped in kinds else "pass"


def junit(path):
    """Test -> result, as junitparser reads a JUnit file; test names must be unique, and totals correct."""
    results = {}
    root = junitparser.JUnitXml.fromfile(path)
    for suite in root:
        cases = list(suite)
        for case in cases:
            expect(case.name not in results, f"{path}: {case.name} is a duplicate")
            results[case.name] = result(case)
        count = lambda kind: sum(any(isinstance(result, kind) for result in case.result) for case in cases)
        counted = (len(cases), count(junitparser.Failure), count(junitparser.Error), count(junitparser.Skipped))
        totals = (suite.tests, suite.failures, suite.errors, suite.skipped)
        expect(counted == totals, f"{path}: {suite.name} has totals {totals}, but contains {counted}")
    return results


def go_test_json(path):
    """Test -> result by the programme's rules for results.json: every line parses; pass, fail or skip with a Test counts."""
    with open(path, encoding="utf-8", newline="\n") as file:
        events = [json.loads(line) for line in file if line.strip()]
    return {e["Test"]: e["Action"] for e in events if e.get("Test") and e["Action"] in ("pass", "fail", "skip")}


def read(dir, out):
    at = lambda name: os.path.join(dir, name)
    failed = lambda results: "fail" in results.values()
    readings = {"junit.xml by junitparser": junit(at("junit.xml")), "results.json line by line": go_test_json(at("results.json"))}
    commands = {
        "results.json by gotestsum": ["gotestsum", "--format=standard-quiet", "--junitfile", out, "--raw-command", "--", "cat", at("results.json")],
        "results.json by go-junit-report": ["go-junit-report", "-set-exit-code", "-parser", "gojson", "-in", at("results.json"), "-out", out],
        "e2e.log by go-junit-report": ["go-junit-report", "-set-exit-code", "-in", at("e2e.log"), "-out", out],
    }
    for name, command in commands.items():
        process = subprocess.run(command, capture_output=True, text=True)
        readings[name] = junit(out)
        # gotestsum exits with the status of its command, here cat.
        if command[0] == "go-junit-report":
            expect((process.returncode != 0) == failed(readings[name]), f"{name}: exit {process.returncode}")
    return readings


schema = xmlschema.XMLSchema10(sys.argv[1])  # Jenkins' schema
for dir in sys.argv[2:]:
    for error in schema.iter_errors(os.path.join(dir, "junit.xml")):
        # The schema predates the attribute of <skipped> from which Jenkins reads the reason.
        known = error.path.endswith("/skipped") and "attribute not allowed" in error.reason
        expect(known, f"{dir}/junit.xml breaks the schema: {error.reason} at {error.path}")
    with tempfile.TemporaryDirectory() as scratch:
        readings = read(dir, os.path.join(scratch, "junit.xml"))
    names = list(readings)
    for name in names[1:]:
        for test in sorted(readings[names[0]].keys() | readings[name].keys()):
            a, b = readings[names[0]].get(test), readings[name].get(test)
            expect(a == b, f"{dir}: {test} is {a} in {names[0]}, {b} in {name}")
    results = list(readings[names[0]].values())
    expect(results, f"{dir}: no tests")
    print(f"{dir}: {len(results)} tests, {', '.join(f'{results.count(k)} {k}' for k in ('pass', 'fail', 'skip'))}, by {len(names)} readers")
for text in failures:
    print(f"  {text}")
sys.exit(bool(failures))
