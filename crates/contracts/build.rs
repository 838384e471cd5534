//! Embeds every `schemas/<subject>/v<n>.avsc` and `topic.json`, so that a new topic needs no edit in this crate.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?)
        .join("../../schemas")
        .canonicalize()?;
    println!("cargo::rerun-if-changed={}", root.display());
    let mut schemas = String::from("const SCHEMAS: &[(&str, u32, &str)] = &[\n");
    let mut topics = String::from("const TOPICS: &[(&str, &str)] = &[\n");
    for folder in sorted(&root)?.into_iter().filter(|path| path.is_dir()) {
        let subject = file_name(&folder);
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut versions: Vec<(u32, PathBuf)> = Vec::new();
        for file in sorted(&folder)? {
            let name = file_name(&file);
            match version_of(&name) {
                Some(version) => versions.push((version, file)),
                None if name == "topic.json" => {
                    writeln!(
                        topics,
                        "    ({subject:?}, include_str!({:?})),",
                        file.display().to_string()
                    )?;
                }
                None => return Err(format!("{}: neither v<n>.avsc nor topic.json", file.display()).into()),
            }
        }
        versions.sort();
        for (version, file) in versions {
            let file = file.display().to_string();
            writeln!(schemas, "    ({subject:?}, {version}, include_str!({file:?})),")?;
        }
    }
    schemas.push_str("];\n");
    topics.push_str("];\n");
    schemas.push_str(&topics);
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("schemas.rs"), schemas)?;
    Ok(())
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn version_of(name: &str) -> Option<u32> {
    name.strip_prefix('v')?.strip_suffix(".avsc")?.parse().ok()
}
