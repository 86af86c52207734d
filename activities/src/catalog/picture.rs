//! Whether a file is a whole picture: by its first bytes, its size in pixels and its end. Nothing is decoded.

/// Bytes of a picture at most.
pub(super) const BYTES_MAX: u64 = contracts::catalog::PICTURE_BYTES_MAX;
/// Pixels at most: whoever decodes it needs four bytes for each.
const PIXELS_MAX: u64 = 100_000_000;

/// A kind of picture that shops show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Jpeg,
    Png,
    WebP,
    Gif,
}

impl Format {
    pub(super) fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Gif => "image/gif",
        }
    }

    /// The ending of its name at the shop, whatever the file was called.
    pub(super) fn ending(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Gif => "gif",
        }
    }
}

/// The format of a picture.
///
/// # Errors
/// Why it is not one that can be shown, in words for the report.
pub(super) fn check(bytes: &[u8]) -> Result<Format, String> {
    let format = begins(bytes)?;
    if !is_whole(format, bytes) {
        return Err(INCOMPLETE.to_owned());
    }
    let size = imagesize::blob_size(bytes).map_err(|_| "does not say how large it is".to_owned())?;
    let pixels = (size.width as u64).saturating_mul(size.height as u64);
    if pixels == 0 || pixels > PIXELS_MAX {
        let (width, height) = (size.width, size.height);
        return Err(format!("has {width} × {height} pixels; at most {PIXELS_MAX} altogether are taken"));
    }
    Ok(format)
}

/// Of a picture of which the end is missing.
pub(super) const INCOMPLETE: &str = "is incomplete: its end is missing";

/// The format by the first bytes, whatever follows.
///
/// # Errors
/// That they are not the first bytes of a picture.
pub(super) fn begins(bytes: &[u8]) -> Result<Format, String> {
    let why = "is not a picture: its first bytes are none of JPEG, PNG, WebP or GIF";
    format(bytes).ok_or_else(|| why.to_owned())
}

fn format(bytes: &[u8]) -> Option<Format> {
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => Some(Format::Jpeg),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Format::WebP),
        _ if bytes.starts_with(b"\x89PNG\r\n\x1a\n") => Some(Format::Png),
        _ if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") => Some(Format::Gif),
        _ => None,
    }
}

/// Whether the end is there: the end mark, or as many bytes as its container says. Cameras write more behind it.
fn is_whole(format: Format, bytes: &[u8]) -> bool {
    let has = |mark: &[u8]| bytes.windows(mark.len()).rev().any(|window| window == mark);
    match format {
        Format::Jpeg => has(&[0xFF, 0xD9]),
        Format::Png => has(b"IEND\xAE\x42\x60\x82"),
        Format::Gif => bytes.iter().rev().find(|byte| **byte != 0) == Some(&0x3B),
        Format::WebP => {
            let says = bytes.get(4..8).and_then(|size| size.try_into().ok()).map(u32::from_le_bytes);
            says.is_some_and(|says| bytes.len() as u64 >= u64::from(says) + 8)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of one pixel.
    const PNG: &[u8] = &[
        0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 0x0D, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0,
        0, 0, 1, 8, 6, 0, 0, 0, 0x1F, 0x15, 0xC4, 0x89, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xAE, 0x42, 0x60,
        0x82,
    ];
    const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xFF\xFF\xFF;";

    fn jpeg(width: u16, height: u16) -> Vec<u8> {
        let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xC0, 0, 0x11, 8];
        bytes.extend(height.to_be_bytes());
        bytes.extend(width.to_be_bytes());
        bytes.extend([3, 1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1, 0xFF, 0xD9]);
        bytes
    }

    #[test]
    fn the_first_bytes_decide_whatever_the_name() {
        assert_eq!(check(PNG), Ok(Format::Png));
        assert_eq!(check(GIF), Ok(Format::Gif));
        assert_eq!(check(&jpeg(3, 2)), Ok(Format::Jpeg));
        for other in
            [&b"PK\x03\x04zip"[..], b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"", b"RIFF\0\0\0\0WAVE"]
        {
            assert!(check(other).is_err_and(|why| why.starts_with("is not a picture")), "{other:?}");
        }
    }

    /// C4
    #[test]
    fn a_picture_that_is_cut_is_incomplete() {
        let whole = jpeg(3, 2);
        for cut in [&PNG[..PNG.len() - 4], &GIF[..GIF.len() - 1], &whole[..whole.len() - 2]] {
            assert_eq!(check(cut), Err("is incomplete: its end is missing".to_owned()));
        }
        let mut webp = b"RIFF\x20\0\0\0WEBPVP8 ".to_vec();
        assert_eq!(check(&webp), Err("is incomplete: its end is missing".to_owned()));
        webp.resize(0x28, 0);
        assert!(check(&webp).is_err_and(|why| !why.starts_with("is incomplete")));
    }

    #[test]
    fn a_small_file_may_claim_a_huge_picture() {
        let said = check(&jpeg(50_000, 50_000)).expect_err("refused");
        assert_eq!(said, "has 50000 × 50000 pixels; at most 100000000 altogether are taken");
    }
}
