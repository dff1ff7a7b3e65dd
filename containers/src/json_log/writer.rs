//! Output in pieces in, entries of the log file out: lines of JSON, or frames of the driver `local`.

use std::io::Write as _;

use base::Time;

use super::Stream;
use crate::local_log::{self, Part};

/// The longest text of one entry, in bytes.
pub const CHUNK: usize = 16 << 10;

/// Cuts one stream into entries. Holds at most one unfinished line, never more than [`CHUNK`].
#[derive(Debug)]
pub struct Splitter {
    stream: Stream,
    form: Form,
    unfinished: Vec<u8>,
    /// When the first chunk of a long line came: all its entries bear this time.
    long_since: Option<Time>,
}

/// How entries are written.
#[derive(Debug)]
enum Form {
    /// `attributes` is the JSON of `attrs`, for `--log-opt labels`; empty for none.
    Json { attributes: String },
    /// `new_id` makes the id of a long line's parts; `part` is the last one written of one.
    Local { new_id: fn() -> String, part: Option<Part> },
}

impl Splitter {
    /// For a stream from its beginning.
    pub fn new(stream: Stream) -> Self {
        Self { stream, form: Form::Json { attributes: String::new() }, unfinished: Vec::new(), long_since: None }
    }

    /// For a log of the driver `local`; `new_id` gives 64 random hex digits.
    pub fn local(stream: Stream, new_id: fn() -> String) -> Self {
        Self { form: Form::Local { new_id, part: None }, ..Self::new(stream) }
    }

    /// Entries will carry these attributes, a JSON object. The driver `local` has none.
    #[must_use]
    pub fn with_attributes(mut self, attributes: String) -> Self {
        if let Form::Json { attributes: own } = &mut self.form {
            *own = attributes;
        }
        self
    }

    /// The length of the first entry in what [`Splitter::feed`] gave.
    pub fn first_entry(&self, entries: &[u8]) -> usize {
        match self.form {
            Form::Json { .. } => entries.iter().position(|byte| *byte == b'\n').map_or(entries.len(), |at| at + 1),
            Form::Local { .. } => local_log::frame_len(entries).unwrap_or(entries.len()).min(entries.len()),
        }
    }

    /// Takes what was read at the time `now`; appends to `to` the lines for the file.
    pub fn feed(&mut self, mut bytes: &[u8], now: Time, to: &mut Vec<u8>) {
        while !bytes.is_empty() {
            let room = CHUNK - self.unfinished.len();
            let window = &bytes[..room.min(bytes.len())];
            let (taken, ended) = match window.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (window.len(), false),
            };
            self.unfinished.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if ended {
                let time = self.long_since.take().unwrap_or(now);
                self.emit(time, true, to);
            } else if self.unfinished.len() == CHUNK {
                let time = *self.long_since.get_or_insert(now);
                self.emit(time, false, to);
            }
        }
    }

    /// The stream has ended: what was unfinished becomes an entry without a newline.
    pub fn finish(&mut self, now: Time, to: &mut Vec<u8>) {
        if !self.unfinished.is_empty() {
            let time = self.long_since.take().unwrap_or(now);
            self.emit(time, false, to);
        }
    }

    /// `ended`: the line ends here.
    fn emit(&mut self, time: Time, ended: bool, to: &mut Vec<u8>) {
        match &mut self.form {
            Form::Json { attributes } => append(&self.unfinished, self.stream, attributes, time, to),
            Form::Local { new_id, part } => {
                let before = part.take();
                let next = |id: String, ordinal| Part { id, ordinal, last: ended };
                let this = match before {
                    None if ended => None,
                    None => Some(next(new_id(), 1)),
                    Some(before) => Some(next(before.id, before.ordinal + 1)),
                };
                let line = self.unfinished.strip_suffix(b"\n").filter(|_| ended).unwrap_or(&self.unfinished);
                local_log::append(line, self.stream, this.as_ref(), time, to);
                *part = this.filter(|_| !ended);
            }
        }
        self.unfinished.clear();
    }
}

/// Appends one entry's line to `to`. `attributes` is a JSON object or empty.
pub fn append(log: &[u8], stream: Stream, attributes: &str, time: Time, to: &mut Vec<u8>) {
    to.reserve(log.len() + 80);
    to.extend_from_slice(b"{");
    if !log.is_empty() {
        to.extend_from_slice(b"\"log\":\"");
        escape(log, to);
        to.extend_from_slice(b"\",");
    }
    write!(to, "\"stream\":\"{stream}\",").expect("a vector takes all");
    if !attributes.is_empty() {
        write!(to, "\"attrs\":{attributes},").expect("a vector takes all");
    }
    writeln!(to, "\"time\":\"{time}\"}}").expect("a vector takes all");
}

