//! Random changes, which follow from a seed alone.

/// A stream of random numbers (SplitMix64): good enough to choose by, and the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 below 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % limit).unwrap_or_default()
    }

    pub(crate) fn choose<'c, T>(&mut self, choices: &'c [T]) -> &'c T {
        &choices[self.below(choices.len())]
    }
}

/// Signs that have surprised readers before.
const SURPRISES: &[&[u8]] = &[
    b"\"",
    b"\"\"",
    b"\\",
    b"\\\"",
    b",",
    b";",
    b"\t",
    b"|",
    b"\r\n",
    b"\n",
    b"\r",
    b"'",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"null",
    b"true",
    b"0",
    b"-0",
    b"1e400",
    b"-1",
    b"00",
    b"0.1",
    b"1,000",
    b"1.250.000",
    b"9999999999999999999",
    b"NaN",
    b"inf",
    b"\xEF\xBB\xBF",
    b"\xFF\xFE",
    b"\x00",
    b"\x80",
    b"\xE2\x80\xAE",
    b"\xE2\x80\x8B",
    b"\xCC\x81",
    b"\xF0\x9F\x91\x98",
    b"<",
    b">",
    b"</c>",
    b"</row>",
    b"<row/>",
    b"<c/>",
    b"&amp;",
    b"&#0;",
    b"&x;",
    b"%",
    b"#N/A",
    b"@",
    b"+84",
    b"(0)",
    b"..",
    b"xn--",
    b"\xEF\xBC\xA0",
    b"\xEF\xBC\x8B",
    b"sep=",
    b"XFD1048576",
    b"A1:A1048576",
    b" r=\"A1\"",
    b" t=\"e\"",
    b" t=\"s\"",
    b" s=\"2\"",
    b"_x000D_",
    b"\"from\"",
    b"\"lookup\"",
    b"\"zone\"",
];

/// One of the examples with some changes, or as it is.
pub(crate) fn changed(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = random.choose(corpus).clone();
    for _ in 0..random.below(9) {
        let (at, length) = (random.below(bytes.len() + 1), random.below(24));
        let ends = (at + length).min(bytes.len());
        match random.below(7) {
            0 => drop(bytes.splice(at..at, random.choose(SURPRISES).iter().copied())),
            1 => drop(bytes.splice(at..ends, random.choose(SURPRISES).iter().copied())),
            2 => drop(bytes.drain(at..ends)),
            3 => {
                let piece = bytes[at..ends].to_vec();
                let to = random.below(bytes.len() + 1);
                drop(bytes.splice(to..to, piece));
            }
            4 => {
                let other = random.choose(corpus);
                let from = random.below(other.len() + 1);
                let piece = other[from..(from + length).min(other.len())].to_vec();
                drop(bytes.splice(at..at, piece));
            }
            5 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            _ => bytes.truncate(if random.below(8) == 0 { at } else { bytes.len() }),
        }
    }
    bytes
}
