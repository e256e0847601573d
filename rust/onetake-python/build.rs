//! Embeds a hash of the Rust sources, so that Python can tell whether a cached result came from the same core.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// FNV-1a with 128 bits: stable from one compiler to the next, which the standard library's hasher is not.
const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = vec![root.join("Cargo.lock"), root.join("Cargo.toml")];
    collect(&root.join("rust"), &mut files)?;
    files.sort();
    let mut hash = BASIS;
    for path in files.iter().filter(|path| path.exists()) {
        println!("cargo:rerun-if-changed={}", path.display());
        let name = path.strip_prefix(&root).unwrap_or(path).to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(path)?;
        // Whole lines of comment change nothing that is computed.
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
        for line in std::iter::once(name.as_str()).chain(lines) {
            hash =
                line.bytes().chain([b'\n']).fold(hash, |so_far, byte| (so_far ^ u128::from(byte)).wrapping_mul(PRIME));
        }
    }
    // A new file has no line above yet; the folder it appears in does.
    println!("cargo:rerun-if-changed={}", root.join("rust").display());
    println!("cargo:rustc-env=ONETAKE_SOURCE={hash:032x}");
    Ok(())
}

/// Adds the manifests and the sources under `folder`; tests and benches are not part of the extension.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() && !["tests", "benches", "target"].contains(&name.as_str()) {
            collect(&path, files)?;
        } else if name == "Cargo.toml" || path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}
