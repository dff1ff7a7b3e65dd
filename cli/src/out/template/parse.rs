//! Template text to a tree.

use serde_json::Value;

use super::RunError;

/// Why a template could not be read; the words are Go's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The text of the template is wrong.
    #[error("template: :{line}: {what}")]
    Text {
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// Only so that tests can chain both kinds.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// A piece of a template.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Text(String),
    Show(Pipeline),
    Set(String, Pipeline),
    If(Pipeline, Vec<Node>, Vec<Node>),
    With(Pipeline, Vec<Node>, Vec<Node>),
    Range { key: Option<String>, value: Option<String>, over: Pipeline, body: Vec<Node>, otherwise: Vec<Node> },
}

/// `a b | c`: the value of each command is the last argument of the next.
pub(super) type Pipeline = Vec<Command>;

/// A function or value with its arguments.
#[derive(Debug, Clone)]
pub(super) struct Command(pub(super) Vec<Term>);

#[derive(Debug, Clone)]
pub(super) enum Term {
    /// `.A.B`; the text and column are for errors.
    Field(Vec<String>, Place),
    Variable(String, Vec<String>, Place),
    Literal(Value),
    Function(String),
    /// `(pipeline).A`
    Group(Pipeline, Vec<String>, Place),
}

/// Where something stands in the template: line from 1, column from 0, as Go counts.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) text: String,
}

pub(super) const FUNCTIONS: &[&str] = &[
    "json", "split", "join", "title", "lower", "upper", "pad", "truncate", "println", "print", "printf", "index",
    "len", "eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not", "slice", "table", "html", "urlquery", "js",
];

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Field(String),
    Variable(String),
    String(String),
    Number(i64),
    Open,
    Close,
    Pipe,
    Comma,
    Declare,
}

struct Action {
    tokens: Vec<(Token, usize)>,
    line: usize,
}

enum Piece {
    Text(String),
    Action(Action),
}

pub(super) fn nodes(text: &str) -> Result<Vec<Node>, ParseError> {
    let pieces = pieces(text)?;
    let last_line = 1 + text.matches('\n').count();
    let mut parser = Parser { pieces: pieces.into_iter().peekable(), last_line };
    let (nodes, end) = parser.block(false)?;
    match end {
        None => Ok(nodes),
        Some((word, line)) => Err(wrong(line, format!("unexpected {{{{{word}}}}}"))),
    }
}

fn wrong(line: usize, what: impl Into<String>) -> ParseError {
    ParseError::Text { line, what: what.into() }
}

fn pieces(text: &str) -> Result<Vec<Piece>, ParseError> {
    let mut pieces = Vec::new();
    let mut trim_next = false;
    let mut at = 0;
    loop {
        let open = text[at..].find("{{").map(|found| at + found);
        let mut plain = &text[at..open.unwrap_or(text.len())];
        if trim_next {
            plain = plain.trim_start();
        }
        let Some(open) = open else {
            pieces.push(Piece::Text(plain.to_owned()));
            return Ok(pieces);
        };
        let line = 1 + text[..open].matches('\n').count();
        let mut inside = open + 2;
        if text[inside..].starts_with("- ") {
            plain = plain.trim_end();
            inside += 2;
        }
        pieces.push(Piece::Text(plain.to_owned()));
        let close = close_of(text, inside).ok_or_else(|| wrong(line, "unclosed action"))?;
        let mut body = &text[inside..close];
        trim_next = body.ends_with(" -");
        if trim_next {
            body = &body[..body.len() - 2];
        }
        at = close + 2;
        if body.trim_start().starts_with("/*") {
            continue;
        }
        let column = text[..inside].rfind('\n').map_or(inside, |newline| inside - newline - 1);
        pieces.push(Piece::Action(Action { tokens: tokens(body, line, column)?, line }));
    }
}

/// Where `}}` closes the action, strings left aside.
fn close_of(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = skip_string(bytes, at)?,
            b'`' => at += 1 + text[at + 1..].find('`')? + 1,
            b'}' if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => at += 1,
        }
    }
    None
}

fn skip_string(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

fn tokens(body: &str, line: usize, column: usize) -> Result<Vec<(Token, usize)>, ParseError> {
    let mut tokens = Vec::new();
    let mut rest = body;
    loop {
        rest = rest.trim_start();
        let at = column + body.len() - rest.len();
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '|' => (Token::Pipe, 1),
            ',' => (Token::Comma, 1),
            ':' if rest.starts_with(":=") => (Token::Declare, 2),
            '=' => (Token::Declare, 1),
            '"' => {
                let end = skip_string(rest.as_bytes(), 0).ok_or_else(|| wrong(line, "unterminated quoted string"))?;
                let text = serde_json::from_str(&rest[..end]).map_err(|_| wrong(line, "bad quoted string"))?;
                (Token::String(text), end)
            }
            '`' => {
                let end = rest[1..].find('`').ok_or_else(|| wrong(line, "unterminated raw quoted string"))?;
                (Token::String(rest[1..=end].to_owned()), end + 2)
            }
            '.' => {
                let length = 1 + word_length(&rest[1..]);
                (Token::Field(rest[1..length].to_owned()), length)
            }
            '$' => {
                let length = 1 + word_length(&rest[1..]);
                (Token::Variable(rest[1..length].to_owned()), length)
            }
            '0'..='9' | '-' | '+' => {
                let length = rest.find(|c: char| !c.is_ascii_digit() && c != '-' && c != '+').unwrap_or(rest.len());
                let number = rest[..length].parse();
                let number = number.map_err(|_| wrong(line, format!("bad number syntax: {:?}", &rest[..length])))?;
                (Token::Number(number), length)
            }
            letter if letter.is_alphabetic() || letter == '_' => {
                let length = word_length(rest);
                (Token::Word(rest[..length].to_owned()), length)
            }
            other => return Err(wrong(line, format!("unexpected {other:?} in operand"))),
        };
        tokens.push((token, at));
        rest = &rest[length..];
    }
}

