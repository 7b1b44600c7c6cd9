//! Functions and aggregations.

use regex::Regex;

use super::super::aggregate::{AggregateOperator, Aggregation, Grouping};
use super::super::functions::{LabelReplacement, ValueFunction};
use super::super::lex::Token;
use super::super::over_range::RangeFunction;
use super::super::{PromqlExpr, ValueType};
use super::PromqlParser;

/// The arguments of a call, as they are parsed one after the other.
type Arguments = std::vec::IntoIter<PromqlExpr>;

impl PromqlParser<'_> {
    /// Parses what follows the name of a function or aggregation.
    pub(super) fn parse_call(&mut self, name: &str) -> Result<PromqlExpr, String> {
        let mut grouping = self.parse_grouping()?;
        let arguments = self.parse_arguments()?;
        if grouping.is_none() {
            grouping = self.parse_grouping()?;
        }
        self.refuse_subquery()?;
        let count = arguments.len();
        let expression = self.build_call(name, grouping, arguments.into_iter());
        if expression.is_none() {
            self.type_error(format!("{name} of {count} arguments"));
        }
        Ok(expression.unwrap_or(PromqlExpr::Number(f64::NAN)))
    }

    fn parse_arguments(&mut self) -> Result<Vec<PromqlExpr>, String> {
        self.expect_symbol("(")?;
        let mut arguments = Vec::new();
        while !self.take_symbol(")")? {
            arguments.push(self.parse_expression()?);
            if !self.take_symbol(",")? && self.peek()? != Token::Symbol(")") {
                return Err(self.unexpected_input());
            }
        }
        Ok(arguments)
    }

    /// `by (a, b)` or `without (a, b)`.
    fn parse_grouping(&mut self) -> Result<Option<Grouping>, String> {
        if self.take_word("by")? {
            return self.parse_label_list().map(Grouping::By).map(Some);
        }
        if self.take_word("without")? {
            return self.parse_label_list().map(Grouping::Without).map(Some);
        }
        Ok(None)
    }

    /// The expression of a call; `None` where an argument is missing or is one too many.
    fn build_call(&mut self, name: &str, grouping: Option<Grouping>, mut rest: Arguments) -> Option<PromqlExpr> {
        if let Some(operator) = AggregateOperator::find(name) {
            let inner = self.argument(&mut rest, ValueType::Vector, name)?;
            let grouping = grouping.unwrap_or(Grouping::By(Vec::new()));
            return Some(PromqlExpr::Aggregate { aggregation: Aggregation { operator, grouping }, inner })
                .filter(|_| rest.len() == 0);
        }
        if grouping.is_some() && (RangeFunction::find(name).is_some() || ValueFunction::find(name).is_some()) {
            self.type_error(format!("`by` or `without` of {name}"));
        }
        if let Some(function) = RangeFunction::find(name) {
            let range = self.argument(&mut rest, ValueType::Range, name)?;
            return Some(PromqlExpr::OverRange { function, range }).filter(|_| rest.len() == 0);
        }
        if let Some(function) = ValueFunction::find(name) {
            let vector = self.argument(&mut rest, ValueType::Vector, name)?;
            let numbers: Vec<PromqlExpr> = rest.collect();
            numbers.iter().for_each(|number| self.expect_type(number, &[ValueType::Scalar], name));
            let count = function.min_numbers..=function.max_numbers;
            return count.contains(&numbers.len()).then_some(PromqlExpr::OverValues { function, vector, numbers });
        }
        match name {
            "scalar" => Some(PromqlExpr::ToScalar(self.argument(&mut rest, ValueType::Vector, name)?)),
            "vector" => Some(PromqlExpr::ToVector(self.argument(&mut rest, ValueType::Scalar, name)?)),
            "label_replace" => self.build_label_replace(&mut rest),
            "label_join" => {
                let vector = self.argument(&mut rest, ValueType::Vector, name)?;
                let (target, separator) = (self.text(&mut rest, name)?, self.text(&mut rest, name)?);
                let mut sources = Vec::new();
                while rest.len() > 0 {
                    sources.push(self.text(&mut rest, name)?);
                }
                Some(PromqlExpr::JoinLabels { vector, target, separator, sources })
            }
            _ => {
                self.lack(format!("`{name}`"));
                return Some(PromqlExpr::Number(f64::NAN));
            }
        }
        .filter(|_| rest.len() == 0)
    }

    fn build_label_replace(&mut self, rest: &mut Arguments) -> Option<PromqlExpr> {
        let name = "label_replace";
        let vector = self.argument(rest, ValueType::Vector, name)?;
        let (target, replacement) = (self.text(rest, name)?, self.text(rest, name)?);
        let (source, pattern) = (self.text(rest, name)?, self.text(rest, name)?);
        let Ok(compiled) = Regex::new(&format!("^(?s:{pattern})$")) else {
            self.lack(format!("the regular expression {pattern}"));
            return Some(PromqlExpr::Number(f64::NAN));
        };
        let rule = LabelReplacement { target, replacement, source, pattern: compiled };
        Some(PromqlExpr::ReplaceLabel { vector, rule })
    }

    fn argument(&mut self, rest: &mut Arguments, expected: ValueType, name: &str) -> Option<Box<PromqlExpr>> {
        let argument = rest.next()?;
        self.expect_type(&argument, &[expected], name);
        Some(Box::new(argument))
    }

    fn text(&mut self, rest: &mut Arguments, name: &str) -> Option<String> {
        match rest.next()? {
            PromqlExpr::Text(text) => Some(text),
            other => {
                self.expect_type(&other, &[ValueType::Text], name);
                Some(String::new())
            }
        }
    }
}
