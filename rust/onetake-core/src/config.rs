//! Configuration as it crosses the border: JSON in, checked structs out.

use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};

/// One number for all arms, or a list with one an arm.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct PerArm(pub Vec<f64>);

impl PerArm {
    /// The same number for all arms.
    pub fn same(value: f64) -> Self {
        Self(vec![value])
    }

    /// One number an arm.
    ///
    /// # Errors
    /// Refuses a list that is neither one long nor `arms` long, and a number that is not finite.
    pub fn spread(&self, field: &str, arms: usize) -> Result<Vec<f64>> {
        if let Some(value) = self.0.iter().find(|v| !v.is_finite()) {
            return Err(refuse(field, value, "finite numbers"));
        }
        match self.0.len() {
            1 => Ok(vec![self.0[0]; arms]),
            len if len == arms => Ok(self.0.clone()),
            len => Err(refuse(field, format!("{len} values"), format!("1 or {arms}, one an arm"))),
        }
    }
}

impl<'de> Deserialize<'de> for PerArm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Numbers;
        impl<'de> Visitor<'de> for Numbers {
            type Value = PerArm;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or a list of numbers, one an arm")
            }
            fn visit_f64<E>(self, value: f64) -> std::result::Result<PerArm, E> {
                Ok(PerArm::same(value))
            }
            fn visit_i64<E>(self, value: i64) -> std::result::Result<PerArm, E> {
                Ok(PerArm::same(value as f64))
            }
            fn visit_u64<E>(self, value: u64) -> std::result::Result<PerArm, E> {
                Ok(PerArm::same(value as f64))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<PerArm, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element()? {
                    values.push(value);
                }
                Ok(PerArm(values))
            }
        }
        deserializer.deserialize_any(Numbers)
    }
}

/// A refusal of a configuration value.
pub fn refuse(field: &str, got: impl fmt::Display, wanted: impl Into<String>) -> Error {
    Error::Config { field: field.into(), got: got.to_string(), wanted: wanted.into() }
}

/// Settings as JSON.
///
/// # Errors
/// Refuses what JSON has no word for.
pub fn written<C: Serialize>(config: &C) -> Result<String> {
    serde_json::to_string(config).map_err(|e| refuse("config", e, "settings that JSON has words for"))
}

/// Read the configuration of `family` from a JSON object.
///
/// # Errors
/// Names the field that is unknown or of the wrong kind. Every field has a default, so the one to blame is the one
/// without which the rest can be read.
pub fn parse<C: DeserializeOwned>(family: &str, json: &str) -> Result<C> {
    let value: Value = serde_json::from_str(json).map_err(|e| refuse(family, e, "a JSON object"))?;
    let Value::Object(fields) = value else {
        return Err(refuse(family, value, "a JSON object"));
    };
    let whole = match serde_json::from_value::<C>(Value::Object(fields.clone())) {
        Ok(config) => return Ok(config),
        Err(error) => error,
    };
    for (name, value) in &fields {
        let alone = Value::Object(std::iter::once((name.clone(), value.clone())).collect());
        if let Err(error) = serde_json::from_value::<C>(alone) {
            let text = error.to_string();
            let wanted = match text.split_once("expected ") {
                Some((_, rest)) if text.starts_with("unknown field") => {
                    format!("a known field, {}", rest.replace('`', ""))
                }
                Some((_, rest)) => rest.to_string(),
                None => text,
            };
            return Err(refuse(&format!("{family}.{name}"), value, wanted));
        }
    }
    Err(refuse(family, whole, "a readable configuration"))
}

/// Number of arms: the longest of `lengths`, each given with its field.
///
/// # Errors
/// Names the field that is empty, or neither one nor as long as the longest.
pub fn arms(family: &str, lengths: &[(&str, usize)]) -> Result<usize> {
    let arms = lengths.iter().map(|&(_, len)| len).max().unwrap_or(0);
    match lengths.iter().find(|&&(_, len)| len != arms && len != 1) {
        Some((field, len)) => {
            Err(refuse(&format!("{family}.{field}"), format!("{len} values"), format!("1 or {arms}")))
        }
        None => Ok(arms),
    }
}

/// Check that an episode has at least one step.
///
/// # Errors
/// Refuses a horizon of 0.
pub fn horizon(family: &str, horizon: Option<u32>) -> Result<()> {
    match horizon {
        Some(0) => Err(refuse(&format!("{family}.horizon"), 0, "at least 1 step, or null for no end")),
        _ => Ok(()),
    }
}

/// Check that there are as many labels as arms, or none.
///
/// # Errors
/// Refuses another number of labels.
pub fn labels(family: &str, labels: &[String], arms: usize) -> Result<()> {
    if labels.is_empty() || labels.len() == arms {
        return Ok(());
    }
    Err(refuse(&format!("{family}.labels"), format!("{} labels", labels.len()), format!("{arms}, one an arm, or none")))
}

/// What a number must be: in words, and as a question.
pub type Wanted = (&'static str, fn(f64) -> bool);

/// What a chance must be: for [`crate::columns::Columns::take`].
pub const CHANCE: Wanted = ("a chance in [0, 1]", |v| (0.0..=1.0).contains(&v));
/// What a number of trials must be.
pub const COUNT: (&str, fn(f64) -> bool) =
    ("a whole number in [1, 2147483647]", |v| v.fract() == 0.0 && (1.0..=2_147_483_647.0).contains(&v));
/// What a place in a list is: whole and not negative.
pub const PLACE: (&str, fn(f64) -> bool) =
    ("a whole number, at least 0", |v| v.fract() == 0.0 && (0.0..=4_294_967_295.0).contains(&v));

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(default, deny_unknown_fields)]
    struct Small {
        rate: PerArm,
        steps: u32,
    }

    impl Default for Small {
        fn default() -> Self {
            Self { rate: PerArm::same(0.5), steps: 3 }
        }
    }

    #[test]
    fn a_number_and_a_list_are_both_per_arm() {
        let read = |json| parse::<Small>("small", json).map(|s| s.rate.0);
        assert_eq!(read(r#"{"rate": 1}"#), Ok(vec![1.0]));
        assert_eq!(read(r#"{"rate": [0.1, 0.2]}"#), Ok(vec![0.1, 0.2]));
        assert_eq!(read("{}"), Ok(vec![0.5]));
    }

    #[test]
    fn refusals_name_the_field_that_is_to_blame() {
        let text = |json| parse::<Small>("small", json).err().map(|e| e.to_string()).unwrap_or_default();
        assert_eq!(text(r#"{"rate": 1, "stepz": 4}"#), "small.stepz: got 4; wanted a known field, rate or steps");
        assert_eq!(text(r#"{"steps": "x", "rate": 1}"#), "small.steps: got \"x\"; wanted u32");
        assert_eq!(text("[]"), "small: got []; wanted a JSON object");
    }
}
