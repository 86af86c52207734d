//! Inputs that nobody thought of, for everything that reads what people send: right ones are changed at random, and the
//! reader must neither panic nor contradict itself.
//!
//! `cargo run -p fuzz -- [SECONDS [TARGET…]]` takes the targets in turn, for so long each (default 10 seconds). A round
//! that fails is told with its seed and its input, and ends the program with an error: the input then belongs into a
//! test of its crate. `cargo test -p fuzz` plays some thousand rounds of each, always the same ones.
//!
//! - `mutate`: random changes, from a seed;
//! - `targets`: the readers, their examples, and the rules that must hold.
//!
//! The rounds are not led by the code that they reach, as those of `cargo fuzz` are: that needs an unstable compiler
//! and a build of its own. The examples lead them instead.

mod mutate;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use mutate::Random;
use targets::{ALL, Target};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let seconds = args.next().map_or(Ok(10), |seconds| seconds.parse::<u64>());
    let names: Vec<String> = args.collect();
    let Some(seconds) = seconds.ok().filter(|_| names.iter().all(|name| ALL.iter().any(|t| t.name == name)))
    else {
        let known: Vec<&str> = ALL.iter().map(|target| target.name).collect();
        eprintln!("usage: fuzz [SECONDS [TARGET…]]; targets: {}", known.join(", "));
        return ExitCode::from(2);
    };
    // A seed of its own each time: repeated runs go further.
    let begun = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let seed = begun.as_secs();
    for target in ALL.iter().filter(|target| names.is_empty() || names.iter().any(|name| name == target.name))
    {
        match play(target, seed, |_, since| since < Duration::from_secs(seconds)) {
            Ok(rounds) => println!("{}: {rounds} rounds, all well (from seed {seed})", target.name),
            Err(failed) => {
                eprintln!("{}: {failed}", target.name);
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// Plays rounds while `goes_on` says so, and tells of the first one that fails.
fn play(target: &Target, seed: u64, goes_on: impl Fn(u64, Duration) -> bool) -> Result<u64, String> {
    let begun = Instant::now();
    let corpus = (target.corpus)();
    let mut round = 0;
    while goes_on(round, begun.elapsed()) {
        let mut random = Random::new(seed.wrapping_add(round));
        let input = mutate::changed(&corpus, &mut random);
        let played = catch_unwind(AssertUnwindSafe(|| (target.check)(&input, &mut random)));
        let why = match played {
            Ok(Ok(())) => {
                round += 1;
                continue;
            }
            Ok(Err(why)) => why,
            Err(_) => "panicked".to_owned(),
        };
        let seed = seed.wrapping_add(round);
        return Err(format!("{why} (seed {seed}), with: {}", input.escape_ascii()));
    }
    Ok(round)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples themselves are read as they are meant: a corpus that is refused at its door tests only the door.
    #[test]
    fn examples_are_right() {
        for target in ALL {
            for example in (target.corpus)() {
                assert!((target.is_right)(&example), "{}: {}", target.name, example.escape_ascii());
            }
        }
    }

    #[test]
    fn some_thousand_rounds_of_each_are_well() {
        for target in ALL {
            let played = play(target, 0, |round, _| round < target.rounds);
            assert_eq!(played, Ok(target.rounds), "{}", target.name);
        }
    }
}
