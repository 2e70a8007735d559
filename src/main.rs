//! `sapm`: see the library for everything that it does.

/// Allocating takes a fifth of a run's processor time with glibc's allocator, and more with musl's, which the released
/// binary would have. Without huge pages, as a run takes a fifth more memory with them (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    sapm::cli::main()
}
