//! Reads junit.xml as the validator does: elements count by their local name, and by their place under the root, whatever the
//! root is; text after the root is not read.

use super::xml_reader::{XmlReader, XmlToken};
use super::{ArtifactError, ArtifactStatus, ArtifactTests};

/// Deepest nesting of elements that count.
const MAX_DEPTH: usize = 10_000;

/// An open element, or one that is read.
#[derive(Clone, Copy)]
enum OpenElement {
    /// The root or a `testsuite`, by its index.
    Suite(usize),
    /// A `testcase`, by the index of its suite; it is the last case there.
    Case(usize),
    /// An element whose content does not count.
    Other,
}

#[derive(Default)]
struct JunitSuite {
    cases: Vec<(String, ArtifactStatus)>,
    suites: Vec<usize>,
}

pub(super) fn parse_junit(bytes: &[u8]) -> Result<ArtifactTests, ArtifactError> {
    let suites = read_suites(bytes).map_err(|why| ArtifactError::new("xml-invalid", format!("invalid XML: {why}")))?;
    let mut tests = ArtifactTests::default();
    // The cases of a suite come before those of its inner suites, wherever they are in the file.
    let mut waiting = vec![0];
    while let Some(suite) = waiting.pop().and_then(|index: usize| suites.get(index)) {
        suite.cases.iter().for_each(|(name, status)| tests.add(name.clone(), *status));
        waiting.extend(suite.suites.iter().rev());
    }
    if tests.statuses.is_empty() {
        return Err(ArtifactError::new("xml-no-test", "it contains no <testcase> in a suite"));
    }
    Ok(tests)
}

/// The root and all suites below it.
fn read_suites(bytes: &[u8]) -> Result<Vec<JunitSuite>, String> {
    let mut reader = XmlReader::new(bytes);
    let mut suites = vec![JunitSuite::default()];
    let mut open: Vec<OpenElement> = Vec::new();
    loop {
        match reader.next_token()? {
            XmlToken::Start { name, attributes } => {
                let Some(parent) = open.last().copied() else {
                    open.push(OpenElement::Suite(0));
                    continue;
                };
                let element = open_element(&mut suites, parent, &name, &attributes);
                let is_result = matches!(name.as_str(), "failure" | "error" | "skipped");
                let counts = match element {
                    OpenElement::Suite(_) | OpenElement::Case(_) => true,
                    OpenElement::Other => is_result && matches!(parent, OpenElement::Case(_)),
                };
                if counts && reader.depth() > MAX_DEPTH {
                    return Err("it nests too deep".to_owned());
                }
                open.push(element);
            }
            XmlToken::End => {
                open.pop();
                if open.is_empty() {
                    return Ok(suites);
                }
            }
            XmlToken::Other => {}
        }
    }
}

fn open_element(
    suites: &mut Vec<JunitSuite>,
    parent: OpenElement,
    name: &str,
    attributes: &[(String, String)],
) -> OpenElement {
    match (parent, name) {
        (OpenElement::Suite(parent), "testsuite") => {
            let index = suites.len();
            suites.push(JunitSuite::default());
            suites.iter_mut().skip(parent).take(1).for_each(|suite| suite.suites.push(index));
            OpenElement::Suite(index)
        }
        (OpenElement::Suite(parent), "testcase") => {
            let named = attributes.iter().rev().find(|(name, _)| name == "name");
            let test = named.map(|(_, value)| value.clone()).unwrap_or_default();
            suites
                .iter_mut()
                .skip(parent)
                .take(1)
                .for_each(|suite| suite.cases.push((test.clone(), ArtifactStatus::Passed)));
            OpenElement::Case(parent)
        }
        (OpenElement::Case(suite), "failure" | "error" | "skipped") => {
            if let Some((_, status)) = suites.get_mut(suite).and_then(|suite| suite.cases.last_mut()) {
                *status = match name {
                    "skipped" if *status == ArtifactStatus::Passed => ArtifactStatus::Skipped,
                    "skipped" => *status,
                    _ => ArtifactStatus::Failed,
                };
            }
            OpenElement::Other
        }
        _ => OpenElement::Other,
    }
}
