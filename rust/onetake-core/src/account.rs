//! What the evaluator knows of a step before it is taken: expected rewards, summed over the entities of each replicate.

use crate::dispatch::{self, Kernel};

/// Sums over entities, one a replicate; `arms` has one an arm too.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Account {
    /// Expected reward of the best arm of each entity.
    pub oracle: Vec<f64>,
    /// Expected reward of the arms that are about to be played.
    pub played: Vec<f64>,
    /// Expected reward of the arms that the agent would play greedily; empty where none were given.
    pub greedy: Vec<f64>,
    /// Expected reward of an arm drawn evenly.
    pub random: Vec<f64>,
    /// Expected reward had every entity played the same arm `(replicates, k)`.
    pub arms: Vec<f64>,
}

/// The sums of one block.
#[derive(Debug, Clone, Default)]
pub struct Sums {
    oracle: f64,
    played: f64,
    greedy: f64,
    arms: Vec<f64>,
}

/// Numbers that are added side by side: entity `i` goes to lane `i mod LANES`, and lanes are added in order at the end.
const LANES: usize = 8;
type Lanes = [f64; LANES];

impl Sums {
    /// Sum `expected` `(arms, len)`, arm by arm; `action` and `greedy` are `(len,)`.
    pub fn new(expected: &[f64], action: &[u32], greedy: Option<&[u32]>) -> Self {
        dispatch::run(Summing { expected, action, greedy: greedy.unwrap_or(action) })
    }

    /// The same sums with those parts replaced whose values `(len,)` are known better than from arm to arm.
    #[must_use]
    pub fn with(self, oracle: Option<Vec<f64>>, played: Option<Vec<f64>>, greedy: Option<Vec<f64>>) -> Self {
        let sum = |values: Option<Vec<f64>>, old: f64| values.map_or(old, |values| values.iter().sum());
        Self {
            oracle: sum(oracle, self.oracle),
            played: sum(played, self.played),
            greedy: sum(greedy, self.greedy),
            arms: self.arms,
        }
    }
}

struct Summing<'a> {
    expected: &'a [f64],
    action: &'a [u32],
    greedy: &'a [u32],
}

impl Summing<'_> {
    /// Add `width` entities from `first` on.
    #[inline(always)]
    fn add(&self, first: usize, width: usize, sums: &mut [Lanes; 3], arms: &mut [Lanes]) {
        let len = self.action.len();
        let (action, greedy) = (&self.action[first..first + width], &self.greedy[first..first + width]);
        let (mut best, mut played, mut greedily) = ([f64::NEG_INFINITY; LANES], [0.0; LANES], [0.0; LANES]);
        for (arm, total) in arms.iter_mut().enumerate() {
            let values = &self.expected[arm * len + first..arm * len + first + width];
            for lane in 0..width {
                let value = values[lane];
                total[lane] += value;
                best[lane] = if value > best[lane] { value } else { best[lane] };
                played[lane] = if action[lane] == arm as u32 { value } else { played[lane] };
                greedily[lane] = if greedy[lane] == arm as u32 { value } else { greedily[lane] };
            }
        }
        for lane in 0..width {
            sums[0][lane] += best[lane];
            sums[1][lane] += played[lane];
            sums[2][lane] += greedily[lane];
        }
    }
}

impl Kernel for Summing<'_> {
    type Output = Sums;
    #[inline(always)]
    fn run(self) -> Sums {
        let len = self.action.len();
        let mut sums = [[0.0; LANES]; 3];
        let mut arms = vec![[0.0; LANES]; self.expected.len() / len];
        let whole = len / LANES * LANES;
        for first in (0..whole).step_by(LANES) {
            self.add(first, LANES, &mut sums, &mut arms);
        }
        self.add(whole, len - whole, &mut sums, &mut arms);
        let [oracle, played, greedy] = sums.map(|lanes| lanes.iter().sum());
        Sums { oracle, played, greedy, arms: arms.iter().map(|lanes| lanes.iter().sum()).collect() }
    }
}

impl Account {
    /// Accounts of zero.
    pub fn new(replicates: usize, arms: usize, greedy: bool) -> Self {
        let zero = vec![0.0; replicates];
        Self {
            oracle: zero.clone(),
            played: zero.clone(),
            greedy: if greedy { zero.clone() } else { Vec::new() },
            random: zero,
            arms: vec![0.0; replicates * arms],
        }
    }

    /// Add a block of `replicate`; blocks are added in order, whoever summed them.
    pub fn add(&mut self, replicate: usize, sums: &Sums) {
        let arms = sums.arms.len();
        self.oracle[replicate] += sums.oracle;
        self.played[replicate] += sums.played;
        if let Some(greedy) = self.greedy.get_mut(replicate) {
            *greedy += sums.greedy;
        }
        let own = &mut self.arms[replicate * arms..(replicate + 1) * arms];
        own.iter_mut().zip(&sums.arms).for_each(|(total, value)| *total += value);
    }

    /// Close the account: an evenly drawn arm earns the mean of the arms.
    #[must_use]
    pub fn close(mut self, arms: usize) -> Self {
        for (random, own) in self.random.iter_mut().zip(self.arms.chunks(arms)) {
            *random = own.iter().sum::<f64>() / arms as f64;
        }
        self
    }
}
