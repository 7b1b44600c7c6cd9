//! Parses queries. An error names the unsupported feature and completes "the simulator does not support".

use super::selector::{MatchTest, PromqlMatcher};
use super::{AggregateOp, PromqlExpr, PromqlSelector};

/// Parses a query.
pub(in crate::sim::pipeline) fn parse(text: &str) -> Result<PromqlExpr, String> {
    let mut parser = PromqlParser { rest: text };
    let expression = parser.parse_sum()?;
    parser.expect_end()?;
    Ok(expression)
}

/// Parses a series selector.
pub(in crate::sim::pipeline) fn parse_selector(text: &str) -> Result<PromqlSelector, String> {
    let mut parser = PromqlParser { rest: text };
    let name = parser.take_identifier();
    let selector = parser.parse_matchers(name)?;
    parser.expect_end()?;
    Ok(selector)
}

/// Parses `selector[2m]` into the selector and the window in milliseconds; `None` for a query without a window.
pub(in crate::sim::pipeline) fn parse_range_selector(text: &str) -> Option<Result<(PromqlSelector, u64), String>> {
    let (selector, window) = text.trim().strip_suffix(']')?.rsplit_once('[')?;
    let window: Result<crate::units::HumanDuration, _> = window.parse();
    let window = window.map_err(|_| format!("the window of the query {text}"));
    Some(window.and_then(|window| Ok((parse_selector(selector)?, window.ms()))))
}

struct PromqlParser<'a> {
    rest: &'a str,
}

impl<'a> PromqlParser<'a> {
    /// Takes a character, if it is the next one.
    fn take_char(&mut self, expected: char) -> bool {
        self.rest = self.rest.trim_start();
        let taken = self.rest.strip_prefix(expected);
        self.rest = taken.unwrap_or(self.rest);
        taken.is_some()
    }

    fn expect_char(&mut self, expected: char) -> Result<(), String> {
        if self.take_char(expected) { Ok(()) } else { Err(self.unexpected_input()) }
    }

    fn expect_end(&mut self) -> Result<(), String> {
        if self.rest.trim().is_empty() { Ok(()) } else { Err(self.unexpected_input()) }
    }

    fn unexpected_input(&self) -> String {
        let rest = self.rest.trim();
        if rest.is_empty() { "a query that ends early".to_owned() } else { format!("`{rest}` in a query") }
    }

    /// Takes a name; empty if the next token is not a name.
    fn take_identifier(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    fn parse_sum(&mut self) -> Result<PromqlExpr, String> {
        let first = self.parse_product()?;
        self.parse_operators(first, ['+', '-'], Self::parse_product)
    }

    fn parse_product(&mut self) -> Result<PromqlExpr, String> {
        let first = self.parse_term()?;
        self.parse_operators(first, ['*', '/'], Self::parse_term)
    }

    fn parse_operators(
        &mut self,
        mut left: PromqlExpr,
        operators: [char; 2],
        next: fn(&mut Self) -> Result<PromqlExpr, String>,
    ) -> Result<PromqlExpr, String> {
        while let Some(operator) = operators.into_iter().find(|operator| self.take_char(*operator)) {
            let before = self.rest;
            let right = next(self)?;
            if !left.is_scalar() && !right.is_scalar() {
                return Err(format!("arithmetic between series: `{operator} {}` in a query", before.trim()));
            }
            left = PromqlExpr::Arithmetic { left: Box::new(left), operator, right: Box::new(right) };
        }
        Ok(left)
    }

    fn parse_term(&mut self) -> Result<PromqlExpr, String> {
        if self.take_char('(') {
            let inner = self.parse_sum()?;
            self.expect_char(')')?;
            return Ok(inner);
        }
        self.rest = self.rest.trim_start();
        if self.rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return self.parse_number();
        }
        let before = self.rest;
        let word = self.take_identifier();
        let op = match word {
            "avg" => AggregateOp::Avg,
            "sum" => AggregateOp::Sum,
            "max" => AggregateOp::Max,
            "min" => AggregateOp::Min,
            _ if self.rest.trim_start().starts_with('(') || (word.is_empty() && !self.rest.starts_with('{')) => {
                self.rest = before;
                return Err(self.unexpected_input());
            }
            name => return self.parse_matchers(name).map(PromqlExpr::Series),
        };
        let mut by = self.parse_by()?;
        self.expect_char('(')?;
        let inner = Box::new(self.parse_sum()?);
        self.expect_char(')')?;
        if by.is_none() {
            by = self.parse_by()?;
        }
        if inner.is_scalar() {
            return Err(format!("`{word}` of a number in a query"));
        }
        Ok(PromqlExpr::Aggregate { op, inner, by: by.unwrap_or_default() })
    }

    fn parse_number(&mut self) -> Result<PromqlExpr, String> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(end);
        let number = number.parse().map_err(|_| self.unexpected_input())?;
        self.rest = rest;
        Ok(PromqlExpr::Number(number))
    }

    /// Parses `by (a, b)`; `None` if the next token is not `by`.
    fn parse_by(&mut self) -> Result<Option<Vec<String>>, String> {
        let before = self.rest;
        if self.take_identifier() != "by" {
            self.rest = before;
            return Ok(None);
        }
        self.expect_char('(')?;
        let mut labels = Vec::new();
        while !self.take_char(')') {
            let label = self.take_identifier();
            if label.is_empty() {
                return Err(self.unexpected_input());
            }
            labels.push(label.to_owned());
            if !self.take_char(',') && !self.rest.trim_start().starts_with(')') {
                return Err(self.unexpected_input());
            }
        }
        Ok(Some(labels))
    }

    /// Parses the matchers after a name.
    fn parse_matchers(&mut self, name: &str) -> Result<PromqlSelector, String> {
        let mut selector = PromqlSelector { name: name.to_owned(), matchers: Vec::new() };
        if self.take_char('{') {
            while !self.take_char('}') {
                selector.matchers.push(self.parse_matcher()?);
                if !self.take_char(',') && !self.rest.trim_start().starts_with('}') {
                    return Err(self.unexpected_input());
                }
            }
        }
        Ok(selector)
    }

    fn parse_matcher(&mut self) -> Result<PromqlMatcher, String> {
        let label = self.take_identifier().to_owned();
        self.rest = self.rest.trim_start();
        let operator = ["=~", "!~", "!=", "="].into_iter().find(|operator| self.rest.starts_with(operator));
        let operator = operator.filter(|_| !label.is_empty()).ok_or_else(|| self.unexpected_input())?;
        self.rest = &self.rest[operator.len()..];
        let quote = if self.take_char('\'') { '\'' } else { self.expect_char('"').map(|()| '"')? };
        let (value, rest) = self.rest.split_once(quote).ok_or_else(|| self.unexpected_input())?;
        if value.contains('\\') {
            return Err(format!("the escape in `{value}` in a query"));
        }
        self.rest = rest;
        let test =
            if operator.ends_with('~') { MatchTest::from_pattern(value)? } else { MatchTest::Equal(value.to_owned()) };
        Ok(PromqlMatcher { label, test, negated: operator.starts_with('!') })
    }
}
