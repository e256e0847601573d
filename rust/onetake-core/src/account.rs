//! What the evaluator knows of a step before it is taken: expected rewards, summed over the entities of each replicate.

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

impl Sums {
    /// Sum `expected` `(len, k)`, row by row from the first to the last.
    pub fn new(expected: &[f64], arms: usize, action: &[u32], greedy: Option<&[u32]>) -> Self {
        let mut sums = Self { arms: vec![0.0; arms], ..Self::default() };
        for (i, row) in expected.chunks_exact(arms).enumerate() {
            let mut best = row[0];
            for (sum, &value) in sums.arms.iter_mut().zip(row) {
                *sum += value;
                best = if value > best { value } else { best };
            }
            sums.oracle += best;
            sums.played += row[action[i] as usize];
            if let Some(greedy) = greedy {
                sums.greedy += row[greedy[i] as usize];
            }
        }
        sums
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
