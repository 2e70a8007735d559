//! Anybody who may start a pipeline may set any variable for it. None of them sends a token elsewhere, or changes
//! what is written and where.

use std::collections::{BTreeMap, BTreeSet};

use super::pipeline::{ConfigRepo, Situation, read};
use super::shell::{run_script, script};
use crate::e2e::support::World;
use crate::shop::{PROJECT, TOKEN};

/// What a pipeline may set: its own tokens and keys, the fields of the form, the log level, and names of the job
/// only.
const HARMLESS: [&str; 33] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_REGION",
    "AWS_ROLE_SESSION_NAME",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "APP_INTERFACE_STATE_BUCKET_ACCESS_KEY_ID",
    "APP_INTERFACE_STATE_BUCKET_SECRET_ACCESS_KEY",
    // At most a link to the report of another job or branch of the same project.
    "CI_COMMIT_BRANCH",
    "CI_JOB_NAME",
    "CI_DEFAULT_BRANCH",
    "CI_JOB_ID",
    "CI_JOB_TOKEN",
    // At most a link to another job of the same project.
    "CI_JOB_URL",
    "CI_MERGE_REQUEST_",
    "CI_NODE_INDEX",
    "CI_PROJECT_DIR",
    "CI_PROJECT_ID",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "GITLAB_CI",
    "NO_COLOR",
    "SAPM_APP_NAME",
    "SAPM_AT",
    "SAPM_AWS_ID_TOKEN",
    "SAPM_DRY_RUN",
    "SAPM_ENV_NAME",
    "SAPM_EXPLAIN",
    "SAPM_GITHUB_TOKEN",
    "SAPM_GITLAB_TOKEN",
    "SAPM_LOG",
    "SAPM_NOTE_TOKEN",
    "SAPM_SAAS_FILE_NAME",
    // Tokens and keys for plans, used like the ones above.
    "SAPM_PLAN_",
];

/// Variables that libraries in sapm and the shell read.
const OF_LIBRARIES: [&str; 40] = [
    "ALL_PROXY",
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_DEFAULT_REGION",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_SSO",
    "AWS_ENDPOINT_URL_STS",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "CI_REGISTRY",
    "CI_SERVER_TLS_CA_FILE",
    "CURL_CA_BUNDLE",
    "GIT_CONFIG_GLOBAL",
    "GIT_SSL_CAINFO",
    "GIT_SSL_NO_VERIFY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "IFS",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD_OF_NOBODY",
    "MALLOC_CONF",
    "NO_PROXY",
    "RUST_LOG",
    "SSLKEYLOGFILE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "XDG_CONFIG_HOME",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Every variable in the sources.
fn of_sources() -> BTreeSet<String> {
    let mut files = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let name = fancy_regex::Regex::new(
        r#"\b(SAPM|CI|AWS|APP_INTERFACE|GITLAB|CLICOLOR|NO|USED)_[A-Z0-9_]*[A-Z0-9]\b"#,
    )
    .unwrap();
    let mut names = BTreeSet::new();
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            names.extend(name.find_iter(&text).map(|found| found.unwrap().as_str().to_owned()));
        }
    }
    assert!(names.len() > 45 && names.contains("SAPM_PUSHGATEWAY_URL"), "{names:?}");
    names
}

