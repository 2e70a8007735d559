//! Renders SLO expressions: Jinja templates with `SLOParameters` as input.
//!
//! Datafiles are not trusted: a template could run forever or render a huge text. Each rendering has a budget of
//! steps, which also bounds its memory, and a maximum size of the result.

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use serde_json::{Map, Value};

/// Maximum steps of one rendering, in minijinja's fuel: an instruction costs one, and so do 64 bytes of data.
const MAX_STEPS: u64 = 10_000;
/// Maximum length of a rendered expression, in bytes.
const MAX_RENDERED: usize = 64 << 10;
/// Maximum length of the excerpt of an expression in an error, in characters.
const MAX_QUOTED: usize = 80;
/// Maximum length of an error's explanation, in characters: it may contain a name from the expression.
const MAX_EXPLAINED: usize = 200;

/// Renders the expressions of a config repo.
pub(super) struct Renderer(Environment<'static>);

impl Renderer {
    pub(super) fn new() -> Self {
        let mut environment = Environment::new();
        // A missing parameter must not become an empty text in a query.
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(MAX_STEPS));
        // Errors name the position in the expression.
        environment.set_debug(true);
        Self(environment)
    }

    /// Renders the expression of a Prometheus query.
    ///
    /// # Errors
    /// What is wrong, and where in the expression.
    pub(super) fn render(
        &self,
        expression: &str,
        parameters: &Map<String, Value>,
    ) -> Result<String, String> {
        let input = minijinja::Value::from(minijinja::value::Serde(parameters));
        let rendered =
            self.0.render_str(expression, input).map_err(|error| describe(&error, expression))?;
        if rendered.len() > MAX_RENDERED {
            return Err(format!("the rendered expression is longer than {MAX_RENDERED} bytes"));
        }
        Ok(rendered)
    }
}

fn describe(error: &Error, expression: &str) -> String {
    let what = match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => format!("rendering takes more than {MAX_STEPS} steps"),
        (ErrorKind::UndefinedError, _) => "SLOParameters has no such value".to_owned(),
        (kind, None) => kind.to_string(),
        (kind, Some(detail)) => cut_text(&format!("{kind}: {detail}"), MAX_EXPLAINED),
    };
    let place = error
        .range()
        .and_then(|range| Some((expression.get(..range.start)?, expression.get(range)?)));
    let Some((before, at)) = place else { return what };
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let quoted = cut_text(at, MAX_QUOTED);
    format!("{what}: `{quoted}` in line {line}, column {column} of the expression")
}

fn cut_text(text: &str, length: usize) -> String {
    text.chars().take(length).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn render(expression: &str) -> Result<String, String> {
        let parameters = json!({"window": "28d", "days": 3, "strict": false});
        let Value::Object(parameters) = parameters else { unreachable!() };
        Renderer::new().render(expression, &parameters)
    }

    #[test]
    fn expressions_are_rendered_as_jinja_does() {
        for (expression, rendered) in [
            ("a[{{window}}] / b[{{ window }}] > {x}", "a[28d] / b[28d] > {x}"),
            ("a[ {{- window -}} ]", "a[28d]"),
            ("a[{{ window|default('5m') }}] offset {{ gap|default('1h') }}", "a[28d] offset 1h"),
            ("{# for people #}up{% if strict %} > 1{% else %} > 0{% endif %}", "up > 0"),
            ("{% if gap is defined %}x{% endif %}a[{{ days * 2 }}d]", "a[6d]"),
            ("rate(x{code!~\"5..\"}[{{ window }}])\n", "rate(x{code!~\"5..\"}[28d])"),
            ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
            ("label_replace(x, 'a', '<$1>', 'b', '')", "label_replace(x, 'a', '<$1>', 'b', '')"),
        ] {
            assert_eq!(render(expression).as_deref(), Ok(rendered), "{expression}");
        }
    }

    #[test]
    fn an_error_names_the_place_in_the_expression() {
        for (expression, words) in [
            ("a[{{ widow }}]", "SLOParameters has no such value: `widow` in line 1, column 6"),
            ("a +\n b[{{ window|days }}]", "`days` in line 2, column 14"),
            ("a[{{ window", "syntax error: unexpected end"),
            ("a[{{ window }]", "line 1, column"),
            ("{% if window %}a", "syntax error"),
            ("{% include 'x' %}", "syntax error"),
        ] {
            let error = render(expression).expect_err(expression);
            assert!(error.contains(words), "{expression}: {error}");
        }
    }

    #[test]
    fn steps_and_size_are_bounded() {
        let doubled = format!("{{% set a = window %}}{}", "{% set a = a ~ a %}".repeat(40));
        let large = "x".repeat(MAX_RENDERED + 1);
        let name = format!("{{{{ window|{large} }}}}");
        let nested = "{% for i in range(9999) %}".repeat(3) + &"{% endfor %}".repeat(3);
        for (expression, words) in [
            (nested.as_str(), "steps"),
            (doubled.as_str(), "steps"),
            ("{{ 'x' * 99999999 }}", "steps"),
            ("{{ window|indent(99999999) }}", "steps"),
            ("{{ window|replace('', 'x' * 99999) }}", "steps"),
            (large.as_str(), "longer than 65536 bytes"),
            (name.as_str(), "unknown filter"),
        ] {
            let error = render(expression).expect_err(words);
            assert!(error.contains(words), "{error}");
            assert!(error.len() < 500, "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_template_is_rendered_or_refused(parts in prop::collection::vec(
            prop::sample::select(vec![
                "{{", "}}", "{%", "%}", "{#", "#}", "-", " window ", "|", "default", "('x')",
                "if ", "endif", "for i in range(99999)", "endfor", " set a = a ~ a ", "~", "*",
                "99999", "é", "\n", "[", "]", "(", ")", "'", " else ", "window", "raw", "endraw",
            ]), 0..40))
        {
            let expression = parts.concat();
            let answer = render(&expression);
            prop_assert_eq!(&answer, &render(&expression));
            if let Ok(rendered) = answer {
                prop_assert!(rendered.len() <= MAX_RENDERED);
            }
        }
    }
}
