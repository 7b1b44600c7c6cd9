//! Nodes → values of a shape, as go-yaml 3.0.1 decodes them: equal keys and values of another type are type errors, of which
//! all are collected; a bad merge, a growing alias and a value that its tag denies end the decoding.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::nodes::{NodeKind, YamlDocument, YamlNode};
use super::resolve::{BINARY_TAG, MERGE_TAG, NULL_TAG, STR_TAG, ScalarValue, resolve};
use super::values::{DecodedValue, ValueShape};

/// Deepest value that is decoded; go-yaml's stack grows, ours does not.
const MAX_DEPTH: usize = 300;

/// An error that ends the decoding.
type Decoded = Result<bool, String>;

pub(super) struct YamlDecoder<'a> {
    document: &'a YamlDocument,
    pub(super) type_errors: Vec<String>,
    /// Aliases whose value is being decoded.
    open_aliases: HashSet<usize>,
    decoded: usize,
    decoded_by_alias: usize,
    depth: usize,
    /// Keys that a merge must not set.
    merged: Option<BTreeSet<String>>,
}

impl<'a> YamlDecoder<'a> {
    pub(super) fn new(document: &'a YamlDocument) -> Self {
        Self {
            document,
            type_errors: Vec::new(),
            open_aliases: HashSet::new(),
            decoded: 0,
            decoded_by_alias: 0,
            depth: 0,
            merged: None,
        }
    }

