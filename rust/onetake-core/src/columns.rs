//! Parameters that are shared by all environments or stand in columns, one cell for each.

use std::collections::BTreeMap;

use crate::chances;
use crate::error::{Error, Result};

/// Size of a batch: environment `replicate × entities + entity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Entities of a replicate.
    pub entities: usize,
    /// Replicates.
    pub replicates: usize,
}

impl Shape {
    /// Number of environments.
    pub fn rows(self) -> usize {
        self.entities * self.replicates
    }
}

/// A parameter: shared by all environments, own to each entity or own to each environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    values: Vec<f64>,
    width: usize,
    own: Own,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Own {
    Nobody,
    Entity,
    Environment,
}

impl Param {
    /// A parameter that all share, with one value an arm or one for all arms.
    pub fn shared(values: Vec<f64>) -> Self {
        Self { width: values.len(), values, own: Own::Nobody }
    }

    /// The values where all share them.
    pub fn as_shared(&self) -> Option<&[f64]> {
        (self.own == Own::Nobody).then_some(&self.values[..])
    }

    /// Values of one environment: one an arm, or one for all arms.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Every value.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Place of the values of environment `row` among those of others, where `entities` make a replicate.
    pub fn place(&self, row: usize, entities: usize) -> usize {
        match self.own {
            Own::Nobody => 0,
            Own::Entity => row % entities,
            Own::Environment => row,
        }
    }

    /// Whether replicates differ in it.
    pub fn differs_between_replicates(&self) -> bool {
        self.own == Own::Environment
    }

    /// The same kind of parameter with other values, made row by row.
    #[must_use]
    pub fn map_rows(&self, f: impl Fn(&[f64]) -> f64) -> Self {
        Self { values: self.values.chunks(self.width.max(1)).map(f).collect(), width: 1, own: self.own }
    }

    /// One number for each entity or, where there are more values than that, for each environment.
    pub fn each(values: Vec<f64>, shape: Shape) -> Self {
        let own = if values.len() == shape.entities { Own::Entity } else { Own::Environment };
        Self { values, width: 1, own }
    }

    /// What `f` makes of parameters of one number each, own to whoever one of them is own to.
    #[must_use]
    pub fn combine<const N: usize>(params: [&Self; N], shape: Shape, f: impl Fn([f64; N]) -> f64) -> Self {
        let own = params.iter().fold(Own::Nobody, |own, param| own.max(param.own));
        let rows = match own {
            Own::Nobody => 1,
            Own::Entity => shape.entities,
            Own::Environment => shape.rows(),
        };
        let value = |row: usize| f(params.map(|param| param.values[param.row(row, shape)]));
        Self { values: (0..rows).map(value).collect(), width: 1, own }
    }

    /// One number for each entity, or for each environment where they differ.
    pub fn dense(&self, shape: Shape) -> Vec<f64> {
        let rows = if self.own == Own::Environment { shape.rows() } else { shape.entities };
        (0..rows).map(|row| self.values[self.row(row, shape)]).collect()
    }

    /// Where the value of environment `i` stands, in a parameter of one number.
    fn row(&self, i: usize, shape: Shape) -> usize {
        match self.own {
            Own::Nobody => 0,
            Own::Entity => i % shape.entities,
            Own::Environment => i,
        }
    }

    /// The cells of `len` neighbours.
    #[inline]
    pub fn cells(&self, entity_row: usize, row: usize, len: usize) -> Cells<'_> {
        let first = match self.own {
            Own::Nobody => return Cells { values: &self.values, stride: 0, width: self.width },
            Own::Entity => entity_row,
            Own::Environment => row,
        };
        let values = &self.values[first * self.width..(first + len) * self.width];
        Cells { values, stride: self.width, width: self.width }
    }

    /// One number for every environment of a batch, where the parameter is one number wide and not shared.
    pub fn spread(&self, shape: Shape) -> Vec<f64> {
        (0..shape.rows()).map(|i| self.values[self.row(i, shape) * self.width]).collect()
    }
}

/// Cells of neighbouring environments.
#[derive(Debug, Clone, Copy)]
pub struct Cells<'a> {
    values: &'a [f64],
    stride: usize,
    width: usize,
}

impl<'a> Cells<'a> {
    /// Cells that all environments share: one value an arm, or one for all arms.
    pub fn shared(values: &'a [f64]) -> Self {
        Self { values, stride: 0, width: values.len() }
    }

    /// The value of environment `i` for `arm`.
    #[inline(always)]
    pub fn at(&self, i: usize, arm: usize) -> f64 {
        self.values[i * self.stride + if self.width == 1 { 0 } else { arm }]
    }

