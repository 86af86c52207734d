//! The command line of a list of providers, made from the list: which one is chosen, and the settings of each.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use activities::http::Endpoint;
use activities::provider::{Given, Kind, Setting};
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use text::Problem;

use super::problems::Problems;
use super::secret::secret;
use super::shop::Limits;

/// A list of providers, and how it stands on the command line.
pub(super) trait Port: 'static {
    /// The trait of each of them.
    type Provider: ?Sized + 'static;
    /// The heading of its part of the help.
    const HEADING: &'static str;
    /// How one is chosen.
    const CHOICE: Choice;
    /// The list.
    const KINDS: &'static [Kind<Self::Provider>];
}

/// How a provider is chosen.
#[derive(Clone, Copy)]
pub(super) enum Choice {
    /// By its name; the first of the list unless another is named.
    Named(Setting),
    /// By its first setting, if that is given; else it is the first of the list.
    BySetting,
}

/// The settings of a list of providers, as they were given. `Debug` shows none of them: secrets are among them.
pub(super) struct ProviderArgs<P: Port> {
    /// By variable.
    given: BTreeMap<&'static str, String>,
    port: PhantomData<P>,
}

impl<P: Port> fmt::Debug for ProviderArgs<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderArgs").finish_non_exhaustive()
    }
}

fn settings<P: Port>() -> impl Iterator<Item = &'static Setting> {
    P::KINDS.iter().flat_map(|kind| kind.settings)
}

/// Variable and flag of everything that can be given.
fn names<P: Port>() -> impl Iterator<Item = (&'static str, &'static str)> {
    let choice = match P::CHOICE {
        Choice::Named(setting) => Some((setting.variable, setting.flag)),
        Choice::BySetting => None,
    };
    let of_setting = |setting: &'static Setting| {
        let file = setting.file.map(|file| (file.variable, file.flag));
        [Some((setting.variable, setting.flag)), file].into_iter().flatten()
    };
    choice.into_iter().chain(settings::<P>().flat_map(of_setting))
}

fn has_default<P: Port>(variable: &str) -> bool {
    settings::<P>().any(|setting| setting.variable == variable && setting.default.is_some())
}

fn argument(setting: &Setting) -> Arg {
    let argument = Arg::new(setting.flag)
        .long(setting.flag)
        .env(setting.variable)
        .value_name(setting.value)
        .help(setting.help)
        .hide_env_values(setting.file.is_some());
    let argument = match setting.one_of {
        [] => argument,
        values => argument.value_parser(PossibleValuesParser::new(values)),
    };
    match setting.default {
        Some(default) => argument.default_value(default),
        None => argument,
    }
}

fn choice<P: Port>(setting: &Setting) -> Arg {
    let names = P::KINDS.iter().map(|kind| PossibleValue::new(kind.name).help(kind.help));
    argument(setting)
        .value_parser(PossibleValuesParser::new(names))
        .default_value(P::KINDS.first().map_or("", |kind| kind.name))
}

