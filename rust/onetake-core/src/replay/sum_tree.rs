//! A tree of sums with 16 children a node: a leaf is found in as many steps as it has levels, four lines of memory each.
//!
//! Leaves are kept in 32 bits, sums in 64; a sum is always added up again from all its children, so that it never
//! drifts, and in one order, so that it is the same everywhere.

const WIDTH: usize = 16;

/// Sums over leaves, level by level from the leaves up.
#[derive(Debug, Clone)]
pub struct SumTree {
    leaves: Vec<f32>,
    /// `levels[0]` sums leaves, the last one has one number.
    levels: Vec<Vec<f64>>,
}

impl SumTree {
    /// `len` leaves of 0.
    ///
    /// ```
    /// use onetake_core::replay::sum_tree::SumTree;
    /// let mut tree = SumTree::new(40);
    /// tree.set(3, 1.0);
    /// tree.set(39, 2.0);
    /// assert_eq!((tree.total(), tree.find(0.5), tree.find(1.0)), (3.0, 3, 39));
    /// ```
    pub fn new(len: usize) -> Self {
        Self::from_leaves(vec![0.0; len])
    }

    /// The tree over given leaves.
    pub fn from_leaves(mut leaves: Vec<f32>) -> Self {
        leaves.resize(leaves.len().max(1).next_multiple_of(WIDTH), 0.0);
        let mut levels = Vec::new();
        let mut count = leaves.len() / WIDTH;
        loop {
            let padded = if count == 1 { 1 } else { count.next_multiple_of(WIDTH) };
            levels.push(vec![0.0; padded]);
            if count == 1 {
                break;
            }
            count = padded / WIDTH;
        }
        let mut tree = Self { leaves, levels };
        for level in 0..tree.levels.len() {
            let below = if level == 0 { tree.leaves.len() } else { tree.levels[level - 1].len() };
            for node in 0..below / WIDTH {
                tree.sum(level, node);
            }
        }
        tree
    }

    /// All leaves, and zeros behind them.
    pub fn leaves(&self) -> &[f32] {
        &self.leaves
    }

    /// A leaf.
    #[inline]
    pub fn leaf(&self, at: usize) -> f32 {
        self.leaves[at]
    }

    /// The sum of all leaves.
    #[inline]
    pub fn total(&self) -> f64 {
        self.levels.last().map_or(0.0, |top| top[0])
    }

    /// Change a leaf and every sum above it.
    #[inline]
    pub fn set(&mut self, at: usize, value: f32) {
        self.leaves[at] = value;
        let mut node = at;
        for level in 0..self.levels.len() {
            node /= WIDTH;
            self.sum(level, node);
        }
    }

    /// Change many leaves, then every sum above them once for neighbours; of equal places the last counts.
    pub fn set_many(&mut self, changes: &[(usize, f32)]) {
        let mut nodes: Vec<usize> = Vec::with_capacity(changes.len());
        for (at, value) in changes {
            self.leaves[*at] = *value;
            nodes.push(at / WIDTH);
        }
        for level in 0..self.levels.len() {
            nodes.dedup();
            for node in &mut nodes {
                self.sum(level, *node);
                *node /= WIDTH;
            }
        }
    }

    #[inline]
    fn sum(&mut self, level: usize, node: usize) {
        let (below, above) = self.levels.split_at_mut(level);
        let range = node * WIDTH..(node + 1) * WIDTH;
        above[0][node] = match below.last() {
            None => pairs(self.leaves[range].iter().map(|leaf| f64::from(*leaf))),
            Some(sums) => pairs(sums[range].iter().copied()),
        };
    }

    /// The leaf in which `mass`, counted over leaves from the left, lies: never one of 0 unless all are.
    pub fn find(&self, mass: f64) -> usize {
        let mut places = [(0, mass)];
        self.find_all(&mut places);
        places[0].0
    }

    /// [`SumTree::find`] of the second number of each pair, written to its first.
    ///
    /// All go down side by side, so that the machine fetches the nodes of many at once.
    pub fn find_all(&self, places: &mut [(usize, f64)]) {
        for level in (0..self.levels.len() - 1).rev() {
            let sums = self.levels[level].as_chunks::<WIDTH>().0;
            for (node, mass) in &mut *places {
                let child = descend(&sums[*node], mass);
                *node = *node * WIDTH + child;
            }
        }
        let leaves = self.leaves.as_chunks::<WIDTH>().0;
        for (node, mass) in places {
            let child = descend(&leaves[*node].map(f64::from), mass);
            *node = *node * WIDTH + child;
        }
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        self.leaves.len() * 4 + self.levels.iter().map(|level| level.len() * 8).sum::<usize>()
    }
}

/// The sum of 16 numbers, in four lanes.
#[inline]
fn pairs(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut lanes = [0.0; 4];
    for (i, x) in numbers.enumerate() {
        lanes[i % 4] += x;
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
}

/// The child in which `mass` lies, without a branch on the way; takes off what stands before it.
#[inline]
fn descend(children: &[f64; WIDTH], mass: &mut f64) -> usize {
    let [a, b, c, _] = children.as_chunks::<4>().0 else { return 0 };
    let fours = [a, b, c].map(|x| (x[0] + x[1]) + (x[2] + x[3]));
    let (four, rest) = step(fours, *mass);
    let own = &children[4 * four..4 * four + 4];
    let (one, rest) = step([own[0], own[1], own[2]], rest);
    let child = 4 * four + one;
    if children[child] > 0.0 {
        *mass = rest;
        return child;
    }
    // Rounding has carried it beyond the last one that is not 0.
    let last = (0..child).rev().chain(child..WIDTH).find(|i| children[*i] > 0.0).unwrap_or(child);
    *mass = children[last];
    last
}

/// Which of four neighbours `mass` lies in, the last of which is not looked at, and what is left of it there.
#[inline]
fn step(sizes: [f64; 3], mass: f64) -> (usize, f64) {
    let ends = [sizes[0], sizes[0] + sizes[1], sizes[0] + sizes[1] + sizes[2]];
    let at = ends.iter().map(|end| usize::from(mass >= *end)).sum::<usize>();
    (at, mass - [0.0, ends[0], ends[1], ends[2]][at])
}
