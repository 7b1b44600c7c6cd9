//! The four READMEs for users and developers: their links lead to files, and their tables list what the program has.

#![expect(clippy::expect_used, reason = "a test that cannot read its own files has failed")]

use std::path::Path;

use gpuhpa::judge::Check;
use serde_json::Value;

const READMES: [&str; 4] = ["README.md", "scenarios/README.md", "reports/README.md", "ci/README.md"];

/// `wc -w README.md` prints at most this.
const MAX_WORDS: usize = 900;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file of the repository")
}

/// The targets of Markdown links and pictures.
fn link_targets(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

/// The anchors of the headings, as GitHub makes them.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let anchor = |heading: &str| {
        let kept = heading.to_lowercase();
        kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-')).collect::<String>().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let mut dead = Vec::new();
    for readme in READMES {
        let text = read(readme);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(readme).parent().expect("a folder").to_owned();
        let targets = link_targets(&text);
        assert!(!targets.is_empty(), "{readme} has no links");
        for target in targets.into_iter().filter(|target| !target.contains("://")) {
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let linked = if path.is_empty() {
                text.clone()
            } else {
                std::fs::read_to_string(folder.join(path)).unwrap_or_default()
            };
            let has_file = path.is_empty() || folder.join(path).exists();
            if !has_file || !(anchor.is_empty() || anchors(&linked).iter().any(|one| one == anchor)) {
                dead.push(format!("{readme}: {target}"));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn the_readme_has_one_page() {
    let words = read("README.md").split_whitespace().count();
    assert!(words <= MAX_WORDS, "{words} words");
}

#[test]
fn the_table_of_cases_lists_the_checks_with_their_prerequisites_and_sentences() {
    let text = read("reports/README.md");
    let (_, section) = text.split_once("\n## Cases\n").expect("the section Cases");
    let section = section.split("\n## ").next().expect("its text");
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    let cells = rows.map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
    let listed: Vec<[String; 3]> = cells.map(|row| [row[1].clone(), row[2].clone(), row[3].clone()]).collect();
    let row = |check: Check| {
        let prerequisites: Vec<_> = check.prerequisites().iter().map(|one| one.name()).collect();
        [check.name().to_owned(), prerequisites.join(", "), check.sentence().to_owned()]
    };
    assert_eq!(listed, Check::all().map(row).collect::<Vec<_>>());
}

/// The paths of all keys below a schema: `releases.NAME.chart`. Free-form maps have none. A key whose value is a text or a map is
/// listed with the keys of the map.
fn key_paths(root: &Value, schema: &Value, prefix: &str, found: &mut Vec<String>) {
    let target = |schema: &Value| schema.get("$ref").and_then(Value::as_str).map(ToOwned::to_owned);
    let choice =
        |schema: &Value| schema.get("anyOf").and_then(Value::as_array).and_then(|any| any.iter().find_map(target));
    let resolved = match target(schema).or_else(|| choice(schema)) {
        Some(name) => root.pointer(name.trim_start_matches('#')).expect("a definition"),
        None => schema,
    };
    if choice(resolved).is_some() {
        found.push(prefix.trim_start_matches('.').to_owned());
        return key_paths(root, resolved, prefix, found);
    }
    if let Some(properties) = resolved.get("properties").and_then(Value::as_object) {
        for (key, value) in properties {
            key_paths(root, value, &format!("{prefix}.{key}"), found);
        }
        return;
    }
    match resolved.get("additionalProperties").filter(|entry| target(entry).or_else(|| choice(entry)).is_some()) {
        Some(entry) => key_paths(root, entry, &format!("{prefix}.NAME"), found),
        None => found.push(prefix.trim_start_matches('.').to_owned()),
    }
}

#[test]
fn the_tables_of_keys_list_every_key_of_a_scenario() {
    let text = read("scenarios/README.md");
    let schema = serde_json::to_value(gpuhpa::scenario::schema()).expect("a schema");
    let mut paths = Vec::new();
    key_paths(&schema, &schema, "", &mut paths);
    let mut listed: Vec<String> =
        text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(ToOwned::to_owned)).collect();
    paths.sort();
    listed.retain(|key| !key.starts_with("gpuhpa-"));
    listed.sort();
    assert_eq!(listed, paths);
}

/// A user copies them: each complete overlay of a README loads, on the scenarios of this repository.
#[test]
fn every_overlay_of_the_readmes_loads() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("overlays");
    std::fs::create_dir_all(&dir).expect("a folder");
    let suse = "scenarios/suse-ai.yaml";
    std::fs::write(dir.join("suse-ai.yaml"), read(suse)).expect("a file");
    let mut loaded = 0;
    for readme in ["README.md", "scenarios/README.md"] {
        let text = read(readme);
        let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
        for block in blocks.filter(|block| block.lines().any(|line| line.starts_with("extends:"))) {
            let file = dir.join("overlay.yaml");
            std::fs::write(&file, block).expect("a file");
            let error = gpuhpa::scenario::load(&[file], None).err().map(|error| error.to_string());
            assert_eq!(error, None, "{readme}:\n{block}");
            loaded += 1;
        }
    }
    assert_eq!(loaded, 6);
}
