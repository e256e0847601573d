//! Saved state: versioned bytes with a digest, so that nothing half written, changed or foreign is ever resumed.

use crate::error::{Error, Result};
use crate::rng::mix;

const MAGIC: &[u8; 12] = b"onetake-sim\0";
/// Raised with every change of what is written: 2 counts what goes beyond a soft budget, and keeps a pendulum's sine.
const VERSION: u32 = 2;
const DIGEST: usize = 16;

/// A 128-bit digest that catches damage and change (it is no signature).
pub fn digest(bytes: &[u8]) -> [u8; DIGEST] {
    let (mut a, mut b) = (mix(bytes.len() as u64), !mix(bytes.len() as u64));
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        let word = u64::from_le_bytes(word);
        a = mix(a ^ word);
        b = mix(b.rotate_left(23).wrapping_add(word));
    }
    let mut out = [0; DIGEST];
    out[..8].copy_from_slice(&a.to_le_bytes());
    out[8..].copy_from_slice(&b.to_le_bytes());
    out
}

/// Writes numbers one after another.
#[derive(Debug)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Begin with the format's name and version and the `identity` of what is saved.
    pub fn new(identity: [u8; DIGEST]) -> Self {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(identity);
        Self(bytes)
    }

    /// Write a whole number.
    pub fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    /// Write a list: its length, then its items.
    pub fn list<T: Copy, const N: usize>(&mut self, items: &[T], bytes: fn(T) -> [u8; N]) {
        self.u64(items.len() as u64);
        self.0.extend(items.iter().flat_map(|&item| bytes(item)));
    }

    /// Close with the digest.
    pub fn finish(mut self) -> Vec<u8> {
        let digest = digest(&self.0);
        self.0.extend(digest);
        self.0
    }
}

/// Reads what [`Writer`] wrote.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Check name, version, digest and identity.
    ///
    /// # Errors
    /// Says which of them is another.
    pub fn new(bytes: &'a [u8], identity: [u8; DIGEST]) -> Result<Self> {
        let refuse = |got: String, wanted: &str| Err(Error::State { got, wanted: wanted.into() });
        let Some((body, end)) = bytes.split_last_chunk::<DIGEST>() else {
            return refuse(format!("{} bytes", bytes.len()), "bytes made by save()");
        };
        if !body.starts_with(MAGIC) {
            return refuse("bytes of another kind".into(), "bytes made by save()");
        }
        let mut reader = Self(&body[MAGIC.len()..]);
        let version = u32::from_le_bytes(reader.take()?);
        if version != VERSION {
            return refuse(format!("version {version}"), &format!("version {VERSION}"));
        }
        if digest(body) != *end {
            return refuse("bytes that were cut or changed".into(), "bytes as save() made them");
        }
        let found: [u8; DIGEST] = reader.take()?;
        if found != identity {
            return refuse(
                "the state of another environment".into(),
                "one with the same family, config, columns and ids",
            );
        }
        Ok(reader)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let Some((head, rest)) = self.0.split_first_chunk::<N>() else {
            return Err(Error::State { got: "too few bytes".into(), wanted: "bytes as save() made them".into() });
        };
        self.0 = rest;
        Ok(*head)
    }

    /// Read a whole number.
    ///
    /// # Errors
    /// Refuses bytes that end too early.
    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    /// Read a list whose length must be one of `lengths`.
    ///
    /// # Errors
    /// Refuses another length, and bytes that end too early.
    pub fn list<T, const N: usize>(&mut self, lengths: &[usize], item: fn([u8; N]) -> T) -> Result<Vec<T>> {
        let len = self.u64()? as usize;
        if !lengths.contains(&len) {
            return Err(Error::State { got: format!("a list of {len}"), wanted: format!("{lengths:?} items") });
        }
        (0..len).map(|_| self.take().map(item)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_or_missing_byte_is_found() -> Result<()> {
        let mut writer = Writer::new([7; 16]);
        writer.list(&[1.5, -2.0], f64::to_le_bytes);
        let bytes = writer.finish();
        assert_eq!(Reader::new(&bytes, [7; 16])?.list(&[2], f64::from_le_bytes)?, [1.5, -2.0]);
        for i in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[i] ^= 1;
            assert!(matches!(Reader::new(&changed, [7; 16]), Err(Error::State { .. })), "byte {i}");
            assert!(matches!(Reader::new(&bytes[..i], [7; 16]), Err(Error::State { .. })), "cut at {i}");
        }
        assert!(matches!(Reader::new(&bytes, [8; 16]), Err(Error::State { .. })));
        Ok(())
    }
}
