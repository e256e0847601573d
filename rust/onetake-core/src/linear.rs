//! Fleets of linear regressions, each kept as a small Cholesky factor that grows by one outcome at a time.
//!
//! A model with features x, outcomes y and ridge λ is the factor `L` of `λI + Σ w x xᵀ` together with
//! `f = L⁻¹ Σ w y x`: the lower triangle of the factor of the same matrix with y as one more feature. With `L z = x` the
//! prediction is `z · f` and `x` has variance `|z|²` (times that of the noise). Every number comes about by the same
//! operations in the same order whatever the batch, so that nothing depends on a BLAS.
//!
//! Source: Golub and Van Loan, *Matrix computations*, 4th edition, 2013, section 6.5.4 (rank-one update of a factor).

use rayon::prelude::*;

use crate::dispatch::{self, Kernel};
use crate::error::{Error, Result};
use crate::workers;

/// Rows of one model that are solved for side by side.
const BLOCK: usize = 64;
/// Rows that a thread takes at once.
const CHUNK: usize = 1024;

/// Models of one size.
#[derive(Debug, Clone)]
pub struct Linear {
    features: usize,
    models: usize,
    /// Model by model, columns of the lower triangle one after the other; the last of a column belongs to `f`.
    factors: Vec<f64>,
}

/// Rows that each ask the `width` models from `first[i] × width` on.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Group of models of each row.
    pub group: &'a [i64],
    /// Models in a group.
    pub width: usize,
    /// Features, row by row.
    pub x: &'a [f64],
}

impl Linear {
    /// Models that have seen nothing.
    ///
    /// # Errors
    /// Refuses no models, no features, and a ridge that is not above 0.
    pub fn new(models: usize, features: usize, ridge: f64) -> Result<Self> {
        if models == 0 || features == 0 || !(ridge > 0.0 && ridge.is_finite()) {
            let got = format!("{models} models with {features} features and ridge {ridge}");
            return Err(shape("models", got, "at least one of each and a ridge above 0".into()));
        }
        let mut one = Vec::new();
        for column in 0..features {
            one.push(ridge.sqrt());
            one.resize(one.len() + features - column, 0.0);
        }
        Ok(Self { features, models, factors: one.repeat(models) })
    }

    /// Numbers of one model.
    pub fn size(&self) -> usize {
        self.features * (self.features + 3) / 2
    }

    /// Number of models.
    pub fn models(&self) -> usize {
        self.models
    }

    /// The factors, model by model.
    pub fn factors(&self) -> &[f64] {
        &self.factors
    }

    /// Put saved factors in place of these.
    ///
    /// # Errors
    /// Refuses another length, and what is not finite.
    pub fn restore(&mut self, factors: Vec<f64>) -> Result<()> {
        if factors.len() != self.factors.len() || factors.iter().any(|value| !value.is_finite()) {
            let wanted = format!("{} finite numbers", self.factors.len());
            return Err(shape("factors", format!("{} numbers", factors.len()), wanted));
        }
        self.factors = factors;
        Ok(())
    }

    /// Add outcomes to models, one after the other.
    ///
    /// # Errors
    /// Refuses other lengths, models that are none, numbers that are not finite, and weights below 0.
    pub fn learn(&mut self, model: &[i64], x: &[f64], y: &[f64], weight: &[f64]) -> Result<()> {
        self.check("model", model, self.models, x)?;
        for (what, values) in [("y", y), ("weight", weight)] {
            if values.len() != model.len() {
                return Err(shape(what, format!("{} values", values.len()), model.len().to_string()));
            }
            if let Some(odd) = values.iter().find(|value| !value.is_finite() || (what == "weight" && **value < 0.0)) {
                return Err(shape(what, odd.to_string(), "finite numbers (weights from 0 on)".into()));
            }
        }
        dispatch::run(Grow { linear: self, model, x, y, weight });
        Ok(())
    }

    /// Prediction and root of the variance of every model of each row's group, row by row.
    ///
    /// # Errors
    /// Refuses other lengths, groups that are none, and features that are not finite.
    pub fn predict(&self, ask: Question<'_>, threads: usize) -> Result<(Vec<f64>, Vec<f64>)> {
        self.check("group", ask.group, self.models / ask.width.max(1), ask.x)?;
        let mut mean = vec![0.0; ask.group.len() * ask.width];
        let mut deviation = vec![0.0; mean.len()];
        let parts: Vec<_> = mean.chunks_mut(CHUNK * ask.width).zip(deviation.chunks_mut(CHUNK * ask.width)).collect();
        let parts = parts.into_iter().enumerate().collect();
        spread(threads, parts, |(i, (mean, deviation)): (usize, (&mut [f64], &mut [f64]))| {
            dispatch::run(Solve { linear: self, ask, first: i * CHUNK, mean, deviation });
        })?;
        Ok((mean, deviation))
    }

