//! Reads XML as Go's `encoding/xml` does in its strict mode, so that a file is invalid here exactly if it is there. Go accepts
//! text around the root and attributes that occur twice, and rejects control characters and encodings other than UTF-8.

use super::xml_text::{XmlResult, check_text, is_name_char, is_name_start, local_name, pseudo_attribute};

/// A token of a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum XmlToken {
    /// A start tag: local names and values.
    Start {
        name: String,
        attributes: Vec<(String, String)>,
    },
    End,
    /// Text, a comment, an instruction or a directive.
    Other,
}

pub(super) struct XmlReader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Names of the open elements, with their prefixes.
    open: Vec<String>,
    /// The last tag was `<x/>`, whose end follows.
    is_empty_tag: bool,
}

impl<'a> XmlReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, open: Vec::new(), is_empty_tag: false }
    }

    /// Number of open elements.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    pub(super) fn next_token(&mut self) -> XmlResult<XmlToken> {
        if std::mem::take(&mut self.is_empty_tag) {
            self.open.pop();
            return Ok(XmlToken::End);
        }
        if self.peek() != Some(b'<') {
            if self.peek().is_none() {
                return Err("unexpected end of file".to_owned());
            }
            self.read_text(None)?;
            return Ok(XmlToken::Other);
        }
        self.at += 1;
        match self.next_byte()? {
            b'/' => self.read_end_tag(),
            b'?' => self.read_instruction(),
            b'!' => self.read_declaration(),
            _ => {
                self.at -= 1;
                self.read_start_tag()
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next_byte(&mut self) -> XmlResult<u8> {
        let byte = self.peek().ok_or("unexpected end of file")?;
        self.at += 1;
        Ok(byte)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\r' | b'\n' | b'\t')) {
            self.at += 1;
        }
    }

    /// Skips to the end of the next occurrence of `mark`, and returns what is before it.
    fn read_until(&mut self, mark: &[u8]) -> XmlResult<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.windows(mark.len()).position(|part| part == mark).ok_or("unexpected end of file")?;
        self.at += length + mark.len();
        Ok(rest.get(..length).unwrap_or_default())
    }

    fn read_end_tag(&mut self) -> XmlResult<XmlToken> {
        let name = self.read_name()?;
        self.skip_space();
        if self.next_byte()? != b'>' {
            return Err(format!("invalid characters between </{name} and >"));
        }
        match self.open.pop() {
            Some(open) if open == name => Ok(XmlToken::End),
            Some(open) => Err(format!("element <{open}> closed by </{name}>")),
            None => Err(format!("unexpected end element </{name}>")),
        }
    }

    fn read_instruction(&mut self) -> XmlResult<XmlToken> {
        let target = self.read_plain_name()?;
        self.skip_space();
        let content = String::from_utf8_lossy(self.read_until(b"?>")?).into_owned();
        if target == "xml" {
            let version = pseudo_attribute(&content, "version=");
            if !matches!(version, "" | "1.0") {
                return Err(format!("unsupported version {version}"));
            }
            let encoding = pseudo_attribute(&content, "encoding=");
            if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("utf-8") {
                return Err(format!("unsupported encoding {encoding}"));
            }
        }
        Ok(XmlToken::Other)
    }

    fn read_declaration(&mut self) -> XmlResult<XmlToken> {
        match self.next_byte()? {
            b'-' => {
                if self.next_byte()? != b'-' {
                    return Err("invalid sequence <!- not part of <!--".to_owned());
                }
                self.read_until(b"--")?;
                if self.next_byte()? != b'>' {
                    return Err("invalid sequence \"--\" in a comment".to_owned());
                }
            }
            b'[' => {
                if !self.bytes.get(self.at..).unwrap_or_default().starts_with(b"CDATA[") {
                    return Err("invalid <![ sequence".to_owned());
                }
                self.at += b"CDATA[".len();
                let text = self.read_until(b"]]>")?;
                check_text(text)?;
            }
            _ => {
                self.at -= 1;
                self.skip_directive()?;
            }
        }
        Ok(XmlToken::Other)
    }

    /// Skips `<!DOCTYPE ...>`, whose brackets nest outside of quotes and comments. Its first byte is never a bracket.
    fn skip_directive(&mut self) -> XmlResult<()> {
        let (mut quote, mut depth, mut is_first) = (None, 0_usize, true);
        loop {
            let byte = self.next_byte()?;
            match (byte, quote) {
                (b'>', None) if depth == 0 && !is_first => return Ok(()),
                _ if is_first => {}
                (byte, Some(open)) if byte == open => quote = None,
                (_, Some(_)) => {}
                (b'\'' | b'"', None) => quote = Some(byte),
                (b'>', None) => depth -= 1,
                (b'<', None) => {
                    let rest = self.bytes.get(self.at..).unwrap_or_default();
                    if rest.starts_with(b"!--") {
                        self.at += 3;
                        self.read_until(b"-->")?;
                    } else {
                        depth += 1;
                    }
                }
                _ => {}
            }
            is_first = false;
        }
    }

    fn read_start_tag(&mut self) -> XmlResult<XmlToken> {
        let name = self.read_name()?;
        let mut attributes = Vec::new();
        loop {
            self.skip_space();
            match self.next_byte()? {
                b'/' if self.next_byte()? == b'>' => {
                    self.is_empty_tag = true;
                    break;
                }
                b'/' => return Err("expected /> in element".to_owned()),
                b'>' => break,
                _ => self.at -= 1,
            }
            let attribute = self.read_name()?;
            self.skip_space();
            if self.next_byte()? != b'=' {
                return Err(format!("attribute {attribute} without ="));
            }
            self.skip_space();
            let quote = self.next_byte()?;
            if !matches!(quote, b'"' | b'\'') {
                return Err(format!("the value of {attribute} has no quotes"));
            }
            let value = self.read_text(Some(quote))?;
            attributes.push((local_name(&attribute).to_owned(), value));
        }
        let local = local_name(&name).to_owned();
        self.open.push(name);
        Ok(XmlToken::Start { name: local, attributes })
    }

    /// A name of an element or attribute, with at most one prefix.
    fn read_name(&mut self) -> XmlResult<String> {
        let name = self.read_plain_name()?;
        if name.matches(':').count() > 1 { Err(format!("invalid name {name}")) } else { Ok(name) }
    }

    fn read_plain_name(&mut self) -> XmlResult<String> {
        let start = self.at;
        let is_in_name =
            |byte: u8| byte >= 0x80 || byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.' | b'-');
        while is_in_name(self.next_byte()?) {}
        self.at -= 1;
        let name = std::str::from_utf8(self.bytes.get(start..self.at).unwrap_or_default());
        let name = name.map_err(|_| "a name is not UTF-8")?;
        if name.starts_with(is_name_start) && name.chars().all(is_name_char) {
            return Ok(name.to_owned());
        }
        Err(format!("invalid name `{name}`"))
    }

    /// Text up to the next tag, or up to the quote.
    fn read_text(&mut self, quote: Option<u8>) -> XmlResult<String> {
        let mut out = Vec::new();
        // What follows a reference does not continue the `]]` before it.
        let mut run_start = self.at;
        while let Some(byte) = self.peek() {
            let run = self.bytes.get(run_start..self.at).unwrap_or_default();
            match byte {
                b'>' if quote.is_none() && run.ends_with(b"]]") => {
                    return Err("unescaped ]]> not in CDATA section".to_owned());
                }
                b'<' if quote.is_some() => return Err("unescaped < inside quoted string".to_owned()),
                b'<' => break,
                byte if Some(byte) == quote => {
                    self.at += 1;
                    break;
                }
                b'&' => {
                    self.at += 1;
                    let c = self.read_reference()?;
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    run_start = self.at;
                    continue;
                }
                b'\r' => out.push(b'\n'),
                b'\n' if run.ends_with(b"\r") => {}
                byte => out.push(byte),
            }
            self.at += 1;
        }
        check_text(&out).map(ToOwned::to_owned)
    }

    /// The character of a reference, after its `&`.
    fn read_reference(&mut self) -> XmlResult<char> {
        let text = String::from_utf8_lossy(self.read_until(b";")?);
        let number = match (text.strip_prefix("#x"), text.strip_prefix('#')) {
            (Some(hex), _) if hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => u64::from_str_radix(hex, 16).ok(),
            (None, Some(decimal)) if decimal.bytes().all(|byte| byte.is_ascii_digit()) => decimal.parse().ok(),
            _ => None,
        };
        // Go turns half a surrogate pair into U+FFFD, which is a valid character.
        let number = number.map(|number| if (0xd800..0xe000).contains(&number) { 0xfffd } else { number });
        match (text.as_ref(), number.and_then(|number| char::from_u32(u32::try_from(number).ok()?))) {
            (_, Some(c)) => Ok(c),
            ("lt", _) => Ok('<'),
            ("gt", _) => Ok('>'),
            ("amp", _) => Ok('&'),
            ("apos", _) => Ok('\''),
            ("quot", _) => Ok('"'),
            _ => Err(format!("invalid character entity &{}", text.chars().take(20).collect::<String>())),
        }
    }
}
