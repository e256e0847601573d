//! Where rows lie: in memory, or in a file that is mapped into it.
//!
//! The second file of the core that may say `unsafe`: the compiler cannot know that nobody else changes the file.
#![allow(unsafe_code)]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use memmap2::MmapMut;

use crate::error::{Error, Result};

/// Zeros that are written at once.
const CHUNK: usize = 1 << 20;

/// Bytes of all rows.
#[derive(Debug)]
pub struct Bytes {
    map: MmapMut,
    /// The mapped file; it goes when these bytes go.
    file: Option<PathBuf>,
}

impl Bytes {
    /// `len` zeros in memory; pages are taken as they are written.
    ///
    /// # Errors
    /// Refuses more than the machine gives.
    pub fn in_memory(len: usize) -> Result<Self> {
        let map = MmapMut::map_anon(len).map_err(|error| Error::Config {
            field: "capacity".into(),
            got: format!("{len} bytes ({error})"),
            wanted: "fewer, or a file to map".into(),
        })?;
        // Rows are read at random places: large pages save most address look-ups. A machine without them works too.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Ok(Self { map, file: None })
    }

    /// `len` zeros in a new file at `path`, which is removed when the buffer goes.
    ///
    /// The zeros are written at once: a full disk is refused here and never met while rows are written.
    ///
    /// # Errors
    /// Refuses a file that exists, and a place that cannot take so many bytes.
    pub fn in_file(path: &Path, len: usize) -> Result<Self> {
        let refuse = |error: &io::Error| Error::Output {
            place: path.display().to_string(),
            got: error.to_string(),
            wanted: format!("a new file of {len} bytes"),
        };
        let file =
            OpenOptions::new().read(true).write(true).create_new(true).open(path).map_err(|error| refuse(&error))?;
        let map = zeros(&file, len).and_then(|()| {
            // SAFETY: this process has just made the file (`create_new`, so that no two buffers share one), written all
            // `len` bytes, and neither cuts it nor maps it again. Bytes of any value are valid. That no other process
            // writes to it or cuts it is what every memory map has to ask of its users; the docs do.
            unsafe { MmapMut::map_mut(&file) }
        });
        match map {
            Ok(map) => Ok(Self { map, file: Some(path.to_path_buf()) }),
            Err(error) => {
                let _ = fs::remove_file(path);
                Err(refuse(&error))
            }
        }
    }

    /// The bytes.
    #[inline]
    pub fn all(&self) -> &[u8] {
        &self.map
    }

    /// The bytes, to be changed.
    #[inline]
    pub fn all_mut(&mut self) -> &mut [u8] {
        &mut self.map
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        if let Some(path) = &self.file {
            let _ = fs::remove_file(path);
        }
    }
}

fn zeros(file: &File, len: usize) -> io::Result<()> {
    let chunk = vec![0; CHUNK.min(len)];
    let mut left = len;
    let mut out = file;
    while left > 0 {
        let now = left.min(CHUNK);
        out.write_all(&chunk[..now])?;
        left -= now;
    }
    Ok(())
}