    fn node(&self, index: usize) -> Result<&'a YamlNode, String> {
        self.document.nodes.get(index).ok_or_else(|| "a node is missing".to_owned())
    }

    /// Decodes a node, and returns whether there is a value.
    pub(super) fn decode(&mut self, index: usize, shape: &ValueShape, out: &mut DecodedValue) -> Decoded {
        self.decoded += 1;
        if !self.open_aliases.is_empty() {
            self.decoded_by_alias += 1;
        }
        if self.has_excessive_aliases() || self.depth > MAX_DEPTH {
            return Err("document contains excessive aliasing or nesting".to_owned());
        }
        self.depth += 1;
        let node = self.node(index)?;
        let decoded = match &node.kind {
            NodeKind::Alias(target) => self.decode_alias(index, *target, shape, out),
            NodeKind::Scalar(text) => self.decode_scalar(node, text, shape, out),
            NodeKind::Sequence(children) => self.decode_sequence(node, children, shape, out),
            NodeKind::Mapping(children) => self.decode_mapping(node, children, shape, out),
        };
        self.depth -= 1;
        decoded
    }

    /// go-yaml's limits: 99 % of the values of a small document may come from aliases, and 10 % of a large one.
    #[expect(clippy::cast_precision_loss, reason = "a ratio of two counts far below 2^52")]
    fn has_excessive_aliases(&self) -> bool {
        let (low, high) = (400_000.0, 4_000_000.0);
        let (decoded, by_alias) = (self.decoded as f64, self.decoded_by_alias as f64);
        let allowed = 0.99 - 0.89 * ((decoded - low) / (high - low)).clamp(0.0, 1.0);
        self.decoded_by_alias > 100 && self.decoded > 1000 && by_alias / decoded > allowed
    }

    fn decode_alias(&mut self, index: usize, target: usize, shape: &ValueShape, out: &mut DecodedValue) -> Decoded {
        if !self.open_aliases.insert(index) {
            return Err("an anchor's value contains itself".to_owned());
        }
        let decoded = self.decode(target, shape, out);
        self.open_aliases.remove(&index);
        decoded
    }

    fn add_type_error(&mut self, node: &YamlNode, message: impl AsRef<str>) -> Decoded {
        self.type_errors.push(format!("line {}: {}", node.line, message.as_ref()));
        Ok(false)
    }

    fn decode_scalar(&mut self, node: &YamlNode, text: &str, shape: &ValueShape, out: &mut DecodedValue) -> Decoded {
        let mut text = text.to_owned();
        let value = if node.tag == STR_TAG { ScalarValue::Text(text.clone()) } else { resolve(&node.tag, &text)?.1 };
        if node.tag == BINARY_TAG {
            let encoded: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
            let bytes = STANDARD.decode(encoded).map_err(|_| "!!binary value contains invalid base64 data")?;
            text = String::from_utf8_lossy(&bytes).into_owned();
        }
        match (value, shape) {
            (ScalarValue::Null, ValueShape::Any | ValueShape::List(_) | ValueShape::Map(_)) => {
                *out = DecodedValue::Null
            }
            (ScalarValue::Null, ValueShape::Text | ValueShape::Struct(_)) => return Ok(false),
            (ScalarValue::Text(_), ValueShape::Any) | (_, ValueShape::Text) => *out = DecodedValue::Text(text),
            (ScalarValue::Other, ValueShape::Any) => *out = DecodedValue::Other,
            (_, ValueShape::List(_)) => return self.add_type_error(node, format!("`{text}` is no list")),
            (_, ValueShape::Map(_) | ValueShape::Struct(_)) => {
                return self.add_type_error(node, format!("`{text}` is no map"));
            }
        }
        Ok(true)
    }

    fn decode_sequence(
        &mut self,
        node: &YamlNode,
        children: &[usize],
        shape: &ValueShape,
        out: &mut DecodedValue,
    ) -> Decoded {
        let element = match shape {
            ValueShape::List(element) => element,
            ValueShape::Any => &ValueShape::Any,
            ValueShape::Text => return self.add_type_error(node, "a list in the place of a text"),
            ValueShape::Map(_) | ValueShape::Struct(_) => {
                return self.add_type_error(node, "a list in the place of a map");
            }
        };
        let mut values = Vec::new();
        for child in children {
            let mut value = DecodedValue::default();
            if self.decode(*child, element, &mut value)? {
                values.push(value);
            }
        }
        *out = if matches!(shape, ValueShape::Any) { DecodedValue::Other } else { DecodedValue::List(values) };
        Ok(true)
    }

    fn decode_mapping(
        &mut self,
        node: &YamlNode,
        children: &[usize],
        shape: &ValueShape,
        out: &mut DecodedValue,
    ) -> Decoded {
        if self.has_equal_keys(children)? {
            return Ok(false);
        }
        let (is_open, fallback) = match shape {
            ValueShape::Struct(_) => (false, &ValueShape::Any),
            ValueShape::Map(value) => (true, *value),
            ValueShape::Any => (true, &ValueShape::Any),
            ValueShape::Text => return self.add_type_error(node, "a map in the place of a text"),
            ValueShape::List(_) => return self.add_type_error(node, "a map in the place of a list"),
        };
        let is_general = matches!(shape, ValueShape::Any) && !self.has_text_keys(children);
        let mut map = match std::mem::take(out) {
            DecodedValue::Map(map) => map,
            _ => BTreeMap::new(),
        };
        let merged = self.merged.take();
        let mut done = merged.clone();
        let (mut merge, mut fields) = (None, BTreeSet::new());
        for pair in children.chunks_exact(2) {
            let [key_index, value_index] = [pair.first(), pair.last()].map(|index| index.copied().unwrap_or_default());
            let key_node = self.node(key_index)?;
            if is_merge(key_node) {
                merge = Some(value_index);
                continue;
            }
            let Some(key) = self.decode_key(key_index, is_general)? else { continue };
            if done.as_mut().is_some_and(|done| !done.insert(key.clone())) {
                continue;
            }
            let shape = match shape {
                ValueShape::Struct(known) => match known.iter().find(|(name, _)| *name == key) {
                    Some((_, shape)) if fields.insert(key.clone()) => shape,
                    Some(_) => {
                        self.add_type_error(key_node, format!("field {key} already set"))?;
                        continue;
                    }
                    None => continue,
                },
                _ => fallback,
            };
            let mut value = if is_open { DecodedValue::default() } else { map.remove(&key).unwrap_or_default() };
            let has_value = self.decode(value_index, shape, &mut value)?;
            let is_new_null = || Ok::<_, String>(self.short_tag(value_index)? == NULL_TAG && !map.contains_key(&key));
            if !is_open || has_value || is_new_null()? {
                map.insert(key, value);
            }
        }
        *out = DecodedValue::Map(map);
        self.merged = done;
        if let Some(merge) = merge {
            self.merge(children, merge, shape, out)?;
        }
        self.merged = self.merged.take().filter(|_| merged.is_some());
        if matches!(shape, ValueShape::Any) {
            *out = DecodedValue::Other;
        }
        Ok(true)
    }

    /// A key as a text; `None` if it is null or of another type. In a general map a key may be any scalar.
    fn decode_key(&mut self, index: usize, is_general: bool) -> Result<Option<String>, String> {
        let mut key = DecodedValue::default();
        if is_general {
            let is_value = self.decode(index, &ValueShape::Any, &mut key)?;
            let target = self.alias_target(index)?;
            if is_value && !matches!(target.kind, NodeKind::Scalar(_)) {
                return Err("a list or a map is no key".to_owned());
            }
            // Only the count of these values matters.
            return Ok(is_value.then(|| format!("{index}")));
        }
        let is_value = self.decode(index, &ValueShape::Text, &mut key)?;
        Ok(match key {
            DecodedValue::Text(key) if is_value => Some(key),
            _ => None,
        })
    }

    fn has_equal_keys(&mut self, children: &[usize]) -> Result<bool, String> {
        let mut seen = HashSet::new();
        let mut has_equal = false;
        for key in children.iter().step_by(2) {
            let node = self.node(*key)?;
            let identity = match &node.kind {
                NodeKind::Scalar(text) => (0, text.as_str(), 0),
                NodeKind::Sequence(_) => (1, "", 0),
                NodeKind::Mapping(_) => (2, "", 0),
                NodeKind::Alias(target) => (3, "", *target),
            };
            if !seen.insert(identity) {
                has_equal = true;
                self.add_type_error(node, format!("key `{}` occurs twice", identity.1))?;
            }
        }
        Ok(has_equal)
    }

    fn alias_target(&self, index: usize) -> Result<&'a YamlNode, String> {
        let node = self.node(index)?;
        if let NodeKind::Alias(target) = node.kind { self.node(target) } else { Ok(node) }
    }

    fn short_tag(&self, index: usize) -> Result<&'a str, String> {
        self.alias_target(index).map(|node| node.tag.as_str())
    }

    fn has_text_keys(&self, children: &[usize]) -> bool {
        let mut keys = children.iter().step_by(2);
        keys.all(|key| self.short_tag(*key).is_ok_and(|tag| tag == STR_TAG || tag == MERGE_TAG))
    }

    /// Merges `<<` into a map: what the map has itself stays.
    fn merge(
        &mut self,
        parent: &[usize],
        merge: usize,
        shape: &ValueShape,
        out: &mut DecodedValue,
    ) -> Result<(), String> {
        let is_outermost = self.merged.is_none();
        if is_outermost {
            let mut own = BTreeSet::new();
            for key in parent.iter().step_by(2) {
                let mut value = DecodedValue::default();
                if self.decode(*key, &ValueShape::Any, &mut value)?
                    && let DecodedValue::Text(key) = value
                {
                    own.insert(key);
                }
            }
            self.merged = Some(own);
        }
        let parts = match &self.node(merge)?.kind {
            NodeKind::Sequence(parts) => parts.clone(),
            _ => vec![merge],
        };
        for part in parts {
            if !matches!(self.alias_target(part)?.kind, NodeKind::Mapping(_)) {
                return Err("map merge requires map or sequence of maps as the value".to_owned());
            }
            self.decode(part, shape, out)?;
        }
        if is_outermost {
            self.merged = None;
        }
        Ok(())
    }
}

fn is_merge(node: &YamlNode) -> bool {
    matches!(&node.kind, NodeKind::Scalar(text) if text == "<<") && node.tag == MERGE_TAG
}