    /// The first model of each row's group whose `mean + factor × deviation` is largest among those that `mask` allows,
    /// and whether it is the only one in every row.
    ///
    /// # Errors
    /// As [`Linear::predict`], and masks of another length.
    pub fn best(
        &self,
        ask: Question<'_>,
        factor: f64,
        mask: Option<&[bool]>,
        threads: usize,
    ) -> Result<(Vec<i64>, bool)> {
        self.check("group", ask.group, self.models / ask.width.max(1), ask.x)?;
        if let Some(mask) = mask
            && mask.len() != ask.group.len() * ask.width
        {
            return Err(shape(
                "mask",
                format!("{} values", mask.len()),
                format!("{} × {}", ask.group.len(), ask.width),
            ));
        }
        let mut out = vec![0; ask.group.len()];
        let mut single = vec![true; out.len().div_ceil(CHUNK)];
        let parts: Vec<_> = out.chunks_mut(CHUNK).zip(&mut single).collect();
        let parts = parts.into_iter().enumerate().collect();
        spread(threads, parts, |(i, (out, single)): (usize, (&mut [i64], &mut bool))| {
            *single = dispatch::run(Best { linear: self, ask, factor, mask, first: i * CHUNK, out });
        })?;
        Ok((out, single.into_iter().all(|single| single)))
    }

    fn check(&self, what: &str, place: &[i64], most: usize, x: &[f64]) -> Result<()> {
        if x.len() != place.len() * self.features {
            return Err(shape("x", format!("{} values", x.len()), format!("{} × {}", place.len(), self.features)));
        }
        if let Some(odd) = place.iter().find(|place| !(0..most as i64).contains(*place)) {
            return Err(shape(what, odd.to_string(), format!("0 to {}", most as i64 - 1)));
        }
        match x.iter().position(|value| !value.is_finite()) {
            Some(i) => Err(shape("x", format!("{} in row {}", x[i], i / self.features), "finite numbers".into())),
            None => Ok(()),
        }
    }

    #[inline(always)]
    fn model(&self, place: usize) -> &[f64] {
        &self.factors[place * self.size()..(place + 1) * self.size()]
    }

    /// Means and deviations of up to [`BLOCK`] rows with the same model; `x` holds features one after the other.
    #[inline(always)]
    fn solve(&self, place: usize, x: &[f64], room: &mut [f64], len: usize, out: &mut Answers) {
        let features = self.features;
        room[..features * BLOCK].copy_from_slice(x);
        out.mean = [0.0; BLOCK];
        out.square = [0.0; BLOCK];
        let mut column = self.model(place);
        for j in 0..features {
            let (own, rest) = column.split_at(features - j + 1);
            column = rest;
            let inverse = 1.0 / own[0];
            let (done, open) = room[..features * BLOCK].split_at_mut((j + 1) * BLOCK);
            let z = &mut done[j * BLOCK..j * BLOCK + len];
            for (value, square) in z.iter_mut().zip(&mut out.square) {
                *value *= inverse;
                *square += *value * *value;
            }
            for (below, factor) in open.chunks_exact_mut(BLOCK).zip(&own[1..]) {
                for (value, z) in below.iter_mut().zip(z.iter()) {
                    *value -= factor * z;
                }
            }
            let last = own[features - j];
            for (mean, z) in out.mean.iter_mut().zip(z.iter()) {
                *mean += last * z;
            }
        }
    }
}

/// What a model says of the rows of a block.
struct Answers {
    mean: [f64; BLOCK],
    square: [f64; BLOCK],
}

/// Runs of rows of one group, at most [`BLOCK`] long, with their features turned on their side.
struct Runs<'a> {
    ask: Question<'a>,
    features: usize,
    x: Vec<f64>,
    room: Vec<f64>,
}

impl<'a> Runs<'a> {
    fn new(ask: Question<'a>, features: usize) -> Self {
        Self { ask, features, x: vec![0.0; features * BLOCK], room: vec![0.0; features * BLOCK] }
    }

    /// Length of the run that begins at `first` and ends before `end`.
    #[inline(always)]
    fn turn(&mut self, first: usize, end: usize) -> usize {
        let group = self.ask.group[first];
        let end = end.min(first + BLOCK);
        let mut len = 1;
        while first + len < end && self.ask.group[first + len] == group {
            len += 1;
        }
        for (i, row) in
            self.ask.x[first * self.features..][..len * self.features].chunks_exact(self.features).enumerate()
        {
            for (j, value) in row.iter().enumerate() {
                self.x[j * BLOCK + i] = *value;
            }
        }
        len
    }
}

