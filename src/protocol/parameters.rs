//! Fields of `load.parameters` that a scenario must not set, because gpuhpa sets them in each request.

use serde_json::{Map, Value};

/// A field of `load.parameters` that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParameterProblem {
    /// The field, below `load.parameters`: `options.seed`.
    pub(crate) field: String,
    /// What is wrong with it.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: String,
}

/// The fields of `reserved` that the parameters set. Each field has a hint: the scenario key that sets it.
pub(super) fn find_reserved(parameters: &Map<String, Value>, reserved: &[(&str, &str)]) -> Vec<ParameterProblem> {
    let is_set = |field: &str| {
        let mut keys = field.split('.');
        let first = keys.next().and_then(|key| parameters.get(key));
        keys.fold(first, |value, key| value.and_then(|value| value.get(key))).is_some()
    };
    let problem = |(field, hint): &(&str, &str)| ParameterProblem {
        field: (*field).to_owned(),
        message: "is set by gpuhpa in each request".to_owned(),
        hint: (*hint).to_owned(),
    };
    reserved.iter().filter(|(field, _)| is_set(field)).map(problem).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reserved_field_is_found_at_any_depth() {
        let reserved = [("model", "set load.model"), ("options.seed", "set load.seed")];
        let found = |parameters: Value| {
            let problems = find_reserved(parameters.as_object().unwrap(), &reserved);
            problems.into_iter().map(|problem| (problem.field, problem.hint)).collect::<Vec<_>>()
        };
        let seed = ("options.seed".to_owned(), "set load.seed".to_owned());
        assert_eq!(found(json!({"options": {"seed": null}, "seed": 1})), std::slice::from_ref(&seed));
        assert_eq!(
            found(json!({"model": "m", "options": {"seed": 1}})),
            [("model".to_owned(), "set load.model".to_owned()), seed]
        );
        assert_eq!(found(json!({"options": {"num_ctx": 1}, "keep_alive": "seed"})), []);
    }
}
