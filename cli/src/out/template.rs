//! Go's text/template, as far as people use it with docker's `--format`: fields, pipelines,
//! `if`, `range`, `with`, variables and docker's own functions.
//!
//! A template is parsed once ([`Template::parse`]) and run over JSON values
//! ([`Template::run`]). Words of errors are Go's where docker shows them.

mod eval;
mod parse;

pub use eval::{Nulls, RunError};
pub use parse::ParseError;

use parse::Node;
use serde_json::Value;

/// A parsed template.
#[derive(Debug, Clone)]
pub struct Template {
    nodes: Vec<Node>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is not closed, not opened, or no known function.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        parse::nodes(text).map(|nodes| Self { nodes })
    }

    /// The text that the template makes of a value.
    ///
    /// # Errors
    /// A field that is not there, or a function that does not take what it is given.
    pub fn run(&self, data: &Value) -> Result<String, RunError> {
        eval::run(&self.nodes, data, |_| "<no value>")
    }

    /// The same of a value whose fields have types, by which what is null is printed.
    ///
    /// # Errors
    /// As [`Template::run`].
    pub fn run_typed(&self, data: &Value, nulls: Nulls) -> Result<String, RunError> {
        eval::run(&self.nodes, data, nulls)
    }

    /// The template's fields in order of appearance with their last names, for table headers:
    /// `{{.ID}}\t{{.Names}}` has `ID` and `Names`.
    pub fn headers(&self, header: &dyn Fn(&str) -> String) -> String {
        parse::headers(&self.nodes, header)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(template: &str) -> String {
        let data = json!({
            "ID": "abc", "Names": ["/web", "/old"], "State": {"Running": true, "Pid": 12, "Error": ""},
            "Labels": {"a.b": "1", "c": "<&>"}, "Mounts": [{"Type": "bind"}, {"Type": "volume"}], "None": null,
        });
        Template::parse(template).and_then(|parsed| Ok(parsed.run(&data)?)).unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn fields_and_text() {
        assert_eq!(shown("{{.ID}} is {{ .State.Pid }}"), "abc is 12");
        assert_eq!(shown("{{.State.Running}}{{.None}}"), "true<no value>");
        assert_eq!(shown("a {{- .ID -}} b"), "aabcb");
        assert_eq!(shown("{{/* words */}}x"), "x");
    }

    #[test]
    fn functions_and_pipelines() {
        assert_eq!(shown("{{json .State}}"), r#"{"Running":true,"Pid":12,"Error":""}"#);
        assert_eq!(shown("{{.Labels | json}}"), r#"{"a.b":"1","c":"<&>"}"#);
        assert_eq!(shown(r#"{{index .Labels "a.b"}}"#), "1");
        assert_eq!(shown("{{index .Names 1}}"), "/old");
        assert_eq!(shown("{{(index .Mounts 0).Type}}"), "bind");
        assert_eq!(shown(r#"{{join .Names ","}}"#), "/web,/old");
        assert_eq!(shown("{{len .Names}} {{upper .ID}} {{title .ID}}"), "2 ABC Abc");
        assert_eq!(shown("{{truncate .ID 2}}{{pad .ID 1 1}}"), "ab abc ");
        assert_eq!(shown(r#"{{printf "%s-%d" .ID .State.Pid}}"#), "abc-12");
        assert_eq!(shown("{{println .ID}}"), "abc\n");
        assert_eq!(shown(r#"{{split "a:b" ":"}}"#), "[a b]");
    }

    #[test]
    fn conditions_and_loops() {
        assert_eq!(shown("{{if .State.Running}}up{{else}}down{{end}}"), "up");
        assert_eq!(shown(r#"{{if eq .ID "abc"}}y{{else if .ID}}z{{end}}"#), "y");
        assert_eq!(shown(r#"{{if and .ID (not .State.Error) (gt .State.Pid 3)}}y{{end}}"#), "y");
        assert_eq!(shown("{{range .Mounts}}{{.Type}};{{end}}"), "bind;volume;");
        assert_eq!(shown("{{range $k, $v := .Labels}}{{$k}}={{$v}} {{end}}"), "a.b=1 c=<&> ");
        assert_eq!(shown("{{range .None}}x{{else}}empty{{end}}"), "empty");
        assert_eq!(shown("{{with .State}}{{.Pid}} {{$.ID}}{{end}}"), "12 abc");
        assert_eq!(shown("{{$x := .ID}}{{$x}}"), "abc");
    }

    #[test]
    fn a_missing_field_is_gos_error() {
        assert_eq!(shown("{{.Nope}}"), r#"template: :1:2: executing "" at <.Nope>: map has no entry for key "Nope""#);
        assert_eq!(shown("{{if}}"), "template: :1: missing value for if");
        assert_eq!(shown("{{foo .ID}}"), r#"template: :1: function "foo" not defined"#);
        assert_eq!(shown("{{.ID"), "template: :1: unclosed action");
        assert_eq!(shown("{{range .Names}}"), "template: :1: unexpected EOF");
        assert_eq!(shown("{{end}}"), "template: :1: unexpected {{end}}");
    }

    #[test]
    fn headers_are_made_of_the_fields() {
        let parsed = Template::parse("{{.ID}}\t{{upper .Names}} {{json .State.Pid}}").expect("a template");
        assert_eq!(parsed.headers(&|name| name.to_uppercase()), "ID\tNAMES PID");
    }
}
