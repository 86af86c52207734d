//! The cost of processes: `cargo xtask bench orders`, `bench erp`, `bench prices`, `bench catalog` and `bench beside`.

use std::fmt::Display;

use clap::{Parser, Subcommand, ValueEnum};
use contracts::bulk::Rate;
use serde::Serialize;
use tests::bench::{self, Options, empty::Empty, sequential::SequentialOrder};
use tests::bulk;

/// Measures processes. Linux only.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Order processing beside a plain sequential variant of it.
    Orders(OrdersArguments),
    /// First and further syncs with ERPs of several sizes: records a second, events, payloads, memory.
    ///
    /// Each size has an ERP, a shop and a worker of its own, and four syncs: the first one; one of everything that
    /// finds nothing to write; one of ten changes; one in which every tenth product is invalid. Exits with 1 when a
    /// payload has 256 KiB, a run 10,000 events, a sync writes or quarantines more or less than it should, or the
    /// worker's most memory at the last size is above 1.3 × that at the first one or 20 MiB more.
    Erp(ErpArguments),
    /// Price runs of lists of several lengths: rows a second, requests, events, bytes, memory of each program.
    ///
    /// Exits with 1 when a run has more than 300 events or 0.003 look-ups a row; when a size has more than 1.1 × the
    /// requests, events or bytes a row of the size before it, takes more than 1.5 × the time a row, or 1.3 × the memory
    /// (or 20 MiB more) of worker, starter or sandbox; or when a million rows by the default pace would have more than
    /// 1,500 events.
    Prices(PricesArguments),
    /// Catalogues of several lengths, each set up twice, beside a plain client: requests, speed, events, memory.
    ///
    /// Exits with 1 when a product that is made costs more than 5.2 requests, or one that is unchanged more than 0.05;
    /// when the first run is slower than 0.7 × the plain client; when a run has more than 400 events or a payload of
    /// 256 KiB; or when the worker's memory is above 1.3 × that of the size before, or 20 MiB more.
    Catalog(CatalogArguments),
    /// Orders with and without a bulk run under way, in interleaved phases on one worker.
    ///
    /// Exits with 1 when an order's p95 is more than 1.2 × with the bulk run, or the bulk run did not keep its rate.
    Beside(BesideArguments),
    /// Runs as the worker of a bench.
    #[command(hide = true)]
    Worker {
        /// As `worker` takes them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        settings: Vec<String>,
    },
}

#[derive(clap::Args)]
struct OrdersArguments {
    /// Rounds of each process.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Orders of a round with many in flight.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    orders: u32,
    /// Orders of a round with one in flight.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    alone: u32,
    /// Orders in flight.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..))]
    in_flight: u16,
    /// Orders that wait for their payment while memory is read; 0 leaves that out.
    #[arg(long, default_value_t = 2_000)]
    waiting: u32,
    /// A further setting of the workers, as `worker --help` has it; can be repeated.
    #[arg(long, value_name = "--NAME=VALUE", allow_hyphen_values = true)]
    worker: Vec<String>,
    /// How the results are printed.
    #[arg(long, short, default_value = "text", value_enum)]
    output: Output,
}

#[derive(clap::Args)]
struct ErpArguments {
    /// Products of each ERP; the first and the last are compared.
    #[arg(long, value_name = "N,…", default_value = "10000,100000", value_delimiter = ',',
          value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    sizes: Vec<u32>,
    /// Leave out the stock level that each product has.
    #[arg(long)]
    no_levels: bool,
    /// Records a page; by default the process's own (500).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=500))]
    page_size: Option<u32>,
    /// Reads of 20 pages after which a run goes on as a new one; by default the process's own.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=400))]
    batches_per_run: Option<u32>,
    /// A further setting of the workers, as `worker --help` has it; can be repeated.
    #[arg(long, value_name = "--NAME=VALUE", allow_hyphen_values = true)]
    worker: Vec<String>,
    /// How the results are printed.
    #[arg(long, short, default_value = "text", value_enum)]
    output: Output,
}

#[derive(clap::Args)]
struct PricesArguments {
    /// Rows of each list; each size is compared with the one before it.
    #[arg(long, value_name = "N,…", default_value = "10000,100000,1000000", value_delimiter = ',',
          value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    sizes: Vec<u32>,
    /// Leave out the run with the default batches and delay, which takes three minutes.
    #[arg(long)]
    no_pace: bool,
    /// A further setting of the workers, as `worker --help` has it; can be repeated.
    #[arg(long, value_name = "--NAME=VALUE", allow_hyphen_values = true)]
    worker: Vec<String>,
    /// How the results are printed.
    #[arg(long, short, default_value = "text", value_enum)]
    output: Output,
}

#[derive(clap::Args)]
struct CatalogArguments {
    /// Products of each file; each size is compared with the one before it.
    #[arg(long, value_name = "N,…", default_value = "1000,10000", value_delimiter = ',',
          value_parser = clap::value_parser!(u32).range(10..=50_000))]
    sizes: Vec<u32>,
    /// A further setting of the workers, as `worker --help` has it; can be repeated.
    #[arg(long, value_name = "--NAME=VALUE", allow_hyphen_values = true)]
    worker: Vec<String>,
    /// How the results are printed.
    #[arg(long, short, default_value = "text", value_enum)]
    output: Output,
}

