//! Locates a field in the text of a scenario file: line and column of the nearest location.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// A YAML tree with the location of each value.
#[derive(Default)]
pub(super) struct YamlTree(BTreeMap<String, Spanned<YamlTree>>);

impl YamlTree {
    pub(super) fn child(&self, key: &str) -> Option<&Self> {
        self.0.get(key).map(|node| &node.value)
    }

    /// Line and column of a child.
    pub(super) fn child_place(&self, key: &str) -> Option<(u64, u64)> {
        self.0.get(key).map(|node| (node.defined.line(), node.defined.column()))
    }

    /// What the file has in the place of a child.
    pub(super) fn child_text<'a>(&self, key: &str, file: &'a str) -> Option<&'a str> {
        let span = self.0.get(key)?.defined.span();
        let [start, length] = [span.byte_offset()?, span.byte_len()?].map(|n| usize::try_from(n).ok());
        file.get(start?..start?.checked_add(length?)?)
    }
}

/// Line and column of the field in this text.
pub(super) fn field_position(text: &str, field: &[String]) -> (u64, u64) {
    let (_, line, column) = find_field(text, field);
    (line, column)
}

/// How many components of the field's path exist, with line and column of the last one.
pub(super) fn find_field(text: &str, field: &[String]) -> (usize, u64, u64) {
    let Ok(tree) = serde_saphyr::from_str::<YamlTree>(text) else { return (0, 1, 1) };
    let (mut node, mut found) = (&tree, (0, 1, 1));
    for (n, key) in field.iter().enumerate() {
        let Some(next) = node.0.get(key) else { break };
        found = (n + 1, next.defined.line(), next.defined.column());
        node = &next.value;
    }
    found
}

/// The path of the value at this line and column, such as `load.concurrency`; of nested values at one place the innermost.
pub(super) fn field_at(text: &str, line: u64, column: u64) -> Option<String> {
    fn search(tree: &YamlTree, prefix: &str, place: (u64, u64)) -> Option<String> {
        tree.0.iter().find_map(|(key, node)| {
            let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            let is_here = (node.defined.line(), node.defined.column()) == place;
            search(&node.value, &path, place).or_else(|| is_here.then_some(path))
        })
    }
    search(&serde_saphyr::from_str::<YamlTree>(text).ok()?, "", (line, column))
}

impl<'de> Deserialize<'de> for YamlTree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(YamlTreeVisitor)
    }
}

struct YamlTreeVisitor;

impl<'de> Visitor<'de> for YamlTreeVisitor {
    type Value = YamlTree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<YamlTree, A::Error> {
        let mut tree = YamlTree::default();
        while let Some((key, value)) = map.next_entry::<String, Spanned<YamlTree>>()? {
            tree.0.insert(key, value);
        }
        Ok(tree)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<YamlTree, A::Error> {
        let mut tree = YamlTree::default();
        while let Some(value) = seq.next_element::<Spanned<YamlTree>>()? {
            tree.0.insert(tree.0.len().to_string(), value);
        }
        Ok(tree)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<YamlTree, E> {
        Ok(YamlTree::default())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<YamlTree, E> {
        Ok(YamlTree::default())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<YamlTree, E> {
        Ok(YamlTree::default())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<YamlTree, E> {
        Ok(YamlTree::default())
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<YamlTree, E> {
        Ok(YamlTree::default())
    }

    fn visit_unit<E: de::Error>(self) -> Result<YamlTree, E> {
        Ok(YamlTree::default())
    }

    fn visit_none<E: de::Error>(self) -> Result<YamlTree, E> {
        Ok(YamlTree::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<YamlTree, D::Error> {
        YamlTree::deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<YamlTree, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| YamlTree::default())
    }
}
