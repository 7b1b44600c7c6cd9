//! YAML text → nodes of its first document, as go-yaml 3.0.1 reads it: later documents are not parsed.

use std::collections::BTreeMap;

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, StructureStyle, Tag, YamlVersion};

use super::resolve::{MERGE_TAG, STR_TAG, resolve, short_tag};

/// Deepest nesting that go-yaml reads.
const MAX_NESTING: usize = 10_000;

#[derive(Clone, Debug)]
pub(super) enum NodeKind {
    Scalar(String),
    /// Indices of the elements.
    Sequence(Vec<usize>),
    /// Indices of keys and values in turn.
    Mapping(Vec<usize>),
    /// Index of the node.
    Alias(usize),
}

#[derive(Clone, Debug)]
pub(super) struct YamlNode {
    pub(super) kind: NodeKind,
    /// The tag as written, or that of the value; empty for aliases.
    pub(super) tag: String,
    /// Number of the line, from 1.
    pub(super) line: usize,
}

/// The nodes of a document; `root` is absent in an empty file.
#[derive(Debug, Default)]
pub(super) struct YamlDocument {
    pub(super) nodes: Vec<YamlNode>,
    pub(super) root: Option<usize>,
}

pub(super) fn parse_document(bytes: &[u8]) -> Result<YamlDocument, String> {
    // YAML 1.1 breaks lines at these as well; as escapes in quotes they are no breaks.
    let text = decode(bytes)?.replace(['\u{85}', '\u{2028}', '\u{2029}'], "\n");
    check_directives(&text)?;
    let options = granit_parser::options! {
        bom_inside_document_as_content: true,
        block_scalar_eof_without_line_feed: true,
        flow_nesting_limit: MAX_NESTING,
        block_nesting_limit: MAX_NESTING,
        emit_comments: false,
    };
    let mut builder = DocumentBuilder::default();
    for event in Parser::new_from_str_with_options(&text, options) {
        let (event, span) = event.map_err(|error| error.to_string())?;
        let range = span.start.byte_offset().zip(span.end.byte_offset());
        let source = range.and_then(|(start, end)| text.get(start..end)).unwrap_or_default();
        builder.check_scalar(&event, source)?;
        if builder.add(event, span.start.line())? {
            break;
        }
    }
    Ok(builder.document)
}

/// UTF-8, or UTF-16 with a byte order mark, without the characters that YAML forbids.
fn decode(bytes: &[u8]) -> Result<String, String> {
    let units = |to_unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let text = String::from_utf16(&pairs.iter().map(|pair| to_unit(*pair)).collect::<Vec<_>>());
        if rest.is_empty() {
            text.map_err(|error| error.to_string())
        } else {
            Err("half a UTF-16 character".to_owned())
        }
    };
    let text = match bytes {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes)?,
        [0xfe, 0xff, ..] => units(u16::from_be_bytes)?,
        _ => std::str::from_utf8(bytes).map_err(|error| error.to_string())?.to_owned(),
    };
    let is_allowed = |c: &char| {
        matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
            || *c >= '\u{10000}'
    };
    match text.chars().position(|c| !is_allowed(&c)) {
        Some(at) => Err(format!("character {} is a control character, which YAML does not allow", at + 1)),
        None => Ok(text.strip_prefix('\u{feff}').map(ToOwned::to_owned).unwrap_or(text)),
    }
}

/// The directives before the first document: go-yaml knows only two.
fn check_directives(text: &str) -> Result<(), String> {
    for line in text.lines() {
        if let Some(directive) = line.strip_prefix('%') {
            let name = directive.split([' ', '\t']).next().unwrap_or_default();
            if !matches!(name, "YAML" | "TAG") {
                return Err(format!("unknown directive %{name}"));
            }
        } else if !line.trim_start().is_empty() && !line.trim_start().starts_with('#') {
            break;
        }
    }
    Ok(())
}

#[derive(Default)]
struct DocumentBuilder {
    document: YamlDocument,
    /// Indices of the open sequences and mappings.
    open: Vec<usize>,
    /// Number of open sequences and mappings in brackets.
    open_brackets: usize,
    anchors: BTreeMap<usize, usize>,
}

