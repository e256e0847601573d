//! Counter-based randomness: Philox4x32-10.
//!
//! Every random word is a pure function of (seed, stream, replicate, entity, step, slot, try). The key is a 64-bit mix
//! of seed and stream; the counter words are (slot × 64 + try, step, entity ÷ 4, replicate); the word of an entity is
//! lane `entity mod 4` of its block, so that one block serves four neighbours. Nothing depends on how a batch is cut.
//!
//! Source: Salmon, Moraes, Dror and Shaw, *Parallel random numbers: as easy as 1, 2, 3*, SC 2011.

use crate::dispatch::{self, Kernel, Level};

const MUL0: u32 = 0xD251_1F53;
const MUL1: u32 = 0xCD9E_8D57;
const WEYL0: u32 = 0x9E37_79B9;
const WEYL1: u32 = 0xBB67_AE85;
/// Blocks that are made together: one AVX-512 register of 32-bit lanes.
pub(crate) const WIDE: usize = 16;
/// The half of 64 bits that a word stands in.
const LOW: u64 = 0xFFFF_FFFF;
/// Tries a slot: a rejection sampler that needs a word again takes the next try.
pub const TRIES: u32 = 64;

/// What a family of draws is for; streams of one seed never meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream(pub u64);

impl Stream {
    /// Draws of environments.
    pub const ENVIRONMENT: Self = Self(0x656e_7669_726f_6e00);
    /// Draws of agents: one constant for all of them, so that equal policies draw alike.
    pub const AGENT: Self = Self(0x6167_656e_7400_0000);
    /// Draws of replay buffers.
    pub const REPLAY: Self = Self(0x7265_706c_6179_0000);
}

/// One Philox4x32-10 block.
#[inline(always)]
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let [mut a, mut b, mut c, mut d] = counter;
    let [mut k0, mut k1] = key;
    for _ in 0..10 {
        let x = u64::from(MUL0) * u64::from(a);
        let y = u64::from(MUL1) * u64::from(c);
        (a, b, c, d) = ((y >> 32) as u32 ^ b ^ k0, y as u32, (x >> 32) as u32 ^ d ^ k1, x as u32);
        k0 = k0.wrapping_add(WEYL0);
        k1 = k1.wrapping_add(WEYL1);
    }
    [a, b, c, d]
}

/// The generator of one (seed, stream).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key([u32; 2]);

impl Key {
    /// Mix a seed and a stream into a key (finaliser of `SplitMix64`, applied twice).
    pub fn new(seed: u64, stream: Stream) -> Self {
        let mixed = mix(mix(seed) ^ stream.0);
        Self([mixed as u32, (mixed >> 32) as u32])
    }

    /// The word of one entity.
    #[inline(always)]
    pub fn word(self, slot: u32, attempt: u32, step: u32, entity: u32, replicate: u32) -> u32 {
        philox([slot * TRIES + attempt, step, entity / 4, replicate], self.0)[(entity % 4) as usize]
    }

    /// The words of `len` neighbours from `entity` on.
    pub fn words(self, slot: u32, attempt: u32, step: u32, replicate: u32, entity: u32, len: usize) -> Vec<u32> {
        let mut out = vec![0; len];
        self.fill(slot, attempt, step, replicate, entity, &mut out);
        out
    }

    /// Fill `out` with the words of the neighbours from `entity` on, as wide as the machine allows.
    pub fn fill(self, slot: u32, attempt: u32, step: u32, replicate: u32, entity: u32, out: &mut [u32]) {
        self.fill_at(dispatch::best_level(), slot, attempt, step, replicate, entity, out);
    }

    /// [`Key::fill`] at a chosen instruction set; the words are the same at each.
    #[allow(clippy::too_many_arguments)] // the counter has this many parts
    pub fn fill_at(
        self,
        level: Level,
        slot: u32,
        attempt: u32,
        step: u32,
        replicate: u32,
        entity: u32,
        out: &mut [u32],
    ) {
        dispatch::run_at(level, Fill { key: self, slot, attempt, step, replicate, entity, out });
    }

