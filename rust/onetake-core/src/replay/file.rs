//! Saved buffers: versioned bytes with a digest and no code, written beside and renamed.
//!
//! ```text
//! "onetake-replay\0\0" | version u32 | length u64 | JSON: settings and the caller's own words
//! batches | each lane | episodes, final observations, free places | priorities | rows that are held
//! digest over each mebibyte
//! ```
//! Numbers are little-endian; rows are as the machine has them, so that files do not cross byte orders: version 1 is
//! little-endian throughout and is refused elsewhere.

use std::fs::{self, File};
use std::io::{BufReader, ErrorKind, Read, Write};
use std::path::Path;

use super::buffer::Replay;
use super::episodes::{Episode, Lane};
use super::settings::Settings;
use super::sum_tree::SumTree;
use crate::error::{Error, Result};
use crate::state::digest;

const MAGIC: &[u8; 16] = b"onetake-replay\0\0";
const VERSION: u32 = 1;
const DIGEST: usize = 16;
const CHUNK: usize = 1 << 20;

/// Writes and digests.
struct Out {
    file: File,
    chunk: Vec<u8>,
    digest: [u8; DIGEST],
}

impl Out {
    fn put(&mut self, mut bytes: &[u8]) -> std::io::Result<()> {
        while !bytes.is_empty() {
            let (now, rest) = bytes.split_at(bytes.len().min(CHUNK - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            bytes = rest;
            if self.chunk.len() == CHUNK {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn number(&mut self, value: u64) -> std::io::Result<()> {
        self.put(&value.to_le_bytes())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.digest = chain(self.digest, &self.chunk);
        self.file.write_all(&self.chunk)?;
        self.chunk.clear();
        Ok(())
    }

    fn finish(mut self) -> std::io::Result<()> {
        self.flush()?;
        self.file.write_all(&self.digest)?;
        self.file.sync_all()
    }
}

/// The digest of all chunks so far.
fn chain(before: [u8; DIGEST], chunk: &[u8]) -> [u8; DIGEST] {
    let mut both = before.to_vec();
    both.extend(digest(chunk));
    digest(&both)
}

/// Reads what was verified.
struct In<R> {
    source: R,
    /// Bytes that are left: a length beyond them is refused before memory is asked for.
    left: u64,
}

impl<R: Read> In<R> {
    fn bytes(&mut self, out: &mut [u8]) -> Result<()> {
        self.left = self.left.checked_sub(out.len() as u64).ok_or_else(short)?;
        self.source.read_exact(out).map_err(|_| short())
    }

    fn number(&mut self) -> Result<u64> {
        let mut bytes = [0; 8];
        self.bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// How many items of `size` bytes follow.
    fn count(&mut self, size: usize) -> Result<usize> {
        let count = self.number()?;
        if count.saturating_mul(size as u64) > self.left {
            return Err(short());
        }
        Ok(count as usize)
    }

    fn list(&mut self) -> Result<Vec<u8>> {
        let mut out = vec![0; self.count(1)?];
        self.bytes(&mut out)?;
        Ok(out)
    }

    fn places(&mut self, below: usize) -> Result<Vec<u32>> {
        let mut bytes = vec![0; self.count(4)? * 4];
        self.bytes(&mut bytes)?;
        let places: Vec<u32> = bytes.as_chunks::<4>().0.iter().map(|place| u32::from_le_bytes(*place)).collect();
        if places.iter().any(|place| *place as usize >= below) {
            return Err(damaged("an episode that there is not"));
        }
        Ok(places)
    }
}

fn short() -> Error {
    damaged("too few bytes")
}

fn damaged(got: &str) -> Error {
    Error::State { got: got.into(), wanted: "a file as save() made it".into() }
}

impl Replay {
    /// Write everything to `path`, with `words` of the caller's own; a reader sees the old file or the new one.
    ///
    /// # Errors
    /// Refuses a place that cannot be written.
    pub fn save(&self, path: &Path, words: &str) -> Result<()> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let beside = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        let written = File::create(&beside)
            .and_then(|file| self.write(Out { file, chunk: Vec::with_capacity(CHUNK), digest: [0; DIGEST] }, words))
            .and_then(|()| fs::rename(&beside, path));
        written.map_err(|error| {
            let _ = fs::remove_file(&beside);
            let (place, got) = (path.display().to_string(), error.to_string());
            Error::Output { place, got, wanted: "a place that can be written".into() }
        })
    }

    fn write(&self, mut out: Out, words: &str) -> std::io::Result<()> {
        let head = serde_json::to_vec(&(&self.settings, words))?;
        out.put(MAGIC)?;
        out.put(&VERSION.to_le_bytes())?;
        out.number(head.len() as u64)?;
        out.put(&head)?;
        out.number(self.batches)?;
        out.number(self.episodes.entries.len() as u64)?;
        for episode in &self.episodes.entries {
            out.number(episode.first)?;
            out.number(episode.len)?;
        }
        out.put(&self.episodes.finals)?;
        places(&mut out, self.episodes.free.iter())?;
        for lane in &self.lanes {
            out.number(lane.added)?;
            out.number(u64::from(lane.open) | u64::from(lane.resets) << 1)?;
            places(&mut out, lane.episodes.iter())?;
        }
        if let Some(priorities) = &self.priorities {
            out.put(&priorities.largest.to_le_bytes())?;
            for leaf in priorities.tree.leaves() {
                out.put(&leaf.to_le_bytes())?;
            }
        }
        for lane in &self.lanes {
            out.put(&self.bytes.all()[self.written(lane)])?;
        }
        out.finish()
    }

    /// The bytes of the rows of a lane that were ever written.
    fn written(&self, lane: &Lane) -> std::ops::Range<usize> {
        let rows = (lane.added as usize).min(lane.len) + 1;
        lane.base * self.layout.row..(lane.base + rows) * self.layout.row
    }

    /// The buffer that was saved to `path`, and the caller's words; its rows lie in memory or in a new mapped `file`.
    ///
    /// # Errors
    /// Refuses what is no saved buffer, of another version, cut or changed.
    pub fn load(path: &Path, file: Option<&Path>) -> Result<(Self, String)> {
        let refuse = |got: String| Error::State { got: format!("{}: {got}", path.display()), wanted: WANTED.into() };
        let io = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => refuse("no such file".into()),
            _ => refuse(error.to_string()),
        };
        let mut source = File::open(path).map_err(io)?;
        let len = source.metadata().map_err(io)?.len();
        let Some(body) = len.checked_sub(DIGEST as u64).filter(|body| *body >= 28) else {
            return Err(refuse(format!("a file of {len} bytes")));
        };
        verify(&mut source, body).map_err(refuse)?;
        let source = BufReader::with_capacity(CHUNK, File::open(path).map_err(io)?);
        let mut input = In { source, left: body };
        input.bytes(&mut [0; 20])?;
        let head = input.list()?;
        let parsed = serde_json::from_slice::<(Settings, String)>(&head);
        let (settings, words) = parsed.map_err(|error| refuse(format!("other settings ({error})")))?;
        let mut replay = Self::new(settings, file)?;
        replay.read(&mut input)?;
        if input.left > 0 {
            return Err(damaged("more bytes than it holds"));
        }
        Ok((replay, words))
    }

    fn read<R: Read>(&mut self, input: &mut In<R>) -> Result<()> {
        self.batches = input.number()?;
        let count = input.count(16 + self.layout.obs_bytes)?;
        for _ in 0..count {
            self.episodes.entries.push(Episode { first: input.number()?, len: input.number()? });
        }
        self.episodes.finals = vec![0; count * self.layout.obs_bytes];
        input.bytes(&mut self.episodes.finals)?;
        self.episodes.free = input.places(count)?;
        for lane in &mut self.lanes {
            lane.added = input.number()?;
            lane.head = (lane.added % (lane.len as u64 + 1)) as usize;
            let flags = input.number()?;
            (lane.open, lane.resets) = (flags & 1 != 0, flags & 2 != 0);
            lane.episodes = input.places(count)?.into();
        }
        if let Some(priorities) = &mut self.priorities {
            priorities.largest = f64::from_bits(input.number()?);
            let mut leaves = vec![0; priorities.tree.leaves().len() * 4];
            input.bytes(&mut leaves)?;
            let leaves = leaves.as_chunks::<4>().0.iter().map(|leaf| f32::from_le_bytes(*leaf));
            priorities.tree = SumTree::from_leaves(leaves.collect());
        }
        for at in 0..self.lanes.len() {
            let rows = self.written(&self.lanes[at]);
            input.bytes(&mut self.bytes.all_mut()[rows])?;
            self.consistent(at)?;
        }
        Ok(())
    }

    /// Every held row belongs to an episode that there is, so that no draw can go astray.
    fn consistent(&self, at: usize) -> Result<()> {
        let lane = &self.lanes[at];
        for step in lane.oldest()..lane.added {
            let word = self.layout.word_of(self.row(lane.row(step)));
            let episode = self.episodes.entries.get(word.episode() as usize);
            let inside = episode.is_some_and(|episode| {
                episode.len > 0 && episode.first <= step && episode.first.checked_add(episode.len - 1) >= Some(step)
            });
            if !inside {
                return Err(damaged("a transition outside its episode"));
            }
        }
        Ok(())
    }
}

const WANTED: &str = "a file as save() made it";

fn places<'a>(out: &mut Out, places: impl ExactSizeIterator<Item = &'a u32>) -> std::io::Result<()> {
    out.number(places.len() as u64)?;
    places.into_iter().try_for_each(|place| out.put(&place.to_le_bytes()))
}

/// Check name, version and digest of the first `body` bytes; says what is wrong.
fn verify(source: &mut File, body: u64) -> std::result::Result<(), String> {
    let mut left = body;
    let mut chunk = vec![0; CHUNK];
    let mut running = [0; DIGEST];
    let mut first = true;
    while left > 0 {
        let now = left.min(CHUNK as u64) as usize;
        source.read_exact(&mut chunk[..now]).map_err(|error| error.to_string())?;
        if std::mem::take(&mut first) {
            if !chunk.starts_with(MAGIC) {
                return Err("a file of another kind".into());
            }
            if chunk[16..20] != VERSION.to_le_bytes() {
                let version = chunk[16..20].iter().rev().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
                return Err(format!("version {version}"));
            }
            if cfg!(target_endian = "big") {
                return Err("a file of a little-endian machine".into());
            }
        }
        running = chain(running, &chunk[..now]);
        left -= now as u64;
    }
    let mut end = [0; DIGEST];
    source.read_exact(&mut end).map_err(|error| error.to_string())?;
    if end == running { Ok(()) } else { Err("a file that was cut or changed".into()) }
}