    /// Values of a row: one an arm, or one for all arms.
    #[inline(always)]
    pub fn width(&self) -> usize {
        self.width
    }

    /// How the values of `arm` lie in memory.
    #[inline(always)]
    pub fn column(&self, arm: usize) -> chances::Column<'a> {
        match (self.stride, self.width) {
            (0, 1) => chances::Column::Same(self.values[0]),
            (0, _) => chances::Column::Same(self.values[arm]),
            (_, 1) => chances::Column::Dense(self.values),
            (_, width) => chances::Column::Rows(self.values, width),
        }
    }

    /// Write the values of the environments from `first` on, for a parameter of one number.
    #[inline(always)]
    pub fn load(&self, first: usize, out: &mut [f64]) {
        if self.stride == 1 {
            out.copy_from_slice(&self.values[first..first + out.len()]);
        } else {
            out.fill(self.values[0]);
        }
    }

    /// One value for each of `len` environments, in a row; `room` holds them where all share one.
    pub fn in_a_row<'b>(&self, len: usize, room: &'b mut Vec<f64>) -> &'b [f64]
    where
        'a: 'b,
    {
        if self.stride == 1 {
            return &self.values[..len];
        }
        room.clear();
        room.extend((0..len).map(|i| self.at(i, 0)));
        room
    }

    /// The values where all environments share them.
    #[inline]
    pub fn as_shared(&self) -> Option<&'a [f64]> {
        (self.stride == 0).then_some(self.values)
    }
}

/// The columns that were given with a batch; a family takes those that it knows.
#[derive(Debug)]
pub struct Columns {
    shape: Shape,
    given: BTreeMap<String, Param>,
}

/// One column as it crosses the seam: `rows × width` values, row by row.
#[derive(Debug, Clone)]
pub struct Column {
    /// Name of the parameter.
    pub name: String,
    /// The values.
    pub values: Vec<f64>,
    /// Values of a row.
    pub width: usize,
}

impl Columns {
    /// Check the lengths of `columns`, and that no cell is NaN.
    ///
    /// # Errors
    /// Names the column that is not as long as the batch, or the cell that is not a number.
    pub fn new(shape: Shape, columns: Vec<Column>, (known, tables): (&[&str], &[&str])) -> Result<Self> {
        let mut given = BTreeMap::new();
        for Column { name, values, width } in columns {
            let what = format!("columns[\"{name}\"]");
            let table = tables.contains(&name.as_str());
            if !table && !known.contains(&name.as_str()) {
                return Err(Error::Unknown { kind: "column", name, known: [known, tables].concat().join(", ") });
            }
            let rows = values.len() / width.max(1);
            let own = if table {
                Own::Nobody
            } else if rows == shape.entities && width > 0 {
                Own::Entity
            } else if rows == shape.rows() && width > 0 {
                Own::Environment
            } else {
                let wanted = if shape.entities == shape.rows() {
                    format!("{} rows, one an entity", shape.entities)
                } else {
                    format!("{} (entities) or {} (environments) rows", shape.entities, shape.rows())
                };
                return Err(Error::Shape { what, got: format!("{rows} rows of {width}"), wanted });
            };
            if let Some(place) = values.iter().position(|v| !v.is_finite()) {
                return Err(Error::Config {
                    field: format!("{what} row {}", place / width.max(1)),
                    got: values[place].to_string(),
                    wanted: "a finite number".into(),
                });
            }
            given.insert(name, Param { values, width, own });
        }
        Ok(Self { shape, given })
    }

    /// The size of the batch.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The values of the table `name`, where it was given.
    pub fn table(&mut self, name: &str) -> Option<Vec<f64>> {
        self.given.remove(name).map(|table| table.values)
    }

    /// The column `name` where it was given, else `values` shared by all; every value must satisfy `wanted`.
    ///
    /// # Errors
    /// Names the field, or the column and row, whose value does not satisfy it.
    pub fn take(
        &mut self,
        family: &str,
        name: &str,
        values: &[f64],
        (wanted, holds): (&str, fn(f64) -> bool),
    ) -> Result<Param> {
        let (param, column) = match self.given.remove(name) {
            Some(param) => (param, true),
            None => (Param::shared(values.to_vec()), false),
        };
        let Some(place) = param.values.iter().position(|&v| !holds(v)) else { return Ok(param) };
        let field = if column {
            format!("columns[\"{name}\"] row {}", place / param.width)
        } else {
            format!("{family}.{name}")
        };
        Err(Error::Config { field, got: param.values[place].to_string(), wanted: wanted.into() })
    }
}
