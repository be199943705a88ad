//! Where the programs begin.

use std::ffi::c_int;
use std::panic::catch_unwind;
use std::process;

use costage::start;

/// What a program that panics ends with, as any that is written in Rust.
const PANICKED: c_int = 101;

/// Makes a function, which gives the status to end with, the program: `coutils_cli::main!(cogrep)`.
///
/// With glibc it is called by the C library, not by Rust's runtime, which first asks for the bounds of the stack, to
/// name an overflow: `/proc/self/maps` is read for it, a tenth of the time in which cogrep starts and ends. (No input
/// makes the programs recurse: how deep a regex nests is limited where it is parsed.) Such a program says
/// `#![cfg_attr(all(target_os = "linux", target_env = "gnu"), no_main)]`. Elsewhere the arguments come from that runtime.
#[macro_export]
macro_rules! main {
    ($program:path) => {
        // SAFETY: no other function has this name, which is the one that the C library calls, once.
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        #[unsafe(no_mangle)]
        extern "C" fn main() -> ::std::ffi::c_int {
            $crate::run($program)
        }

        #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
        fn main() -> ::std::process::ExitCode {
            $program().into()
        }
    };
}

/// Runs a program as Rust's runtime would; what [`main!`] calls.
#[doc(hidden)]
pub fn run(program: fn() -> u8) -> c_int {
    start::prepare();
    // Also takes leave of what the standard library holds.
    process::exit(status_of(program))
}

/// A panic has been told when it comes here, and may go no further: the caller is C.
fn status_of(program: fn() -> u8) -> c_int {
    catch_unwind(program).map_or(PANICKED, c_int::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_the_program_with_101() {
        assert_eq!(status_of(|| 2), 2);
        assert_eq!(status_of(|| panic!("as it is meant to")), 101);
    }
}
