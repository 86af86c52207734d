//! Records the history of each scenario that has none yet into `tests/histories/`: `cargo xtask record`.
//!
//! A history that is there is never touched: it stands for runs that are under way somewhere.

use std::path::Path;

use tests::scenarios;
use tests::world::World;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("histories");
    std::fs::create_dir_all(&folder)?;
    let list = folder.join("SHA256SUMS");
    for scenario in scenarios::all() {
        let name = format!("{}.json", scenario.name);
        if folder.join(&name).exists() {
            continue;
        }
        let world = World::new().await?;
        let workflow_id = (scenario.play)(&world).await?;
        let history = world.attach_run(&workflow_id).history_json().await?;
        std::fs::write(folder.join(&name), &history)?;
        let mut sums = std::fs::read_to_string(&list).unwrap_or_default();
        sums.push_str(&format!("{}  {name}\n", scenarios::checksum(&history)));
        std::fs::write(&list, sums)?;
        println!("recorded {name}: {} bytes", history.len());
    }
    Ok(())
}
