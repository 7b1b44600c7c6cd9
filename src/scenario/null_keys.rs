//! A scenario file without its null keys. `null` removes a key of the layers below, so that each key takes it, while a type takes
//! the values of its key alone.

use serde_json::{Map, Value};

use super::locate::YamlTree;

/// The text of a file without its null keys, one value on each line.
pub(super) struct TextWithoutNulls {
    pub(super) yaml: String,
    /// Line and column in the file, of each line of the text.
    places: Vec<(u64, u64)>,
}

impl TextWithoutNulls {
    /// `None` for a file without a null key.
    pub(super) fn new(file: &str, values: &Map<String, Value>) -> Option<Self> {
        if !values.values().any(has_null_key) {
            return None;
        }
        let tree = serde_saphyr::from_str(file).ok()?;
        let mut writer = TextWriter { file, out: Self { yaml: String::new(), places: Vec::new() } };
        writer.write_map(values, &tree, (1, 1));
        Some(writer.out)
    }

    /// Line and column in the file of what is on a line of this text.
    pub(super) fn place_in_file(&self, line: u64) -> (u64, u64) {
        let index = usize::try_from(line).ok().and_then(|line| line.checked_sub(1));
        index.and_then(|index| self.places.get(index)).copied().unwrap_or((1, 1))
    }
}

/// Lists replace those below as they are: a null inside of one removes nothing.
fn has_null_key(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.values().any(has_null_key),
        _ => false,
    }
}

struct TextWriter<'a> {
    file: &'a str,
    out: TextWithoutNulls,
}

impl TextWriter<'_> {
    fn write_line(&mut self, text: &str, place: (u64, u64)) {
        self.out.yaml.push_str(&format!(" {text}\n"));
        self.out.places.push(place);
    }

    fn write_map(&mut self, map: &Map<String, Value>, tree: &YamlTree, place: (u64, u64)) {
        self.write_line("{", place);
        for (key, value) in map.iter().filter(|(_, value)| !value.is_null()) {
            let place = tree.child_place(key).unwrap_or(place);
            self.write_line(&format!("{}:", Value::from(key.as_str())), place);
            self.write_value(value, tree, key, place);
            self.write_line(",", place);
        }
        self.write_line("}", place);
    }

    fn write_value(&mut self, value: &Value, parent: &YamlTree, key: &str, place: (u64, u64)) {
        let empty = YamlTree::default();
        let tree = parent.child(key).unwrap_or(&empty);
        match value {
            Value::Object(map) => self.write_map(map, tree, place),
            Value::Array(items) => {
                self.write_line("[", place);
                for (n, item) in items.iter().enumerate() {
                    let index = n.to_string();
                    let place = tree.child_place(&index).unwrap_or(place);
                    self.write_value(item, tree, &index, place);
                    self.write_line(",", place);
                }
                self.write_line("]", place);
            }
            // A version 5.10 is the number 5.1, and a text where the scenario has one.
            Value::Number(_) | Value::Bool(_) => {
                let written = parent.child_text(key, self.file);
                let is_same = |text: &&str| serde_saphyr::from_str::<Value>(text).is_ok_and(|read| read == *value);
                let text = written.filter(is_same).map_or_else(|| value.to_string(), ToOwned::to_owned);
                self.write_line(&text, place);
            }
            Value::Null | Value::String(_) => self.write_line(&value.to_string(), place),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(file: &str) -> Option<TextWithoutNulls> {
        TextWithoutNulls::new(file, &serde_saphyr::from_str(file).unwrap())
    }

    #[test]
    fn a_file_keeps_its_values_and_their_places_and_loses_its_null_keys() {
        let file = "a: null\nb:\n  c: ~\n  d: 5.10\n  e: [1, null, {f: null, g: \"x: #\"}]\nh: 'é\"'\ni:\n";
        let text = write(file).unwrap();
        let read: Value = serde_saphyr::from_str(&text.yaml).unwrap();
        let expected = serde_json::json!({"b": {"d": 5.1, "e": [1, null, {"g": "x: #"}]}, "h": "é\""});
        assert_eq!(read, expected, "{}", text.yaml);
        let line = text.yaml.lines().position(|line| line == " 5.10").unwrap();
        assert_eq!(text.place_in_file(line as u64 + 1), (4, 6), "{}", text.yaml);
        assert!(write("a: 1\nb: [null, {c: null}]\n").is_none());
    }
}
