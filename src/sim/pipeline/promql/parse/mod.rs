//! Parses queries. An error names what is not supported, and completes "the simulator does not support".

mod call;
mod operand;

use super::binary::{BinaryOperator, LabelMatching, Operation};
use super::lex::{Token, next_token};
use super::selector::PromqlSelector;
use super::{PromqlExpr, ValueType};

/// Parses a query.
///
/// # Errors
/// Everything of it that is not supported, in one text.
pub(in crate::sim::pipeline) fn parse(text: &str) -> Result<PromqlExpr, String> {
    parse_whole(text, PromqlParser::parse_query).map_err(|lacks| lacks.join(", "))
}

/// Parses `selector[2m]` into the selector and the window in milliseconds; `None` for a query whose result is no range.
pub(in crate::sim::pipeline) fn parse_range_selector(text: &str) -> Option<Result<(PromqlSelector, u64), String>> {
    if !text.trim_end().ends_with(']') {
        return None;
    }
    Some(match parse_whole(text, PromqlParser::parse_expression) {
        Ok(PromqlExpr::Range { selector, window_ms, offset_ms: 0 }) => Ok((selector, window_ms.unsigned_abs())),
        Ok(_) => Err(format!("the range `{text}`")),
        Err(lacks) => Err(lacks.join(", ")),
    })
}

/// What the parser does not support in a query, each once; empty if it parses.
pub(in crate::sim::pipeline) fn find_unsupported(query: &str) -> Vec<String> {
    parse_whole(query, PromqlParser::parse_query).err().unwrap_or_default()
}

/// Parses a series selector.
///
/// # Errors
/// It is none, or not supported.
pub(in crate::sim::pipeline) fn parse_selector(text: &str) -> Result<PromqlSelector, String> {
    parse_whole(text, PromqlParser::parse_series_selector).map_err(|lacks| lacks.join(", "))
}

fn parse_whole<'a, T>(
    text: &'a str,
    parse: impl FnOnce(&mut PromqlParser<'a>) -> Result<T, String>,
) -> Result<T, Vec<String>> {
    let mut parser = PromqlParser { rest: text, lacks: Vec::new() };
    let parsed = parse(&mut parser).and_then(|parsed| parser.expect(&Token::End).map(|()| parsed));
    match parsed {
        Ok(parsed) if parser.lacks.is_empty() => Ok(parsed),
        Ok(_) => Err(parser.lacks),
        // A text that is not parsed to its end may fail because of what is not supported in it.
        Err(error) if parser.lacks.is_empty() => Err(vec![error]),
        Err(_) => Err(parser.lacks),
    }
}

struct PromqlParser<'a> {
    rest: &'a str,
    /// What is not supported; the parser goes on after it, to name all of it.
    lacks: Vec<String>,
}

