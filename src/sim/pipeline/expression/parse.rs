//! Reads queries. An error names what is not known, to follow "the simulated platform does not know".

use super::selector::{Matcher, Test};
use super::{Aggregate, Expression, Selector};

/// A whole query.
pub(in crate::sim::pipeline) fn parse(text: &str) -> Result<Expression, String> {
    let mut reader = Reader { rest: text };
    let expression = reader.sum()?;
    reader.end()?;
    Ok(expression)
}

/// A series selector.
pub(in crate::sim::pipeline) fn parse_selector(text: &str) -> Result<Selector, String> {
    let mut reader = Reader { rest: text };
    let name = reader.word();
    let selector = reader.selector(name)?;
    reader.end()?;
    Ok(selector)
}

/// `selector[2m]`: the selector and the window in milliseconds; `None` for a query that ends otherwise.
pub(in crate::sim::pipeline) fn parse_raw(text: &str) -> Option<Result<(Selector, u64), String>> {
    let (selector, window) = text.trim().strip_suffix(']')?.rsplit_once('[')?;
    let window: Result<crate::units::Span, _> = window.parse();
    let window = window.map_err(|_| format!("the window of the query {text}"));
    Some(window.and_then(|window| Ok((parse_selector(selector)?, window.ms()))))
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// Takes this character, if it is the next one.
    fn take(&mut self, wanted: char) -> bool {
        self.rest = self.rest.trim_start();
        let taken = self.rest.strip_prefix(wanted);
        self.rest = taken.unwrap_or(self.rest);
        taken.is_some()
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.take(wanted) { Ok(()) } else { Err(self.unknown()) }
    }

    fn end(&mut self) -> Result<(), String> {
        if self.rest.trim().is_empty() { Ok(()) } else { Err(self.unknown()) }
    }

    fn unknown(&self) -> String {
        let rest = self.rest.trim();
        if rest.is_empty() { "a query that ends there".to_owned() } else { format!("`{rest}` in a query") }
    }

    /// A name, empty where none stands.
    fn word(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    fn sum(&mut self) -> Result<Expression, String> {
        let first = self.product()?;
        self.chain(first, ['+', '-'], Self::product)
    }

    fn product(&mut self) -> Result<Expression, String> {
        let first = self.term()?;
        self.chain(first, ['*', '/'], Self::term)
    }

    fn chain(
        &mut self,
        mut left: Expression,
        signs: [char; 2],
        next: fn(&mut Self) -> Result<Expression, String>,
    ) -> Result<Expression, String> {
        while let Some(sign) = signs.into_iter().find(|sign| self.take(*sign)) {
            let before = self.rest;
            let right = next(self)?;
            if !left.is_scalar() && !right.is_scalar() {
                return Err(format!("arithmetic between series: `{sign} {}` in a query", before.trim()));
            }
            left = Expression::Arithmetic { left: Box::new(left), sign, right: Box::new(right) };
        }
        Ok(left)
    }

    fn term(&mut self) -> Result<Expression, String> {
        if self.take('(') {
            let inner = self.sum()?;
            self.expect(')')?;
            return Ok(inner);
        }
        self.rest = self.rest.trim_start();
        if self.rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return self.number();
        }
        let before = self.rest;
        let word = self.word();
        let how = match word {
            "avg" => Aggregate::Avg,
            "sum" => Aggregate::Sum,
            "max" => Aggregate::Max,
            "min" => Aggregate::Min,
            _ if self.rest.trim_start().starts_with('(') || (word.is_empty() && !self.rest.starts_with('{')) => {
                self.rest = before;
                return Err(self.unknown());
            }
            name => return self.selector(name).map(Expression::Series),
        };
        let mut by = self.by()?;
        self.expect('(')?;
        let of = Box::new(self.sum()?);
        self.expect(')')?;
        if by.is_none() {
            by = self.by()?;
        }
        if of.is_scalar() {
            return Err(format!("`{word}` of a number in a query"));
        }
        Ok(Expression::Aggregate { how, of, by: by.unwrap_or_default() })
    }

    fn number(&mut self) -> Result<Expression, String> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(end);
        let number = number.parse().map_err(|_| self.unknown())?;
        self.rest = rest;
        Ok(Expression::Number(number))
    }

    /// `by (a, b)`, where it stands.
    fn by(&mut self) -> Result<Option<Vec<String>>, String> {
        let before = self.rest;
        if self.word() != "by" {
            self.rest = before;
            return Ok(None);
        }
        self.expect('(')?;
        let mut labels = Vec::new();
        while !self.take(')') {
            let label = self.word();
            if label.is_empty() {
                return Err(self.unknown());
            }
            labels.push(label.to_owned());
            if !self.take(',') && !self.rest.trim_start().starts_with(')') {
                return Err(self.unknown());
            }
        }
        Ok(Some(labels))
    }

    /// The matchers that follow a name.
    fn selector(&mut self, name: &str) -> Result<Selector, String> {
        let mut selector = Selector { name: name.to_owned(), matchers: Vec::new() };
        if self.take('{') {
            while !self.take('}') {
                selector.matchers.push(self.matcher()?);
                if !self.take(',') && !self.rest.trim_start().starts_with('}') {
                    return Err(self.unknown());
                }
            }
        }
        Ok(selector)
    }

    fn matcher(&mut self) -> Result<Matcher, String> {
        let label = self.word().to_owned();
        self.rest = self.rest.trim_start();
        let sign = ["=~", "!~", "!=", "="].into_iter().find(|sign| self.rest.starts_with(sign));
        let sign = sign.filter(|_| !label.is_empty()).ok_or_else(|| self.unknown())?;
        self.rest = &self.rest[sign.len()..];
        let quote = if self.take('\'') { '\'' } else { self.expect('"').map(|()| '"')? };
        let (value, rest) = self.rest.split_once(quote).ok_or_else(|| self.unknown())?;
        if value.contains('\\') {
            return Err(format!("the escape in `{value}` in a query"));
        }
        self.rest = rest;
        let test = if sign.ends_with('~') { Test::pattern(value)? } else { Test::Equal(value.to_owned()) };
        Ok(Matcher { label, test, negated: sign.starts_with('!') })
    }
}
