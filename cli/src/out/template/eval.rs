//! A template's tree over a value.

use std::cmp::Ordering;

use serde_json::Value;

use super::parse::{Command, Node, Pipeline, Place, Term};

/// Why a template could not be run over a value; the words are Go's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template: :{line}:{column}: executing \"\" at <{at}>: {what}")]
pub struct RunError {
    line: usize,
    column: usize,
    at: String,
    what: String,
}

pub(super) fn run(nodes: &[Node], data: &Value, nulls: Nulls) -> Result<String, RunError> {
    let mut scope = Scope { root: data, nulls, variables: vec![(String::new(), data.clone())], out: String::new() };
    scope.nodes(nodes, data)?;
    Ok(scope.out)
}

/// How a field of this name is printed that is null; Go goes by its type.
pub type Nulls = fn(&str) -> &'static str;

struct Scope<'a> {
    root: &'a Value,
    nulls: Nulls,
    variables: Vec<(String, Value)>,
    out: String,
}

impl Scope<'_> {
    fn nodes(&mut self, nodes: &[Node], dot: &Value) -> Result<(), RunError> {
        let depth = self.variables.len();
        for node in nodes {
            self.node(node, dot)?;
        }
        // Variables live to the end of their block; at the top nothing follows anyway.
        self.variables.truncate(depth);
        Ok(())
    }

    fn node(&mut self, node: &Node, dot: &Value) -> Result<(), RunError> {
        match node {
            Node::Text(text) => self.out.push_str(text),
            Node::Show(pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                match (&value, pipeline.as_slice()) {
                    (Value::Null, [Command(terms)]) => self.out.push_str((self.nulls)(field(terms))),
                    _ => self.out.push_str(&go_text(&value, true)),
                }
            }
            Node::Set(name, pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                self.variables.push((name.clone(), value));
            }
            Node::If(test, body, otherwise) => {
                let chosen = if truth(&self.pipeline(test, dot)?) { body } else { otherwise };
                self.nodes(chosen, dot)?;
            }
            Node::With(value, body, otherwise) => {
                let value = self.pipeline(value, dot)?;
                if truth(&value) { self.nodes(body, &value)? } else { self.nodes(otherwise, dot)? }
            }
            Node::Range { key, value, over, body, otherwise } => {
                let items = items(self.pipeline(over, dot)?);
                if items.is_empty() {
                    return self.nodes(otherwise, dot);
                }
                for (index, item) in items {
                    let depth = self.variables.len();
                    self.variables.extend(key.iter().map(|name| (name.clone(), index.clone())));
                    self.variables.extend(value.iter().map(|name| (name.clone(), item.clone())));
                    self.nodes(body, &item)?;
                    self.variables.truncate(depth);
                }
            }
        }
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Value) -> Result<Value, RunError> {
        let mut piped = None;
        for Command(terms) in pipeline {
            piped = Some(self.command(terms, piped, dot)?);
        }
        Ok(piped.unwrap_or(Value::Null))
    }

    fn command(&mut self, terms: &[Term], piped: Option<Value>, dot: &Value) -> Result<Value, RunError> {
        let Some((first, rest)) = terms.split_first() else { return Ok(Value::Null) };
        let name = match first {
            Term::Function(name) => name,
            // `.Label "key"`: what is a method in docker's client is a map here
            Term::Field(..) if !rest.is_empty() => {
                let mut arguments = vec![self.term(first, dot)?];
                for term in rest {
                    arguments.push(self.term(term, dot)?);
                }
                return Ok(index(&arguments[0], &arguments[1..]).unwrap_or(Value::String(String::new())));
            }
            _ => return self.term(first, dot),
        };
        let mut arguments = rest.iter().map(|term| self.term(term, dot)).collect::<Result<Vec<_>, _>>()?;
        arguments.extend(piped);
        call(name, &arguments).map_err(|what| RunError {
            line: 1,
            column: 2,
            at: name.clone(),
            what: format!("error calling {name}: {what}"),
        })
    }

    fn term(&mut self, term: &Term, dot: &Value) -> Result<Value, RunError> {
        match term {
            Term::Literal(value) => Ok(value.clone()),
            Term::Field(path, place) => walk(dot, path, place),
            Term::Group(inner, path, place) => {
                let value = self.pipeline(inner, dot)?;
                walk(&value, path, place)
            }
            Term::Variable(name, path, place) if name.is_empty() => walk(self.root, path, place),
            Term::Variable(name, path, place) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                let undefined = || failed(place, format!("undefined variable \"${name}\""));
                walk(&known.ok_or_else(undefined)?.1, path, place)
            }
            Term::Function(name) => self.command(&[Term::Function(name.clone())], None, dot),
        }
    }
}

