//! Reads saas files and shared target files.

use super::fields::{Field, FieldError};
use super::saas::{
    CurrentHash, FieldLines, Promotion, ResourceTemplate, SaasFile, Selector, SourceLocation,
    TargetDeclaration, Where,
};
use crate::domain::{GitRef, Problem, ProblemCode, RepoUrl};

/// A target of a saas file before its `$ref` is resolved.
pub(super) enum RawTarget {
    /// Declared in the saas file.
    Inline(Box<TargetDeclaration>),
    /// `$ref` to a shared target file: where it is used, and the file.
    Shared(SourceLocation, String),
}

impl RawTarget {
    /// The target's own name, if the saas file declares it.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Inline(declaration) => declaration.name.as_deref(),
            Self::Shared(..) => None,
        }
    }
}

/// A saas file before the `$ref`s of its targets are resolved.
pub(super) struct RawSaasFile {
    pub(super) file: SaasFile,
    /// By resource template, in the same order.
    pub(super) targets: Vec<Vec<RawTarget>>,
}

/// Reads a saas file. Problems of single templates and targets go to `problems`.
///
/// # Errors
/// When the file as a whole cannot be used.
pub(super) fn saas_file(
    path: &str,
    root: &Field<'_>,
    problems: &mut Vec<Problem>,
) -> Result<RawSaasFile, FieldError> {
    root.require(&["name", "app"])?;
    let name = root.required_text("name")?;
    let app = root.reference("app")?.ok_or_else(|| root.error("app is missing"))?;
    let provider = root.node.get("pipelinesProvider").and_then(|provider| provider.get("$ref"));
    let pipelines_provider = provider.and_then(|path| Some(path.text()?.into_owned()));
    let path = path.to_owned();
    let mut file = SaasFile { path, name, app, pipelines_provider, resource_templates: Vec::new() };
    let mut targets = Vec::new();
    let templates = match root.get("resourceTemplates") {
        Some(list) => list.items()?,
        None => Vec::new(),
    };
    for template in templates {
        match read_resource_template(&file, &template, problems) {
            Ok((template, raw)) => {
                file.resource_templates.push(template);
                targets.push(raw);
            }
            Err(error) => {
                problems.push(error.into_problem(ProblemCode::BrokenResourceTemplate, &file.path))
            }
        }
    }
    Ok(RawSaasFile { file, targets })
}

fn read_resource_template(
    file: &SaasFile,
    field: &Field<'_>,
    problems: &mut Vec<Problem>,
) -> Result<(ResourceTemplate, Vec<RawTarget>), FieldError> {
    let field = field.clone().mapping()?;
    field.require(&["name", "url"])?;
    let name = field.required_text("name")?;
    let url = RepoUrl::new(field.required_url("url")?);
    let mut targets = Vec::new();
    if let Some(list) = field.get("targets") {
        for item in list.items()? {
            match read_raw_target(&file.path, &item) {
                Ok(target) => targets.push(target),
                Err(error) => {
                    let mut problem = error.into_problem(ProblemCode::BrokenTarget, &file.path);
                    let own = format!("{}/{name}{}", file.name, identify_target(&item));
                    problem.message = format!("{own}: {}", problem.message);
                    problems.push(problem);
                }
            }
        }
    }
    Ok((ResourceTemplate { name, url, targets: Vec::new() }, targets))
}

/// Identifies an unreadable target among its neighbours by its name and namespace.
fn identify_target(target: &Field<'_>) -> String {
    let name = target.optional_text("name").ok().flatten();
    let namespace = target.reference("namespace").ok().flatten();
    let name = name.map(|name| format!("/{name}")).unwrap_or_default();
    let namespace = namespace.map(|path| format!(" in {path}")).unwrap_or_default();
    format!("{name}{namespace}")
}

fn read_raw_target(file: &str, field: &Field<'_>) -> Result<RawTarget, FieldError> {
    let field = field.clone().mapping()?;
    if field.get("$ref").is_some() {
        return Ok(RawTarget::Shared(source_location(file, &field), field.as_reference()?));
    }
    Ok(RawTarget::Inline(Box::new(target(file, &field)?)))
}

fn source_location(file: &str, field: &Field<'_>) -> SourceLocation {
    let position = field.node.position();
    SourceLocation {
        file: file.to_owned(),
        path: field.path.clone(),
        line: position.line,
        column: position.column,
    }
}