fn word_length(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
}

struct Parser<I: Iterator<Item = Piece>> {
    pieces: std::iter::Peekable<I>,
    last_line: usize,
}

/// A block's nodes and what ended it: `end` or `else`, or `None` at the end of the text.
type Block = (Vec<Node>, Option<(String, usize)>);

impl<I: Iterator<Item = Piece>> Parser<I> {
    fn block(&mut self, inside: bool) -> Result<Block, ParseError> {
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.next() {
            match piece {
                Piece::Text(text) if text.is_empty() => {}
                Piece::Text(text) => nodes.push(Node::Text(text)),
                Piece::Action(action) => match action.tokens.first() {
                    Some((Token::Word(word), _)) if word == "end" => {
                        return Ok((nodes, Some((word.clone(), action.line))));
                    }
                    Some((Token::Word(word), _)) if word == "else" => {
                        return Ok((nodes, Some((word.clone(), action.line))));
                    }
                    _ => nodes.push(self.action(action)?),
                },
            }
        }
        if inside { Err(wrong(self.last_line, "unexpected EOF")) } else { Ok((nodes, None)) }
    }

    fn action(&mut self, action: Action) -> Result<Node, ParseError> {
        let Action { tokens, line } = action;
        let keyword = match tokens.first() {
            None => return Err(wrong(line, "missing value for command")),
            Some((Token::Word(word), _)) => word.as_str(),
            Some(_) => "",
        };
        let pipeline = |tokens: &[(Token, usize)], of: &str| {
            if tokens.is_empty() { Err(wrong(line, format!("missing value for {of}"))) } else { pipeline(tokens, line) }
        };
        match keyword {
            "if" => {
                let test = pipeline(&tokens[1..], "if")?;
                let (body, otherwise) = self.bodies()?;
                Ok(Node::If(test, body, otherwise))
            }
            "with" => {
                let value = pipeline(&tokens[1..], "with")?;
                let (body, otherwise) = self.bodies()?;
                Ok(Node::With(value, body, otherwise))
            }
            "range" => {
                let (names, over) = declared(&tokens[1..]);
                let over = pipeline(over, "range")?;
                let (body, otherwise) = self.bodies()?;
                let (key, value) = match names.as_slice() {
                    [] => (None, None),
                    [value] => (None, Some(value.clone())),
                    [key, value, ..] => (Some(key.clone()), Some(value.clone())),
                };
                Ok(Node::Range { key, value, over, body, otherwise })
            }
            _ => match declared(&tokens) {
                (names, rest) if names.len() == 1 => Ok(Node::Set(names[0].clone(), pipeline(rest, "command")?)),
                _ => Ok(Node::Show(pipeline(&tokens, "command")?)),
            },
        }
    }

    fn bodies(&mut self) -> Result<(Vec<Node>, Vec<Node>), ParseError> {
        let mut body = Vec::new();
        loop {
            let Some(piece) = self.pieces.next() else { return Err(wrong(self.last_line, "unexpected EOF")) };
            match piece {
                Piece::Text(text) => body.push(Node::Text(text)),
                Piece::Action(action) => match action.tokens.first() {
                    Some((Token::Word(word), _)) if word == "end" => return Ok((body, Vec::new())),
                    Some((Token::Word(word), _)) if word == "else" => return Ok((body, self.otherwise(action)?)),
                    _ => body.push(self.action(action)?),
                },
            }
        }
    }

    /// What `{{else}}` holds; `{{else if x}}` is `{{else}}{{if x}}` with one end for both.
    fn otherwise(&mut self, mut action: Action) -> Result<Vec<Node>, ParseError> {
        if action.tokens.len() > 1 {
            action.tokens.remove(0);
            return Ok(vec![self.action(action)?]);
        }
        let (nodes, end) = self.block(true)?;
        match end {
            Some((word, line)) if word == "else" => Err(wrong(line, "expected end; found {{else}}")),
            _ => Ok(nodes),
        }
    }
}

/// `$a, $b := rest` → the names and the rest; no names when nothing is declared.
fn declared(tokens: &[(Token, usize)]) -> (Vec<String>, &[(Token, usize)]) {
    let Some(at) = tokens.iter().position(|(token, _)| *token == Token::Declare) else { return (Vec::new(), tokens) };
    let names = tokens[..at].iter().filter_map(|(token, _)| match token {
        Token::Variable(name) => Some(name.clone()),
        _ => None,
    });
    (names.collect(), &tokens[at + 1..])
}

