//! Samplers together with their parameters, for whole arrays by [`grid`](super::grid).

use super::grid::{Cells, Sampler};
use super::{BLOCK, Source, bernoulli, beta, binomial, categorical, gamma, normal, poisson, uniform};

/// `(0, 1)`.
#[derive(Debug, Clone, Copy)]
pub struct Uniform;

/// Normal numbers.
#[derive(Debug, Clone, Copy)]
pub struct Normal<'a> {
    /// Means.
    pub mean: Cells<'a>,
    /// Standard deviations.
    pub scale: Cells<'a>,
}

/// Yes or no.
#[derive(Debug, Clone, Copy)]
pub struct Bernoulli<'a> {
    /// Chances.
    pub p: Cells<'a>,
}

/// Successes among trials.
#[derive(Debug, Clone, Copy)]
pub struct Binomial<'a> {
    /// Numbers of trials, below 2^32.
    pub n: Cells<'a, i64>,
    /// Chances.
    pub p: Cells<'a>,
}

/// Events.
#[derive(Debug, Clone, Copy)]
pub struct Poisson<'a> {
    /// Expected numbers.
    pub rate: Cells<'a>,
}

/// Gamma numbers.
#[derive(Debug, Clone, Copy)]
pub struct Gamma<'a> {
    /// Shapes.
    pub shape: Cells<'a>,
    /// Scales.
    pub scale: Cells<'a>,
}

/// Beta numbers.
#[derive(Debug, Clone, Copy)]
pub struct Beta<'a> {
    /// First shapes.
    pub a: Cells<'a>,
    /// Second shapes.
    pub b: Cells<'a>,
}

/// One of `arms`, by a row of chances for each unit or for all.
#[derive(Debug, Clone, Copy)]
pub struct Categorical<'a> {
    /// Chances, one row or a row a unit.
    pub chances: &'a [f64],
    /// Arms.
    pub arms: usize,
    /// Distance of one unit's row to the next: `arms`, or 0 where all share one.
    pub by_row: usize,
}

#[inline(always)]
fn words(source: impl Source, len: usize) -> [u32; BLOCK] {
    let mut words = [0; BLOCK];
    source.fill(0, 0, &mut words[..len]);
    words
}

impl Sampler for Uniform {
    type Out = f64;
    #[inline(always)]
    fn block(&self, source: impl Source, _row: usize, _column: usize, out: &mut [f64]) {
        uniform::block(&words(source, out.len())[..out.len()], out);
    }
}

impl Sampler for Normal<'_> {
    type Out = f64;
    #[inline(always)]
    fn block(&self, source: impl Source, row: usize, column: usize, out: &mut [f64]) {
        let len = out.len();
        let (mut mean, mut scale) = ([0.0; BLOCK], [0.0; BLOCK]);
        self.mean.load(row, column, &mut mean[..len]);
        self.scale.load(row, column, &mut scale[..len]);
        normal::block(&words(source, len)[..len], out);
        for i in 0..len {
            out[i] = mean[i] + scale[i] * out[i];
        }
    }
}

impl Sampler for Bernoulli<'_> {
    type Out = bool;
    #[inline(always)]
    fn block(&self, source: impl Source, row: usize, column: usize, out: &mut [bool]) {
        let len = out.len();
        let mut p = [0.0; BLOCK];
        self.p.load(row, column, &mut p[..len]);
        let words = words(source, len);
        for i in 0..len {
            out[i] = bernoulli::draw(words[i], p[i]) == 1.0;
        }
    }
}

impl Sampler for Binomial<'_> {
    type Out = i64;
    #[inline(always)]
    fn block(&self, source: impl Source, row: usize, column: usize, out: &mut [i64]) {
        let len = out.len();
        let (mut wide, mut n, mut p, mut k) = ([0; BLOCK], [0; BLOCK], [0.0; BLOCK], [0; BLOCK]);
        self.n.load(row, column, &mut wide[..len]);
        self.p.load(row, column, &mut p[..len]);
        for i in 0..len {
            n[i] = wide[i] as u32;
        }
        binomial::block(&words(source, len)[..len], &n[..len], &p[..len], &mut k[..len]);
        for i in 0..len {
            out[i] = i64::from(k[i]);
        }
    }
}

impl Sampler for Poisson<'_> {
    type Out = i64;
    #[inline(always)]
    fn block(&self, source: impl Source, row: usize, column: usize, out: &mut [i64]) {
        let len = out.len();
        let (mut rate, mut k) = ([0.0; BLOCK], [0; BLOCK]);
        self.rate.load(row, column, &mut rate[..len]);
        poisson::block(&words(source, len)[..len], &rate[..len], &mut k[..len]);
        for i in 0..len {
            out[i] = i64::from(k[i]);
        }
    }
}

impl Sampler for Gamma<'_> {
    type Out = f64;
    #[inline(always)]
    fn block(&self, source: impl Source, row: usize, column: usize, out: &mut [f64]) {
        let len = out.len();
        let (mut shape, mut scale) = ([1.0; BLOCK], [0.0; BLOCK]);
        self.shape.load(row, column, &mut shape[..len]);
        self.scale.load(row, column, &mut scale[..len]);
        gamma::block(source, 0, &shape[..len], out);
        for i in 0..len {
            out[i] *= scale[i];
        }
    }
}

impl Sampler for Beta<'_> {
    type Out = f64;
    #[inline(always)]
    fn block(&self, source: impl Source, row: usize, column: usize, out: &mut [f64]) {
        let len = out.len();
        let (mut a, mut b) = ([1.0; BLOCK], [1.0; BLOCK]);
        self.a.load(row, column, &mut a[..len]);
        self.b.load(row, column, &mut b[..len]);
        beta::block(source, 0, &a[..len], &b[..len], out);
    }
}

impl Sampler for Categorical<'_> {
    type Out = i64;
    #[inline(always)]
    fn block(&self, source: impl Source, row: usize, _column: usize, out: &mut [i64]) {
        let words = words(source, out.len());
        for (i, o) in out.iter_mut().enumerate() {
            let first = (row + i) * self.by_row;
            *o = i64::from(categorical::draw(words[i], &self.chances[first..first + self.arms]));
        }
    }
}