/// Reads a target: an item of a saas file's `targets`, or the root of a shared target file.
///
/// # Errors
/// When the target cannot be identified.
pub(super) fn target(file: &str, field: &Field<'_>) -> Result<TargetDeclaration, FieldError> {
    let declared_at = source_location(file, field);
    let removed = field.flag("disable")? || field.flag("delete")?;
    let mut broken = Vec::new();
    if field.get("namespaceSelector").is_none() && field.get("namespace").is_none() {
        field.require(&["ref", "namespace"])?;
    }
    let git_ref = field.get("ref").ok_or_else(|| field.error("ref is missing"));
    let git_ref = git_ref.and_then(|value| value.text()).map(GitRef::new).map_err(|error| {
        let text = error.text();
        broken.push(error);
        text
    });
    let promotion = match field.get("promotion") {
        None => None,
        Some(block) => Some(read_promotion(&block.mapping()?, &mut broken)?),
    };
    let slos = match field.get("slos") {
        None => Vec::new(),
        Some(list) => list.items()?.iter().map(Field::as_reference).collect::<Result<_, _>>()?,
    };
    Ok(TargetDeclaration {
        used_at: declared_at.clone(),
        declared_at,
        node: field.node.id(),
        lines: FieldLines::of(field.node),
        name: field.optional_text("name")?,
        location: read_location(field)?,
        git_ref,
        promotion,
        slos,
        removed,
        broken,
    })
}

fn read_location(field: &Field<'_>) -> Result<Where, FieldError> {
    match (field.reference("namespace")?, field.get("namespaceSelector")) {
        (Some(_), Some(selector)) => {
            Err(selector.error("namespace and namespaceSelector exclude each other"))
        }
        (Some(path), None) => Ok(Where::Namespace(path)),
        (None, None) => Err(field.error("namespace is missing")),
        (None, Some(selector)) => {
            let provider = field.optional_text("provider")?;
            if provider.as_deref() != Some("dynamic") {
                return Err(selector.error(
                    "namespaceSelector needs `provider: dynamic` next to \
                                           it",
                ));
            }
            let expressions = selector.get("jsonPathSelectors").ok_or_else(|| {
                selector.error("jsonPathSelectors is missing: it holds include and exclude")
            })?;
            let list = |key| -> Result<Vec<String>, FieldError> {
                match expressions.get(key) {
                    None => Ok(Vec::new()),
                    Some(list) => list.items()?.iter().map(Field::long_text).collect(),
                }
            };
            Ok(Where::Selector(Selector { include: list("include")?, exclude: list("exclude")? }))
        }
    }
}

fn read_promotion(
    field: &Field<'_>,
    broken: &mut Vec<FieldError>,
) -> Result<Promotion, FieldError> {
    let mut note = |error: FieldError| broken.push(error);
    let soak_days = field.get("soakDays").map_or(Ok(0), |days| {
        let number = match days.node.scalar() {
            Some(yaml11::Scalar::Int(text)) => text.parse::<u64>().ok(),
            // JSON Schema and GraphQL accept `3.0` as an integer. Rust prints it as `3`.
            Some(yaml11::Scalar::Float(days)) => days.to_string().parse::<u64>().ok(),
            _ => None,
        };
        number.ok_or_else(|| days.error("soakDays must be a whole number of days, 0 or more"))
    });
    let (publish, subscribe) = (field.distinct_texts("publish"), field.distinct_texts("subscribe"));
    let schedule = field.optional_text("schedule");
    let schedule_at = field.get("schedule").map(|field| field.node.position());
    let redeploy = field.flag("redeployOnPublisherConfigChange");
    let hashes = read_current_hashes(field);
    Ok(Promotion {
        auto: field.flag("auto")?,
        publish: publish.unwrap_or_else(|error| {
            note(error);
            Vec::new()
        }),
        subscribe: subscribe.unwrap_or_else(|error| {
            note(error);
            Vec::new()
        }),
        soak_days: soak_days.unwrap_or_else(|error| {
            note(error);
            0
        }),
        schedule: schedule
            .unwrap_or_else(|error| {
                note(error);
                None
            })
            .unwrap_or_default(),
        schedule_at: schedule_at.map(|at| (at.line, at.column)).unwrap_or_default(),
        redeploy_on_publisher_config_change: redeploy.unwrap_or_else(|error| {
            note(error);
            false
        }),
        current_hashes: hashes.unwrap_or_else(|error| {
            note(error);
            Vec::new()
        }),
    })
}

/// The hashes of `promotion_data`. Items of other types or with missing
/// parts are not hashes and stay unchanged.
fn read_current_hashes(field: &Field<'_>) -> Result<Vec<CurrentHash>, FieldError> {
    let mut hashes = Vec::new();
    let Some(list) = field.get("promotion_data") else { return Ok(hashes) };
    for item in list.items()? {
        let (Some(channel), Some(data)) = (read_text(&item, "channel"), item.get("data")) else {
            continue;
        };
        for data in data.items()? {
            if read_text(&data, "type").as_deref() != Some("parent_saas_config") {
                continue;
            }
            if let (Some(parent_saas), Some(target_config_hash)) =
                (read_text(&data, "parent_saas"), read_text(&data, "target_config_hash"))
            {
                let channel = channel.clone();
                hashes.push(CurrentHash { channel, parent_saas, target_config_hash });
            }
        }
    }
    Ok(hashes)
}

fn read_text(field: &Field<'_>, key: &str) -> Option<String> {
    field.get(key).and_then(|value| value.text().ok())
}
