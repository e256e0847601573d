//! One of k arms, monotone in one word: the first arm whose cumulated chance passes it.

/// `round(cumulated chance × 2^32)` of each arm; chances are added from left to right and divided by their sum.
///
/// Arms without a chance are never drawn.
///
/// ```
/// use onetake_core::samplers::categorical::{quantile, thresholds};
/// let mut t = [0; 3];
/// thresholds(&[0.25, 0.0, 0.75], &mut t);
/// assert_eq!(quantile(1 << 30, &t), 2);
/// ```
#[inline(always)]
pub fn thresholds(chances: &[f64], out: &mut [u64]) {
    let mut total = 0.0;
    for p in chances {
        total += p;
    }
    let mut sum = 0.0;
    for (t, p) in out.iter_mut().zip(chances) {
        sum += p;
        *t = crate::rng::threshold(sum / total);
    }
}

/// How many of the [`thresholds`] the word has passed: the arm.
#[inline(always)]
pub fn quantile(word: u32, thresholds: &[u64]) -> u32 {
    let word = u64::from(word);
    thresholds.iter().map(|t| u32::from(word >= *t)).sum()
}

/// The arm of `word` by a row of chances, without keeping the [`thresholds`].
#[inline(always)]
pub fn draw(word: u32, chances: &[f64]) -> u32 {
    let mut total = 0.0;
    for p in chances {
        total += p;
    }
    let mut sum = 0.0;
    let mut arm = 0;
    for p in chances {
        sum += p;
        arm += u32::from(u64::from(word) >= crate::rng::threshold(sum / total));
    }
    arm
}

/// One arm a unit from its own row of chances (`words.len()` × `arms`).
pub fn fill(words: &[u32], chances: &[f64], arms: usize, out: &mut [u32]) {
    for ((o, w), p) in out.iter_mut().zip(words).zip(chances.chunks_exact(arms)) {
        *o = draw(*w, p);
    }
}