/// How a job calls sapm: arguments and variables.
fn call(
    job: &str,
    inputs: &[(&str, &str)],
    variables: &[(&str, &str)],
) -> (String, BTreeMap<String, String>) {
    let shows = "printf 'called %s\\n' \"$*\"; env; :";
    let show = format!("show() {{ {shows}; }}\n");
    let inputs = [inputs, &[("command", "show")]].concat();
    let output = run_script(&(show + &script(job, &inputs)), variables);
    let text = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let (_, called) = text.split_once("called ").unwrap_or_else(|| panic!("{text}\n{error}"));
    let (arguments, environment) = called.split_once('\n').unwrap();
    let variables = environment.lines().filter_map(|line| line.split_once('='));
    (arguments.to_owned(), variables.map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
}

#[test]
fn no_variable_of_a_pipeline_redirects_anything() {
    let names: BTreeSet<String> =
        of_sources().into_iter().chain(OF_LIBRARIES.map(str::to_owned)).collect();
    let values: Vec<_> =
        names.iter().map(|name| (name, format!("https://evil.test/{name}"))).collect();
    let hostile: Vec<(&str, &str)> = values.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    for job in ["apply", "run", "plan", "explain"] {
        let (arguments, seen) = call(job, &[], &hostile);
        for (name, value) in &seen {
            let harmless = HARMLESS.iter().any(|harmless| name.starts_with(harmless));
            assert!(harmless || !value.contains("evil.test"), "{job}: {name}={value}");
        }
        // Variables in the arguments contain only a folder or a branch.
        let options: Vec<&str> =
            arguments.split(' ').filter(|word| word.starts_with("--")).collect();
        let known = ["--report-dir", "--cache-dir", "--app-interface", "--target-branch", "--"];
        assert!(options.iter().all(|option| known.contains(option)), "{job}: {arguments}");
        for (name, value) in [
            ("SAPM_GITLAB_URL", "https://gitlab.example.com"),
            ("CI_SERVER_URL", "https://gitlab.example.com"),
            // It reads the files of its checkout.
            (
                "SAPM_APP_INTERFACE",
                if job == "explain" {
                    "."
                } else {
                    "https://gitlab.example.com/service/app-interface.git"
                },
            ),
            ("SAPM_STATE", "s3://app-sre-state"),
            ("CI_PROJECT_PATH", "service/app-interface"),
            ("SAPM_BOT_USER", ""),
            ("SAPM_FORMER_BOT_USERS", ""),
            ("SAPM_OTHER_BOTS", ""),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ] {
            assert_eq!(seen.get(name).map(String::as_str), Some(value), "{job}: {name}");
        }
        for unset in [
            "SAPM_GITHUB_URL",
            "SAPM_LABELS",
            "SAPM_CREDENTIALS_FILE",
            "HTTPS_PROXY",
            "AWS_PROFILE",
        ] {
            assert_eq!(seen.get(unset), None, "{job}");
        }
    }
}

#[test]
fn inputs_override_variables_of_the_pipeline() {
    let inputs = [
        ("environment", "HTTPS_PROXY=http://proxy.test:3128 AWS_ENDPOINT_URL_S3=https://s3.test"),
        ("credentials", "{git.test: GIT_TOKEN}"),
        ("keep-variables", "GIT_TOKEN"),
        ("options", "--max-new-merge-requests 10"),
        ("bot-user", "the-bot"),
        ("former-bot-users", "bot-1,bot-2"),
        ("other-bots", "devtools-bot"),
        ("app-interface", "https://gitlab.example.com/other/repo.git"),
    ];
    let given =
        [("GIT_TOKEN", "secret"), ("OTHER_TOKEN", "secret"), ("HTTPS_PROXY", "http://evil.test")];
    for job in ["apply", "run", "plan", "explain"] {
        let (arguments, seen) = call(job, &inputs, &given);
        assert!(arguments.contains("--max-new-merge-requests 10"), "{job}: {arguments}");
        assert_eq!(seen["HTTPS_PROXY"], "http://proxy.test:3128");
        assert_eq!(seen["AWS_ENDPOINT_URL_S3"], "https://s3.test");
        assert_eq!((seen["GIT_TOKEN"].as_str(), seen.get("OTHER_TOKEN")), ("secret", None));
        assert_eq!(seen["SAPM_BOT_USER"], "the-bot");
        assert_eq!(seen["SAPM_FORMER_BOT_USERS"], "bot-1,bot-2");
        assert_eq!(seen["SAPM_OTHER_BOTS"], "devtools-bot");
        assert_eq!(seen["SAPM_APP_INTERFACE"], "https://gitlab.example.com/other/repo.git");
        assert!(seen.contains_key("SAPM_CREDENTIALS_FILE"));
    }
}

/// Whoever may start a pipeline fills in the form. What they ask about is one argument, whatever is in it.
#[test]
fn a_name_in_the_form_is_neither_an_option_nor_a_command() {
    for name in [
        "--help",
        "--state=s3://evil",
        "-h",
        "a b",
        "$(touch pwned)",
        "`touch pwned`",
        "\"; touch pwned; \"",
        "'; touch pwned; '",
        "*",
        "a\ntouch pwned",
    ] {
        let show = "show() { for word; do printf '<%s>' \"$word\"; done; ls; }\n";
        let lines = show.to_owned() + &script("explain", &[("command", "show")]);
        let output = run_script(&lines, &[("SAPM_EXPLAIN", name)]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let wanted = format!("<explain><--report-dir><sapm-report><--><{name}>");
        assert_eq!(text, wanted, "{name}");
    }
}

/// GitLab replaces `$NAME` in a field by that variable before the job sees it.
#[test]
fn a_field_of_the_form_does_not_show_a_secret() {
    let secret = "glpat-0123456789";
    for (job, field) in [
        ("explain", "SAPM_EXPLAIN"),
        ("run", "SAPM_APP_NAME"),
        ("run", "SAPM_ENV_NAME"),
        ("run", "SAPM_SAAS_FILE_NAME"),
        ("run", "SAPM_AT"),
    ] {
        for variable in ["SAPM_GITLAB_TOKEN", "CI_REGISTRY_PASSWORD", "DEPLOY_SECRET_OF_SOMEBODY"] {
            let lines = script(job, &[("command", "echo called")]);
            let value = format!("x{secret}");
            let output = run_script(&lines, &[(field, &value), (variable, secret)]);
            assert_eq!(output.status.code(), Some(2), "{job}: {field} with {variable}");
            let shown = [output.stdout, output.stderr].concat();
            let shown = String::from_utf8_lossy(&shown);
            assert!(shown.contains(variable) && !shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn a_job_that_names_no_config_repo_does_not_start() {
    let lines = script("apply", &[("only-in-project", ""), ("command", "echo called")]);
    let output = run_script(&lines, &[("SAPM_APP_INTERFACE", "https://evil.test/repo.git")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!String::from_utf8_lossy(&output.stdout).contains("called"));
    assert!(String::from_utf8_lossy(&output.stderr).contains("only-in-project"));
}

/// A folder of one job holds no records of others: every target would wait for ever.
#[test]
fn a_state_in_a_folder_is_refused_unless_it_is_meant() {
    let inputs = [("state", "file:///mnt/state"), ("command", "echo called")];
    for job in ["apply", "run", "plan", "preflight", "shadow"] {
        let output = run_script(&script(job, &inputs), &[]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{job}: {error}");
        for part in ["file:///mnt/state", "s3://BUCKET", "allow-file-state: true"] {
            assert!(error.contains(part), "{job}: {error}");
        }
        assert!(!String::from_utf8_lossy(&output.stdout).contains("called"), "{job}");
        let meant = [&inputs[..], &[("allow-file-state", "true")]].concat();
        let output = run_script(&script(job, &meant), &[]);
        assert!(String::from_utf8_lossy(&output.stdout).contains("called"), "{job}: {output:?}");
    }
}

/// End to end: another forge, set in every possible variable, gets no request.
#[test]
fn a_manual_run_sends_nothing_to_another_host() {
    let (world, evil) = (World::start(), World::start());
    let Some(repo) = ConfigRepo::new(&world) else { return };
    evil.forge().clear_log();
    let address = evil.forge().gitlab_url();
    let mut situation = Situation::of("web").with("SAPM_DRY_RUN", "false");
    for name in [
        "SAPM_GITLAB_URL",
        "CI_SERVER_URL",
        "SAPM_GITHUB_URL",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL_STS",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "ALL_PROXY",
        "SAPM_PUSHGATEWAY_URL",
    ] {
        situation = situation.with(name, &address);
    }
    for name in ["SAPM_APP_INTERFACE", "CI_PROJECT_URL"] {
        situation = situation.with(name, &format!("{address}/{PROJECT}"));
    }
    let situation = situation.with("SAPM_LABELS", "approved").with("SAPM_STATE", "file:///");
    let (passed, log) = repo.run(&situation);
    assert!(passed, "{log}");
    assert_eq!(evil.count(|_| true), 0, "{log}");
    assert!(!log.contains(TOKEN), "{log}");
    let requests = world.project().open_merge_requests();
    assert!(!requests.is_empty(), "{log}");
    assert!(requests.iter().all(|request| !request.labels.contains("approved")), "{requests:?}");
}

/// The page's lines contain literal values, and no variable that a pipeline could set.
#[test]
fn the_ten_lines_name_no_variable() {
    let lines = super::pipeline::ten_lines();
    assert!(!lines.contains('$'), "{lines}");
    assert!(read("docs/set-up.md").contains("#who-starts-a-pipeline"));
}
