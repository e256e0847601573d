//! Who has ended, and how: passes over many environments, without a branch for each.

use crate::dispatch::{self, Kernel};

/// How an environment's episode has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End(u8);

impl End {
    /// It has not.
    pub const NOT: Self = Self(0);
    /// By itself.
    pub const OWN: Self = Self(1);
    /// By the time limit.
    pub const TIME: Self = Self(2);

    /// What both flags say together; its own end comes first.
    #[inline(always)]
    pub fn of(terminated: bool, truncated: bool) -> Self {
        let (own, late) = (u8::from(terminated), u8::from(truncated));
        Self(own | (late & (own ^ 1)) << 1)
    }

    /// The number it is saved as.
    pub fn code(self) -> u8 {
        self.0
    }

    /// What was saved as a number.
    pub fn from_code(code: u8) -> Self {
        Self::of(code == 1, code == 2)
    }
}

/// Find out who has ended; those that had ended already have ended in the same way as before.
pub fn find(elapsed: &[u32], horizon: u32, terminated: &[bool], truncated: &mut [bool], over: &mut [End]) {
    dispatch::run(Find { elapsed, horizon, terminated, truncated, over });
}

struct Find<'a> {
    elapsed: &'a [u32],
    horizon: u32,
    terminated: &'a [bool],
    truncated: &'a mut [bool],
    over: &'a mut [End],
}

impl Kernel for Find<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { elapsed, horizon, terminated, truncated, over } = self;
        find_all(elapsed, horizon, terminated, truncated, over);
    }
}

/// Every slice is an argument of its own, so that the compiler knows them to be apart.
#[inline(always)]
fn find_all(elapsed: &[u32], horizon: u32, terminated: &[bool], truncated: &mut [bool], over: &mut [End]) {
    let ends = truncated.iter_mut().zip(over);
    for ((&elapsed, &terminated), (truncated, over)) in elapsed.iter().zip(terminated).zip(ends) {
        let late = u8::from(elapsed >= horizon) & u8::from(over.0 == 0) | u8::from(over.0 == 2);
        let late = late != 0;
        *truncated = late;
        *over = End::of(terminated, late);
    }
}

/// The places of those who have ended.
pub fn listed(over: &[End]) -> Vec<u32> {
    dispatch::run(Listed(over))
}

struct Listed<'a>(&'a [End]);

impl Kernel for Listed<'_> {
    type Output = Vec<u32>;
    #[inline(always)]
    fn run(self) -> Vec<u32> {
        let mut rows = Vec::new();
        let (eights, rest) = self.0.as_chunks::<8>();
        for (i, eight) in eights.iter().enumerate() {
            // One bit at most is set in each byte, and in most eights none.
            let mut left = u64::from_le_bytes(eight.map(End::code));
            while left != 0 {
                rows.push(8 * i as u32 + left.trailing_zeros() / 8);
                left &= left - 1;
            }
        }
        let first = 8 * eights.len();
        rows.extend(rest.iter().enumerate().filter(|(_, end)| end.0 != 0).map(|(i, _)| (first + i) as u32));
        rows
    }
}
