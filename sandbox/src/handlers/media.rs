//! Pictures: uploaded with their bytes, described, shown, and bound to products.

mod images;
mod read;
mod upload;
mod write;

pub(crate) use images::first_image;
pub(super) use images::{Image, images_of, put_images};
pub(crate) use read::bytes;
pub(super) use read::{get, list};
pub(super) use upload::upload;
pub(super) use write::{delete, update};
