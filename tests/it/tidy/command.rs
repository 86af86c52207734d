//! A command as documents quote it, parsed by the program that it names.
//!
//! The program is run with `--help` behind the words that were quoted: clap reads them in order, so a command, a flag
//! or a value that it does not know is refused before the help is printed, and nothing is done. It cannot say what is
//! missing; that is read from the usage line.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::ensure;
use tests::processes::binary;

/// The programs that documents quote, as they are typed.
const PROGRAMS: [&str; 4] = ["starter", "worker", "sandbox", "cargo xtask"];

/// The word in place of a placeholder.
const EXAMPLE: &str = "0123456789012345";

/// The commands on one line: pieces of a pipe or a sequence that begin with one of our programs.
pub(super) fn commands(line: &str) -> Vec<Vec<String>> {
    let words = words(line);
    let pieces = words.split(|word| matches!(word.as_str(), "|" | "&&" | ";"));
    pieces.map(without_rest).filter(|words| is_command(words)).map(<[String]>::to_vec).collect()
}

/// `starter order resolve-undo <order> …` is a command as far as it goes.
fn without_rest(words: &[String]) -> &[String] {
    words.strip_suffix(&["…".to_owned()]).unwrap_or(words)
}

/// Whether words are a command of ours, in full: `starter <noun> start` and `starter … --wait` stand for many.
fn is_command(words: &[String]) -> bool {
    let own = program(words).and_then(|program| words.get(program.words));
    own.is_some_and(|word| !word.starts_with('<')) && !words.contains(&"…".to_owned())
}

/// Words as a shell takes them apart, up to a comment. `<a placeholder>` is one word.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut until: Option<char> = None;
    for c in line.chars() {
        let word = words.last_mut().filter(|word| c != '#' || until.is_some() || !word.is_empty());
        let Some(word) = word else { break };
        if c == ' ' && until.is_none() {
            words.push(String::new());
            continue;
        }
        word.push(c);
        until = match (until, c) {
            (Some(end), _) => Some(end).filter(|end| c != *end),
            (None, '"' | '\'') => Some(c),
            (None, '<') => Some('>'),
            (None, _) => None,
        };
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A word as its program is given it: quotes are the shell's, and a placeholder is replaced by digits, which are an
/// order's number, a pseudonym and an integration's id as well.
fn given(word: &str) -> String {
    let mut given = word.trim_matches(['"', '\'']).to_owned();
    while let Some((before, (_, after))) =
        given.split_once('<').and_then(|(before, rest)| Some((before, rest.split_once('>')?)))
    {
        given = format!("{before}{EXAMPLE}{after}");
    }
    given
}

/// One of our programs.
struct Program {
    /// The name of its file.
    file: &'static str,
    /// How many words name it where it is typed.
    words: usize,
}

fn program(words: &[String]) -> Option<Program> {
    let typed = PROGRAMS.into_iter().find(|program| {
        let typed: Vec<&str> = program.split(' ').collect();
        words.iter().map(String::as_str).take(typed.len()).eq(typed)
    })?;
    // The options of a bench are the bench's own: `cargo xtask` hands them on, and would build and run it.
    if typed == "cargo xtask" && words.get(2).is_some_and(|word| word == "bench") && words.len() > 3 {
        return Some(Program { file: "bench", words: 3 });
    }
    let file = typed.rsplit(' ').next().unwrap_or(typed);
    Some(Program { file, words: typed.split(' ').count() })
}

/// A program's help, or its words about what it was given.
fn help(file: &str, arguments: &[String]) -> anyhow::Result<Result<String, String>> {
    let mut command = Command::new(binary(file)?);
    // Words after `--` are not the program's own, and neither would be a flag behind them.
    let own = arguments.iter().take_while(|word| *word != "--");
    let said = command.args(own.map(|word| given(word))).arg("--help").env_clear().output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if said.status.success() {
        let help = text(&said.stdout);
        ensure!(
            help.contains("Usage: "),
            "{file} {arguments:?} did not show its help: it may have done something"
        );
        return Ok(Ok(help));
    }
    let complaint = text(&said.stderr);
    Ok(Err(complaint.lines().next().unwrap_or("no word").to_owned()))
}

/// Why a command is none of its program's; `None`: it is one. A command that is only named, not typed, may lack
/// arguments: `starter order start --input`.
pub(super) fn complaint(command: &[String], is_whole: bool) -> anyhow::Result<Option<String>> {
    let Some(program) = program(command) else { return Ok(Some("names no program of ours".to_owned())) };
    let arguments = &command[program.words..];
    Ok(match help(program.file, arguments)? {
        Ok(help) if is_whole => missing(&help, arguments),
        Ok(_) => None,
        Err(why) if !is_whole && why.contains("a value is required for") => None,
        Err(why) => Some(why),
    })
}

/// The first thing that the usage line of a help asks for and a command lacks.
fn missing(help: &str, arguments: &[String]) -> Option<String> {
    let usage = help.lines().find_map(|line| line.trim().strip_prefix("Usage: "))?;
    let mut depth = 0_usize;
    let mut required = Vec::new();
    for word in usage.split(' ').skip(1) {
        if depth == 0 && !word.starts_with('[') {
            required.push(word);
        }
        depth += word.matches('[').count();
        depth = depth.saturating_sub(word.matches(']').count());
    }
    // `cargo xtask` is two words in its usage, too.
    required.retain(|word| *word != "xtask");
    let (flags, values): (Vec<&str>, Vec<&str>) =
        required.into_iter().partition(|word| word.starts_with("--"));
    let has = |flag: &&str| {
        let short = short(help, flag);
        arguments.iter().map(|word| word.split('=').next()).any(|word| word == Some(*flag) || word == short)
    };
    if let Some(flag) = flags.iter().find(|flag| !has(flag)) {
        return Some(format!("lacks {flag}: {usage}"));
    }
    let is_value = |word: &&String| !word.starts_with('-') || *word == "-" || word.contains('=');
    let given = arguments.iter().filter(is_value).count();
    (given < values.len()).then(|| format!("lacks an argument: {usage}"))
}

/// The short form of a flag, by a help's "-f, --file".
fn short<'a>(help: &'a str, flag: &str) -> Option<&'a str> {
    let lines = help.lines().filter_map(|line| line.trim_start().split_once(", "));
    let mut shorts = lines.filter(|(_, long)| long.split([' ', '=']).next() == Some(flag));
    shorts.next().map(|(short, _)| short)
}