#[derive(clap::Args)]
struct BesideArguments {
    /// Rounds of one phase without and one with.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Orders of a phase.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    orders: u16,
    /// Orders in flight.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    in_flight: u16,
    /// Rows a second of the bulk run.
    #[arg(long, value_name = "N", default_value_t = u32::from(Rate::DEFAULT),
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// A further setting of the worker, as `worker --help` has it; can be repeated.
    #[arg(long, value_name = "--NAME=VALUE", allow_hyphen_values = true)]
    worker: Vec<String>,
    /// How the results are printed.
    #[arg(long, short, default_value = "text", value_enum)]
    output: Output,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    /// A table.
    Text,
    /// One document of JSON.
    Json,
}

fn main() -> anyhow::Result<()> {
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match Arguments::parse().command {
        Command::Orders(arguments) => runtime()?.block_on(orders(arguments)),
        Command::Erp(arguments) => runtime()?.block_on(erp(arguments)),
        Command::Prices(arguments) => runtime()?.block_on(prices(arguments)),
        Command::Catalog(arguments) => runtime()?.block_on(catalog(arguments)),
        Command::Beside(arguments) => runtime()?.block_on(beside(arguments)),
        Command::Worker { settings } => worker(settings),
    }
}

async fn orders(arguments: OrdersArguments) -> anyhow::Result<()> {
    let OrdersArguments { rounds, orders, alone, in_flight, waiting, worker, output } = arguments;
    let options = Options {
        rounds: rounds.into(),
        orders: orders as usize,
        alone: alone as usize,
        in_flight: in_flight.into(),
        waiting: waiting as usize,
        worker_settings: worker,
    };
    print(&bench::run(&options).await?, output)
}

async fn erp(arguments: ErpArguments) -> anyhow::Result<()> {
    let ErpArguments { sizes, no_levels, page_size, batches_per_run, worker, output } = arguments;
    let given = [("page_size", page_size), ("batches_per_run", batches_per_run)];
    let given = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
    let options =
        bench::erp::Options { sizes, levels: !no_levels, input: given.collect(), worker_settings: worker };
    let results = bench::erp::run(&options).await?;
    print(&results, output)?;
    let misses = results.misses();
    anyhow::ensure!(misses.is_empty(), "{} of what must hold does not", misses.len());
    Ok(())
}

async fn prices(arguments: PricesArguments) -> anyhow::Result<()> {
    let PricesArguments { sizes, no_pace, worker, output } = arguments;
    let options = bench::prices::Options { sizes, pace: !no_pace, worker_settings: worker };
    let results = bench::prices::run(&options).await?;
    print(&results, output)?;
    let misses = results.misses();
    anyhow::ensure!(misses.is_empty(), "{} of what must hold does not", misses.len());
    Ok(())
}

async fn catalog(arguments: CatalogArguments) -> anyhow::Result<()> {
    let CatalogArguments { sizes, worker, output } = arguments;
    let results = bench::catalog::run(&bench::catalog::Options { sizes, worker_settings: worker }).await?;
    print(&results, output)?;
    let misses = results.misses();
    anyhow::ensure!(misses.is_empty(), "{} of what must hold does not", misses.len());
    Ok(())
}

async fn beside(arguments: BesideArguments) -> anyhow::Result<()> {
    let BesideArguments { rounds, orders, in_flight, rate, worker, output } = arguments;
    let options = bench::beside::Options {
        rounds: rounds.into(),
        orders: orders.into(),
        in_flight: in_flight.into(),
        rate: Rate::try_from(rate)?,
        worker_settings: worker,
    };
    let results = bench::beside::run(&options).await?;
    print(&results, output)?;
    let misses = results.misses();
    anyhow::ensure!(misses.is_empty(), "{}", misses.join("; "));
    Ok(())
}

fn print(results: &(impl Display + Serialize), output: Output) -> anyhow::Result<()> {
    match output {
        Output::Text => print!("{results}"),
        Output::Json => println!("{}", serde_json::to_string_pretty(results)?),
    }
    Ok(())
}

/// The shipped worker, which knows some processes more.
fn worker(settings: Vec<String>) -> anyhow::Result<()> {
    let config = worker::Config::try_parse_from(std::iter::once("worker".to_owned()).chain(settings))?;
    let settings = config.check().map_err(|problems| anyhow::anyhow!("{problems}"))?;
    worker::log::init(&settings);
    let runtime = worker::runtime(&settings)?;
    // Its end is the bench's: whoever started it kills it.
    let adjust = bulk::adjust(&settings)?;
    runtime.block_on(worker::run_with(settings, std::future::pending(), |options, bulk| {
        adjust(options, bulk)?;
        options.register_workflow::<SequentialOrder>()?;
        options.register_workflow::<Empty>()?;
        Ok(())
    }))
}
