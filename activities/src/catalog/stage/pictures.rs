//! Pictures: those that are web addresses are fetched, all of them are compared, and products find them by what they
//! call them.

use std::collections::{BTreeMap, BTreeSet};

use contracts::catalog::paths::{Found, Paths, file_parts, is_web};
use contracts::catalog::{Given, Image, List, RowOutcome, StageImages, StagedRows};

use super::Staging;
use crate::bulk::{PartsWriter, Trouble};
use crate::catalog::compared::Compared;
use crate::catalog::images::Images;
use crate::catalog::listing::{Asked, Place};
use crate::catalog::products::Urls;

/// The pictures that products may name.
pub(super) struct Pictures {
    paths: Paths,
    /// Their hashes; none of one that could not be fetched.
    hashes: Vec<String>,
}

impl Pictures {
    /// The hash of the picture that a name means; none of one that could not be fetched, which costs itself alone.
    pub(super) fn find(&self, name: &str) -> Result<String, String> {
        match self.paths.find(&file_parts(name)) {
            Found::One(place) => Ok(self.hashes.get(place).cloned().unwrap_or_default()),
            Found::None => Err(format!("its picture '{name}' is not among the images")),
            Found::Several(places) => {
                let paths: Vec<String> = places.iter().map(|place| self.paths.at(*place).join("/")).collect();
                Err(format!("its picture '{name}' could be {}: write the path", paths.join(" or ")))
            }
        }
    }
}

/// Contents that are asked about, and those among them that several files have.
#[derive(Default)]
struct Contents {
    asked: Asked,
    twice: BTreeSet<String>,
}

impl Contents {
    fn add(&mut self, sha256: &str) {
        if !self.asked.add(sha256) {
            self.twice.insert(sha256.to_owned());
        }
    }
}

impl Staging<'_> {
    pub(in crate::catalog) async fn images(&self, input: &StageImages) -> Result<StagedRows, Trouble> {
        let mut batch = Compared::default();
        batch.leave_out(&input.wrong)?;
        let (mut contents, mut addresses, mut place) = (Contents::default(), Vec::new(), 0);
        let mut source = self.source(&input.images).await?;
        while let Some(images) = source.some().await? {
            for image in images {
                match &image.content {
                    Some(content) => contents.add(&content.sha256),
                    None if is_web(&image.file_path) => addresses.push((place, image.file_path)),
                    None => {}
                }
                place += 1;
            }
        }
        let mut fetched = self.web.fetch_all(self.ctx, self.store, self.folder, addresses).await?;
        for content in fetched.values().flatten() {
            contents.add(&content.sha256);
        }
        let Contents { asked, twice } = contents;
        let kind = Images::new(self.shop, Place { store: self.store, folder: self.folder }, asked);
        // Two files of one content are one picture at the shop, which is described as the first one is.
        let mut first: BTreeMap<String, (Given<String>, Option<Vec<String>>)> = BTreeMap::new();
        let (mut pictures, mut place) = (PartsWriter::default(), 0);
        let mut source = self.source(&input.images).await?;
        while let Some(images) = source.some().await? {
            let (mut rows, mut missing) = (Vec::with_capacity(images.len()), Vec::new());
            for mut image in images {
                match fetched.remove(&place) {
                    Some(Ok(content)) => image.content = Some(content),
                    Some(Err(cause)) => batch.turn_away(pictured(&image), cause)?,
                    None => {}
                }
                place += 1;
                if twice.contains(image.sha256()) {
                    let said = first.entry(image.sha256().to_owned());
                    let (alt_text, tags) =
                        said.or_insert_with(|| (image.alt_text.clone(), image.tags.clone()));
                    image.alt_text.clone_from(alt_text);
                    image.tags.clone_from(tags);
                }
                if image.content.is_some() { rows.push(image) } else { missing.push(image) }
            }
            // Where the shop serves each picture that can be there; `None`: it is to be uploaded.
            let mut urls: BTreeMap<String, Option<String>> = BTreeMap::new();
            self.compare(&kind, &rows, &mut batch, |_, row, now| {
                urls.insert(row.sha256().to_owned(), now.map(|now| now.url.clone()));
            })
            .await?;
            for mut row in rows.into_iter().chain(missing) {
                match urls.get(row.sha256()) {
                    Some(url) => row.url.clone_from(url),
                    // One that cannot be uploaded costs itself alone: whoever names it keeps the pictures that it has.
                    None => row.content = None,
                }
                pictures.push(&row)?;
            }
            pictures.put_part(self.store, self.folder).await?;
        }
        let pictures = pictures.finish(self.store, self.folder).await?;
        Ok(StagedRows { pictures, ..batch.finish(self).await? })
    }

    /// The pictures that products may name, and where the shop serves those that it has.
    pub(super) async fn pictures(&self, list: &List<Image>) -> Result<(Pictures, Urls), Trouble> {
        let (mut paths, mut hashes, mut urls) = (Vec::new(), Vec::new(), Urls::new());
        let mut source = self.source(list).await?;
        while let Some(images) = source.some().await? {
            for image in images {
                let hash = image.sha256().to_owned();
                urls.extend(image.url.map(|url| (hash.clone(), url)));
                paths.push(file_parts(&image.file_path));
                hashes.push(hash);
            }
        }
        Ok((Pictures { paths: Paths::new(paths), hashes }, urls))
    }
}

fn pictured(image: &Image) -> RowOutcome {
    RowOutcome { row: image.row, original_path: Some(image.file_path.clone()), ..RowOutcome::default() }
}
