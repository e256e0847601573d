//! Run-time choice of the instruction set: the only file of the simulation that may say `unsafe`.
//!
//! A [`Kernel`] is compiled three times (baseline, AVX2, AVX-512) and the widest one that the machine has is called.
//! Rust never contracts `a * b + c` into a fused operation by itself, so all three give the same bits.
#![allow(unsafe_code)]

/// Work that gains from wide vectors. Mark `run` and everything it calls `#[inline(always)]`.
pub trait Kernel {
    /// What the work gives back.
    type Output;
    /// Do the work.
    fn run(self) -> Self::Output;
}

/// The instruction sets that a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every machine of the target has.
    Baseline,
    /// AVX2 (no fused multiply-add: results stay equal).
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
}

/// The widest level of this machine.
pub fn best_level() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
        {
            return Level::Avx512;
        }
        if is_x86_feature_detected!("avx2") {
            return Level::Avx2;
        }
    }
    Level::Baseline
}

/// Run `kernel` at the widest level of this machine.
#[inline]
pub fn run<K: Kernel>(kernel: K) -> K::Output {
    run_at(best_level(), kernel)
}

/// Run `kernel` at `level`, or at the best level of the machine where that is lower.
#[inline]
pub fn run_at<K: Kernel>(level: Level, kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        match level.min(best_level()) {
            // SAFETY: `best_level` has just found these features on this machine.
            Level::Avx512 => return unsafe { avx512(kernel) },
            // SAFETY: as above.
            Level::Avx2 => return unsafe { avx2(kernel) },
            Level::Baseline => {}
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = level;
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl")]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

/// The halves of 32 numbers, lower half first, without moving a byte where numbers are stored that way.
#[inline(always)]
pub(crate) fn halves(numbers: [u64; 32]) -> [u32; 64] {
    #[cfg(target_endian = "big")]
    let numbers = numbers.map(|x| x.rotate_left(32));
    // SAFETY: both are 256 bytes of plain integers.
    unsafe { std::mem::transmute(numbers) }
}
