//! A block of rows that are decided together: where their words and counts are.

use super::{Fleet, Request};
use crate::rng::Key;
use crate::samplers::{BLOCK, Neighbours, Rows, Source};

/// Below this length a run of neighbours is not worth a block of its own.
const SHORTEST: usize = 32;

/// Space for rows that are no neighbours.
#[derive(Default)]
pub struct Room {
    pairs: Vec<(u32, u32)>,
    environments: Vec<usize>,
}

/// Which environments the rows are.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// Neighbours from an environment on, which have this replicate and first entity id.
    Run { environment: usize, replicate: u32, entity: u32 },
    /// Any, with replicate and entity id.
    Any { environments: &'a [usize], pairs: &'a [(u32, u32)] },
}

/// At most [`BLOCK`] rows of a request.
#[derive(Clone, Copy)]
pub struct Block<'a> {
    /// Place of the first row in the request.
    pub first: usize,
    /// Number of rows.
    pub len: usize,
    key: Key,
    step: u32,
    place: Place<'a>,
}

impl<'a> Block<'a> {
    /// The next block of a request, of at most `most` rows.
    #[inline(always)]
    pub fn cut(fleet: &Fleet, request: &Request<'_>, first: usize, most: usize, room: &'a mut Room) -> Self {
        let entities = fleet.entity_ids.len();
        let row = |i: usize| request.rows.map_or(first + i, |rows| rows[first + i] as usize);
        let start = row(0);
        let end = (entities - start % entities).min(most);
        let run = match request.rows {
            None => end,
            Some(_) => (1..end).find(|i| row(*i) != start + i).unwrap_or(end),
        };
        let (key, step) = (fleet.key, request.step);
        if fleet.contiguous && (run >= SHORTEST || run == most) {
            let replicate = fleet.replicate_ids[start / entities];
            let place = Place::Run { environment: start, replicate, entity: fleet.entity_ids[start % entities] };
            return Self { first, len: run, key, step, place };
        }
        room.environments.clear();
        room.environments.extend((0..most).map(row));
        room.pairs.clear();
        room.pairs.extend(
            room.environments.iter().map(|e| (fleet.replicate_ids[e / entities], fleet.entity_ids[e % entities])),
        );
        let place = Place::Any { environments: &room.environments, pairs: &room.pairs };
        Self { first, len: most, key, step, place }
    }

    /// The environment of a row of the block.
    #[inline(always)]
    pub fn environment(&self, i: usize) -> usize {
        match self.place {
            Place::Run { environment, .. } => environment + i,
            Place::Any { environments, .. } => environments[i],
        }
    }

    /// What the learners of the rows have in a column of counts: there itself, or gathered into `space`.
    #[inline(always)]
    pub fn load<'b>(&self, fleet: &Fleet, column: &'b [f64], space: &'b mut [f64; BLOCK]) -> &'b [f64] {
        let out = &mut space[..self.len];
        match self.place {
            Place::Run { environment, .. } if !fleet.pooled => return &column[environment..environment + self.len],
            Place::Run { environment, .. } => out.fill(column[fleet.learner(environment)]),
            Place::Any { environments, .. } => {
                for (value, environment) in out.iter_mut().zip(environments) {
                    *value = column[fleet.learner(*environment)];
                }
            }
        }
        out
    }

    /// Where the words of a slot are.
    #[inline(always)]
    pub fn source(&self, slot: u32) -> Words<'a> {
        let (key, step) = (self.key, self.step);
        match self.place {
            Place::Run { replicate, entity, .. } => Words::Run(Neighbours { key, slot, step, replicate, entity }),
            Place::Any { pairs, .. } => Words::Any(Rows { key, slot, step, rows: pairs }),
        }
    }
}

/// Words of neighbours or of any rows.
#[derive(Clone, Copy)]
pub enum Words<'a> {
    /// Neighbours.
    Run(Neighbours),
    /// Any rows.
    Any(Rows<'a>),
}

impl Source for Words<'_> {
    #[inline(always)]
    fn fill(self, attempt: u32, first: usize, out: &mut [u32]) {
        match self {
            Self::Run(run) => run.fill(attempt, first, out),
            Self::Any(rows) => rows.fill(attempt, first, out),
        }
    }
    #[inline(always)]
    fn word(self, attempt: u32, unit: usize) -> u32 {
        match self {
            Self::Run(run) => run.word(attempt, unit),
            Self::Any(rows) => rows.word(attempt, unit),
        }
    }
    #[inline(always)]
    fn choose(self, attempt: u32, first: usize, units: &[u8], out: &mut [u32]) {
        match self {
            Self::Run(run) => run.choose(attempt, first, units, out),
            Self::Any(rows) => rows.choose(attempt, first, units, out),
        }
    }
}
