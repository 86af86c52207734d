//! Where the files lie: what a folder of this machine and a bucket can both do.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, Write as _};
use std::path::PathBuf;
use std::time::SystemTime;

/// A file that was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Its name, without a folder.
    pub(super) name: String,
    /// When it was last written.
    pub(super) changed: SystemTime,
    /// Another one as soon as the file is written again, if the place knows such a thing.
    pub(super) version: Option<String>,
}

/// The fate of a file that was to be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// It is there now, and only there.
    Yes,
    /// It was written again meanwhile: what was found is there now, and what came after it is where it was.
    AndWrittenAgain,
    /// It is not there any more.
    Missing,
}

/// Something to read, by bytes.
pub(super) trait Content: Read + Seek + Send {}

impl<T: Read + Seek + Send> Content for T {}

/// A place of files, and folders in it. Names are relative: `products.csv`, `claimed/…`. All of it blocks.
pub(super) trait Place: Send + Sync {
    /// Makes the folders; fails when the place itself is not there or does not let us in.
    fn prepare(&self, folders: &[&str]) -> io::Result<()>;

    /// The files right in a folder; `""`: right in the place. A folder that is not there has none.
    fn list(&self, folder: &str) -> io::Result<Vec<Found>>;

    /// Whether there is a file of that name.
    fn is_there(&self, name: &str) -> io::Result<bool>;

    /// Moves a file, as it was `found`.
    fn rename(&self, from: &str, found: Option<&Found>, to: &str) -> io::Result<Moved>;

    /// Removes a file; nothing there is a success.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// A small file that is read and written anew; nobody else has it meanwhile.
    fn note(&self, name: &str) -> io::Result<Box<dyn Note + '_>>;

    /// A file to read from its beginning, at an offset of the reader's own.
    fn open(&self, name: &str) -> io::Result<Box<dyn Content>>;
}

/// A small file.
pub(super) trait Note {
    /// Its text; nothing, when it is new.
    fn read(&mut self) -> io::Result<String>;
    /// Says something else, and that lasts.
    fn write(&mut self, text: &str) -> io::Result<()>;
}

/// A folder of this machine, or one that is mounted.
pub(super) struct Disk(pub(super) PathBuf);

impl Place for Disk {
    /// The folder itself must be there: one that we make would hide a missing mount.
    fn prepare(&self, folders: &[&str]) -> io::Result<()> {
        if !fs::metadata(&self.0)?.is_dir() {
            return Err(io::Error::new(ErrorKind::NotADirectory, "erp_endpoint names a file"));
        }
        folders.iter().try_for_each(|name| fs::create_dir_all(self.0.join(name)))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        let entries = match fs::read_dir(self.0.join(folder)) {
            Err(error) if error.kind() == ErrorKind::NotFound && !folder.is_empty() => return Ok(found),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            // An export's name is UTF-8.
            let Ok(name) = entry.file_name().into_string() else { continue };
            if !entry.file_type()?.is_file() {
                continue;
            }
            match entry.metadata().and_then(|about| about.modified()) {
                Err(error) if error.kind() == ErrorKind::NotFound => {} // taken away meanwhile
                changed => found.push(Found { name, changed: changed?, version: None }),
            }
        }
        Ok(found)
    }

    fn is_there(&self, name: &str) -> io::Result<bool> {
        Ok(self.0.join(name).is_file())
    }

    /// Whole or not at all.
    fn rename(&self, from: &str, _: Option<&Found>, to: &str) -> io::Result<Moved> {
        match fs::rename(self.0.join(from), self.0.join(to)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Moved::Missing),
            renamed => renamed.map(|()| Moved::Yes),
        }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.0.join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Locked until it is dropped, however that happens.
    fn note(&self, name: &str) -> io::Result<Box<dyn Note + '_>> {
        let path = self.0.join(name);
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        file.lock()?;
        Ok(Box::new(file))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Content>> {
        Ok(Box::new(File::open(self.0.join(name))?))
    }
}

impl Note for File {
    fn read(&mut self) -> io::Result<String> {
        let mut text = String::new();
        self.rewind()?;
        self.read_to_string(&mut text)?;
        Ok(text)
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.set_len(0)?;
        self.rewind()?;
        self.write_all(text.as_bytes())?;
        self.sync_data()
    }
}
