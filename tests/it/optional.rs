//! Tests that need a program that not every machine has.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Everything must have happened within this time, however slow the machine.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// Reports that a test is skipped because something is missing. An error if the variable `SAPM_REQUIRE_…` is set.
pub fn skipped(variable: &str, missing: &str) {
    let required = std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    assert!(!required, "{variable} is set, but {missing}");
    // Not with `eprintln!`: the test harness hides that when a test passes.
    let _ = writeln!(std::io::stderr(), "skipped: {missing}");
}

/// A server that is a separate program with its own port, until it is dropped.
pub struct Program {
    child: Child,
    port: u16,
}

impl Program {
    /// Starts a server. `arguments` returns its arguments for a port. Waits until it responds at `ready`.
    /// `None` if it is not installed.
    #[track_caller]
    pub fn start(
        program: impl AsRef<OsStr>,
        arguments: impl Fn(u16) -> Vec<String>,
        ready: &str,
    ) -> Option<Self> {
        // A free port may be taken before the program binds it, because other tests open hundreds. Then it exits.
        for _ in 0..20 {
            let port = free_port();
            let child = Command::new(&program)
                .args(arguments(port))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .ok()?;
            let mut started = Self { child, port };
            if started.answers(ready) {
                return Some(started);
            }
        }
        panic!("{} ends whenever it is started", program.as_ref().display());
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Waits until it responds; `false` if it has exited.
    #[track_caller]
    fn answers(&mut self, path: &str) -> bool {
        let start = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            if is_ready(self.port, path).unwrap_or(false) {
                return true;
            }
            assert!(start.elapsed() < DEADLINE, "it was not ready in time");
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Whether a server responds to a GET with 200. Written by hand, because it is used inside and outside of async tests.
fn is_ready(port: u16, path: &str) -> std::io::Result<bool> {
    let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    let mut stream = TcpStream::connect(address)?;
    // Another test's server, which is deliberately silent, may have the port.
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    Ok(status.ends_with(b" 200"))
}

#[test]
fn a_program_whose_port_is_taken_is_restarted() {
    let folder = tempfile::tempdir().unwrap();
    let tries = folder.path().join("tries");
    // $0 is the file with the ports so far.
    let script = "echo $1 >> $0; [ $(wc -l < $0) -ge 3 ] || exit 1
        exec prometheus-pushgateway --web.listen-address=127.0.0.1:$1";
    let arguments = |port: u16| {
        ["-c", script, &tries.display().to_string(), &port.to_string()].map(str::to_owned).to_vec()
    };
    if Command::new("prometheus-pushgateway").arg("--version").output().is_err() {
        return skipped("SAPM_REQUIRE_PUSHGATEWAY", "there is no `prometheus-pushgateway` on PATH");
    }
    let program = Program::start("sh", arguments, "/-/ready").unwrap();
    let ports = std::fs::read_to_string(&tries).unwrap();
    assert_eq!(ports.lines().count(), 3, "{ports}");
    assert!(program.url().ends_with(ports.lines().last().unwrap()));
    assert!(Program::start("no-such-program", |_| vec![], "/").is_none());
}