/// The last name of a field that is all there is.
fn field(terms: &[Term]) -> &str {
    match terms {
        [Term::Field(path, _) | Term::Variable(_, path, _)] => path.last().map_or("", String::as_str),
        _ => "",
    }
}

fn failed(place: &Place, what: String) -> RunError {
    // Go names the whole chain, and the column where it becomes one: of the second field's dot.
    let dots: Vec<usize> = place.text.match_indices('.').map(|(at, _)| at).collect();
    let offset = if place.text.starts_with('.') { dots.get(1).or(dots.first()) } else { dots.first() };
    let offset = offset.copied().unwrap_or(0);
    RunError { line: place.line, column: place.column + offset, at: place.text.clone(), what }
}

fn walk(value: &Value, path: &[String], place: &Place) -> Result<Value, RunError> {
    let mut value = value;
    for field in path {
        value = match value {
            Value::Object(map) => {
                map.get(field).ok_or_else(|| failed(place, format!("map has no entry for key {field:?}")))?
            }
            Value::Null => {
                return Err(failed(place, format!("nil pointer evaluating interface {{}}.{field}")));
            }
            other => {
                let kind = kind(other);
                return Err(failed(place, format!("can't evaluate field {field} in type {kind}")));
            }
        };
    }
    Ok(value.clone())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(bool) => *bool,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

fn items(value: Value) -> Vec<(Value, Value)> {
    match value {
        Value::Array(items) => items.into_iter().enumerate().map(|(at, item)| (Value::from(at), item)).collect(),
        Value::Object(map) => {
            // Go visits a map's keys in order.
            let mut entries: Vec<_> = map.into_iter().collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            entries.into_iter().map(|(key, item)| (Value::String(key), item)).collect()
        }
        _ => Vec::new(),
    }
}

/// A value as Go's `%v` prints it.
fn go_text(value: &Value, top: bool) -> String {
    match value {
        Value::Null if top => "<no value>".to_owned(),
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| go_text(item, false)).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let entries: Vec<_> = entries.iter().map(|(key, item)| format!("{key}:{}", go_text(item, false))).collect();
            format!("map[{}]", entries.join(" "))
        }
        other => other.to_string(),
    }
}

fn call(name: &str, arguments: &[Value]) -> Result<Value, String> {
    let want = |count: usize| {
        let got = arguments.len();
        if got < count {
            return Err(format!("wrong number of args for {name}: want {count} got {got}"));
        }
        Ok(())
    };
    let text = |at: usize| arguments.get(at).map(|value| go_text(value, false)).unwrap_or_default();
    let number = |at: usize| arguments.get(at).and_then(Value::as_u64).unwrap_or(0) as usize;
    match name {
        // unlike Go's own, docker's does not escape <, > and &
        "json" => want(1)
            .and_then(|()| serde_json::to_string(&arguments[0]).map_err(|error| error.to_string()))
            .map(Value::String),
        "lower" => Ok(text(0).to_lowercase().into()),
        "upper" => Ok(text(0).to_uppercase().into()),
        "title" => Ok(title(&text(0)).into()),
        "print" | "html" | "js" | "urlquery" | "table" => Ok(joined(arguments, "").into()),
        "println" => Ok((joined(arguments, " ") + "\n").into()),
        "printf" => printf(&text(0), arguments.get(1..).unwrap_or_default()).map(Value::String),
        "split" => Ok(text(0).split(&text(1)).map(|part| Value::String(part.to_owned())).collect()),
        "join" => {
            let parts = arguments.first().and_then(Value::as_array).cloned().unwrap_or_default();
            Ok(parts.iter().map(|part| go_text(part, false)).collect::<Vec<_>>().join(&text(1)).into())
        }
        "pad" => Ok(format!("{}{}{}", " ".repeat(number(1)), text(0), " ".repeat(number(2))).into()),
        "truncate" => Ok(text(0).chars().take(number(1)).collect::<String>().into()),
        "slice" => {
            let chars: Vec<char> = text(0).chars().collect();
            let end = if arguments.len() > 2 { number(2) } else { chars.len() };
            let part = chars.get(number(1)..end).ok_or_else(|| format!("index out of range: {end}"))?;
            Ok(part.iter().collect::<String>().into())
        }
        "len" => want(1).and_then(|()| length(&arguments[0])).map(Value::from),
        "index" => want(1).and_then(|()| index(&arguments[0], &arguments[1..])),
        "not" => want(1).map(|()| Value::Bool(!truth(&arguments[0]))),
        "and" => Ok(arguments.iter().find(|value| !truth(value)).or(arguments.last()).cloned().unwrap_or(Value::Null)),
        "or" => Ok(arguments.iter().find(|value| truth(value)).or(arguments.last()).cloned().unwrap_or(Value::Null)),
        "eq" => want(2).map(|()| Value::Bool(arguments[1..].iter().any(|other| same(&arguments[0], other)))),
        "ne" => want(2).map(|()| Value::Bool(!same(&arguments[0], &arguments[1]))),
        "lt" | "le" | "gt" | "ge" => want(2).and_then(|()| {
            let order = order(&arguments[0], &arguments[1]).ok_or("incompatible types for comparison")?;
            Ok(Value::Bool(match name {
                "lt" => order == Ordering::Less,
                "le" => order != Ordering::Greater,
                "gt" => order == Ordering::Greater,
                _ => order != Ordering::Less,
            }))
        }),
        other => Err(format!("{other} is not a function")),
    }
}