    /// [`Key::fill`] for use inside a [`Kernel`]: compiled for the kernel's own instruction set.
    #[inline(always)]
    pub fn fill_inline(self, slot: u32, attempt: u32, step: u32, replicate: u32, entity: u32, out: &mut [u32]) {
        let first = slot * TRIES + attempt;
        let head = ((4 - entity % 4) % 4) as usize;
        let head = head.min(out.len());
        for (i, w) in out[..head].iter_mut().enumerate() {
            *w = self.word(slot, attempt, step, entity + i as u32, replicate);
        }
        let mut block = (entity + head as u32) / 4;
        let mut chunks = out[head..].chunks_exact_mut(4 * WIDE);
        for chunk in &mut chunks {
            self.wide([first, step, block, replicate], chunk);
            block += WIDE as u32;
        }
        for four in chunks.into_remainder().chunks_mut(4) {
            let words = philox([first, step, block, replicate], self.0);
            four.copy_from_slice(&words[..four.len()]);
            block += 1;
        }
    }

    /// Fill `out` with the words of listed entities: those `rows` places after `entity`.
    #[allow(clippy::too_many_arguments)] // the counter has this many parts
    pub fn fill_listed(
        self,
        slot: u32,
        attempt: u32,
        step: u32,
        replicate: u32,
        entity: u32,
        rows: &[u32],
        out: &mut [u32],
    ) {
        dispatch::run(Listed { key: self, slot, attempt, step, replicate, entity, rows, out });
    }

    /// `WIDE` blocks whose third counter word counts up, written entity by entity.
    ///
    /// Each word stands in 64 bits whose upper half is rubbish: a product needs no more than the lower halves, so that
    /// no lane ever moves.
    #[inline(always)]
    fn wide(self, counter: [u32; 4], out: &mut [u32]) {
        let mut c = [0; WIDE];
        for (i, word) in c.iter_mut().enumerate() {
            *word = u64::from(counter[2]) + i as u64;
        }
        let [a, b, c, d] = self.rounds(counter[0], counter[1], c, [u64::from(counter[3]); WIDE]);
        let mut both = [0; 2 * WIDE];
        for i in 0..WIDE {
            both[2 * i] = (a[i] & LOW) | (b[i] << 32);
            both[2 * i + 1] = (c[i] & LOW) | (d[i] << 32);
        }
        out.copy_from_slice(&dispatch::halves(both));
    }

    /// The word of each of [`WIDE`] entities, neighbours or not: far faster than one after the other.
    #[inline(always)]
    pub(crate) fn scattered(
        self,
        slot: u32,
        attempt: u32,
        step: u32,
        entities: [u32; WIDE],
        replicates: [u32; WIDE],
    ) -> [u32; WIDE] {
        let (mut c, mut d, mut out) = ([0; WIDE], [0; WIDE], [0; WIDE]);
        for i in 0..WIDE {
            c[i] = u64::from(entities[i] / 4);
            d[i] = u64::from(replicates[i]);
        }
        let words = self.rounds(slot * TRIES + attempt, step, c, d);
        for i in 0..WIDE {
            let low = if entities[i] & 1 == 0 { words[0][i] } else { words[1][i] };
            let high = if entities[i] & 1 == 0 { words[2][i] } else { words[3][i] };
            out[i] = if entities[i] & 2 == 0 { low } else { high } as u32;
        }
        out
    }

    /// Ten rounds on `WIDE` counters, which differ in their third and fourth words only.
    #[inline(always)]
    fn rounds(self, first: u32, second: u32, mut c: [u64; WIDE], mut d: [u64; WIDE]) -> [[u64; WIDE]; 4] {
        let (mut a, mut b) = ([u64::from(first); WIDE], [u64::from(second); WIDE]);
        let [mut k0, mut k1] = self.0;
        for _ in 0..10 {
            for i in 0..WIDE {
                let x = u64::from(MUL0) * (a[i] & LOW);
                let y = u64::from(MUL1) * (c[i] & LOW);
                (a[i], b[i], c[i], d[i]) = ((y >> 32) ^ b[i] ^ u64::from(k0), y, (x >> 32) ^ d[i] ^ u64::from(k1), x);
            }
            k0 = k0.wrapping_add(WEYL0);
            k1 = k1.wrapping_add(WEYL1);
        }
        [a, b, c, d]
    }
}

