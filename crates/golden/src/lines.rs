//! A file of lines sorted by bytes, written as they come: sorted at the end only if they came in another order.

use crate::GoldenError;
use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

pub(crate) struct Lines {
    path: PathBuf,
    file: BufWriter<File>,
    last: String,
    sorted: bool,
}

impl Lines {
    pub(crate) fn create(path: &Path) -> Result<Self, GoldenError> {
        let file = File::create(path).map_err(|source| GoldenError::File {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
            last: String::new(),
            sorted: true,
        })
    }

    /// Appends `line`, which gets its line feed, and takes its content.
    pub(crate) fn push(&mut self, line: &mut String) -> Result<(), GoldenError> {
        line.push('\n');
        self.sorted &= self.last <= *line;
        self.file
            .write_all(line.as_bytes())
            .map_err(|source| self.failed(source))?;
        std::mem::swap(&mut self.last, line);
        line.clear();
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<(), GoldenError> {
        self.file.flush().map_err(|source| self.failed(source))?;
        if !self.sorted {
            let text = fs::read_to_string(&self.path).map_err(|source| self.failed(source))?;
            let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
            lines.sort_unstable();
            let file = File::create(&self.path).map_err(|source| self.failed(source))?;
            let mut file = BufWriter::new(file);
            for line in lines {
                file.write_all(line.as_bytes()).map_err(|source| self.failed(source))?;
            }
            file.flush().map_err(|source| self.failed(source))?;
        }
        Ok(())
    }

    fn failed(&self, source: std::io::Error) -> GoldenError {
        GoldenError::File {
            path: self.path.clone(),
            source,
        }
    }
}