fn pipeline(tokens: &[(Token, usize)], line: usize) -> Result<Pipeline, ParseError> {
    let mut rest = tokens;
    let (parsed, left) = commands(&mut rest, line, false).map(|commands| (commands, rest))?;
    match left.first() {
        None => Ok(parsed),
        Some(_) => Err(wrong(line, "unexpected right paren")),
    }
}

fn commands(rest: &mut &[(Token, usize)], line: usize, in_group: bool) -> Result<Pipeline, ParseError> {
    let mut commands = Vec::new();
    let mut terms = Vec::new();
    while let Some(((token, column), tail)) = rest.split_first() {
        match token {
            Token::Close if in_group => break,
            Token::Close => return Err(wrong(line, "unexpected right paren")),
            Token::Pipe => {
                commands.push(command(std::mem::take(&mut terms), line)?);
                *rest = tail;
            }
            _ => {
                let (first, column) = (token.clone(), *column);
                *rest = tail;
                terms.push(term(first, column, rest, line)?);
            }
        }
    }
    commands.push(command(terms, line)?);
    Ok(commands)
}

fn command(terms: Vec<Term>, line: usize) -> Result<Command, ParseError> {
    if terms.is_empty() { Err(wrong(line, "missing value for command")) } else { Ok(Command(terms)) }
}

fn term(first: Token, column: usize, rest: &mut &[(Token, usize)], line: usize) -> Result<Term, ParseError> {
    let place = |text: String| Place { line, column, text };
    Ok(match first {
        Token::String(text) => Term::Literal(Value::String(text)),
        Token::Number(number) => Term::Literal(Value::from(number)),
        Token::Word(word) => match word.as_str() {
            "true" => Term::Literal(Value::Bool(true)),
            "false" => Term::Literal(Value::Bool(false)),
            "nil" => Term::Literal(Value::Null),
            _ if FUNCTIONS.contains(&word.as_str()) => Term::Function(word),
            _ => return Err(wrong(line, format!("function {word:?} not defined"))),
        },
        Token::Field(name) => {
            let end = column + 1 + name.len();
            let mut path = if name.is_empty() { Vec::new() } else { vec![name] };
            path.extend(fields_after(rest, end));
            let text = format!(".{}", path.join("."));
            Term::Field(path, place(text))
        }
        Token::Variable(name) => {
            let path: Vec<_> = fields_after(rest, column + 1 + name.len());
            let text = format!("${name}{}", path.iter().map(|field| format!(".{field}")).collect::<String>());
            Term::Variable(name, path, place(text))
        }
        Token::Open => {
            let inner = commands(rest, line, true)?;
            let Some(((_, close), tail)) = rest.split_first() else { return Err(wrong(line, "unclosed left paren")) };
            *rest = tail;
            let path: Vec<_> = fields_after(rest, close + 1);
            let text = format!("(...){}", path.iter().map(|field| format!(".{field}")).collect::<String>());
            Term::Group(inner, path, place(text))
        }
        Token::Close | Token::Pipe | Token::Comma | Token::Declare => {
            return Err(wrong(line, "unexpected token in operand"));
        }
    })
}

/// Fields that follow without a space: `.A.B` is one term, `.A .B` are two.
fn fields_after(rest: &mut &[(Token, usize)], mut end: usize) -> Vec<String> {
    let mut path = Vec::new();
    while let Some(((Token::Field(name), column), tail)) = rest.split_first() {
        if *column != end || name.is_empty() {
            break;
        }
        path.push(name.clone());
        end += 1 + name.len();
        *rest = tail;
    }
    path
}

pub(super) fn headers(nodes: &[Node], header: &dyn Fn(&str) -> String) -> String {
    let mut text = String::new();
    for node in nodes {
        match node {
            Node::Text(plain) => text.push_str(plain),
            Node::Show(pipeline) => {
                let label = argument(pipeline).map(str::to_owned);
                let heading = label.or_else(|| last_field(pipeline).map(|name| header(&name)));
                text.push_str(&heading.unwrap_or_default());
            }
            Node::Set(..) => {}
            Node::If(_, body, _) | Node::With(_, body, _) | Node::Range { body, .. } => {
                text.push_str(&headers(body, header));
            }
        }
    }
    text
}

fn last_field(pipeline: &Pipeline) -> Option<String> {
    pipeline.iter().flat_map(|command| &command.0).find_map(|term| match term {
        Term::Field(path, _) => path.last().cloned(),
        Term::Group(inner, path, _) => path.last().cloned().or_else(|| last_field(inner)),
        _ => None,
    })
}

/// The key in `.Label "key"`, which is the column's heading.
fn argument(pipeline: &Pipeline) -> Option<&str> {
    match pipeline.first()?.0.as_slice() {
        [Term::Field(..), Term::Literal(Value::String(key)), ..] => Some(key),
        _ => None,
    }
}