impl<'a> PromqlParser<'a> {
    fn peek(&self) -> Result<Token<'a>, String> {
        next_token(self.rest).map(|(token, _)| token)
    }

    fn next(&mut self) -> Result<Token<'a>, String> {
        let (token, rest) = next_token(self.rest)?;
        self.rest = rest;
        Ok(token)
    }

    /// Takes a token, if it is the next one.
    fn take(&mut self, expected: &Token<'_>) -> Result<bool, String> {
        let (token, rest) = next_token(self.rest)?;
        let is_next = token == *expected;
        if is_next {
            self.rest = rest;
        }
        Ok(is_next)
    }

    fn take_symbol(&mut self, symbol: &'static str) -> Result<bool, String> {
        self.take(&Token::Symbol(symbol))
    }

    /// Takes a keyword, which may have any case.
    fn take_word(&mut self, word: &str) -> Result<bool, String> {
        match self.peek()? {
            Token::Word(next) if next.eq_ignore_ascii_case(word) => self.next().map(|_| true),
            _ => Ok(false),
        }
    }

    fn expect(&mut self, expected: &Token<'_>) -> Result<(), String> {
        if self.take(expected)? { Ok(()) } else { Err(self.unexpected_input()) }
    }

    fn expect_symbol(&mut self, symbol: &'static str) -> Result<(), String> {
        self.expect(&Token::Symbol(symbol))
    }

    fn unexpected_input(&self) -> String {
        let rest = self.rest.trim();
        if rest.is_empty() { "a query that ends early".to_owned() } else { format!("`{rest}` in a query") }
    }

    fn lack(&mut self, lack: String) {
        if !self.lacks.contains(&lack) {
            self.lacks.push(lack);
        }
    }

    /// Adds an error of types, unless it may follow from something that is not supported.
    fn type_error(&mut self, text: String) {
        if self.lacks.is_empty() {
            self.lacks.push(text);
        }
    }

    /// A query for values: its result is neither a range nor a string.
    fn parse_query(&mut self) -> Result<PromqlExpr, String> {
        let expression = self.parse_expression()?;
        self.expect_type(&expression, &[ValueType::Scalar, ValueType::Vector], "a query");
        Ok(expression)
    }

    fn parse_expression(&mut self) -> Result<PromqlExpr, String> {
        self.parse_binary(0)
    }

    /// Parses operators of at least this precedence, all of them left-associative; `^` is not among them.
    fn parse_binary(&mut self, precedence: usize) -> Result<PromqlExpr, String> {
        let Some(operators) = PRECEDENCE.get(precedence) else { return self.parse_unary() };
        let mut left = self.parse_binary(precedence + 1)?;
        while let Some(operation) = self.take_operator(operators)? {
            left = self.parse_right_side(left, operation, |parser| parser.parse_binary(precedence + 1))?;
        }
        Ok(left)
    }

    fn take_operator(&mut self, operators: &[&'static str]) -> Result<Option<Operation>, String> {
        for operator in operators {
            let is_word = operator.starts_with(|c: char| c.is_ascii_alphabetic());
            let is_next = if is_word { self.take_word(operator)? } else { self.take_symbol(operator)? };
            if is_next {
                return Ok(Some(operation_of(operator)));
            }
        }
        Ok(None)
    }

    /// The sign before an operand binds as `*` does, so less than `^`.
    fn parse_unary(&mut self) -> Result<PromqlExpr, String> {
        if self.take_symbol("-")? {
            let inner = self.parse_unary()?;
            self.expect_type(&inner, &[ValueType::Scalar, ValueType::Vector], "a sign");
            return Ok(PromqlExpr::Negate(Box::new(inner)));
        }
        if self.take_symbol("+")? {
            return self.parse_unary();
        }
        let base = self.parse_operand()?;
        if !self.take_symbol("^")? {
            return Ok(base);
        }
        // Right-associative: the exponent may have a sign and another power.
        self.parse_right_side(base, Operation::Arithmetic('^'), Self::parse_unary)
    }

    fn parse_right_side(
        &mut self,
        left: PromqlExpr,
        operation: Operation,
        parse: impl FnOnce(&mut Self) -> Result<PromqlExpr, String>,
    ) -> Result<PromqlExpr, String> {
        let returns_bool = self.take_word("bool")?;
        let matching = self.parse_matching()?;
        let right = parse(self)?;
        let operator = BinaryOperator { operation, returns_bool, matching };
        self.check_operands(&left, &operator, &right);
        Ok(PromqlExpr::Binary { left: Box::new(left), operator, right: Box::new(right) })
    }

    /// `on (a, b)` or `ignoring (a, b)`; without either, all labels but the name.
    fn parse_matching(&mut self) -> Result<LabelMatching, String> {
        let matching = if self.take_word("on")? {
            LabelMatching::On(self.parse_label_list()?)
        } else if self.take_word("ignoring")? {
            LabelMatching::Ignoring(self.parse_label_list()?)
        } else {
            LabelMatching::Ignoring(Vec::new())
        };
        for word in ["group_left", "group_right"] {
            if self.take_word(word)? {
                self.lack(format!("`{word}`"));
                if self.peek()? == Token::Symbol("(") {
                    self.parse_label_list()?;
                }
            }
        }
        Ok(matching)
    }

    fn check_operands(&mut self, left: &PromqlExpr, operator: &BinaryOperator, right: &PromqlExpr) {
        let is_scalar = |side: &PromqlExpr| side.value_type() == ValueType::Scalar;
        let is_comparison = matches!(operator.operation, Operation::Compare(_));
        for side in [left, right] {
            let sides: &[ValueType] = match operator.is_set_operator() {
                true => &[ValueType::Vector],
                false => &[ValueType::Scalar, ValueType::Vector],
            };
            self.expect_type(side, sides, "an operator");
        }
        if is_comparison && is_scalar(left) && is_scalar(right) && !operator.returns_bool {
            self.type_error("a comparison of numbers without `bool`".to_owned());
        }
        if operator.returns_bool && !is_comparison {
            self.type_error("`bool` of an operator that does not compare".to_owned());
        }
    }

    fn expect_type(&mut self, side: &PromqlExpr, expected: &[ValueType], of: &str) {
        let found = side.value_type();
        if !expected.contains(&found) {
            self.type_error(format!("{of} of {}", found.describe()));
        }
    }
}

/// The operators by precedence, lowest first (prometheus/prometheus, promql/parser/generated_parser.y).
const PRECEDENCE: [&[&str]; 5] =
    [&["or"], &["and", "unless"], &["==", "!=", ">=", "<=", ">", "<"], &["+", "-"], &["*", "/", "%"]];

fn operation_of(operator: &'static str) -> Operation {
    match operator {
        "or" => Operation::Or,
        "and" => Operation::And,
        "unless" => Operation::Unless,
        _ if PRECEDENCE[2].contains(&operator) => Operation::Compare(operator),
        _ => Operation::Arithmetic(operator.chars().next().unwrap_or_default()),
    }
}
