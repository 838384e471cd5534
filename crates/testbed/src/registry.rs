//! A registry of one test.

use crate::{PATIENCE, free_port, home};
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A registry of one test, in memory.
pub struct SchemaRegistry {
    child: Child,
    port: u16,
}

impl SchemaRegistry {
    /// Starts a registry; `None` where there is none to start.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::at(free_port())
    }

    /// Starts one at a port.
    #[must_use]
    pub fn at(port: u16) -> Option<Self> {
        let home = home()?;
        let java = fs::read_to_string(home.join("java21")).unwrap();
        let child = Command::new(java.trim())
            .args(["-Xmx384m", "-XX:+UseSerialGC"])
            .arg(format!("-Dquarkus.http.port={port}"))
            .args(["-Dquarkus.http.host=127.0.0.1", "-Dquarkus.management.host=127.0.0.1"])
            // Several of them run side by side.
            .args(["-Dquarkus.management.port=0", "-jar"])
            .arg(home.join("registry/quarkus-run.jar"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let registry = Self { child, port };
        let begun = Instant::now();
        while !registry.answers() {
            assert!(begun.elapsed() < PATIENCE, "the registry does not come up");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(registry)
    }

    /// Address of Confluent's API.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/apis/ccompat/v7", self.port)
    }

    /// Port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it, as a crash does; what it had is gone.
    pub fn end(&mut self) {
        // A registry that has gone already is gone.
        drop(self.child.kill());
        drop(self.child.wait());
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else {
            return false;
        };
        let asked = write!(
            stream,
            "GET /apis/ccompat/v7/subjects HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        );
        let mut line = String::new();
        let answered = BufReader::new(&mut stream).read_line(&mut line);
        asked.is_ok() && answered.is_ok() && line.contains("200")
    }
}

impl Drop for SchemaRegistry {
    fn drop(&mut self) {
        self.end();
    }
}
