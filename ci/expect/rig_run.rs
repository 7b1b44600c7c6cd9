//! What a run on the rig left on disk.

use std::path::Path;

use gpuhpa::evidence::{self, LoadedBundle};
use gpuhpa::model::verdict::Verdict;

use crate::cases::deciding_case;

/// A run on the rig.
pub(crate) struct RigRun {
    /// The bundle; a refused scenario starts no run and leaves none.
    pub(crate) bundle: Option<LoadedBundle>,
    /// The JUnit files by name: the one of `--junit`, and the bundle's own.
    pub(crate) junit_files: Vec<(String, String)>,
    /// The output of `verify`.
    pub(crate) output: String,
    /// The logs of containers that the bundle has, by path in the bundle.
    pub(crate) container_logs: Vec<(String, String)>,
}

impl RigRun {
    /// Reads a run.
    ///
    /// # Errors
    /// A file cannot be read, or the bundle is not one.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let read = |path: &Path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let beside = |end: &str| read(Path::new(&format!("{}{end}", path.display()))).map(|bytes| text(&bytes));
        let mut run = Self {
            bundle: None,
            junit_files: vec![("--junit".to_owned(), beside(".xml")?)],
            output: beside(".log")?,
            container_logs: Vec::new(),
        };
        if !path.exists() {
            return Ok(run);
        }
        let bundle = evidence::open_bundle(path).map_err(|error| format!("{}: {error}", path.display()))?;
        if let Some(bytes) = bundle.raw_files.get("junit.xml") {
            run.junit_files.push(("junit.xml".to_owned(), text(bytes)));
        }
        for name in bundle.digests.keys().filter(|name| name.starts_with("diagnostics/") && name.ends_with(".log")) {
            run.container_logs.push((name.clone(), text(&read(&path.join(name))?)));
        }
        run.bundle = Some(bundle);
        Ok(run)
    }

    /// The verdict of the bundle, if it has one.
    pub(crate) fn verdict(&self) -> Option<&Verdict> {
        self.bundle.as_ref()?.verdict.as_ref()
    }

    /// Whether the run made no change: it has no journal.
    pub(crate) fn changed_nothing(&self) -> bool {
        self.bundle.as_ref().is_none_or(|bundle| !bundle.digests.contains_key("journal.jsonl"))
    }

    /// The deciding case and its reason, or the error of a refused run.
    pub(crate) fn ended(&self) -> String {
        match self.verdict().and_then(deciding_case) {
            Some(case) => format!("{} {}: {}", case.name, case.result_label(), case.reason),
            None => {
                let error = self.output.lines().rfind(|line| line.starts_with("error"));
                format!("refused: {}", error.unwrap_or("without an error"))
            }
        }
    }
}
