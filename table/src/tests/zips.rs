//! Workbooks as no program writes them: zips by hand.

use std::io::Write as _;

use flate2::Crc;
use flate2::write::DeflateEncoder;

/// A part, and how its directory entry differs from the truth.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) content: Vec<u8>,
    pub(super) said_bytes: Option<u32>,
    pub(super) said_checksum: Option<u32>,
    pub(super) is_encrypted: bool,
    pub(super) is_stored: bool,
}

pub(super) fn part(name: &str, content: impl Into<Vec<u8>>) -> Part {
    Part {
        name: name.to_owned(),
        content: content.into(),
        said_bytes: None,
        said_checksum: None,
        is_encrypted: false,
        is_stored: false,
    }
}

fn short(bytes: &mut Vec<u8>, numbers: &[usize]) {
    for number in numbers {
        bytes.extend(u16::try_from(*number).expect("16 bits").to_le_bytes());
    }
}

fn word(bytes: &mut Vec<u8>, numbers: &[usize]) {
    for number in numbers {
        bytes.extend(u32::try_from(*number).expect("32 bits").to_le_bytes());
    }
}

/// Packs parts, with a directory behind them.
pub(super) fn zip(parts: &[Part]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for part in parts {
        let mut checksum = Crc::new();
        checksum.update(&part.content);
        let packed = match part.is_stored {
            true => part.content.clone(),
            false => {
                let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::best());
                encoder.write_all(&part.content).expect("packed");
                encoder.finish().expect("packed")
            }
        };
        let begins = file.len();
        let sum = part.said_checksum.unwrap_or(checksum.sum()) as usize;
        let bytes = part.said_bytes.map_or(part.content.len(), |bytes| bytes as usize);
        let (flags, method) = (usize::from(part.is_encrypted), if part.is_stored { 0 } else { 8 });
        file.extend(b"PK\x03\x04");
        short(&mut file, &[20, flags, method, 0, 0]);
        word(&mut file, &[sum, packed.len(), bytes]);
        short(&mut file, &[part.name.len(), 0]);
        file.extend(part.name.as_bytes());
        file.extend(&packed);
        directory.extend(b"PK\x01\x02");
        short(&mut directory, &[20, 20, flags, method, 0, 0]);
        word(&mut directory, &[sum, packed.len(), bytes]);
        short(&mut directory, &[part.name.len(), 0, 0, 0, 0]);
        word(&mut directory, &[0, begins]);
        directory.extend(part.name.as_bytes());
    }
    let begins = file.len();
    file.extend(&directory);
    file.extend(b"PK\x05\x06");
    short(&mut file, &[0, 0, parts.len(), parts.len()]);
    word(&mut file, &[directory.len(), begins]);
    short(&mut file, &[0]);
    file
}

/// The parts around a sheet called Prices; `workbook` stands beside its sheets.
pub(super) fn around(sheet: &str, workbook: &str) -> Vec<Part> {
    let types = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relations = |relations: &[(&str, &str, &str)]| {
        let each = relations.iter().map(|(id, kind, target)| {
            format!("<Relationship Id=\"{id}\" Type=\"{types}/{kind}\" Target=\"{target}\"/>")
        });
        format!("<Relationships>{}</Relationships>", each.collect::<String>())
    };
    let book = format!(
        "<workbook xmlns:r=\"{types}\"><sheets><sheet name=\"Prices\" sheetId=\"1\" r:id=\"a\"/></sheets>{workbook}</workbook>"
    );
    let styles = "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"0.0%\"/><numFmt numFmtId=\"165\" \
                  formatCode=\"0000\"/></numFmts><cellStyleXfs><xf numFmtId=\"9\"/></cellStyleXfs><cellXfs>\
                  <xf numFmtId=\"0\"/><xf numFmtId=\"164\"/><xf numFmtId=\"14\"/><xf numFmtId=\"22\"/>\
                  <xf numFmtId=\"165\"/></cellXfs></styleSheet>";
    vec![
        part("_rels/.rels", relations(&[("r", "officeDocument", "xl/workbook.xml")])),
        part("xl/workbook.xml", book),
        part(
            "xl/_rels/workbook.xml.rels",
            relations(&[
                ("a", "worksheet", "worksheets/sheet1.xml"),
                ("b", "styles", "styles.xml"),
                ("c", "sharedStrings", "/xl/sharedStrings.xml"),
            ]),
        ),
        part("xl/styles.xml", styles),
        part(
            "xl/sharedStrings.xml",
            "<sst uniqueCount=\"99999999999999\"><si><t>sku</t></si><si><r><t>pri</t></r><r><t>ce</t></r></si>\
             <si><t>東京</t><rPh><t>トウキョウ</t></rPh></si><si/></sst>",
        ),
        part("xl/worksheets/sheet1.xml", format!("<worksheet>{sheet}</worksheet>")),
    ]
}

/// A workbook of one sheet, by the XML of its rows and by what stands behind them.
pub(super) fn sheet(rows: &str, behind: &str) -> Vec<u8> {
    zip(&around(&format!("<sheetData>{rows}</sheetData>{behind}"), ""))
}
