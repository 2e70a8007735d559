//! What is installed beside the binary: completions, manual pages and help.

mod completions;
mod help;
mod man;
mod shells;
mod terminal;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use datafiles::{Datafiles, SaasFile, Target};

/// `sapm` in a folder, without any variable.
fn sapm(folder: &Path) -> Command {
    let mut sapm = Command::new(env!("CARGO_BIN_EXE_sapm"));
    sapm.env_clear().env("HOME", folder).current_dir(folder).stdin(Stdio::null());
    sapm
}

/// Standard output of a call that succeeds without a word on standard error.
fn silent(call: &mut Command) -> String {
    let Output { status, stdout, stderr } = call.output().unwrap();
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success() && stderr.is_empty(), "{status}: {stderr}");
    String::from_utf8(stdout).unwrap()
}

/// The names of everything in a config repo of two targets, each of which is on one channel: their labels are
/// `SAAS/TEMPLATE/STAGE/c1/shop` and `SAAS/TEMPLATE/PRODUCTION/c1/shop`.
struct Names<'a> {
    saas: &'a str,
    template: &'a str,
    stage: &'a str,
    production: &'a str,
    channel: &'a str,
}

const PLAIN: Names<'_> = Names {
    saas: "saas-shop",
    template: "api",
    stage: "stage",
    production: "production",
    channel: "shop-stage",
};

impl Names<'_> {
    fn write(&self, root: &Path) {
        let commit = "0000000000000000000000000000000000000001";
        let target = |name: &str| Target::new("/namespace.yml", commit).named(name);
        let saas = SaasFile::new(self.saas, "/app.yml")
            .template(self.template, "https://git.example.com/shop")
            .target(&target(self.stage).publishes(self.channel))
            .target(&target(self.production).subscribes(self.channel, ""));
        Datafiles::around(&saas).write(root);
    }
}