impl DocumentBuilder {
    /// Rejects what go-yaml rejects in a scalar and this parser accepts: JSON's escape of the slash, and within brackets a `?` in
    /// a plain scalar, as in an unquoted URL, and a tag right before a comma or bracket.
    fn check_scalar(&mut self, event: &Event<'_>, source: &str) -> Result<(), String> {
        match event {
            Event::SequenceStart(StructureStyle::Flow, ..) | Event::MappingStart(StructureStyle::Flow, ..) => {
                self.open_brackets += 1;
            }
            // Within brackets there are only brackets.
            Event::SequenceEnd | Event::MappingEnd => self.open_brackets = self.open_brackets.saturating_sub(1),
            Event::Scalar(_, ScalarStyle::DoubleQuoted, ..) if source.replace("\\\\", "").contains("\\/") => {
                return Err("YAML 1.1 has no escape \\/".to_owned());
            }
            Event::Scalar(text, ScalarStyle::Plain, _, tag) if self.open_brackets > 0 => {
                if text.contains('?') {
                    return Err(format!("a `?` within brackets needs quotes: `{text}`"));
                }
                if text.is_empty() && tag.is_some() {
                    return Err("a tag within brackets needs a blank after it".to_owned());
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds an event, and returns whether the document has ended.
    fn add(&mut self, event: Event<'_>, line: usize) -> Result<bool, String> {
        match event {
            Event::DocumentStart(_, Some(version)) if version != YamlVersion::new(1, 1) => {
                return Err(format!("YAML {}.{} is not supported; go-yaml reads 1.1", version.major, version.minor));
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tag = scalar_tag(tag.as_deref(), style, &text)?;
                let kind = NodeKind::Scalar(text.into_owned());
                self.push(YamlNode { kind, tag, line }, anchor);
            }
            Event::SequenceStart(_, anchor, tag) => {
                let tag = written_tag(tag.as_deref()).unwrap_or_else(|| "!!seq".to_owned());
                let index = self.push(YamlNode { kind: NodeKind::Sequence(Vec::new()), tag, line }, anchor);
                self.open.push(index);
            }
            Event::MappingStart(_, anchor, tag) => {
                let tag = written_tag(tag.as_deref()).unwrap_or_else(|| "!!map".to_owned());
                let index = self.push(YamlNode { kind: NodeKind::Mapping(Vec::new()), tag, line }, anchor);
                self.open.push(index);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.open.pop();
            }
            Event::Alias(id) => {
                let target = self.anchors.get(&id).copied().ok_or("an alias without an anchor")?;
                self.push(YamlNode { kind: NodeKind::Alias(target), tag: String::new(), line }, 0);
            }
            Event::DocumentEnd => return Ok(true),
            _ => {}
        }
        Ok(false)
    }

    fn push(&mut self, node: YamlNode, anchor: usize) -> usize {
        let nodes = &mut self.document.nodes;
        let index = nodes.len();
        nodes.push(node);
        match self.open.last().and_then(|parent| nodes.get_mut(*parent)).map(|parent| &mut parent.kind) {
            Some(NodeKind::Sequence(children) | NodeKind::Mapping(children)) => children.push(index),
            _ => self.document.root = Some(index),
        }
        if anchor != 0 {
            self.anchors.insert(anchor, index);
        }
        index
    }
}

/// The tag as written, in its short form; `!` is none.
fn written_tag(tag: Option<&Tag>) -> Option<String> {
    let tag = tag.map(|tag| format!("{}{}", tag.handle(), tag.suffix()))?;
    if tag.is_empty() || tag == "!" { None } else { Some(short_tag(&tag)) }
}

fn scalar_tag(tag: Option<&Tag>, style: ScalarStyle, text: &str) -> Result<String, String> {
    match written_tag(tag) {
        Some(tag) => Ok(tag),
        None if style != ScalarStyle::Plain => Ok(STR_TAG.to_owned()),
        None if text == "<<" => Ok(MERGE_TAG.to_owned()),
        None => Ok(resolve("", text)?.0),
    }
}
