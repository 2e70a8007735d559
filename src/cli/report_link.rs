//! The page of the newest report of a GitLab job, which stays the same from job to job.

use std::path::{Component, Path};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::config::Environment;

/// Characters that stay as they are in a URL.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The page (GitLab docs, ci/jobs/job_artifacts: by branch and job name), if this is a job of a branch and the report is
/// within the project's folder, as artifacts are.
pub(super) fn report_url(
    report_dir: Option<&Path>,
    environment: &Environment<'_>,
) -> Option<String> {
    let project = environment.get("CI_PROJECT_URL")?;
    let (branch, job) = (environment.get("CI_COMMIT_BRANCH")?, environment.get("CI_JOB_NAME")?);
    let report_dir = report_dir.filter(|folder| !folder.as_os_str().is_empty())?;
    let folder = match environment.get("CI_PROJECT_DIR") {
        Some(root) if report_dir.is_absolute() => report_dir.strip_prefix(root).ok()?,
        _ if report_dir.is_absolute() => return None,
        _ => report_dir,
    };
    let mut parts = Vec::new();
    for part in folder.components() {
        match part {
            Component::Normal(name) => parts.push(encode(name.to_str()?)),
            Component::CurDir => {}
            _ => return None,
        }
    }
    parts.push("report.html".to_owned());
    let project = project.trim_end_matches('/');
    // GitLab takes slashes of the branch as they are.
    let branch = branch.split('/').map(encode).collect::<Vec<_>>().join("/");
    let (file, job) = (parts.join("/"), encode(&job));
    Some(format!("{project}/-/jobs/artifacts/{branch}/file/{file}?job={job}"))
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn url(report_dir: &str, more: &[(&str, &str)]) -> Option<String> {
        let job = [
            ("CI_PROJECT_URL", "https://gitlab.example.com/shop/app-interface"),
            ("CI_PROJECT_DIR", "/builds/shop/app-interface"),
            ("CI_COMMIT_BRANCH", "main"),
            ("CI_JOB_NAME", "sapm-apply 1/2"),
        ];
        let all = job.iter().chain(more);
        let variables: BTreeMap<String, String> =
            all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        report_url(Some(Path::new(report_dir)), &Environment(&variables))
    }

    #[test]
    fn the_newest_artifact_of_the_job_is_linked() {
        let expected = "https://gitlab.example.com/shop/app-interface/-/jobs/artifacts/main/file/sapm-report/1/report.html\
                        ?job=sapm-apply%201%2F2";
        for folder in
            ["sapm-report/1", "./sapm-report/1/", "/builds/shop/app-interface/sapm-report/1"]
        {
            assert_eq!(url(folder, &[]).as_deref(), Some(expected), "{folder}");
        }
        let branch = url("r", &[("CI_COMMIT_BRANCH", "release/a b")]);
        assert!(branch.is_some_and(|url| url.contains("/artifacts/release/a%20b/file/r/")));
    }

    #[test]
    fn there_is_none_outside_of_the_project_or_of_a_branchs_job() {
        for folder in ["", "/tmp/report", "../report", "/builds/shop/app-interface/../x"] {
            assert_eq!(url(folder, &[]), None, "{folder}");
        }
        for variable in ["CI_PROJECT_URL", "CI_COMMIT_BRANCH", "CI_JOB_NAME"] {
            assert_eq!(url("report", &[(variable, "")]), None, "{variable}");
        }
    }
}
