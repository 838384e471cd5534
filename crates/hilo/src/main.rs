//! `hilo`: one binary for everything. See the project's README.

/// Half of the pipeline's time would go to the system's allocator otherwise: facts are many small strings.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    hilo::main()
}
