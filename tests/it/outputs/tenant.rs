//! A config repo in which a tenant names everything.

use datafiles::{Datafiles, Place, SaasFile, Target, quoted};

/// How many names there are.
pub const NAMES: usize = 14;

/// The files of a config repo, with every name set by `name`.
pub fn files_called(name: impl Fn(usize) -> String) -> Datafiles {
    let app = format!("/services/{}/app.yml", name(0).replace('/', "-"));
    let [app_name, url, blocked] = [1, 2, 3].map(|number| quoted(&name(number)));
    let component = format!("{{name: c, url: {url}, blockedVersions: [{blocked}]}}");
    let mut files = Datafiles::default();
    let body = format!("name: {app_name}\ncodeComponents: [{component}]\n");
    files.put(&app, "/app-sre/app-1.yml", body);
    files.cluster("/c.yml", &name(4)).environment("/e.yml", &name(5));
    let place = Place { app: &app, cluster: "/c.yml", environment: "/e.yml" };
    files.namespace("/n1.yml", &name(6), place).namespace("/n2.yml", &name(7), place);
    files.saas("/services/saas.yml", &saas_file(&app, &name));
    files
}

fn saas_file(app: &str, name: &impl Fn(usize) -> String) -> SaasFile {
    let due = |own: &str| Target::new("/n2.yml", &"1".repeat(40)).named(own);
    let own = |key: &str| format!(", {key}: {}", quoted(&name(11)));
    SaasFile::new(&name(13), app)
        .template(&name(12), "https://git.example.com/team/code")
        .target(&Target::new("/n1.yml", &"2".repeat(40)).publishes(&name(8)))
        .target(&due(&name(10)).subscribes(&name(8), ""))
        .target(&due("late").subscribes(&name(8), &own("schedule")))
        .target(&due("waits").subscribes(&name(9), &own("soakDays")))
        .target(&Target::new("/n2.yml", &name(12)).named("moving").publishes(&name(9)))
        .target(&Target::new(&name(12), &"1".repeat(40)).named("lost").subscribes(&name(13), ""))
}
