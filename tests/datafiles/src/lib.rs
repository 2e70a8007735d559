//! Builds datafiles of config repos for tests: saas files, and the files they refer to.
//!
//! Simple parts are written as by hand. Names and refs may be any text; they are quoted.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::path::Path;

/// Datafiles by path, which begins with a slash, as in `$ref`s.
#[derive(Debug, Clone, Default)]
pub struct Datafiles(pub BTreeMap<String, String>);

/// The datafiles that a namespace refers to, by path.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Its app.
    pub app: &'a str,
    /// Its cluster.
    pub cluster: &'a str,
    /// Its environment.
    pub environment: &'a str,
}

impl Datafiles {
    /// One saas file at `/saas.yml`, and one file of each other kind: `/app.yml`, `/cluster.yml`, `/environment.yml`,
    /// and `/namespace.yml`, which refers to them. The namespace is `shop` on `c1`.
    pub fn around(saas: &SaasFile) -> Self {
        let place =
            Place { app: "/app.yml", cluster: "/cluster.yml", environment: "/environment.yml" };
        let mut files = Self::default();
        files.app(place.app, "shop").cluster(place.cluster, "c1");
        files.environment(place.environment, "production");
        files.namespace("/namespace.yml", "shop", place).saas("/saas.yml", saas);
        files
    }

    /// Adds any datafile.
    pub fn put(&mut self, path: impl Into<String>, schema: &str, body: impl Display) -> &mut Self {
        self.0.insert(path.into(), format!("---\n$schema: {schema}\n{body}"));
        self
    }

    /// Adds an app.
    pub fn app(&mut self, path: &str, name: &str) -> &mut Self {
        self.put(path, "/app-sre/app-1.yml", named(name))
    }

    /// Adds a cluster.
    pub fn cluster(&mut self, path: &str, name: &str) -> &mut Self {
        self.put(path, "/openshift/cluster-1.yml", named(name))
    }

    /// Adds an environment.
    pub fn environment(&mut self, path: &str, name: &str) -> &mut Self {
        self.put(path, "/app-sre/environment-1.yml", named(name))
    }

    /// Adds a namespace.
    pub fn namespace(&mut self, path: &str, name: &str, place: Place<'_>) -> &mut Self {
        self.namespace_with(path, name, place, "")
    }

    /// Adds a namespace with additional lines.
    pub fn namespace_with(
        &mut self,
        path: &str,
        name: &str,
        place: Place<'_>,
        lines: &str,
    ) -> &mut Self {
        let [app, cluster, environment] = [place.app, place.cluster, place.environment].map(quoted);
        let body = format!(
            "{}{lines}cluster: {{$ref: {cluster}}}\napp: {{$ref: {app}}}\nenvironment: {{$ref: {environment}}}\n",
            named(name)
        );
        self.put(path, "/openshift/namespace-1.yml", body)
    }

    /// Adds a saas file.
    pub fn saas(&mut self, path: &str, file: &SaasFile) -> &mut Self {
        self.put(path, "/app-sre/saas-file-2.yml", &file.0)
    }

    /// Writes them below `data` in a folder.
    pub fn write(&self, root: &Path) {
        for (path, text) in &self.0 {
            let path = root.join("data").join(path.trim_start_matches('/'));
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
    }
}

/// The text of a saas file without its schema.
#[derive(Debug, Clone)]
pub struct SaasFile(String);

impl SaasFile {
    /// Creates a saas file without resource templates; `app` is a path.
    pub fn new(name: &str, app: &str) -> Self {
        Self(format!("{}app: {{$ref: {}}}\nresourceTemplates:\n", named(name), quoted(app)))
    }

    /// Adds a resource template; later targets belong to it.
    pub fn template(self, name: &str, url: &str) -> Self {
        self.template_with(name, url, "")
    }

    /// Adds a resource template with additional lines, which are indented by two.
    pub fn template_with(mut self, name: &str, url: &str, lines: &str) -> Self {
        let name = named(name);
        let _ = write!(self.0, "- {name}  url: {url}\n  path: /deploy.yml\n{lines}  targets:\n");
        self
    }

    /// Adds a target, each field on a line.
    pub fn target(mut self, target: &Target) -> Self {
        let mut mark = "-";
        for (key, value) in &target.0 {
            let _ = writeln!(self.0, "  {mark} {key}: {value}");
            mark = " ";
        }
        self
    }

    /// Adds all targets of a template on one line.
    pub fn targets_on_one_line(mut self, targets: &[Target]) -> Self {
        let targets: Vec<_> = targets.iter().map(Target::on_one_line).collect();
        let _ = writeln!(self.0, "    [{}]", targets.join(", "));
        self
    }

    /// Its size so far.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }
}

/// A target: keys with values on one line.
#[derive(Debug, Clone)]
pub struct Target(Vec<(String, String)>);

impl Target {
    /// Deploys a ref to a namespace, given by its path.
    pub fn new(namespace: &str, git_ref: &str) -> Self {
        let target = Self(Vec::new()).with("namespace", format!("{{$ref: {}}}", quoted(namespace)));
        target.with("ref", quoted(git_ref))
    }

    /// Sets the name.
    pub fn named(mut self, name: &str) -> Self {
        self.0.insert(0, ("name".to_owned(), quoted(name)));
        self
    }

    /// Sets another field, whose value is YAML.
    pub fn with(mut self, key: &str, value: impl Display) -> Self {
        self.0.push((key.to_owned(), value.to_string()));
        self
    }

    /// Publishes to a channel.
    pub fn publishes(self, channel: &str) -> Self {
        self.with("promotion", format!("{{publish: [{}]}}", quoted(channel)))
    }

    /// Subscribes to a channel with `auto: true`. The rest of the promotion is YAML, such as `, soakDays: 1`.
    pub fn subscribes(self, channel: &str, more: &str) -> Self {
        let channel = quoted(channel);
        self.with("promotion", format!("{{auto: true, subscribe: [{channel}]{more}}}"))
    }

    fn on_one_line(&self) -> String {
        let fields = self.0.iter().map(|(key, value)| format!("{key}: {value}"));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
    }
}

fn named(name: &str) -> String {
    format!("name: {}\n", quoted(name))
}

/// A text as YAML, in ASCII only.
pub fn quoted(text: &str) -> String {
    let escaped = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        ' '..='~' => c.to_string(),
        c => format!("\\U{:08x}", u32::from(c)),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_/.".contains(c);
    let is_name =
        text.starts_with(|c: char| c.is_ascii_lowercase() || c == '/') && text.chars().all(plain);
    if is_name && !["null", "true", "false", "yes", "no", "on", "off", "y", "n"].contains(&text) {
        return text.to_owned();
    }
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}
