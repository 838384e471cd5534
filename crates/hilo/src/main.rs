//! `hilo`: one binary.
#![allow(dead_code, missing_docs)]
mod captures; mod pipeline; mod replay; mod topology; mod trace; mod node; mod source; mod conversations;
fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let out = args.iter().position(|a| a == "--out").unwrap();
    let inputs: Vec<_> = args[3..out].iter().map(std::path::PathBuf::from).collect();
    let s = replay::replay(&inputs, std::path::Path::new(&args[out + 1]), &topology::Tenants::default())?;
    println!("{}", serde_json::to_string(&s)?);
    Ok(())
}
