//! What a YAML dumper makes of a file: another layout of the same values.

/// The text as the dumper writes it: `---` in front, and lists below the top level indented by two more.
pub fn dump(text: &str) -> String {
    let body = text.strip_prefix("---\n").unwrap_or(text);
    let mut out = String::from("---\n");
    // In the list of resource templates: is it still to be indented? Not where it was dumped before.
    let mut shifts = None;
    for line in body.lines() {
        let is_top = !line.starts_with([' ', '-', '#']) && !line.is_empty();
        if is_top {
            shifts = None;
        } else if shifts.is_none() {
            shifts = Some(out.ends_with("resourceTemplates:\n") && line.starts_with('-'));
        }
        if shifts == Some(true) && !line.is_empty() {
            out.push_str("  ");
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::dump;

    #[test]
    fn lists_are_indented_once() {
        let text = "$schema: x\nresourceTemplates:\n- name: a\n  targets:\n  - ref: b\n";
        let dumped =
            "---\n$schema: x\nresourceTemplates:\n  - name: a\n    targets:\n    - ref: b\n";
        assert_eq!(dump(text), dumped);
        assert_eq!(dump(dumped), dumped);
    }
}
