//! A shell on a terminal, into which a test types.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::optional::{DEADLINE, skipped};

const PROMPT: &str = "sapm-ready>";

/// Is the program there? If not, says so, unless it must be.
pub fn installed(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdin(Stdio::null()).output().is_ok();
    if !found {
        skipped("SAPM_REQUIRE_SHELLS", &format!("no `{program}` on PATH"));
    }
    found
}

/// A shell that completes with the script under test. Its command `sapm` completes like the real one, and otherwise
/// writes down its arguments.
pub struct Terminal {
    child: Child,
    input: ChildStdin,
    screen: Arc<Mutex<Vec<u8>>>,
    arguments: PathBuf,
}

impl Terminal {
    /// Starts bash or zsh in a folder. `None` if it is not installed.
    pub fn start(shell: &str, folder: &Path, tools: &Path) -> Option<Self> {
        if !installed(shell) || !installed("script") {
            return None;
        }
        let arguments = tools.join("arguments");
        let setup = install(shell, tools, &arguments);
        let (command, setup) = match shell {
            "bash" => ("bash --noprofile --norc -i", format!("source '{}'", setup.display())),
            _ => {
                let load = format!("fpath=('{}' $fpath)", setup.parent().unwrap().display());
                ("zsh -f -i", format!("{load}; autoload -Uz compinit; compinit -u -D"))
            }
        };
        let mut call = Command::new("script");
        call.args(["-qec", command, "/dev/null"]).env_clear().current_dir(folder);
        call.env("PATH", search_path(tools)).env("HOME", tools).env("TERM", "xterm");
        call.env("PS1", format!("{PROMPT} ")).env("SHELL", "/bin/sh").env("LC_ALL", "C.UTF-8");
        call.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = call.spawn().unwrap();
        let screen = Arc::<Mutex<Vec<u8>>>::default();
        let (mut output, shown) = (child.stdout.take().unwrap(), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap().extend(&bytes[..read]);
            }
        });
        let input = child.stdin.take().unwrap();
        let mut terminal = Self { child, input, screen, arguments };
        terminal.wait_until("the first prompt", |terminal| terminal.prompts() >= 1);
        terminal.enter(&setup);
        terminal.enter("sapm is-set-up\n");
        assert_eq!(terminal.arguments(), ["is-set-up"]);
        Some(terminal)
    }

    /// Types, and an end of line if there is none.
    pub fn enter(&mut self, keys: &str) {
        let end = if keys.ends_with('\n') { "" } else { "\n" };
        write!(self.input, "{keys}{end}").unwrap();
        self.input.flush().unwrap();
    }

    /// The arguments that `sapm` is called with next.
    pub fn arguments(&mut self) -> Vec<String> {
        self.wait_until("the call", |terminal| terminal.arguments.exists());
        let text = std::fs::read_to_string(&self.arguments).unwrap();
        std::fs::remove_file(&self.arguments).unwrap();
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    fn prompts(&self) -> usize {
        self.screen().matches(PROMPT).count()
    }

    /// All that was shown.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }

    fn wait_until(&self, what: &str, reached: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !reached(self) {
            assert!(start.elapsed() < DEADLINE, "{what} never came: {}", self.screen());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Puts `sapm` and the script for its completion into a folder. Returns the script.
pub fn install(shell: &str, tools: &Path, arguments: &Path) -> PathBuf {
    let sapm = tools.join("sapm");
    let (real, arguments) = (env!("CARGO_BIN_EXE_sapm"), arguments.display());
    let text = format!(
        "#!/bin/sh\nif [ \"$1\" = __complete ]; then exec '{real}' \"$@\"; fi\n\
         printf '%s\\0' \"$@\" > '{arguments}.new' && mv '{arguments}.new' '{arguments}'\n"
    );
    std::fs::write(&sapm, text).unwrap();
    std::fs::set_permissions(&sapm, PermissionsExt::from_mode(0o755)).unwrap();
    let script = super::silent(super::sapm(tools).args(["completions", shell]));
    let path =
        tools.join(if shell == "zsh" { "_sapm".to_owned() } else { format!("sapm.{shell}") });
    std::fs::write(&path, script).unwrap();
    path
}

/// PATH with a folder in front.
pub fn search_path(tools: &Path) -> String {
    format!("{}:{}", tools.display(), std::env::var("PATH").unwrap())
}
