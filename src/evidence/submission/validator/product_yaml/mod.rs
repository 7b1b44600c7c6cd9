//! Reads PRODUCT.yaml and checklists as the programme's validator does, with the types of its script.

mod decode;
mod nodes;
mod resolve;
mod values;

use std::collections::BTreeMap;

use decode::YamlDecoder;
use values::{DecodedValue, ValueShape};

/// A product's file or a checklist.
#[derive(Debug, Default)]
pub(super) struct ProductYaml {
    /// Only texts are kept; `None` is a value of another type. Nulls are left in, as absent.
    pub(super) metadata: Option<BTreeMap<String, MetadataValue>>,
    /// Category → entries.
    pub(super) spec: Option<BTreeMap<String, Vec<RequirementEntry>>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MetadataValue {
    Null,
    Text(String),
    Other,
}

/// An entry; absent texts and nulls are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RequirementEntry {
    pub(super) id: String,
    pub(super) description: String,
    pub(super) level: String,
    pub(super) status: String,
    pub(super) evidence: Vec<String>,
    pub(super) notes: String,
}

/// Why the file was not read.
#[derive(Debug)]
pub(super) struct YamlError {
    /// `yaml-syntax`, or `yaml-type` if the file parses, and something is not of the type that the validator reads.
    pub(super) rule: &'static str,
    pub(super) message: String,
}

const REQUIREMENT: ValueShape = ValueShape::Struct(&[
    ("id", ValueShape::Text),
    ("description", ValueShape::Text),
    ("level", ValueShape::Text),
    ("status", ValueShape::Text),
    ("evidence", ValueShape::List(&ValueShape::Text)),
    ("notes", ValueShape::Text),
]);

const PRODUCT: ValueShape = ValueShape::Struct(&[
    ("metadata", ValueShape::Map(&ValueShape::Any)),
    ("spec", ValueShape::Map(&ValueShape::List(&REQUIREMENT))),
]);

/// Reads the first document of a file.
///
/// # Errors
/// It is no YAML, or has values of other types.
pub(super) fn read_product_yaml(bytes: &[u8]) -> Result<ProductYaml, YamlError> {
    let syntax = |message: String| YamlError { rule: "yaml-syntax", message };
    let document = nodes::parse_document(bytes).map_err(syntax)?;
    let Some(root) = document.root else { return Ok(ProductYaml::default()) };
    let mut decoder = YamlDecoder::new(&document);
    let mut value = DecodedValue::default();
    decoder.decode(root, &PRODUCT, &mut value).map_err(syntax)?;
    if !decoder.type_errors.is_empty() {
        return Err(YamlError { rule: "yaml-type", message: decoder.type_errors.join("; ") });
    }
    let mut fields = into_map(value).unwrap_or_default();
    let metadata = fields.remove("metadata").and_then(into_map);
    let spec = fields.remove("spec").and_then(into_map);
    Ok(ProductYaml {
        metadata: metadata.map(|map| map.into_iter().map(|(key, value)| (key, metadata_value(value))).collect()),
        spec: spec.map(|map| map.into_iter().map(|(key, value)| (key, requirement_entries(value))).collect()),
    })
}

fn into_map(value: DecodedValue) -> Option<BTreeMap<String, DecodedValue>> {
    if let DecodedValue::Map(map) = value { Some(map) } else { None }
}

fn into_list(value: DecodedValue) -> Vec<DecodedValue> {
    if let DecodedValue::List(list) = value { list } else { Vec::new() }
}

fn into_text(value: Option<DecodedValue>) -> String {
    if let Some(DecodedValue::Text(text)) = value { text } else { String::new() }
}

fn metadata_value(value: DecodedValue) -> MetadataValue {
    match value {
        DecodedValue::Null => MetadataValue::Null,
        DecodedValue::Text(text) => MetadataValue::Text(text),
        DecodedValue::Other | DecodedValue::List(_) | DecodedValue::Map(_) => MetadataValue::Other,
    }
}

fn requirement_entries(value: DecodedValue) -> Vec<RequirementEntry> {
    let entry = |value| {
        let mut fields = into_map(value).unwrap_or_default();
        let evidence = fields.remove("evidence").map(into_list).unwrap_or_default();
        let mut text = |name: &str| into_text(fields.remove(name));
        RequirementEntry {
            id: text("id"),
            description: text("description"),
            level: text("level"),
            status: text("status"),
            evidence: evidence.into_iter().map(|one| into_text(Some(one))).collect(),
            notes: text("notes"),
        }
    };
    into_list(value).into_iter().map(entry).collect()
}
