//! Links the unwinder into the programs: to load it as a library of its own, `libgcc_s`, takes 7 % of the time in
//! which cogrep starts and ends.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    let is_linux = is_target("OS", "linux") && is_target("ENV", "gnu");
    if is_linux && linker_has("libgcc_eh.a") {
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}

fn is_target(what: &str, value: &str) -> bool {
    env::var(format!("CARGO_CFG_TARGET_{what}")).is_ok_and(|is| is == value)
}

/// Does the linker know a library of this name? Where it does not, all is as it would be without this file.
fn linker_has(library: &str) -> bool {
    let linker = env::var_os("RUSTC_LINKER").unwrap_or("cc".into());
    let asked = Command::new(linker)
        .arg(format!("-print-file-name={library}"))
        .output();
    // What it does not know it answers with the bare name.
    asked.is_ok_and(|told| Path::new(String::from_utf8_lossy(&told.stdout).trim()).is_absolute())
}
