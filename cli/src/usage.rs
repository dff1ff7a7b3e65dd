//! Wrong words on the command line, said as docker's client says them.

use clap::{
    Error,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::failure::{BEFORE_THE_CONTAINER, Failure};

/// What clap found, in docker's words: flags that do not parse end with 125, a wrong number of
/// arguments or an unknown command with 1.
pub fn failure(error: &Error, typed: &[String]) -> Failure {
    let command = command_of(error, typed);
    let see = format!("See '{command} --help'.");
    let named = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(" "),
        _ => String::new(),
    };
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let flag = named(ContextKind::InvalidArg);
            let words = match flag.strip_prefix("--") {
                Some(_) => format!("unknown flag: {flag}"),
                None => match flag.strip_prefix('-').and_then(|rest| rest.chars().next()) {
                    Some(letter) => format!("unknown shorthand flag: {letter:?} in {flag}"),
                    None => {
                        return Failure::words(format!("{command:?} accepts no argument {flag:?}")).and_line(see);
                    }
                },
            };
            Failure::words(words).and_line(see).with_code(BEFORE_THE_CONTAINER)
        }
        ErrorKind::InvalidSubcommand => {
            let word = named(ContextKind::InvalidSubcommand);
            Failure::words(format!("minidock: '{word}' is not a minidock command.")).and_line("See 'minidock --help'")
        }
        ErrorKind::MissingRequiredArgument => {
            let words = format!("{command:?} requires more arguments: {}", named(ContextKind::InvalidArg));
            Failure::words(words).and_line(see)
        }
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            let words = first.strip_prefix("error: ").unwrap_or(first);
            Failure::words(words).and_line(see).with_code(BEFORE_THE_CONTAINER)
        }
    }
}

/// `minidock run`: the command whose words were wrong.
fn command_of(_error: &Error, typed: &[String]) -> String {
    let mut words = typed.iter().skip(1);
    while let Some(word) = words.next() {
        if ["--data-root", "--exec-root", "--storage-driver"].contains(&word.as_str()) {
            words.next();
        } else if !word.starts_with('-') {
            return format!("minidock {word}");
        }
    }
    "minidock".to_owned()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::Cli;

    fn words(line: &str) -> String {
        let typed: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let error = Cli::try_parse_from(&typed).expect_err("these words are wrong");
        format!("{:?}", super::failure(&error, &typed))
    }

    #[test]
    fn docker_s_words_for_flags_it_does_not_know() {
        assert!(words("minidock rm --bogus x").contains("unknown flag: --bogus"));
        assert!(words("minidock --data-root /x rm --bogus x").contains("See 'minidock rm --help'."));
        assert!(words("minidock run --bogus image").contains("unknown flag: --bogus"));
        assert!(words("minidock rm -x y").contains("unknown shorthand flag: 'x' in -x"));
        assert!(words("minidock frobnicate").contains("'frobnicate' is not a minidock command"));
        assert!(words("minidock rm").contains("requires more arguments"));
    }

    #[test]
    fn no_flag_stands_in_the_way_of_another() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn what_follows_the_image_is_the_command() {
        for line in ["minidock run --rm image -d --name x", "minidock create image ls --bogus"] {
            Cli::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
}