/// Every word in the help of every command of our programs.
pub(super) fn vocabulary() -> anyhow::Result<&'static BTreeSet<String>> {
    // Several rules ask for it, and a hundred programs are run for it.
    static READ: OnceLock<Result<BTreeSet<String>, String>> = OnceLock::new();
    let read = READ.get_or_init(|| read_vocabulary().map_err(|error| format!("{error:#}")));
    read.as_ref().map_err(|error| anyhow::anyhow!("{error}"))
}

fn read_vocabulary() -> anyhow::Result<BTreeSet<String>> {
    let mut words = BTreeSet::new();
    let mut left: Vec<(&str, Vec<String>)> =
        ["starter", "worker", "sandbox", "xtask", "bench", "chaos"].map(|file| (file, Vec::new())).into();
    while let Some((file, path)) = left.pop() {
        let help = help(file, &path)?.map_err(|why| anyhow::anyhow!("{file} {path:?}: {why}"))?;
        for name in subcommands(&help) {
            left.push((file, [path.clone(), vec![name.to_owned()]].concat()));
        }
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        words.extend(help.split(|c| !is_part(c)).map(str::to_owned));
    }
    Ok(words)
}

/// The names below "Commands:". A continued description is further to the right.
fn subcommands(help: &str) -> impl Iterator<Item = &str> {
    let lines =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    names.filter_map(|line| line.split(' ').next()).filter(|name| *name != "help")
}

#[test]
fn commands_are_read_as_a_shell_would() {
    let read = |line| commands(line).iter().map(|words| words.join("·")).collect::<Vec<_>>();
    assert_eq!(
        read("sed s/1/2/ a.json | starter order start --input - --wait    # exits with 6"),
        ["starter·order·start·--input·-·--wait"]
    );
    assert_eq!(
        read("starter order status <order>/late/<event id> …"),
        ["starter·order·status·<order>/late/<event id>"]
    );
    assert_eq!(read("starter list --query \"a | b\" && worker"), ["starter·list·--query·\"a | b\""]);
    for none in ["worker", "starter <noun> start", "starter … --wait", "starters order"] {
        assert_eq!(read(none), Vec::<String>::new(), "{none}");
    }
    assert_eq!(given("\"<ref>/follow-up\""), format!("{EXAMPLE}/follow-up"));
}

#[test]
fn a_command_that_does_not_parse_is_named_with_what_its_program_says() -> anyhow::Result<()> {
    let complaint = |line: &str, is_whole| -> anyhow::Result<String> {
        let command = commands(line).pop().unwrap_or_default();
        Ok(complaint(&command, is_whole)?.unwrap_or_default())
    };
    assert_eq!(complaint("starter doctor", true)?, "");
    assert!(complaint("starter doktor", false)?.contains("unrecognized subcommand 'doktor'"));
    assert!(complaint("starter doctor --quick", false)?.contains("unexpected argument '--quick'"));
    assert!(complaint("starter list -o yaml", false)?.contains("invalid value 'yaml'"));
    assert!(complaint("cargo xtask bench orders --turns 3", true)?.contains("unexpected argument '--turns'"));
    assert_eq!(complaint("starter show", false)?, "");
    assert!(complaint("starter show", true)?.contains("lacks an argument"));
    assert!(complaint("starter schedule pause nightly", true)?.contains("lacks --reason"));
    assert_eq!(complaint("starter schedule apply -f schedules.toml", true)?, "");
    assert_eq!(complaint("starter onboarding unsubscribe <ref>", true)?, "");
    assert_eq!(complaint("cargo xtask test -- --nocapture tidy", true)?, "");
    Ok(())
}
