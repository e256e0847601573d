//! How a transition lies in memory: one row of bytes, observation first.
//!
//! ```text
//! row i      | observation | action | reward | word |
//! row i + 1  | observation | …
//! ```
//!
//! The next observation of a row is the observation of the row behind it, so that one sample touches one run of memory
//! and nothing is stored twice. The word holds how the step ended and which episode it belongs to.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Type of the numbers of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // named as NumPy names them
pub enum Dtype {
    Bool,
    Uint8,
    Int8,
    Uint16,
    Int16,
    Uint32,
    Int32,
    Uint64,
    Int64,
    Float32,
    Float64,
}

impl Dtype {
    /// Bytes of a number.
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::Uint8 | Self::Int8 => 1,
            Self::Uint16 | Self::Int16 => 2,
            Self::Uint32 | Self::Int32 | Self::Float32 => 4,
            Self::Uint64 | Self::Int64 | Self::Float64 => 8,
        }
    }

    /// The name that `NumPy` has for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Uint8 => "uint8",
            Self::Int8 => "int8",
            Self::Uint16 => "uint16",
            Self::Int16 => "int16",
            Self::Uint32 => "uint32",
            Self::Int32 => "int32",
            Self::Uint64 => "uint64",
            Self::Int64 => "int64",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
        }
    }
}

/// A named part of an observation, or the action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its key in a dict observation.
    pub name: String,
    /// Type of its numbers.
    pub dtype: Dtype,
    /// Length of each axis; empty for a single number.
    pub shape: Vec<usize>,
}

impl Field {
    /// How many numbers it has.
    pub fn numbers(&self) -> usize {
        self.shape.iter().product()
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> usize {
        self.numbers() * self.dtype.size()
    }
}

/// Where each field of a row begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Parts of the observation, in their order.
    pub obs: Vec<Field>,
    /// First byte of each part.
    pub starts: Vec<usize>,
    /// The action.
    pub action: Field,
    /// Type of the reward: 32 or 64 bits.
    pub reward: Dtype,
    /// Bytes of an observation; the action begins here.
    pub obs_bytes: usize,
    /// First byte of the reward.
    pub reward_at: usize,
    /// First byte of the word.
    pub word_at: usize,
    /// Bytes of a row.
    pub row: usize,
}

impl Layout {
    /// Lay out a row.
    ///
    /// # Errors
    /// Refuses no parts, parts of no numbers, equal names and a reward that is no floating-point number.
    pub fn new(obs: Vec<Field>, action: Field, reward: Dtype) -> Result<Self> {
        let refuse = |field: &str, got: String, wanted: &str| {
            Err(Error::Config { field: field.into(), got, wanted: wanted.into() })
        };
        if obs.is_empty() {
            return refuse("observation", "no parts".into(), "at least one");
        }
        for field in obs.iter().chain([&action]) {
            if field.numbers() == 0 {
                return refuse(&field.name, format!("shape {:?}", field.shape), "at least one number");
            }
        }
        for (i, field) in obs.iter().enumerate() {
            if obs[..i].iter().any(|other| other.name == field.name) {
                return refuse("observation", format!("'{}' twice", field.name), "parts with names of their own");
            }
        }
        if !matches!(reward, Dtype::Float32 | Dtype::Float64) {
            return refuse("reward_dtype", reward.name().into(), "float32 or float64");
        }
        let mut starts = Vec::with_capacity(obs.len());
        let mut obs_bytes = 0;
        for field in &obs {
            starts.push(obs_bytes);
            obs_bytes += field.bytes();
        }
        let reward_at = obs_bytes + action.bytes();
        let word_at = reward_at + reward.size();
        Ok(Self { obs, starts, action, reward, obs_bytes, reward_at, word_at, row: word_at + 4 })
    }

    /// Bytes of a transition as it arrives: observation, action, next observation.
    pub fn arrival(&self) -> usize {
        self.reward_at + self.obs_bytes
    }