fn joined(arguments: &[Value], between: &str) -> String {
    arguments.iter().map(|value| go_text(value, false)).collect::<Vec<_>>().join(between)
}

fn title(text: &str) -> String {
    let mut start = true;
    let cased = text.chars().map(|letter| {
        let shown = if start { letter.to_uppercase().collect() } else { letter.to_string() };
        start = !letter.is_alphanumeric();
        shown
    });
    cased.collect()
}

fn same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

fn order(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

fn length(value: &Value) -> Result<usize, String> {
    match value {
        Value::String(text) => Ok(text.len()),
        Value::Array(items) => Ok(items.len()),
        Value::Object(map) => Ok(map.len()),
        Value::Null => Err("len of nil pointer".to_owned()),
        other => Err(format!("len of type {}", kind(other))),
    }
}

fn index(value: &Value, path: &[Value]) -> Result<Value, String> {
    let mut value = value.clone();
    for step in path {
        value = match (&value, step) {
            (Value::Object(map), Value::String(key)) => map.get(key).cloned().unwrap_or(Value::String(String::new())),
            (Value::Array(items), step) => {
                let at = step.as_u64().and_then(|at| usize::try_from(at).ok());
                let item = at.and_then(|at| items.get(at)).cloned();
                item.ok_or_else(|| format!("index out of range: {step}"))?
            }
            (Value::Null, _) => return Err("index of untyped nil".to_owned()),
            (other, _) => return Err(format!("can't index item of type {}", kind(other))),
        };
    }
    Ok(value)
}

/// `%s %d %v %q` and `%%`, with width; enough for one-liners.
fn printf(format: &str, arguments: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    let mut arguments = arguments.iter();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let verb_at = rest.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(rest.len());
        let (width, tail) = rest.split_at(verb_at);
        let Some(verb) = tail.chars().next() else { return Ok(out + "%!(NOVERB)") };
        rest = &tail[verb.len_utf8()..];
        if verb == '%' {
            out.push('%');
            continue;
        }
        let Some(value) = arguments.next() else { return Ok(out + &format!("%!{verb}(MISSING)")) };
        let shown = match verb {
            'q' => format!("{:?}", go_text(value, false)),
            's' | 'd' | 'v' => go_text(value, false),
            't' => truth(value).to_string(),
            other => return Err(format!("verb %{other} is not known")),
        };
        let columns: usize = width.trim_start_matches('-').parse().unwrap_or(0);
        if columns > 1024 {
            return Err("width is too large".to_owned());
        }
        out += &if width.starts_with('-') { format!("{shown:<columns$}") } else { format!("{shown:>columns$}") };
    }
    Ok(out + rest)
}