impl<P: Port> Args for ProviderArgs<P> {
    fn augment_args(command: Command) -> Command {
        let choice = match P::CHOICE {
            Choice::Named(setting) => Some(choice::<P>(&setting)),
            Choice::BySetting => None,
        };
        let of_setting = |setting: &Setting| {
            let file = setting.file.map(|file| {
                Arg::new(file.flag).long(file.flag).env(file.variable).value_name("FILE").help(file.help)
            });
            [Some(argument(setting)), file].into_iter().flatten()
        };
        let arguments = choice.into_iter().chain(settings::<P>().flat_map(of_setting));
        command.args(arguments.map(|argument| argument.help_heading(P::HEADING)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<P: Port> FromArgMatches for ProviderArgs<P> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut args = Self { given: BTreeMap::new(), port: PhantomData };
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for (variable, flag) in names::<P>() {
            let is_default = matches.value_source(flag) == Some(ValueSource::DefaultValue);
            // An empty text is the same as none; not where none means a place that was not named: an address of
            // Stripe's left empty for a test would charge real cards.
            let is_said = |value: &&String| !value.trim().is_empty() || has_default::<P>(variable);
            let value = matches.get_one::<String>(flag).filter(|_| !is_default).filter(is_said);
            // Shells and editors add blanks and line ends; no setting begins or ends with one.
            self.given.extend(value.map(|value| (variable, value.trim().to_owned())));
        }
        Ok(())
    }
}

impl<P: Port> ProviderArgs<P> {
    /// The provider that was chosen, opened. `home` is where the platform does this itself.
    pub(super) fn check(
        mut self,
        home: Option<&Endpoint>,
        limits: Limits,
        problems: &mut Problems,
    ) -> Option<Arc<P::Provider>> {
        let chosen = self.chosen()?;
        problems.extend(self.unused(chosen));
        let unreadable = self.read_secrets(chosen);
        let values = &self.given;
        let Limits { timeout, response_bytes_max, .. } = limits;
        let given = Given { values, settings: chosen.settings, home, timeout, response_bytes_max };
        let opened = (chosen.open)(&given);
        // A secret that cannot be read is named as that, not as missing.
        let is_news = |problem: &Problem| unreadable.iter().all(|(known, _)| *known != problem.field);
        let opened = opened.map_err(|found| problems.extend(found.into_iter().filter(is_news)));
        let is_readable = unreadable.is_empty();
        problems.extend(unreadable.into_iter().map(|(_, problem)| problem));
        opened.ok().filter(|_| is_readable)
    }

    fn chosen(&self) -> Option<&'static Kind<P::Provider>> {
        let is_chosen = |kind: &&Kind<P::Provider>| match P::CHOICE {
            Choice::Named(setting) => self.given.get(setting.variable).is_some_and(|name| name == kind.name),
            Choice::BySetting => {
                kind.settings.first().is_some_and(|setting| self.given.contains_key(setting.variable))
            }
        };
        P::KINDS.iter().find(is_chosen).or(P::KINDS.first())
    }

    /// Settings that are given for a provider that was not chosen.
    fn unused(&self, chosen: &Kind<P::Provider>) -> Vec<Problem> {
        let others = P::KINDS.iter().filter(|kind| kind.name != chosen.name);
        let mut unused = Vec::new();
        for kind in others {
            let (why, fix) = match (P::CHOICE, kind.settings.first()) {
                (Choice::Named(by), _) => (
                    format!("{} is {}", by.variable, chosen.name),
                    format!("set {} to {}", by.variable, kind.name),
                ),
                (Choice::BySetting, Some(by)) => {
                    (format!("{} is not", by.variable), format!("set {} as well", by.variable))
                }
                (Choice::BySetting, None) => continue,
            };
            let variables = kind.settings.iter().flat_map(|setting| {
                [Some(setting.variable), setting.file.map(|file| file.variable)].into_iter().flatten()
            });
            unused.extend(variables.filter(|variable| self.given.contains_key(variable)).map(|variable| {
                let what = format!("is set, but {why}, so that it would not be used");
                Problem::new(variable, what, format!("{fix}, or remove {variable}"))
            }));
        }
        unused
    }

    /// Reads the secrets, from files too; returns what cannot be read, by the secret's variable.
    fn read_secrets(&mut self, chosen: &Kind<P::Provider>) -> Vec<(&'static str, Problem)> {
        let mut unreadable = Vec::new();
        for setting in chosen.settings {
            let Some(file) = setting.file else { continue };
            let path = self.given.get(file.variable).map(Path::new);
            let value = self.given.get(setting.variable).map(String::as_str);
            match secret(setting.variable, value, path) {
                Ok(Some(secret)) => drop(self.given.insert(setting.variable, secret)),
                Ok(None) => {}
                Err(problem) => unreadable.push((setting.variable, problem)),
            }
        }
        unreadable
    }
}
