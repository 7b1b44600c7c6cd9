//! Reads the bearer token of the load.

use std::path::Path;

use crate::env::{BearerToken, read_named_text};
use crate::model::load::BearerTokenSource;

/// Largest file, bytes: a token and white space.
const MAX_FILE_BYTES: u64 = 16 * 1024;

/// The token from its file or its environment variable.
///
/// # Errors
/// There is none, or it is no token. The message names the source, and nothing of its content.
pub(crate) fn read_bearer_token(source: &BearerTokenSource) -> Result<BearerToken, String> {
    let (key, name, text) = match source {
        BearerTokenSource { file: Some(file), .. } => {
            ("file", format!("file {file}"), read_named_text(Path::new(file), MAX_FILE_BYTES))
        }
        BearerTokenSource { env: Some(env), .. } => ("env", format!("environment variable {env}"), read_variable(env)),
        BearerTokenSource { file: None, env: None } => return Err("load.bearerToken names no source".to_owned()),
    };
    let token = text.and_then(|text| BearerToken::parse(&text).map_err(str::to_owned));
    token.map_err(|error| format!("load.bearerToken.{key}: no token in the {name}: {error}"))
}

#[expect(clippy::disallowed_methods, reason = "the user names a variable that contains the token")]
fn read_variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|error| match error {
        std::env::VarError::NotPresent => "it is not set".to_owned(),
        // The standard library's message quotes the value.
        std::env::VarError::NotUnicode(_) => "it is not UTF-8".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_source_and_not_its_content() {
        let of_file = |file: &Path| BearerTokenSource { file: Some(file.display().to_string()), env: None };
        let path = std::env::temp_dir().join(format!("gpuhpa-token-{}", std::process::id()));
        let error = |source: &BearerTokenSource| read_bearer_token(source).unwrap_err();
        let prefix = format!("load.bearerToken.file: no token in the file {}: ", path.display());
        assert!(error(&of_file(&path)).starts_with(&format!("{prefix}No such file")));
        for (content, reason) in [
            (b"".to_vec(), "it is empty"),
            (b"sk-s3cret-1 sk-s3cret-2".to_vec(), "it has a space"),
            (b"\xffsk-s3cret-1".to_vec(), "it is not UTF-8"),
            (b"x".repeat(20_000), "it has more than 16384 bytes"),
        ] {
            std::fs::write(&path, content).unwrap();
            let error = error(&of_file(&path));
            assert!(error.starts_with(&format!("{prefix}{reason}")) && !error.contains("s3cret"), "{error}");
        }
        std::fs::write(&path, "sk-s3cret-1\n").unwrap();
        read_bearer_token(&of_file(&path)).unwrap();
        std::fs::remove_file(&path).unwrap();
        let unset = BearerTokenSource { file: None, env: Some("GPUHPA_NO_SUCH_TOKEN".to_owned()) };
        assert_eq!(
            error(&unset),
            "load.bearerToken.env: no token in the environment variable GPUHPA_NO_SUCH_TOKEN: it is not set"
        );
    }
}