struct Solve<'a> {
    linear: &'a Linear,
    ask: Question<'a>,
    first: usize,
    mean: &'a mut [f64],
    deviation: &'a mut [f64],
}

impl Kernel for Solve<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { linear, ask, first, mean, deviation } = self;
        let width = ask.width;
        let mut runs = Runs::new(ask, linear.features);
        let mut out = Answers { mean: [0.0; BLOCK], square: [0.0; BLOCK] };
        let (mut at, rows) = (0, mean.len() / width);
        while at < rows {
            let len = runs.turn(first + at, first + rows);
            let group = ask.group[first + at] as usize;
            for k in 0..width {
                linear.solve(group * width + k, &runs.x, &mut runs.room, len, &mut out);
                for i in 0..len {
                    mean[(at + i) * width + k] = out.mean[i];
                    deviation[(at + i) * width + k] = out.square[i].sqrt();
                }
            }
            at += len;
        }
    }
}

struct Best<'a> {
    linear: &'a Linear,
    ask: Question<'a>,
    factor: f64,
    mask: Option<&'a [bool]>,
    first: usize,
    out: &'a mut [i64],
}

impl Kernel for Best<'_> {
    type Output = bool;
    #[inline(always)]
    fn run(self) -> bool {
        let Self { linear, ask, factor, mask, first, out } = self;
        let width = ask.width;
        let mut runs = Runs::new(ask, linear.features);
        let mut answers = Answers { mean: [0.0; BLOCK], square: [0.0; BLOCK] };
        let (mut at, mut single) = (0, true);
        while at < out.len() {
            let len = runs.turn(first + at, first + out.len());
            let group = ask.group[first + at] as usize;
            let (mut best, mut top, mut ties) = ([f64::NEG_INFINITY; BLOCK], [0_i64; BLOCK], [1_i64; BLOCK]);
            for k in 0..width {
                linear.solve(group * width + k, &runs.x, &mut runs.room, len, &mut answers);
                for i in 0..len {
                    let open = match mask {
                        None => true,
                        Some(mask) => mask[(first + at + i) * width + k],
                    };
                    let score = answers.mean[i] + factor * answers.square[i].sqrt();
                    let (above, equal) = (open && score > best[i], open && score == best[i]);
                    ties[i] = if above { 1 } else { ties[i] + i64::from(equal) };
                    top[i] = if above { k as i64 } else { top[i] };
                    best[i] = if above { score } else { best[i] };
                }
            }
            for i in 0..len {
                out[at + i] = top[i];
                single &= ties[i] == 1;
            }
            at += len;
        }
        single
    }
}

struct Grow<'a> {
    linear: &'a mut Linear,
    model: &'a [i64],
    x: &'a [f64],
    y: &'a [f64],
    weight: &'a [f64],
}

impl Kernel for Grow<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let (features, size) = (self.linear.features, self.linear.size());
        let mut v = vec![0.0; features + 1];
        for i in 0..self.model.len() {
            let root = self.weight[i].sqrt();
            for (v, x) in v.iter_mut().zip(&self.x[i * features..(i + 1) * features]) {
                *v = root * x;
            }
            v[features] = root * self.y[i];
            let place = self.model[i] as usize * size;
            let mut column = &mut self.linear.factors[place..place + size];
            for j in 0..features {
                let (own, rest) = column.split_at_mut(features - j + 1);
                column = rest;
                let (diagonal, value) = (own[0], v[j]);
                if value == 0.0 {
                    continue;
                }
                let root = (diagonal * diagonal + value * value).sqrt();
                let (stretch, slant) = (root / diagonal, value / diagonal);
                own[0] = root;
                for (below, v) in own[1..].iter_mut().zip(&mut v[j + 1..]) {
                    *below = (*below + slant * *v) / stretch;
                    *v = stretch * *v - slant * *below;
                }
            }
        }
    }
}

fn spread<T: Send>(threads: usize, parts: Vec<T>, work: impl Fn(T) + Sync + Send) -> Result<()> {
    match workers::pool(threads)? {
        Some(pool) if parts.len() > 1 => pool.install(|| parts.into_par_iter().for_each(work)),
        _ => parts.into_iter().for_each(work),
    }
    Ok(())
}

fn shape(what: &str, got: String, wanted: String) -> Error {
    Error::Shape { what: what.into(), got, wanted }
}
