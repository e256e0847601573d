//! Whole arrays of draws for a batch, on threads: the same bytes for any number of them and for any cut of the batch.

use rayon::prelude::*;

use super::{BLOCK, Neighbours, Rows, Slots, Source};
use crate::dispatch::{self, Kernel};
use crate::error::Result;
use crate::rng::Key;
use crate::workers;

/// Rows that one task of a thread takes; fewer are not worth a second thread.
const TASK: usize = 16 * BLOCK;

/// A batch of entities and replicates: row = replicate × entities + entity.
#[derive(Debug, Clone, Copy)]
pub struct Batch {
    /// The generator.
    pub key: Key,
    /// First entity.
    pub entity: u32,
    /// Entities of a replicate.
    pub entities: u32,
    /// First replicate.
    pub replicate: u32,
}

/// One draw for each unit and column; columns take neighbouring slots.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Slot of column 0.
    pub slot: u32,
    /// Step of the clock.
    pub step: u32,
    /// Columns.
    pub width: usize,
    /// The rows of the batch that draw, or all.
    pub rows: Option<&'a [i64]>,
}

/// A parameter for units and columns: the same in all rows where `by_row` is 0, in all columns where `by_column` is 0.
#[derive(Debug, Clone, Copy)]
pub struct Cells<'a, T = f64> {
    /// The numbers.
    pub values: &'a [T],
    /// Distance of one row to the next.
    pub by_row: usize,
    /// Distance of one column to the next.
    pub by_column: usize,
}

impl<T: Copy> Cells<'_, T> {
    #[inline(always)]
    pub(super) fn load(&self, row: usize, column: usize, out: &mut [T]) {
        let first = row * self.by_row + column * self.by_column;
        if self.by_row == 1 {
            out.copy_from_slice(&self.values[first..first + out.len()]);
        } else {
            for (i, o) in out.iter_mut().enumerate() {
                *o = self.values[first + i * self.by_row];
            }
        }
    }
}

/// A sampler together with its parameters.
pub trait Sampler: Copy + Sync {
    /// What it draws.
    type Out: Copy + Default + Send;
    /// Draw for at most [`BLOCK`] neighbours of one column, the first of which is row `row` of the parameters.
    fn block(&self, source: impl Source, row: usize, column: usize, out: &mut [Self::Out]);
}

/// Draw `rows × width` numbers, row by row.
///
/// # Errors
/// Refuses 0 threads.
pub fn draw<S: Sampler>(
    batch: Batch,
    place: Place<'_>,
    sampler: S,
    threads: usize,
    rows: usize,
) -> Result<Vec<S::Out>> {
    let mut out = vec![S::Out::default(); rows * place.width];
    let pool = workers::pool(threads)?;
    let task = |(i, out): (usize, &mut [S::Out])| dispatch::run(Task { batch, place, sampler, first: i * TASK, out });
    let size = TASK * place.width.max(1);
    match pool.filter(|_| out.len() > 2 * TASK) {
        Some(pool) => pool.install(|| out.par_chunks_mut(size).enumerate().for_each(task)),
        None => out.chunks_mut(size).enumerate().for_each(task),
    }
    Ok(out)
}

struct Task<'a, S: Sampler> {
    batch: Batch,
    place: Place<'a>,
    sampler: S,
    first: usize,
    out: &'a mut [S::Out],
}

impl<S: Sampler> Kernel for Task<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { batch, place, sampler, first, out } = self;
        let width = place.width;
        let rows = out.len() / width;
        let mut done = 0;
        while done < rows {
            let row = first + done;
            let mut len = BLOCK.min(rows - done);
            let entities = batch.entities as usize;
            if place.rows.is_none() {
                len = len.min(entities - row % entities);
            }
            let part = &mut out[done * width..(done + len) * width];
            let (key, slot, step) = (batch.key, place.slot, place.step);
            match place.rows {
                None => {
                    let replicate = batch.replicate + (row / entities) as u32;
                    let entity = batch.entity + (row % entities) as u32;
                    columns(sampler, Neighbours { key, slot, step, replicate, entity }, row, width, part);
                }
                Some(chosen) => {
                    let mut pairs = [(0, 0); BLOCK];
                    for (pair, r) in pairs.iter_mut().zip(&chosen[row..row + len]) {
                        let r = *r as usize;
                        *pair = (batch.replicate + (r / entities) as u32, batch.entity + (r % entities) as u32);
                    }
                    columns(sampler, Rows { key, slot, step, rows: &pairs[..len] }, row, width, part);
                }
            }
            done += len;
        }
    }
}

/// Fill each column of `part`, which stands row by row. (No closures: they would leave the kernel's instruction set.)
#[inline(always)]
fn columns<S: Sampler, W: Slots>(sampler: S, source: W, row: usize, width: usize, part: &mut [S::Out]) {
    if width == 1 {
        return sampler.block(source, row, 0, part);
    }
    let mut buffer = [S::Out::default(); BLOCK];
    let len = part.len() / width;
    for column in 0..width {
        sampler.block(source.slots_on(column as u32), row, column, &mut buffer[..len]);
        for (i, value) in buffer[..len].iter().enumerate() {
            part[i * width + column] = *value;
        }
    }
}
