//! The worker: config → clients → registry → run until told to stop. `worker --help` is its reference.

use std::process::ExitCode;

use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};
use worker::{Config, log};

fn main() -> ExitCode {
    let config = match Config::try_parse() {
        Ok(config) => config,
        Err(error) => {
            let _printed = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let settings = match config.check() {
        Ok(settings) => settings,
        Err(problems) => {
            eprintln!("worker: the configuration is wrong, nothing was started:\n{problems}");
            return ExitCode::from(2);
        }
    };
    log::init(&settings);
    match run(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(settings: worker::Settings) -> anyhow::Result<()> {
    worker::runtime(&settings)?.block_on(async {
        let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let stop = async move {
            tokio::select! {
                _ = term.recv() => tracing::info!("SIGTERM: draining"),
                _ = interrupt.recv() => tracing::info!("interrupted: draining"),
            }
        };
        Box::pin(worker::run(settings, stop)).await
    })
}
