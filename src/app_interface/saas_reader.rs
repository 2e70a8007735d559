//! Reads saas files and shared target files.

use super::fields::{Field, FieldError};
use super::saas::{
    CurrentHash, Promotion, ResourceTemplate, SaasFile, Selector, SourceLocation,
    TargetDeclaration, Where,
};
use crate::domain::{GitRef, Problem, ProblemCode, RepoUrl};

/// A target of a saas file before its `$ref` is followed.
pub(super) enum RawTarget {
    /// Written out in the saas file.
    Inline(Box<TargetDeclaration>),
    /// `$ref` to a shared target file: where it is used, and the file.
    Shared(SourceLocation, String),
}

impl RawTarget {
    /// Its own name, where the saas file gives it.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Inline(declaration) => declaration.name.as_deref(),
            Self::Shared(..) => None,
        }
    }
}

/// A saas file before the `$ref`s of its targets are followed.
pub(super) struct RawSaasFile {
    pub(super) file: SaasFile,
    /// By resource template, in the same order.
    pub(super) targets: Vec<Vec<RawTarget>>,
}

/// Reads a saas file; what is wrong with single templates and targets goes to `problems`.
///
/// # Errors
/// When the file as a whole cannot be used.
pub(super) fn saas_file(
    path: &str,
    root: &Field<'_>,
    problems: &mut Vec<Problem>,
) -> Result<RawSaasFile, FieldError> {
    let name = root.required_text("name")?;
    let app = root.reference("app")?.ok_or_else(|| root.error("app is missing"))?;
    let mut file = SaasFile { path: path.to_owned(), name, app, resource_templates: Vec::new() };
    let mut targets = Vec::new();
    let templates = match root.get("resourceTemplates") {
        Some(list) => list.items()?,
        None => Vec::new(),
    };
    for template in templates {
        match resource_template(&file, &template, problems) {
            Ok((template, raw)) => {
                file.resource_templates.push(template);
                targets.push(raw);
            }
            Err(error) => {
                problems.push(error.into_problem(ProblemCode::BrokenResourceTemplate, path))
            }
        }
    }
    Ok(RawSaasFile { file, targets })
}

fn resource_template(
    file: &SaasFile,
    field: &Field<'_>,
    problems: &mut Vec<Problem>,
) -> Result<(ResourceTemplate, Vec<RawTarget>), FieldError> {
    let field = field.clone().mapping()?;
    let name = field.required_text("name")?;
    let url = RepoUrl::new(field.required_url("url")?);
    let mut targets = Vec::new();
    if let Some(list) = field.get("targets") {
        for item in list.items()? {
            match raw_target(&file.path, &item) {
                Ok(target) => targets.push(target),
                Err(error) => {
                    let mut problem = error.into_problem(ProblemCode::BrokenTarget, &file.path);
                    let own = format!("{}/{name}{}", file.name, whose(&item));
                    problem.message = format!("{own}: {}", problem.message);
                    problems.push(problem);
                }
            }
        }
    }
    Ok((ResourceTemplate { name, url, targets: Vec::new() }, targets))
}

/// What tells a target that cannot be read from its neighbours: its name, and where it is deployed.
fn whose(target: &Field<'_>) -> String {
    let name = target.optional_text("name").ok().flatten();
    let namespace = target.reference("namespace").ok().flatten();
    let name = name.map(|name| format!("/{name}")).unwrap_or_default();
    let namespace = namespace.map(|path| format!(" in {path}")).unwrap_or_default();
    format!("{name}{namespace}")
}

fn raw_target(file: &str, field: &Field<'_>) -> Result<RawTarget, FieldError> {
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
/// When it cannot be known who the target is.
pub(super) fn target(file: &str, field: &Field<'_>) -> Result<TargetDeclaration, FieldError> {
    let declared_at = source_location(file, field);
    let removed = field.flag("disable")? || field.flag("delete")?;
    let mut broken = Vec::new();
    let git_ref = field.get("ref").ok_or_else(|| field.error("ref is missing"));
    let git_ref = git_ref.and_then(|value| value.text()).map(GitRef::new).map_err(|error| {
        let text = error.text();
        broken.push(error);
        text
    });
    let promotion = match field.get("promotion") {
        None => None,
        Some(block) => Some(promotion(&block.mapping()?, &mut broken)?),
    };
    let slos = match field.get("slos") {
        None => Vec::new(),
        Some(list) => list.items()?.iter().map(Field::as_reference).collect::<Result<_, _>>()?,
    };
    Ok(TargetDeclaration {
        used_at: declared_at.clone(),
        declared_at,
        node: field.node.id(),
        name: field.optional_text("name")?,
        location: location(field)?,
        git_ref,
        promotion,
        slos,
        removed,
        broken,
    })
}

fn location(field: &Field<'_>) -> Result<Where, FieldError> {
    match (field.reference("namespace")?, field.get("namespaceSelector")) {
        (Some(_), Some(selector)) => {
            Err(selector.error("namespace and namespaceSelector exclude each other"))
        }
        (Some(path), None) => Ok(Where::Namespace(path)),
        (None, None) => Err(field.error("namespace is missing")),
        (None, Some(selector)) => {
            let provider = field.optional_text("provider")?;
            if provider.as_deref() != Some("dynamic") {
                return Err(selector.error("namespaceSelector needs `provider: dynamic` beside it"));
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

fn promotion(field: &Field<'_>, broken: &mut Vec<FieldError>) -> Result<Promotion, FieldError> {
    let mut note = |error: FieldError| broken.push(error);
    let soak_days = field.get("soakDays").map_or(Ok(0), |days| {
        let number = match days.node.scalar() {
            Some(yaml11::Scalar::Int(text)) => text.parse::<u64>().ok(),
            // To JSON schema and GraphQL, `3.0` is an integer. Rust prints it as `3`.
            Some(yaml11::Scalar::Float(days)) => days.to_string().parse::<u64>().ok(),
            _ => None,
        };
        number.ok_or_else(|| days.error("soakDays must be a whole number of days, 0 or more"))
    });
    let (publish, subscribe) = (field.distinct_texts("publish"), field.distinct_texts("subscribe"));
    let schedule = field.optional_text("schedule");
    let schedule_at = field.get("schedule").map(|field| field.node.position());
    let redeploy = field.flag("redeployOnPublisherConfigChange");
    let hashes = current_hashes(field);
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

/// The hashes of `promotion_data`; items of other types or without all their
/// parts are no hashes, and stay as they are.
fn current_hashes(field: &Field<'_>) -> Result<Vec<CurrentHash>, FieldError> {
    let mut hashes = Vec::new();
    let Some(list) = field.get("promotion_data") else { return Ok(hashes) };
    for item in list.items()? {
        let (Some(channel), Some(data)) = (text_of(&item, "channel"), item.get("data")) else {
            continue;
        };
        for data in data.items()? {
            if text_of(&data, "type").as_deref() != Some("parent_saas_config") {
                continue;
            }
            if let (Some(parent_saas), Some(target_config_hash)) =
                (text_of(&data, "parent_saas"), text_of(&data, "target_config_hash"))
            {
                let channel = channel.clone();
                hashes.push(CurrentHash { channel, parent_saas, target_config_hash });
            }
        }
    }
    Ok(hashes)
}

fn text_of(field: &Field<'_>, key: &str) -> Option<String> {
    field.get(key).and_then(|value| value.text().ok())
}
