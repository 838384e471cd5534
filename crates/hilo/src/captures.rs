//! Capture files as records of the raw topic.

use anyhow::{Context as _, Result};
use hilo_contracts::{
    capture,
    codec::{self, Codec},
    facts::Raw,
    topics,
};
use hilo_stream::Record;
use std::{
    fs::File,
    io::{BufRead, BufReader, Read, stdin},
    path::{Path, PathBuf},
};

/// The lines of `inputs` (`-`: standard input), one raw record each; blank lines and comments are none.
pub fn records(inputs: &[PathBuf]) -> Result<impl Iterator<Item = Result<Record>> + Send> {
    let mut readers = Vec::with_capacity(inputs.len());
    for path in inputs {
        readers.push(Lines::open(path)?);
    }
    let codec = codec::raw();
    Ok(readers.into_iter().flatten().map(move |raw| record(&codec, &raw?)))
}

/// The record of the raw topic.
pub fn record(codec: &impl Codec<Raw>, raw: &Raw) -> Result<Record> {
    Ok(Record {
        topic: topics::RAW,
        key: capture::raw_key(raw),
        value: codec.encode(raw)?,
        timestamp: raw.received_at,
    })
}

/// Lines of one capture.
struct Lines {
    reader: Box<dyn BufRead + Send>,
    /// Base name: what a dead letter names.
    name: String,
    path: PathBuf,
    line: i64,
    buffer: Vec<u8>,
}

impl Lines {
    fn open(path: &Path) -> Result<Self> {
        let source: Box<dyn Read + Send> = if path == Path::new("-") {
            Box::new(stdin())
        } else {
            Box::new(File::open(path).with_context(|| format!("cannot read the capture {}", path.display()))?)
        };
        let name = path
            .file_name()
            .map_or_else(|| "-".to_owned(), |name| name.to_string_lossy().into_owned());
        let reader = Box::new(BufReader::with_capacity(1 << 18, source));
        Ok(Self {
            reader,
            name,
            path: path.to_owned(),
            line: 0,
            buffer: Vec::new(),
        })
    }
}

impl Iterator for Lines {
    type Item = Result<Raw>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.buffer.clear();
            self.line += 1;
            match self.reader.read_until(b'\n', &mut self.buffer) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => {
                    let place = format!("cannot read line {} of {}", self.line, self.path.display());
                    return Some(Err(error).context(place));
                }
            }
            while matches!(self.buffer.last(), Some(b'\n' | b'\r')) {
                self.buffer.pop();
            }
            if let Some(raw) = capture::from_line(&self.buffer, Some(&self.name), self.line) {
                return Some(Ok(raw));
            }
        }
    }
}
