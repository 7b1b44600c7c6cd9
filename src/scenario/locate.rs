//! Where a field of a scenario is written: file, line and column of the nearest place.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::layers::Layer;

/// YAML with the place of each value.
#[derive(Default)]
struct Tree(BTreeMap<String, Spanned<Tree>>);

/// `file:line:column` of the field, in the last file that writes it or most of the way to it.
pub(super) fn place(layers: &[Layer], field: &[String]) -> String {
    let mut best: Option<(usize, String)> = None;
    for layer in layers {
        let (depth, line, column) = find(&layer.text, field);
        if best.as_ref().is_none_or(|(deepest, _)| depth >= *deepest) {
            best = Some((depth, format!("{}:{line}:{column}", layer.name)));
        }
    }
    best.map(|(_, place)| place).unwrap_or_default()
}

/// Line and column of the field in this text.
pub(super) fn position(text: &str, field: &[String]) -> (u64, u64) {
    let (_, line, column) = find(text, field);
    (line, column)
}

/// How many parts of the field are there, and where the last of them is.
fn find(text: &str, field: &[String]) -> (usize, u64, u64) {
    let Ok(tree) = serde_saphyr::from_str::<Tree>(text) else { return (0, 1, 1) };
    let (mut node, mut found) = (&tree, (0, 1, 1));
    for (n, key) in field.iter().enumerate() {
        let Some(next) = node.0.get(key) else { break };
        found = (n + 1, next.defined.line(), next.defined.column());
        node = &next.value;
    }
    found
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut tree = Tree::default();
        while let Some((key, value)) = map.next_entry::<String, Spanned<Tree>>()? {
            tree.0.insert(key, value);
        }
        Ok(tree)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut tree = Tree::default();
        while let Some(value) = seq.next_element::<Spanned<Tree>>()? {
            tree.0.insert(tree.0.len().to_string(), value);
        }
        Ok(tree)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::default())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::default())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::default())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::default())
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Tree, E> {
        Ok(Tree::default())
    }

    fn visit_unit<E: de::Error>(self) -> Result<Tree, E> {
        Ok(Tree::default())
    }

    fn visit_none<E: de::Error>(self) -> Result<Tree, E> {
        Ok(Tree::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Tree::default())
    }
}
