//! What is decoded from YAML, and the shape that it must have.

use std::collections::BTreeMap;

/// What is decoded from a node.
#[derive(Debug)]
pub(super) enum ValueShape {
    /// Any value; of it only texts and nulls are kept.
    Any,
    Text,
    List(&'static ValueShape),
    /// Keys are texts.
    Map(&'static ValueShape),
    /// A map in which other keys are not decoded.
    Struct(&'static [(&'static str, ValueShape)]),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum DecodedValue {
    #[default]
    Null,
    Text(String),
    Other,
    List(Vec<DecodedValue>),
    Map(BTreeMap<String, DecodedValue>),
}
