//! Operands: numbers, strings, parentheses and series with their ranges and offsets.

use super::super::lex::{Token, next_token};
use super::super::selector::{MatchTest, PromqlMatcher};
use super::super::{PromqlExpr, PromqlSelector};
use super::PromqlParser;
use crate::units::HumanDuration;

/// How far back a query may reach, milliseconds: the store keeps its samples somewhat longer.
const MAX_REACH_MS: i64 = 30 * 60_000;

impl PromqlParser<'_> {
    pub(super) fn parse_operand(&mut self) -> Result<PromqlExpr, String> {
        let start = self.rest;
        match self.next()? {
            Token::Number(number) => Ok(PromqlExpr::Number(number)),
            Token::Text(text) => Ok(PromqlExpr::Text(text)),
            Token::Symbol("(") => {
                let inner = self.parse_expression()?;
                self.expect_symbol(")")?;
                self.refuse_subquery()?;
                Ok(inner)
            }
            Token::Symbol("{") => {
                self.rest = start;
                self.parse_series()
            }
            Token::Word(word) if ["inf", "nan"].contains(&word.to_ascii_lowercase().as_str()) => {
                Ok(PromqlExpr::Number(word.parse().unwrap_or(f64::NAN)))
            }
            Token::Word(word) if self.is_call()? => self.parse_call(word),
            Token::Word(_) => {
                self.rest = start;
                self.parse_series()
            }
            _ => {
                self.rest = start;
                Err(self.unexpected_input())
            }
        }
    }

    /// Whether a word is a function or aggregation: arguments follow, or the labels of an aggregation.
    fn is_call(&self) -> Result<bool, String> {
        Ok(match self.peek()? {
            Token::Symbol("(") => true,
            Token::Word(word) => ["by", "without"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword)),
            _ => false,
        })
    }

    /// A selector with its range and offset.
    fn parse_series(&mut self) -> Result<PromqlExpr, String> {
        let selector = self.parse_series_selector()?;
        let window = self.parse_range()?;
        let mut offset_ms = 0;
        loop {
            if self.take_word("offset")? {
                offset_ms = self.parse_offset()?;
            } else if self.take_symbol("@")? {
                self.lack("`@`".to_owned());
                self.parse_operand()?;
            } else {
                break;
            }
        }
        if window.unwrap_or(0) + offset_ms.max(0) > MAX_REACH_MS {
            let reach = HumanDuration::from_ms(MAX_REACH_MS.unsigned_abs());
            self.lack(format!("a range with its offset of more than {reach}"));
        }
        Ok(match window {
            None => PromqlExpr::Instant { selector, offset_ms },
            Some(window_ms) => PromqlExpr::Range { selector, window_ms, offset_ms },
        })
    }

    /// `[2m]`, milliseconds; a subquery `[2m:10s]` is not supported.
    fn parse_range(&mut self) -> Result<Option<i64>, String> {
        let start = self.rest;
        if !self.take_symbol("[")? {
            return Ok(None);
        }
        let window = self.parse_time()?;
        if self.take_symbol("]")? {
            return Ok(Some(window));
        }
        self.rest = start;
        self.refuse_subquery()?;
        Ok(None)
    }

    pub(super) fn refuse_subquery(&mut self) -> Result<(), String> {
        let start = self.rest.trim_start();
        if !self.take_symbol("[")? {
            return Ok(());
        }
        let end = start.find(']').ok_or_else(|| self.unexpected_input())?;
        self.lack(format!("the subquery `{}`", &start[..=end]));
        self.rest = &start[end + 1..];
        Ok(())
    }

    fn parse_offset(&mut self) -> Result<i64, String> {
        let sign = if self.take_symbol("-")? { -1 } else { 1 };
        Ok(sign * self.parse_time()?)
    }

    fn parse_time(&mut self) -> Result<i64, String> {
        match next_token(self.rest)? {
            (Token::Time(ms), rest) => {
                self.rest = rest;
                Ok(ms)
            }
            _ => Err(self.unexpected_input()),
        }
    }

    /// `(a, b)`.
    pub(super) fn parse_label_list(&mut self) -> Result<Vec<String>, String> {
        self.expect_symbol("(")?;
        let mut labels = Vec::new();
        while !self.take_symbol(")")? {
            labels.push(self.parse_label()?);
            if !self.take_symbol(",")? && self.peek()? != Token::Symbol(")") {
                return Err(self.unexpected_input());
            }
        }
        Ok(labels)
    }

    fn parse_label(&mut self) -> Result<String, String> {
        match next_token(self.rest)? {
            (Token::Word(label), rest) => {
                self.rest = rest;
                Ok(label.to_owned())
            }
            _ => Err(self.unexpected_input()),
        }
    }

    /// The name and matchers of series.
    pub(super) fn parse_series_selector(&mut self) -> Result<PromqlSelector, String> {
        let name = if self.peek()? == Token::Symbol("{") { String::new() } else { self.parse_label()? };
        let mut selector = PromqlSelector { name, matchers: Vec::new() };
        if self.take_symbol("{")? {
            while !self.take_symbol("}")? {
                selector.matchers.push(self.parse_matcher()?);
                if !self.take_symbol(",")? && self.peek()? != Token::Symbol("}") {
                    return Err(self.unexpected_input());
                }
            }
        }
        Ok(selector)
    }

    fn parse_matcher(&mut self) -> Result<PromqlMatcher, String> {
        let label = self.parse_label()?;
        let start = self.rest;
        let operator = match self.next()? {
            Token::Symbol(operator @ ("=" | "!=" | "=~" | "!~")) => operator,
            _ => {
                self.rest = start;
                return Err(self.unexpected_input());
            }
        };
        let start = self.rest;
        let Token::Text(value) = self.next()? else {
            self.rest = start;
            return Err(self.unexpected_input());
        };
        let test = if operator.ends_with('~') { MatchTest::from_pattern(&value)? } else { MatchTest::Equal(value) };
        Ok(PromqlMatcher { label, test, negated: operator.starts_with('!') })
    }
}
