//! `sapm`: see the library for everything that it does.

fn main() -> std::process::ExitCode {
    sapm::cli::main()
}
