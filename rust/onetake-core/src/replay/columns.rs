//! Columns of a batch: typed, so that they leave as arrays without another copy.

use super::layout::{Dtype, Field};

/// Numbers of one type.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // one a `Dtype`
pub enum Numbers {
    Bool(Vec<u8>),
    Uint8(Vec<u8>),
    Int8(Vec<i8>),
    Uint16(Vec<u16>),
    Int16(Vec<i16>),
    Uint32(Vec<u32>),
    Int32(Vec<i32>),
    Uint64(Vec<u64>),
    Int64(Vec<i64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
}

/// A field of many steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its numbers, step by step.
    pub numbers: Numbers,
    /// Shape of one step's numbers.
    pub shape: Vec<usize>,
}

impl Column {
    /// Zeros for `len` steps.
    pub fn zeros(field: &Field, len: usize) -> Self {
        Self { numbers: Numbers::zeros(field.dtype, len * field.numbers()), shape: field.shape.clone() }
    }
}

impl Numbers {
    /// `len` zeros.
    pub fn zeros(dtype: Dtype, len: usize) -> Self {
        match dtype {
            Dtype::Bool => Self::Bool(vec![0; len]),
            Dtype::Uint8 => Self::Uint8(vec![0; len]),
            Dtype::Int8 => Self::Int8(vec![0; len]),
            Dtype::Uint16 => Self::Uint16(vec![0; len]),
            Dtype::Int16 => Self::Int16(vec![0; len]),
            Dtype::Uint32 => Self::Uint32(vec![0; len]),
            Dtype::Int32 => Self::Int32(vec![0; len]),
            Dtype::Uint64 => Self::Uint64(vec![0; len]),
            Dtype::Int64 => Self::Int64(vec![0; len]),
            Dtype::Float32 => Self::Float32(vec![0.0; len]),
            Dtype::Float64 => Self::Float64(vec![0.0; len]),
        }
    }

    /// Its bytes, to be filled.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Bool(x) | Self::Uint8(x) => x,
            Self::Int8(x) => bytemuck::cast_slice_mut(x),
            Self::Uint16(x) => bytemuck::cast_slice_mut(x),
            Self::Int16(x) => bytemuck::cast_slice_mut(x),
            Self::Uint32(x) => bytemuck::cast_slice_mut(x),
            Self::Int32(x) => bytemuck::cast_slice_mut(x),
            Self::Uint64(x) => bytemuck::cast_slice_mut(x),
            Self::Int64(x) => bytemuck::cast_slice_mut(x),
            Self::Float32(x) => bytemuck::cast_slice_mut(x),
            Self::Float64(x) => bytemuck::cast_slice_mut(x),
        }
    }

    /// Write a floating-point number.
    #[inline]
    pub fn set(&mut self, at: usize, value: f64) {
        match self {
            Self::Float32(x) => x[at] = value as f32,
            Self::Float64(x) => x[at] = value,
            _ => {}
        }
    }
}

/// A column under way: where its field stands in a row, and the bytes to fill.
pub(super) struct Filling<'a> {
    pub start: usize,
    pub bytes: usize,
    pub out: &'a mut [u8],
}

impl Filling<'_> {
    /// Copy the field of `row` to place `at`.
    #[inline]
    pub fn put(&mut self, at: usize, row: &[u8]) {
        self.out[at * self.bytes..(at + 1) * self.bytes].copy_from_slice(&row[self.start..self.start + self.bytes]);
    }

    /// Copy `field` to place `at`.
    #[inline]
    pub fn put_field(&mut self, at: usize, field: &[u8]) {
        self.out[at * self.bytes..(at + 1) * self.bytes].copy_from_slice(field);
    }
}

/// Columns of an observation, ready to be filled.
pub(super) fn filling<'a>(columns: &'a mut [Column], fields: &[Field], starts: &[usize]) -> Vec<Filling<'a>> {
    let each = columns.iter_mut().zip(fields).zip(starts);
    each.map(|((column, field), start)| Filling {
        start: *start,
        bytes: field.bytes(),
        out: column.numbers.bytes_mut(),
    })
    .collect()
}