/// Words of entities that are no neighbours.
struct Listed<'a> {
    key: Key,
    slot: u32,
    attempt: u32,
    step: u32,
    replicate: u32,
    entity: u32,
    rows: &'a [u32],
    out: &'a mut [u32],
}

impl Kernel for Listed<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (rows, out) in self.rows.chunks(WIDE).zip(self.out.chunks_mut(WIDE)) {
            let mut entities = [0; WIDE];
            for (entity, row) in entities.iter_mut().zip(rows) {
                *entity = self.entity + row;
            }
            let words = self.key.scattered(self.slot, self.attempt, self.step, entities, [self.replicate; WIDE]);
            out.copy_from_slice(&words[..out.len()]);
        }
    }
}

struct Fill<'a> {
    key: Key,
    slot: u32,
    attempt: u32,
    step: u32,
    replicate: u32,
    entity: u32,
    out: &'a mut [u32],
}

impl Kernel for Fill<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        self.key.fill_inline(self.slot, self.attempt, self.step, self.replicate, self.entity, self.out);
    }
}

/// The words of the four entities of block `four` at once (try 0): what small groups draw from.
#[inline(always)]
pub(crate) fn philox_four(key: Key, slot: u32, step: u32, four: u32, replicate: u32) -> [u32; 4] {
    philox([slot * TRIES, step, four, replicate], key.0)
}

/// Finaliser of `SplitMix64`: a bijection of 64 bits with good avalanche.
#[inline]
pub(crate) fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// A word as a number in (0, 1): the middle of its 2^-32 wide cell.
#[inline(always)]
pub fn unit(word: u32) -> f64 {
    (f64::from(word) + 0.5) * (1.0 / 4_294_967_296.0)
}

/// The words below this number are those of a chance `p`: `word < threshold(p)` happens with probability
/// `round(p × 2^32) / 2^32`.
#[inline(always)]
pub fn threshold(p: f64) -> u64 {
    (p * 4_294_967_296.0 + 0.5) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `kat_vectors` of Random123: philox4x32, 10 rounds.
    const KNOWN: [([u32; 4], [u32; 2], [u32; 4]); 3] = [
        ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
        ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
        (
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
            [0xa409_3822, 0x299f_31d0],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
        ),
    ];

    #[test]
    fn one_block_gives_the_published_known_answers() {
        for (counter, key, want) in KNOWN {
            assert_eq!(philox(counter, key), want);
        }
    }

    #[test]
    fn scattered_words_equal_single_words() {
        let key = Key::new(12, Stream::AGENT);
        let (mut entities, mut replicates) = ([0; WIDE], [0; WIDE]);
        for i in 0..WIDE as u32 {
            (entities[i as usize], replicates[i as usize]) = (u32::MAX - i * i * 37, i % 5);
        }
        let words = key.scattered(3, 1, 17, entities, replicates);
        for i in 0..WIDE {
            assert_eq!(words[i], key.word(3, 1, 17, entities[i], replicates[i]));
        }
    }

    #[test]
    fn wide_blocks_equal_single_blocks_at_every_level_and_cut() {
        let key = Key::new(12, Stream::ENVIRONMENT);
        for level in [Level::Baseline, Level::Avx2, Level::Avx512] {
            for start in 0..9 {
                for len in [0, 1, 3, 4, 63, 64, 65, 200] {
                    let mut out = vec![0; len];
                    key.fill_at(level, 3, 1, 17, 2, start, &mut out);
                    for (i, w) in out.iter().enumerate() {
                        assert_eq!(*w, key.word(3, 1, 17, start + i as u32, 2));
                    }
                    let rows: Vec<u32> = (0..len as u32).map(|i| 3 * i + i / 5).collect();
                    key.fill_listed(3, 1, 17, 2, start, &rows, &mut out);
                    for (w, row) in out.iter().zip(rows) {
                        assert_eq!(*w, key.word(3, 1, 17, start + row, 2));
                    }
                }
            }
        }
    }
}