/// Go's escapes of a string's bytes; each byte that is not UTF-8 becomes `\ufffd`.
fn escape(bytes: &[u8], to: &mut Vec<u8>) {
    for chunk in bytes.utf8_chunks() {
        escape_text(chunk.valid(), to);
        (0..chunk.invalid().len()).for_each(|_| to.extend_from_slice(br"\ufffd"));
    }
}

fn escape_text(text: &str, to: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c < ' ' || "\\\"<>&\u{2028}\u{2029}".contains(c)) {
        let (plain, found) = rest.split_at(at);
        to.extend_from_slice(plain.as_bytes());
        let c = found.chars().next().expect("find returned where it stands");
        match c {
            '\\' => to.extend_from_slice(br"\\"),
            '"' => to.extend_from_slice(br#"\""#),
            '\n' => to.extend_from_slice(br"\n"),
            '\r' => to.extend_from_slice(br"\r"),
            other => write!(to, "\\u{:04x}", u32::from(other)).expect("a vector takes all"),
        }
        rest = &found[c.len_utf8()..];
    }
    to.extend_from_slice(rest.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        text.parse().expect("it is a time")
    }

    fn one(log: &[u8], at: &str) -> String {
        let mut line = Vec::new();
        append(log, Stream::Stdout, "", time(at), &mut line);
        String::from_utf8(line).expect("the log is text")
    }

    /// Lines that dockerd 20.10.24 wrote.
    #[test]
    fn lines_are_dockerds() {
        let line = "{\"log\":\"hello\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-22T06:51:07.16660869Z\"}\n";
        assert_eq!(one(b"hello\n", "2026-11-22T06:51:07.16660869Z"), line);
        let line = "{\"log\":\"a\\u003cb\\u003e\\u0026\\\"q\\\\ tab\\u0009x\\n\",\"stream\":\"stdout\",\
                    \"time\":\"2026-11-22T06:51:07.167172431Z\"}\n";
        assert_eq!(one(b"a<b>&\"q\\ tab\tx\n", "2026-11-22T06:51:07.167172431Z"), line);
        let line = "{\"log\":\"nonl\\u0001\\ufffdbad\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-22T06:51:07.167182059Z\"}\n";
        assert_eq!(one(b"nonl\x01\xffbad\n", "2026-11-22T06:51:07.167182059Z"), line);
        let line = "{\"log\":\"u\\u2028v\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-22T06:51:07.168615392Z\"}\n";
        assert_eq!(one("u\u{2028}v\n".as_bytes(), "2026-11-22T06:51:07.168615392Z"), line);
    }

    #[test]
    fn each_byte_of_a_torn_character_is_replaced() {
        assert!(one(b"\xe2\x82", "2026-11-22T06:51:07Z").starts_with(r#"{"log":"\ufffd\ufffd","#));
    }

    #[test]
    fn attributes_stand_before_the_time() {
        let mut splitter = Splitter::new(Stream::Stderr).with_attributes(r#"{"k":"v"}"#.to_owned());
        let mut lines = Vec::new();
        splitter.feed(b"x\n", time("2026-11-22T06:51:08Z"), &mut lines);
        let line =
            "{\"log\":\"x\\n\",\"stream\":\"stderr\",\"attrs\":{\"k\":\"v\"},\"time\":\"2026-11-22T06:51:08Z\"}\n";
        assert_eq!(String::from_utf8_lossy(&lines), line);
    }

    #[test]
    fn a_line_waits_for_its_end() {
        let (mut splitter, mut lines) = (Splitter::new(Stream::Stdout), Vec::new());
        splitter.feed(b"ab", time("2026-11-22T06:51:01Z"), &mut lines);
        assert!(lines.is_empty());
        splitter.feed(b"c\nd", time("2026-11-22T06:51:02Z"), &mut lines);
        splitter.finish(time("2026-11-22T06:51:03Z"), &mut lines);
        let text = "{\"log\":\"abc\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-22T06:51:02Z\"}\n\
                    {\"log\":\"d\",\"stream\":\"stdout\",\"time\":\"2026-11-22T06:51:03Z\"}\n";
        assert_eq!(String::from_utf8_lossy(&lines), text);
    }

    #[test]
    fn a_long_line_is_cut_at_16_kib_and_bears_its_first_time() {
        let (mut splitter, mut lines) = (Splitter::new(Stream::Stdout), Vec::new());
        splitter.feed(&[b'x'; 16000], time("2026-11-22T06:51:01Z"), &mut lines);
        splitter.feed(&[b'x'; 1000], time("2026-11-22T06:51:02Z"), &mut lines);
        splitter.feed(b"x\n", time("2026-11-22T06:51:03Z"), &mut lines);
        let text = String::from_utf8(lines).expect("the log is text");
        let sizes: Vec<_> = text.lines().map(|line| line.matches('x').count()).collect();
        assert_eq!(sizes, [16384, 617]);
        assert_eq!(text.matches("06:51:02Z").count(), 2);
    }
}