    /// The reward of a row.
    #[inline]
    pub fn reward_of(&self, row: &[u8]) -> f64 {
        let bytes = &row[self.reward_at..self.word_at];
        match *bytes {
            [a, b, c, d] => f64::from(f32::from_ne_bytes([a, b, c, d])),
            [a, b, c, d, e, f, g, h] => f64::from_ne_bytes([a, b, c, d, e, f, g, h]),
            _ => f64::NAN,
        }
    }

    /// Write the reward of a row.
    #[inline]
    pub fn set_reward(&self, row: &mut [u8], reward: f64) {
        let bytes = &mut row[self.reward_at..self.word_at];
        match self.reward {
            Dtype::Float32 => bytes.copy_from_slice(&(reward as f32).to_ne_bytes()),
            _ => bytes.copy_from_slice(&reward.to_ne_bytes()),
        }
    }

    /// The word of a row.
    #[inline]
    pub fn word_of(&self, row: &[u8]) -> Word {
        match row[self.word_at..self.row] {
            [a, b, c, d] => Word(u32::from_ne_bytes([a, b, c, d])),
            _ => Word(0),
        }
    }

    /// Write the word of a row.
    #[inline]
    pub fn set_word(&self, row: &mut [u8], word: Word) {
        row[self.word_at..self.row].copy_from_slice(&word.0.to_ne_bytes());
    }

    /// The name of the first field of an arriving transition that holds NaN.
    pub fn nan_in(&self, arrival: &[u8]) -> Option<String> {
        let (obs, rest) = arrival.split_at(self.obs_bytes);
        let (action, next) = rest.split_at(self.action.bytes());
        if has_nan(self.action.dtype, action) {
            return Some("action".into());
        }
        for (what, bytes) in [("obs", obs), ("next_obs", next)] {
            for (field, start) in self.obs.iter().zip(&self.starts) {
                if has_nan(field.dtype, &bytes[*start..*start + field.bytes()]) {
                    let part = if self.obs.len() == 1 { String::new() } else { format!("['{}']", field.name) };
                    return Some(format!("{what}{part}"));
                }
            }
        }
        None
    }
}

fn has_nan(dtype: Dtype, bytes: &[u8]) -> bool {
    match dtype {
        Dtype::Float32 => {
            // The exponent is full and the fraction is not 0, with the sign shifted out.
            bytes.as_chunks::<4>().0.iter().fold(false, |any, b| any | (u32::from_ne_bytes(*b) << 1 > 0xFF00_0000))
        }
        Dtype::Float64 => bytes.as_chunks::<8>().0.iter().fold(false, |any, b| any | f64::from_ne_bytes(*b).is_nan()),
        _ => false,
    }
}

/// How a step ended and which episode it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word(pub u32);

impl Word {
    /// The episode came to its end: nothing is worth anything behind it.
    pub const TERMINATED: u32 = 1;
    /// The episode was broken off at a limit: what would have followed has its value.
    pub const TRUNCATED: u32 = 2;
    /// What arrived next did not continue it; treated as truncated, reported as neither.
    pub const CUT: u32 = 4;
    /// Episodes that can be told apart.
    pub const EPISODES: u32 = 1 << 29;

    /// The word of a step of `episode` with `ends`.
    #[inline]
    pub fn new(episode: u32, ends: u32) -> Self {
        Self(episode << 3 | ends)
    }

    /// Which episode.
    #[inline]
    pub fn episode(self) -> u32 {
        self.0 >> 3
    }

    /// Whether the step was the last one of its episode.
    #[inline]
    pub fn last(self) -> bool {
        self.0 & 7 != 0
    }

    /// Whether the step terminated its episode.
    #[inline]
    pub fn terminated(self) -> bool {
        self.0 & Self::TERMINATED != 0
    }

    /// Whether the step truncated its episode.
    #[inline]
    pub fn truncated(self) -> bool {
        self.0 & Self::TRUNCATED != 0
    }
}
